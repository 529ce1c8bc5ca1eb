"""What happens around the technical end: notices, steps only people can do, settlement, replacement, evaluation."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from crmstate.manifest.field import Email, FilePath, Ident, Language, Part, Period, Point, Proof, Text, When
from crmstate.manifest.reference import Reference


class Decision(Part):
    """Whether customers are told: written, with a reason."""

    told: bool = Field(description="true: they are told; false: they are not.")
    why: Text = Field(description="The reason, either way.")


class FromFile(Part):
    """Recipients from a file."""

    file: FilePath = Field(description="A CSV file inside the manifest's folder.")
    faulty_rows: Literal["refuse", "leave_out"] = Field(
        "refuse",
        description="A row that is no address, or that comes again: refuse the file, or leave the row out and count it.",
    )


class FromDataset(Part):
    """Recipients from the CRM itself."""

    dataset: Text = Field(description="The dataset, such as Contacts.")
    field: Text = Field(description="The field that holds the address, such as Email.")


class Notice(Part):
    """A message to people who are affected."""

    id: Ident | None = Field(None, description="A short, stable name; left out, such as staff-mail.")
    to: Literal["staff", "partners", "customers"] = Field(description="Who is told.")
    decision: Decision | None = Field(None, description="Required for customers: whether they are told, and why.")
    channel: Literal["mail", "webhook"] | None = Field(None, description="mail, or a chat robot's webhook.")
    recipients: FromFile | FromDataset | None = Field(
        None,
        description="For mail: {file: staff.csv} or {dataset: Contacts, field: Email}. Left out for staff: the CRM's active users.",
    )
    opt_out: FilePath | None = Field(
        None, description="A CSV file of those who want no mail, inside the manifest's folder."
    )
    url: Reference | None = Field(None, description="For a webhook: a reference to its address, which is a secret.")
    robot: Literal["wecom", "dingtalk", "feishu", "slack", "teams"] | None = Field(
        None, description="For a webhook: whose chat it is. Left out, its host tells."
    )
    secret: Reference | None = Field(None, description="For DingTalk and Feishu: a reference to the secret that signs.")
    keyword: Text | None = Field(None, description="For a robot that asks for a keyword: every message begins with it.")
    template: Text | None = Field(None, description="The template's name; left out, the one for these people.")
    language: Language | None = Field(None, description="The language, such as en or zh-CN.")
    send: When | None = Field(None, description="When: `30 days before freeze`, or a day.")
    feedback_owner: Email | None = Field(None, description="Who answers replies.")


class Mail(Part):
    """The server that takes the mail of notices."""

    host: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9.:-]+$")] = Field(
        description="The server. The operator must allow it, unless it is this machine."
    )
    port: Annotated[int, Field(ge=1, le=65535)] = Field(587, description="587 for STARTTLS, 465 for TLS.")
    tls: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="none: for this machine alone, or where the operator allows smtp://host."
    )
    sender: Email = Field(description="The address that mails come from.")
    name: Text | None = Field(None, description="The name beside it.")
    user: Reference | None = Field(None, description="A reference to the user name, where the server asks for one.")
    password: Reference | None = Field(None, description="A reference to the password.")
    per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = Field(120, description="How many mails a minute at most.")


class Person(Part):
    """A step that only a person can do, and what proves it."""

    id: Ident = Field(description="A short, stable name; `before` and `after` refer to it.")
    title: Text = Field(description="What is to be done.")
    owner: Email = Field(description="Who does it.")
    proof: Proof = Field(
        "attested",
        description="attested: a named person says so; acknowledged: the vendor does; certified: a document does.",
    )
    files: Literal["required", "optional"] = Field(
        "optional", description="required: evidence files must be handed in."
    )
    before: Point | None = Field(None, description="The milestone, or the `people` id, that waits for this.")
    after: Point | None = Field(None, description="The milestone, or the `people` id, that this waits for.")
    due: When | None = Field(None, description="When it is due: a day, or `5 days before freeze`.")


class RemindersSection(Part):
    """Who is told in time, and whom it concerns when nobody answers."""

    before: Period | None = Field(
        None, description="How long before a step is due its owner is reminded, once; 7 days if left out."
    )
    escalate_after: Period | None = Field(
        None,
        description="How long the vendor may be silent after a request or its last acknowledgement, or a day that it named, "
        "before the manifest's owner is told, once.",
    )


class Settlement(Part):
    """Invoices, overcharge, refund: settled in writing."""

    owner: Email = Field(description="Who settles.")
    due: When | None = Field(None, description="When: `30 days after cancel_effective`, or a day.")


class Acceptance(Part):
    """Somebody accepted the migration."""

    proof: Proof = Field("attested", description="How it is proved.")
    owner: Email = Field(description="Who accepts.")


class Migrated(Part):
    """One dataset that moves to the replacement."""

    dataset: Text = Field(description="The dataset here.")
    to: Text = Field(description="Where it goes there.")
    check: Annotated[list[Literal["counts", "fields"]], Field(min_length=1)] | None = Field(
        None, description="What is compared afterwards."
    )


class Replacement(Part):
    """What comes afterwards."""

    decision: Literal["adopted", "none", "open"] = Field(
        description="adopted: purge and cancel wait for the migration's acceptance."
    )
    system: Text | None = Field(None, description="The new system.")
    criteria: Text | None = Field(None, description="Where the assessment is written down.")
    accepted: Acceptance | None = Field(None, description="Who accepts the migration, and how it is proved.")
    migrate: Annotated[list[Migrated], Field(min_length=1)] | None = Field(
        None, description="What moves, with its checks."
    )


class Evaluation(Part):
    """Looking back."""

    after: Period = Field(description="How long after the end, such as `90 days`.")
    measures: Annotated[list[Text], Field(min_length=1)] = Field(
        description="What is looked at: cost, response_time, satisfaction ..."
    )
    owner: Email = Field(description="Who evaluates.")

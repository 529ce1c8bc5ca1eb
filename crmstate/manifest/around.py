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


class FromDataset(Part):
    """Recipients from the CRM itself."""

    dataset: Text = Field(description="The dataset, such as Contacts.")
    field: Text = Field(description="The field that holds the address, such as Email.")


class Notice(Part):
    """A message to people who are affected."""

    to: Literal["staff", "partners", "customers"] = Field(description="Who is told.")
    decision: Decision | None = Field(None, description="Required for customers: whether they are told, and why.")
    channel: Literal["mail", "webhook"] | None = Field(None, description="mail, or a chat robot's webhook.")
    recipients: FromFile | FromDataset | None = Field(
        None, description="For mail: {file: staff.csv} or {dataset: Contacts, field: Email}."
    )
    url: Reference | None = Field(None, description="For a webhook: a reference to its address, which is a secret.")
    template: Text | None = Field(None, description="The template's name; left out, the one for these people.")
    language: Language | None = Field(None, description="The language, such as en or zh-CN.")
    send: When | None = Field(None, description="When: `30 days before freeze`, or a day.")
    feedback_owner: Email | None = Field(None, description="Who answers replies.")


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

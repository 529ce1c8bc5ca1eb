"""Model: a manifest that has been read and found right. `schema.py` generates the JSON Schema from these classes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from crmstate.manifest.around import Evaluation, Mail, Notice, Person, Replacement, Settlement
from crmstate.manifest.contract import Contract
from crmstate.manifest.ending import EndState
from crmstate.manifest.field import Count, Email, Name, Part, Text, Time
from crmstate.manifest.reference import ProviderSection


class Reason(Part):
    """The true reason, used wherever the vendor asks for one."""

    code: Literal["replaced", "cost", "unused", "quality", "compliance", "merger", "closing", "other"] = Field(
        description="The reason in one word."
    )
    text: Text = Field(description="The reason in a sentence.")


class Expect(Part):
    """Counts that the tenant must show; another count means another tenant, and is refused."""

    users: Count | None = Field(None, description="Users, the inactive ones included.")
    sessions: Count | None = Field(None, description="Signed-in sessions.")
    api_keys: Count | None = Field(None, description="Keys of the API.")
    integrations: Count | None = Field(None, description="Webhooks, OAuth apps, workflows.")
    datasets: Count | None = Field(None, description="Datasets.")


class Cutover(Part):
    """The point after which nobody works in the old system."""

    freeze: Time = Field(
        description="Nothing that takes access or data away starts before it: 2026-12-15T18:00, or `now`."
    )


class Approvals(Part):
    """How many named people must approve."""

    irreversible: Annotated[int, Field(ge=0, le=20)] = Field(0, description="Approvals for the irreversible steps.")


class SafeguardsSection(Part):
    """Ceilings and approvals."""

    max_removals: Count | None = Field(None, description="How many people and things may lose access in one plan.")
    approvals: Approvals | None = Field(None, description="How many named people must approve.")
    require_plan_id: bool = Field(False, description="Apply only a plan that was named by its id.")


class Privacy(Part):
    """How people are shown."""

    mask_people: bool = Field(
        False, description="Whether names and addresses of people are masked in plans and reports."
    )


class StateSection(Part):
    """Where the state lies."""

    backend: Literal["local", "s3"] = Field(description="local: .crmstate/ beside the manifest; s3: a bucket.")
    location: Annotated[str, Field(min_length=6, max_length=500, pattern=r"^s3://[^\s?#]+$")] | None = Field(
        None, description="For s3: s3://bucket/prefix."
    )


class Manifest(Part):
    """How a CRM account should end. A missing key is unmanaged; removing a line never deletes anything."""

    apiVersion: Literal["crmstate/v1"] = Field(description="The version of this format.")
    kind: Literal["Decommission"] = Field(description="What this file is.")
    name: Name = Field(description="Names the state; stable. Lower-case letters, digits and hyphens.")
    reason: Reason | None = Field(None, description="The true reason.")
    owner: Email | None = Field(None, description="Who answers for the whole.")
    provider: ProviderSection = Field(description="The vendor account.")
    expect: Annotated[Expect, Field(json_schema_extra={"minProperties": 1})] | None = Field(
        None, description="Refuse a tenant that looks different."
    )
    contract: Contract | None = Field(None, description="Term, notice, price, clauses.")
    cutover: Cutover | None = Field(None, description="Required once access or data is to go.")
    end_state: EndState = Field(description="How everything should end.")
    notices: Annotated[list[Notice], Field(min_length=1)] | None = Field(None, description="Who is told, when.")
    mail: Mail | None = Field(None, description="The server that takes the mail of notices.")
    people: Annotated[list[Person], Field(min_length=1)] | None = Field(None, description="Steps only a person can do.")
    settlement: Settlement | None = Field(None, description="Invoices and refunds.")
    replacement: Replacement | None = Field(None, description="What comes afterwards.")
    evaluation: Evaluation | None = Field(None, description="Looking back.")
    safeguards: SafeguardsSection | None = Field(None, description="Ceilings and approvals.")
    privacy: Privacy | None = Field(None, description="How people are shown.")
    state: StateSection | None = Field(None, description="Where the state lies.")

"""The end_state section, without its data: how subscription, people, keys, modules and account should end."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from crmstate.manifest.data import DataEnd
from crmstate.manifest.field import Day, Part, Remote, Text

_ONE_OF: dict[str, Any] = {"oneOf": [{"required": ["id"]}, {"required": ["email"]}, {"required": ["name"]}]}


class OnDate(Part):
    """A day, as the effective date."""

    date: Day = Field(description="The last day, such as 2026-12-31.")


Effective = Literal["immediately", "end_of_term", "end_of_period"] | OnDate


class Cancelled(Part):
    """The subscription is cancelled."""

    status: Literal["cancelled"] = Field(description="cancelled: it ends.")
    effective: Effective = Field(
        description="immediately, end_of_term (needs contract.term), end_of_period, or {date: 2026-12-31}. Never guessed."
    )


class Paused(Part):
    """The subscription rests for a while."""

    status: Literal["paused"] = Field(description="paused: it rests, data stays.")
    from_: Day = Field(alias="from", description="The first day of the pause.")
    until: Day = Field(description="The last day of the pause. After it, the pause is a warning, never a step.")


class Active(Part):
    """The subscription goes on."""

    status: Literal["active"] = Field(
        description="active: resume it, or withdraw a cancellation while that is possible."
    )


class Downgraded(Part):
    """The subscription becomes a smaller one."""

    status: Literal["downgraded"] = Field(description="downgraded: it becomes another edition.")
    to: Text = Field(description="The edition, such as free.")
    effective: Effective = Field(
        description="When: immediately, end_of_term (needs contract.term), end_of_period, or {date: 2026-12-31}."
    )


Subscription = Annotated[Cancelled | Paused | Active | Downgraded, Field(discriminator="status")]


class Selected(Part):
    """One person or thing, by exactly one of id, email, name."""

    model_config = {**Part.model_config, "json_schema_extra": _ONE_OF}

    id: Remote | None = Field(None, description="The vendor's id.")
    email: Text | None = Field(None, description="The e-mail address of a person.")
    name: Text | None = Field(None, description="The name, where it is unique.")
    why: Text | None = Field(None, description="Why it stays, or goes alone.")

    @model_validator(mode="after")
    def _exactly_one(self) -> Selected:
        if len(self.model_fields_set & {"id", "email", "name"}) != 1:
            raise ValueError("exactly one of id, email, name")
        return self


Choice = Remote | Selected
"""Text with an `@` is an e-mail address, other text the vendor's id."""
Keep = Annotated[
    list[Choice],
    Field(description="Who or what stays: an e-mail address, the vendor's id, or {email|id|name: ..., why: ...}."),
]
Only = Annotated[list[Choice], Field(min_length=1, description="Only these, and nobody else.")]


class Users(Part):
    """How people's access ends."""

    status: Literal["removed", "deactivated", "deleted", "active"] = Field(
        description="removed: cannot sign in any more, whichever way the vendor has; deactivated, deleted: exactly that; "
        "active: take it back."
    )
    keep: Keep | None = Field(None, description="Who stays, and why. `keep: []` says that nobody needs to stay.")
    only: Only | None = Field(None, description="Only these people, and nobody else.")
    transfer_records_to: Text | None = Field(None, description="The person who owns the records afterwards.")


class Sessions(Part):
    """Everybody is signed out."""

    status: Literal["ended", "active"] = Field(description="ended: signed out everywhere; active: unmanaged again.")
    keep: Keep | None = Field(None, description="Sessions that stay.")
    only: Only | None = Field(None, description="Only these sessions.")


class ApiKeys(Part):
    """Keys of the API."""

    status: Literal["revoked", "active"] = Field(
        description="revoked: they open nothing any more; active: unmanaged again."
    )
    keep: Keep | None = Field(None, description="Keys that stay, and why.")
    only: Only | None = Field(None, description="Only these keys.")


class Integrations(Part):
    """Webhooks, OAuth apps, workflows."""

    status: Literal["removed", "active"] = Field(description="removed: disconnected; active: unmanaged again.")
    keep: Keep | None = Field(None, description="Integrations that stay, and why.")
    only: Only | None = Field(None, description="Only these integrations.")


class Settings(Part):
    """Custom settings and permission assignments."""

    status: Literal["reset", "active"] = Field(
        description="reset: back to the vendor's defaults; active: unmanaged again."
    )
    keep: Keep | None = Field(None, description="Settings that stay, and why.")
    only: Only | None = Field(None, description="Only these settings.")


class Module(Part):
    """One module of the product."""

    status: Literal["disabled", "active"] = Field(description="disabled: switched off; active: on again.")
    data_effect: Literal["keeps", "clears", "unknown"] = Field(
        description="What switching it off does to its data. unknown blocks the step."
    )


class Account(Part):
    """The vendor account itself."""

    status: Literal["deleted", "active"] = Field(description="deleted: the account is gone; active: it stays.")


class EndState(Part):
    """How everything should end. A missing key is unmanaged: nothing is ever done to it."""

    subscription: Subscription | None = Field(None, description="The subscription.")
    users: Users | None = Field(None, description="People's access.")
    sessions: Sessions | None = Field(None, description="Signed-in sessions.")
    api_keys: ApiKeys | None = Field(None, description="Keys of the API.")
    integrations: Integrations | None = Field(None, description="Webhooks, OAuth apps, workflows.")
    settings: Settings | None = Field(None, description="Custom settings.")
    modules: Annotated[dict[str, Module], Field(min_length=1)] | None = Field(
        None, description="Modules by the vendor's name."
    )
    data: DataEnd | None = Field(None, description="Archive, discard, purge: what becomes of the records.")
    account: Account | None = Field(None, description="The account itself.")

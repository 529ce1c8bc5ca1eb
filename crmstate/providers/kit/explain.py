"""Failures of a vendor as diagnostics for a person: which code of the catalogues says it, and which exit code it means.

It decides nothing about steps: a failed step is the engine's business. This is for what ends a command.
"""

from __future__ import annotations

from crmstate.core.diagnostic import Diagnostic, diagnostic, problem
from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Provider
from crmstate.core.record import State
from crmstate.core.survey import Identity
from crmstate.core.words import Exit

_CODES: dict[Code, tuple[str, Exit]] = {
    Code.EXPIRED: ("CRM-V004", Exit.CREDENTIALS),
    Code.DENIED: ("CRM-V005", Exit.CREDENTIALS),
    Code.UNAVAILABLE: ("CRM-V007", Exit.ERROR),
    Code.THROTTLED: ("CRM-V008", Exit.ERROR),
    Code.EXHAUSTED: ("CRM-V009", Exit.ERROR),
    Code.MISSING: ("CRM-V010", Exit.ERROR),
    Code.CONFLICT: ("CRM-V011", Exit.ERROR),
    Code.REJECTED: ("CRM-V012", Exit.ERROR),
    Code.AMBIGUOUS: ("CRM-V013", Exit.PARTIAL),
}


def explain(failure: Failure, state: State | None = None) -> Diagnostic:
    """The failure for a reader. Its texts are clean already. `state`: what is on record, by which a credential may have
    ended by our own act, have worked before, or never have been used."""
    if failure.found is not None:
        return failure.found
    record = ""
    if state is not None:
        ended = state.departed() is not None
        record = f"credential.{'ended' if ended else 'worked' if state.last_run is not None else 'first'}"
    return diagnostic(
        _CODES[failure.code][0],
        summary=failure.summary or failure.code.value,
        until=failure.until or "unknown",
        request_id=failure.request_id or "-",
        which=f"credential.{failure.use or 'any'}",
        record=record,
    )


def exit_of(failure: Failure) -> Exit:
    """The exit code of a command that this failure ended."""
    return _CODES[failure.code][1]


def check_tenant(identity: Identity, tenant: str) -> None:
    """Raises Problem (CRM-V001) where the credential belongs to another tenant than the manifest names."""
    if identity.tenant != tenant:
        raise problem(Exit.CREDENTIALS, "CRM-V001", use=identity.use, wanted=tenant, found=identity.tenant)


def check_write(identity: Identity, provider: Provider) -> None:
    """Raises Problem (CRM-V014) where the credential for writing may not write."""
    if not identity.may_write:
        raise problem(Exit.CREDENTIALS, "CRM-V014", provider=provider.title, rights=", ".join(identity.rights) or "-")

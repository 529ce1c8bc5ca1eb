"""observe(): what the vendor says now, as a Survey. Reads only; an empty or partial answer is never taken for an empty tenant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from crmstate.core.diagnostic import problem
from crmstate.core.failure import Code, Failure
from crmstate.core.ports import Clock, ReadSession
from crmstate.core.provider import Provider
from crmstate.core.record import State
from crmstate.core.survey import Identity, Listing, Survey, survey
from crmstate.core.words import Exit, How, Kind, Verb

_DEAD = (Code.EXPIRED, Code.DENIED, Code.MISSING)


def stamp(moment: datetime) -> str:
    """A time as everything writes it: ISO 8601, UTC, seconds, `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def listed_kinds(provider: Provider) -> list[Kind]:
    """The kinds that a provider can list."""
    return [kind for kind in Kind if (cell := provider.cell(kind, Verb.LIST)) is not None and cell.how is How.API]


def identify(sessions: Sequence[ReadSession], tenant: str) -> tuple[list[Identity], list[ReadSession]]:
    """Who every credential is, and the sessions that still work, best view first.

    Raises Problem (exit 7) for another tenant, or where no credential works. A credential that is dead while another works is left
    out: it may be our own act.
    """
    identities: list[Identity] = []
    living: list[ReadSession] = []
    refused: Failure | None = None
    for session in sessions:
        try:
            identity = session.whoami()
        except Failure as failure:
            if failure.code not in _DEAD:
                raise
            refused = failure
            continue
        if tenant and identity.tenant != tenant:
            raise problem(Exit.CREDENTIALS, "CRM-V001", use=identity.use, wanted=tenant, found=identity.tenant)
        identities.append(identity)
        living.append(session)
    if not living:
        raise refused or Failure(Code.DENIED)
    order = sorted(range(len(living)), key=lambda n: not identities[n].whole_view)
    return identities, [living[n] for n in order]


def observe(sessions: Sequence[ReadSession], clock: Clock, tenant: str) -> Survey:
    """Everything of the tenant that the provider can list. Raises Problem for credentials, Failure where the vendor does not answer."""
    provider = sessions[0].provider
    identities, living = identify(sessions, tenant)
    taken_at = stamp(clock.now())
    before = sum(session.calls for session in sessions)
    listings: list[Listing] = [living[0].list(kind) for kind in listed_kinds(provider)]
    calls = sum(session.calls for session in sessions) - before
    return survey(tenant or identities[0].tenant, listings, identities, taken_at, calls)


def departed(sessions: Sequence[ReadSession], state: State) -> str | None:
    """Since when no credential of ours works, if that is our own, recorded doing; None where the vendor is still within reach, or where its refusal
    has another cause."""
    since = state.departed()
    if since is None:
        return None
    try:
        dead = all(not session.alive() for session in sessions)
    except Failure:
        return None
    return since if dead else None

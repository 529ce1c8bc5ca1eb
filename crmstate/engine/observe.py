"""observe(): what the vendor says now, as a Survey. Reads only; an empty or partial answer is never taken for an empty
tenant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from crmstate.core.address import id_of
from crmstate.core.diagnostic import problem
from crmstate.core.failure import Code, Failure
from crmstate.core.ports import Clock, ReadSession
from crmstate.core.provider import Provider
from crmstate.core.record import State
from crmstate.core.survey import Identity, Listing, Survey, survey
from crmstate.core.words import Exit, How, Kind, Outcome, Phase, Verb
from crmstate.engine.look import look

_DEAD = (Code.EXPIRED, Code.DENIED, Code.MISSING)


def stamp(moment: datetime) -> str:
    """A time as everything writes it: ISO 8601, UTC, seconds, `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def listed_kinds(provider: Provider) -> list[Kind]:
    """The kinds that a provider can list."""
    return [kind for kind in Kind if (cell := provider.cell(kind, Verb.LIST)) is not None and cell.how is How.API]


def identify(sessions: Sequence[ReadSession], tenant: str, state: State) -> tuple[list[Identity], list[ReadSession]]:
    """Who every credential is, and the sessions that still work, best view first.

    Raises Problem (exit 7) for another tenant, Failure where a credential is refused. Only where keys of ours were
    revoked by our own, recorded act may one be dead while another works; anywhere else a key that cannot be named
    would be revoked like a stranger's.
    """
    identities: list[Identity] = []
    living: list[ReadSession] = []
    refused: Failure | None = None
    for number, session in enumerate(sessions):
        try:
            identity = session.whoami()
        except Failure as failure:
            failure.use = "write" if number else "read"
            if failure.code not in _DEAD or not revoked_ours(state):
                raise
            refused = failure
            continue
        tenant = tenant or (identities[0].tenant if identities else "")
        if tenant and identity.tenant != tenant:
            raise problem(Exit.CREDENTIALS, "CRM-V001", use=identity.use, wanted=tenant, found=identity.tenant)
        identities.append(identity)
        living.append(session)
    if not living:
        raise refused or Failure(Code.DENIED)
    order = sorted(range(len(living)), key=lambda n: not identities[n].whole_view)
    return identities, [living[n] for n in order]


def observe(sessions: Sequence[ReadSession], clock: Clock, tenant: str, state: State) -> Survey:
    """Everything of the tenant that the provider can list. Raises Problem for credentials, Failure where the vendor
    does not answer."""
    provider = sessions[0].provider
    identities, living = identify(sessions, tenant, state)
    taken_at = stamp(clock.now())
    before = sum(session.calls for session in sessions)
    listings: list[Listing] = [living[0].list(kind) for kind in listed_kinds(provider)]
    calls = sum(session.calls for session in sessions) - before
    return survey(tenant or identities[0].tenant, listings, identities, taken_at, calls)


def departed(sessions: Sequence[ReadSession], state: State, now: str) -> str | None:
    """Since when no credential of ours works, if that is our own, recorded doing; None where the vendor is still
    within reach, or where its refusal has another cause."""
    since = state.departed()
    if since is None:
        return None
    try:
        dead = all(not session.alive() for session in sessions)
    except Failure:
        return None
    return since if dead and (revoked_ours(state) or _closed(sessions, state, now)) else None


def revoked_ours(state: State) -> bool:
    """Whether the record says that we revoked, or may have revoked, a key of our own, or ended the API by
    cancelling."""
    return any(
        entry.own and entry.verb in (Verb.REVOKE, Verb.CANCEL) and entry.outcome is not Outcome.FAILED
        for entry in state.entries.values()
    )


def _closed(sessions: Sequence[ReadSession], state: State, now: str) -> bool:
    """Whether the account that we asked to close has closed: on record, by its day, or by the vendor's own word."""
    closing = [entry for entry in state.entries.values() if entry.own and entry.outcome is not Outcome.FAILED]
    return any(
        entry.outcome is Outcome.DONE
        or (entry.until is not None and entry.until <= now)
        or account_phase(sessions, id_of(entry.address)) is Phase.ABSENT
        for entry in closing
        if entry.verb is Verb.CLOSE
    )


def account_phase(sessions: Sequence[ReadSession], remote: str) -> Phase:
    """The account's phase by the first session that can tell; unknown where none can."""
    for session in sessions:
        try:
            return look(session, Kind.ACCOUNT, [remote]).phase(remote)
        except Failure:
            continue
    return Phase.UNKNOWN

"""recover(): what an earlier run left open is looked up before anything else is done. Nobody edits JSON by hand."""

from __future__ import annotations

from collections.abc import Sequence

from crmstate.core import accepted
from crmstate.core.address import id_of, kind_of
from crmstate.core.event import Answered, AnyEvent, Delivery, Observed, Reopened, Settled, Settlement
from crmstate.core.planning.draft import satisfied
from crmstate.core.ports import Clock, Ledger, ReadSession
from crmstate.core.provider import Cell
from crmstate.core.record import Entry, Told
from crmstate.core.words import OURS, Fate, How, Kind, Outcome, Phase, Proof, Undo, Verb
from crmstate.engine.look import Seen, look
from crmstate.engine.observe import account_phase, stamp

CHUNK = 100


def recover(ledger: Ledger, session: ReadSession | None, clock: Clock, run: str) -> int:
    """Settles open entries by looking at the vendor; returns how many. Without a session only acts of our own are
    settled. Raises Failure where the vendor does not answer."""
    loose = ledger.state.open()
    now = stamp(clock.now())
    settled: list[Settlement] = []
    reopened: list[str] = []
    groups: dict[tuple[Kind, Verb], tuple[Cell, list[tuple[str, Entry]]]] = {}
    for key, entry in loose.items():
        kind = kind_of(entry.address)
        cell = session.provider.cell(kind, entry.verb) if session is not None else None
        if session is None and entry.verb not in OURS:
            continue
        if entry.verb is Verb.PURGE:
            if entry.outcome is not Outcome.REQUESTED or entry.until is None or entry.until <= now:
                reopened.append(key)
        elif entry.verb in OURS:
            if entry.outcome is not Outcome.REQUESTED and not (
                entry.verb is Verb.NOTIFY and entry.outcome is Outcome.UNKNOWN
            ):
                reopened.append(key)
        elif cell is not None and cell.how is How.API:
            groups.setdefault((kind, entry.verb), (cell, []))[1].append((key, entry))
    for (kind, _), (cell, entries) in groups.items():
        assert session is not None  # without one no group was made
        for first in range(0, len(entries), CHUNK):
            part = entries[first : first + CHUNK]
            seen = look(session, kind, [id_of(entry.address) for _, entry in part], cell)
            for key, entry in part:
                _judge(key, entry, cell, seen, now, settled, reopened)
    events: list[AnyEvent] = [
        Answered(now, run, place, told.channel, lost)
        for place, told in ledger.state.told.items()
        if (lost := _lost(told))
    ]
    if settled:
        events.append(Settled(now, run, f"{run}-recovered", tuple(settled)))
    if reopened:
        events.append(Reopened(now, run, tuple(reopened)))
    if events:
        ledger.append(events)
    return len(settled) + len(reopened)


def _lost(told: Told) -> tuple[Delivery, ...]:
    """The messages of which an interrupted run was about to send: whether it did, nobody knows."""
    return tuple(Delivery(who, Fate.UNKNOWN, "interrupted") for who, fate in told.fates.items() if fate is Fate.SENDING)


def _judge(
    key: str, entry: Entry, cell: Cell, seen: Seen, now: str, settled: list[Settlement], reopened: list[str]
) -> None:
    remote = id_of(entry.address)
    phase = seen.phase(remote)
    if satisfied(phase, cell.after):
        settled.append(Settlement(key, Outcome.DONE, Proof.OBSERVED, phase))
    elif phase is Phase.PENDING and cell.after is not Phase.PRESENT:
        if entry.outcome is not Outcome.REQUESTED:
            until = seen.until(remote)
            settled.append(Settlement(key, Outcome.REQUESTED, Proof.ACKNOWLEDGED, phase, until=until))
    elif phase is Phase.UNKNOWN:
        return
    elif entry.outcome is Outcome.REQUESTED:
        if accepted.gone(entry, phase, now):  # until it is certain nothing else is concluded from it either
            if accepted.certain(entry, now, final=entry.undo is Undo.NEVER):
                settled.append(Settlement(key, Outcome.FAILED, phase=phase, code=accepted.WITHDRAWN, until=entry.until))
        elif cell.shows_effect and (entry.until is None or entry.until <= now):
            settled.append(Settlement(key, Outcome.FAILED, phase=phase, code="no_effect"))
    elif cell.shows_effect or entry.undo is not Undo.NEVER:
        reopened.append(key)
    elif entry.outcome is not Outcome.UNKNOWN:
        settled.append(Settlement(key, Outcome.UNKNOWN, phase=phase, code="ambiguous"))


def farewell(ledger: Ledger, sessions: Sequence[ReadSession], clock: Clock, run: str) -> int:
    """When every credential of ours is dead by our own act: what ended with it is settled as seen. Raises Failure
    where that cannot be known."""
    now = stamp(clock.now())
    settled: list[Settlement] = []
    for key, entry in ledger.state.open().items():
        kind = kind_of(entry.address)
        if entry.own and kind is Kind.API_KEY and entry.verb in (Verb.REVOKE, Verb.PROBE):
            settled.append(Settlement(key, Outcome.DONE, Proof.OBSERVED, Phase.ABSENT))
        elif entry.own and entry.verb is Verb.CANCEL and entry.outcome is Outcome.INTENDED:
            settled.append(Settlement(key, Outcome.UNKNOWN, code="ambiguous"))
        elif entry.verb is Verb.CLOSE or (kind is Kind.ACCOUNT and entry.verb is Verb.PROBE):
            phase = account_phase(sessions, id_of(entry.address))
            if phase is Phase.ABSENT:
                settled.append(Settlement(key, Outcome.DONE, Proof.OBSERVED, phase))
    for key, entry in ledger.state.entries.items():  # a person's word, which the vendor bears out
        said = entry.outcome is Outcome.DONE and entry.proof not in (Proof.OBSERVED, Proof.WAIVED)
        if entry.verb is Verb.CLOSE and said and account_phase(sessions, id_of(entry.address)) is Phase.ABSENT:
            settled.append(Settlement(key, Outcome.DONE, Proof.OBSERVED, Phase.ABSENT, evidence=entry.evidence))
    if settled:
        events: list[AnyEvent] = [Settled(now, run, f"{run}-farewell", tuple(settled))]
        loose = ledger.state.open()
        proved = [each for each in settled if each.outcome is Outcome.DONE and each.id in loose]
        if len(proved) == len(loose):
            events.append(Observed(now, ledger.state.last_plan or ""))
        ledger.append(events)
    return len(settled)

"""The purge of one dataset: exactly the rows that the verified archive holds, batch by batch, resumable, proved by
count and by id."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import partial
from typing import Any, TypeVar

from crmstate.core.address import id_of
from crmstate.core.closing import Result
from crmstate.core.diagnostic import Diagnostic, Problem
from crmstate.core.event import Advanced, Settlement
from crmstate.core.failure import Code, Failure
from crmstate.core.plan import Step
from crmstate.core.provider import Batch, Cell, Item
from crmstate.core.provider import Result as Answer
from crmstate.core.survey import DatasetFacts
from crmstate.core.words import Exit, Kind, Outcome, Phase, Proof, Severity
from crmstate.engine.batch import before_act, refused
from crmstate.engine.look import Seen, gone, look, untouched
from crmstate.engine.standing import stands
from crmstate.engine.tasks import Context, Note, Task, Verdict, Work, finding, verdict_of

TRIES = 3
HALFWAY = "halfway_unseen"
"""Attribute of a purging cell: a row that is half gone shows nowhere, so that nobody sees whether it is gone. The provider
takes a batch as a whole again, and looks itself."""

T = TypeVar("T")
Part = Generator[Work | Note, Any, T]


def purge(context: Context, cell: Cell, step: Step) -> Task:
    """The task of a purge step. On disk after every batch: how far it came."""
    dataset = id_of(step.address)
    try:
        seen: Seen = yield Work(lambda: look(context.write, Kind.DATASET, [dataset]))
        ids: Sequence[str] = yield Work(lambda: _ids(context, dataset, unarchived=step.proof is Proof.WAIVED))
    except Failure as failure:
        return [refused(step, failure)]
    except Problem as found:
        return [Verdict(step, Result.FAILED, found.diagnostics[0], exit=found.exit, more=found.diagnostics[1:])]
    entry = context.ledger.state.entries.get(step.id)
    position = (entry.position or 0) if entry is not None and context.archiver is not None else 0
    early = before_act(step, seen) if seen.phase(dataset) is not Phase.PRESENT else None
    if early is not None:
        batch = context.batch()
        yield Note((context.intended(batch, [step]), context.settled(batch, [early[0]])))
        return [early[1]]
    at_stake = min(len(ids), _rows(seen, dataset, len(ids)))
    if step.rows is not None and at_stake > step.rows:
        beyond = finding(step, "CRM-E010", dataset=dataset, rows=at_stake, ceiling=step.rows)
        return [Verdict(step, Result.REFUSED, beyond, exit=Exit.STALE)]
    promised = _waited_for(entry.promised, context.now()) if entry is not None else []
    return (yield from _walk(context, cell, step, dataset, ids, position, promised, resumed=entry is not None))


def _waited_for(promised: str | None, now: str) -> list[str]:
    """What earlier runs were promised and is not due yet. Where no time was named, it is waited for until it shows."""
    return [promised] if promised is not None and (not promised or promised > now) else []


def _rows(seen: Seen, dataset: str, unknown: int) -> int:
    """How many rows the vendor shows; `unknown` where it does not say."""
    row = seen.rows.get(dataset)
    rows = row.facts.rows if row is not None and isinstance(row.facts, DatasetFacts) and row.facts.exact else None
    return unknown if rows is None else rows


def _ids(context: Context, dataset: str, unarchived: bool = False) -> Sequence[str]:
    """The rows that a purge covers: those of the verified archive; `unarchived`, by a written decision, those that are
    there now."""
    if context.archiver is not None:
        stands(context, dataset)
        return context.archiver.ids(dataset, context.seal(dataset))
    found: list[str] = []
    cursor: str | None = None
    while unarchived:
        page = context.read.read(dataset, cursor)
        found += [row.id for row in page.rows]
        cursor = page.next
        if cursor is None:
            break
    return found


def _walk(
    context: Context,
    cell: Cell,
    step: Step,
    dataset: str,
    ids: Sequence[str],
    position: int,
    promised: list[str],
    resumed: bool,
) -> Task:
    batch = context.batch()
    pending: tuple[Advanced, ...] = ()
    again = step.occurrence > 1 or (resumed and position == 0)
    while position < len(ids) and not context.stop.asked:
        chunk = list(ids[position : position + cell.batch])
        intent = context.intended(batch, [step], position, len(chunk))
        yield Note((*pending, intent))
        wanted = chunk
        if resumed and HALFWAY in cell.attributes:
            resumed = False
        elif resumed or again:
            try:
                wanted, due = yield Work(partial(untouched, context.write, dataset, chunk))
            except Failure as failure:
                return (yield from _end(context, step, batch, _stopped(step, failure), refused(step, failure)))
            promised += due
            resumed = False
        before = len(promised)
        trouble: tuple[Settlement, Verdict] | None = yield from _delete(context, cell, step, dataset, wanted, promised)
        if trouble is not None and len(promised) == before:
            return (yield from _end(context, step, batch, *trouble))
        position += len(chunk)
        pending = (Advanced(context.now(), context.run, step.id, position, position, _latest(promised)),)
        if trouble is not None:
            # Some of this batch was accepted and still shows: it may not be sent again. What is left of it is found by
            # the count, once the promise is due.
            yield Note(pending)
            return (yield from _end(context, step, batch, *trouble))
    if pending:
        yield Note(pending)
    if position < len(ids):
        settlement = Settlement(step.id, Outcome.FAILED, code="interrupted", rows=position)
        return (
            yield from _end(
                context,
                step,
                batch,
                settlement,
                Verdict(step, Result.NOT_STARTED, finding(step, "CRM-E013", Severity.WARNING)),
            )
        )
    settlement, found, left = yield from _read_back(context, step, dataset, ids, promised)
    if left:
        yield Note((context.intended(batch, [step]), Advanced(context.now(), context.run, step.id, 0, 0)))
    return (yield from _end(context, step, batch, settlement, verdict_of(step, settlement, found)))


def _latest(promised: Sequence[str]) -> str | None:
    """By when everything accepted is to be through; empty where that is not known of all of it, None for nothing."""
    if not promised:
        return None
    return "" if "" in promised else max(promised)


def _end(context: Context, step: Step, batch: str, settlement: Settlement, verdict: Verdict) -> Task:
    yield Note((context.intended(batch, [step]), context.settled(batch, [settlement])))
    return [verdict]


def _stopped(step: Step, failure: Failure) -> Settlement:
    return Settlement(step.id, Outcome.FAILED, code=failure.code.value, summary=failure.summary, until=failure.until)


def _delete(
    context: Context, cell: Cell, step: Step, dataset: str, rows: list[str], promised: list[str]
) -> Part[tuple[Settlement, Verdict] | None]:
    """Deletes rows; where an answer was lost or said no, looks which are left and asks for those alone. None: all are
    gone, or `promised` for the times that are added to it."""
    left: list[Answer] = []
    for attempt in range(TRIES):
        if not rows:
            return None
        call = Batch(Kind.DATASET, cell.verb, tuple(Item(row) for row in rows), parent=dataset)
        try:
            answers: list[Answer] = yield Work(partial(context.write.perform, call))
        except Failure as failure:
            if failure.code is Code.UNAVAILABLE and attempt + 1 < TRIES:
                continue
            return _stopped(step, failure), refused(step, failure)
        promised += [answer.until or "" for answer in answers if answer.outcome is Outcome.REQUESTED]
        left = [answer for answer in answers if answer.outcome not in (Outcome.DONE, Outcome.REQUESTED)]
        if not left:
            return None
        try:
            rows, due = yield Work(partial(untouched, context.write, dataset, [answer.id for answer in left]))
        except Failure as failure:
            return _stopped(step, failure), refused(step, failure)
        promised += due
        if HALFWAY in cell.attributes:
            kept = [each for each in left if each.outcome is Outcome.FAILED and each.code != Code.MISSING.value]
            if any(each.id not in rows for each in kept):
                break  # begun with, refused, and nowhere to be seen: a person has to look
            unknown = {each.id for each in left if each.outcome is Outcome.UNKNOWN}
            rows = [each.id for each in left if each.id in unknown or each.id in rows]
    else:
        if not rows:
            return None
    refusal = Failure(Code.REJECTED, left[0].summary)
    return _stopped(step, refusal), refused(step, refusal)


def _read_back(
    context: Context, step: Step, dataset: str, ids: Sequence[str], promised: Sequence[str]
) -> Part[tuple[Settlement, Diagnostic | None, bool]]:
    """Proof by count and by sampled ids; and whether archived rows are still there, so that the purge has to begin
    again."""
    rows = len(ids)
    try:
        count = yield Work(lambda: context.write.count(dataset))
        vanished: bool | None = yield Work(lambda: gone(context.write, dataset, ids))
    except Failure as failure:
        return (
            Settlement(
                step.id, Outcome.REQUESTED, Proof.ACKNOWLEDGED, code="not_read_back", summary=failure.summary, rows=rows
            ),
            None,
            False,
        )
    still = count.rows if count.exact else None
    if still is None and vanished is False and not promised:
        found = finding(step, "CRM-E007", found=Phase.PRESENT.value)
        return Settlement(step.id, Outcome.FAILED, phase=Phase.PRESENT, code="rows_remain", rows=rows), found, True
    if promised and (still or (still is None and vanished is False)):
        until = _latest(promised) or None
        return (
            Settlement(
                step.id, Outcome.REQUESTED, Proof.ACKNOWLEDGED, Phase.PRESENT, "accepted", until=until, rows=rows
            ),
            None,
            False,
        )
    if still:
        found = finding(step, "CRM-E009", dataset=dataset, rows=still)
        if vanished is False:
            found = finding(step, "CRM-E007", found=Phase.PRESENT.value)
        return Settlement(step.id, Outcome.FAILED, phase=Phase.PRESENT, code="rows_remain", rows=rows), found, True
    if vanished is False:
        found = finding(step, "CRM-E011", Severity.WARNING, dataset=dataset)
        return (
            Settlement(step.id, Outcome.DONE, Proof.ACKNOWLEDGED, Phase.ABSENT, "soft_delete", rows=rows),
            found,
            False,
        )
    proof = Proof.OBSERVED if still == 0 or (still is None and vanished) else Proof.ACKNOWLEDGED
    return Settlement(step.id, Outcome.DONE, proof, Phase.ABSENT, rows=rows), None, False


def empty_bin(context: Context, cell: Cell, step: Step) -> Task:
    """Empties the bin of one dataset and proves it by the bin's listing and by sampled ids of what the archive
    holds."""
    from crmstate.engine.batch import act_on

    verdicts: list[Verdict] = yield from act_on(context, cell, [step])
    if verdicts[0].result is not Result.DONE or context.archiver is None:
        return verdicts
    dataset = id_of(step.address)
    try:
        ids = yield Work(lambda: _ids(context, dataset))
        vanished = yield Work(lambda: gone(context.write, dataset, ids))
    except (Failure, Problem):
        return verdicts
    if vanished is False:
        settlement = Settlement(step.id, Outcome.FAILED, phase=Phase.PRESENT, code="no_effect")
        yield Note((context.settled(context.batch(), [settlement]),))
        return [verdict_of(step, settlement, finding(step, "CRM-E011", dataset=dataset))]
    return verdicts

"""Sending a notice: round by round, each on record before it goes out, so that nobody is told twice.

A round holds as many messages as are under way side by side, and no more: whatever interrupts it, no more than those are
unknown. What became of one round and what is about to be sent in the next are one append.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from crmstate.core.address import Address, id_of
from crmstate.core.closing import Result
from crmstate.core.diagnostic import Problem
from crmstate.core.event import Addressed, Answered, AnyEvent, Delivery, Sending, Settlement
from crmstate.core.failure import Failure
from crmstate.core.plan import Step
from crmstate.core.ports import Outbox
from crmstate.core.record import Told
from crmstate.core.words import Exit, Fate, Kind, Outcome, Phase, Proof, Severity
from crmstate.engine.batch import refused
from crmstate.engine.observe import stamp
from crmstate.engine.tasks import Context, Note, Task, Verdict, Work, finding, verdict_of

ENOUGH = 20
"""So many messages that were not taken, one after the other, are the server's fault: the rest is left for later."""


def notify(context: Context, step: Step) -> Task:
    """The task of one notice."""
    if step.not_before is not None and step.not_before > context.now():
        return [Verdict(step, Result.WAITING, until=step.not_before)]
    messenger, notice = context.messenger, id_of(step.address)
    assert messenger is not None
    try:
        box: Outbox = yield Work(lambda: messenger.open(notice, lambda: context.read.list(Kind.USER).resources))
    except Failure as failure:
        return [refused(step, failure)]
    except Problem as found:
        return [Verdict(step, Result.REFUSED, found.diagnostics[0], exit=found.exit, more=found.diagnostics[1:])]
    wrong = _differs(context, step, box)
    if wrong is not None:
        yield Work(box.close)
        return [wrong]
    verdicts: list[Verdict] = yield from _tell(context, step, box)
    yield Work(box.close)
    return verdicts


def _differs(context: Context, step: Step, box: Outbox) -> Verdict | None:
    """What is not as the plan showed it, or as the record knows it."""
    found = box.audience
    if step.expects is not None and step.expects.fingerprint != found.digest:
        return Verdict(step, Result.REFUSED, finding(step, "CRM-N040"), exit=Exit.STALE)
    if step.rows is not None and len(box.recipients) > step.rows:
        more = finding(step, "CRM-N041", n=len(box.recipients), ceiling=step.rows)
        return Verdict(step, Result.REFUSED, more, exit=Exit.STALE)
    state = context.ledger.state
    told = state.told.get(step.address)
    if (told.gap if told is not None else state.mended) and not context.resend:
        return Verdict(step, Result.REFUSED, finding(step, "CRM-N040"), exit=Exit.STALE)
    if told is not None and told.key and told.key != box.key:
        return Verdict(step, Result.REFUSED, finding(step, "CRM-N042"), exit=Exit.REFUSED)
    return None


def _tell(context: Context, step: Step, box: Outbox) -> Task:
    batch, place, found = context.batch(), step.address, box.audience
    todo = _left(context, place, box.recipients)
    yield Note(
        (
            context.intended(batch, [step]),
            Addressed(
                context.now(), context.run, place, found.channel, box.key, len(box.recipients), found.rejected,
                found.repeated, found.opted_out,
            ),
        )
    )  # fmt: skip
    pending: tuple[AnyEvent, ...] = ()
    in_vain, wait, why = 0, 0, ""
    while todo and not context.stop.asked and in_vain < ENOUGH:
        now, todo = todo[: box.side_by_side], todo[box.side_by_side :]
        yield Note((*pending, Sending(context.now(), context.run, place, tuple(now))))
        results: Sequence[Delivery] = yield Work(partial(box.send, now, _back(context, place, now)))
        pending = (Answered(context.now(), context.run, place, found.channel, tuple(results)),)
        for each in results:
            in_vain = in_vain + 1 if each.fate in (Fate.DEFERRED, Fate.REJECTED) else 0
            wait = max(wait, each.wait)
            why = each.code if each.fate in (Fate.DEFERRED, Fate.REJECTED) else why
        if in_vain and context.ledger.state.told[place].number(Fate.DELIVERED) and _rejected(results):
            in_vain = 0  # a server that has taken some and refuses others does its work
    if pending:
        yield Note(pending)
    settlement, verdict = _end(context, step, len(todo), wait, box, why)
    yield Note((context.settled(batch, [settlement]),))
    return [verdict]


def _back(context: Context, place: Address, to: Sequence[str]) -> dict[str, int]:
    """How often the message to these has come back, where it has."""
    back = context.ledger.state.told.get(place, Told()).back
    return {who: back[who] for who in to if who in back}


def _rejected(results: Sequence[Delivery]) -> bool:
    return all(each.fate is Fate.REJECTED for each in results)


def _left(context: Context, place: Address, recipients: Sequence[str]) -> list[str]:
    """Who is still to be told. Where nobody has been, whoever was refused is asked again: it was the server, or we."""
    told = context.ledger.state.told.get(place, Told())
    again = {Fate.DEFERRED} | ({Fate.UNKNOWN} if context.resend else set())
    if not told.number(Fate.DELIVERED):
        again |= {Fate.REJECTED, Fate.BOUNCED}
    return [who for who in recipients if who not in told.fates or told.fates[who] in again]


def _end(context: Context, step: Step, untried: int, wait: int, box: Outbox, why: str) -> tuple[Settlement, Verdict]:
    """What may be said of the whole, by the record. Who was not reached and is on the list no more is not waited for. `why`: the code of the
    last that was not taken."""
    told = context.ledger.state.told.get(step.address, Told())
    delivered, unknown = told.number(Fate.DELIVERED), told.number(Fate.UNKNOWN)
    rejected = told.number(Fate.REJECTED, Fate.BOUNCED)
    deferred = sum(told.fates.get(who) is Fate.DEFERRED for who in box.recipients)
    params: dict[str, Any] = {
        "delivered": delivered,
        "unknown": unknown,
        "rejected": rejected,
        "left": untried + deferred,
    }
    if context.stop.asked and untried:
        made = Settlement(step.id, Outcome.FAILED, code="interrupted", rows=delivered)
        return made, Verdict(step, Result.NOT_STARTED, finding(step, "CRM-E013", Severity.WARNING))
    if untried or deferred or (rejected and not delivered and not unknown):
        code = next((each for each in ("deferred", "rejected") if params.get(each)), "deferred")
        until = stamp(context.clock.now() + timedelta(seconds=wait)) if wait else None
        made = Settlement(step.id, Outcome.FAILED, code=code, until=until, rows=delivered)
        return made, verdict_of(step, made, finding(step, "CRM-N043", **params, where=box.where, why=why or "unsaid"))
    if unknown:
        made = Settlement(step.id, Outcome.UNKNOWN, code="ambiguous", rows=delivered)
        return made, verdict_of(step, made, finding(step, "CRM-N044", **params))
    made = Settlement(step.id, Outcome.DONE, Proof.ACKNOWLEDGED, Phase.PRESENT, rows=delivered)
    refusals = finding(step, "CRM-N045", Severity.WARNING, **params) if rejected else None
    return made, verdict_of(step, made, refusals)

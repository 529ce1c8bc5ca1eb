"""Course: the days that a contract runs by: which term runs, whether another follows by itself, which day a wanted end
means.

The contract is what binds, so its dates come first; the vendor's are taken where nobody wrote any. Where both are there and
differ, the planner says so. A day that nobody knows is None, with the reason beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import msgspec

from crmstate.core.address import Address, address
from crmstate.core.contacts import acknowledged
from crmstate.core.contract import ContractGoal
from crmstate.core.deadline import Dated, Unknown, today
from crmstate.core.goal import Desired
from crmstate.core.law import Applied
from crmstate.core.message import Message, message
from crmstate.core.milestones import asked_on, given, hit, milestones, only_written_down, standing, zone_of
from crmstate.core.notice import Notice, NoticeAt
from crmstate.core.record import Entry, State
from crmstate.core.survey import Resource, SubscriptionFacts, Survey
from crmstate.core.term import TermAt, current_term, next_term
from crmstate.core.words import PROOFS, Kind, Milestone, Outcome, Phase, Proof, Verb

ENDING = frozenset({"cancelled", "downgraded"})
"""The goals that end what is paid for now, on a day."""


CONTRACT = address(Kind.SUBSCRIPTION, "contract")
"""A contract that no API shows."""
ENDS = (Verb.CANCEL, Verb.RENEW_OFF, Verb.DOWNGRADE)


TRANSITION, RETRIEVAL = "eu-data-act.transition", "eu-data-act.retrieval"
"""The rules of law that give time after the end, by their ids."""


class Asked(msgspec.Struct, frozen=True):
    """The last thing that was asked of the vendor and has not been taken back. `answered`: when the vendor last said, by
    the contact log, that it knows."""

    verb: Verb
    entry: Entry
    answered: str | None = None

    @property
    def at(self) -> str:
        """When it was first asked."""
        return self.entry.since or self.entry.at

    @property
    def known(self) -> bool:
        """Whether the vendor has said that it knows."""
        return self.entry.outcome in (Outcome.DONE, Outcome.REQUESTED) and self.proof in (
            Proof.OBSERVED,
            Proof.CERTIFIED,
            Proof.ACKNOWLEDGED,
        )

    @property
    def proof(self) -> Proof:
        """How well it is proved that the vendor was asked."""
        if self.answered is not None and PROOFS.index(self.entry.proof) > PROOFS.index(Proof.ACKNOWLEDGED):
            return Proof.ACKNOWLEDGED
        return self.entry.proof

    @property
    def known_since(self) -> str:
        """When the vendor said so."""
        return self.answered or self.entry.at


class Course(msgspec.Struct, frozen=True, omit_defaults=True):
    """Days are ISO, last days inclusive. `today`: at the customer's place. `term_end`: of the term that runs (or ran when
    notice was given); `number`: how often it has renewed by itself; `over`: it has ended and nothing follows. `follows`:
    whether the contract renews where nobody does anything, None where nobody knows. `bound`: the last day of the term that a
    notice given now still ends (that of `term_end`, unless its notice is `missed`), `next_end` of the one after. `last`: the
    last day of what the manifest ends, None where that is not known. `notice_by`: the last day of notice for `bound`,
    `decide_by` that of its decision; `given`: when notice was given, or the end asked for. `transition`, `retrieval`: the
    last days of moving out after the end, where a rule gives them. `why` explains the term, `unclear` why `last` is not
    known."""

    today: str
    term_end: str | None = None
    number: int = 0
    over: bool = False
    follows: bool | None = None
    bound: str | None = None
    next_end: str | None = None
    last: str | None = None
    notice_by: str | None = None
    decide_by: str | None = None
    missed: bool = False
    given: str | None = None
    transition: str | None = None
    retrieval: str | None = None
    why: tuple[Message, ...] = ()
    unclear: tuple[Message, ...] = ()

    @property
    def early(self) -> bool | None:
        """Whether the end comes before the term's; None where that is not known."""
        end = self.bound or self.term_end
        if self.last is None or end is None:
            return None
        return self.last < end


def course(
    desired: Desired, seen: SubscriptionFacts | None, state: State, now: str, place: Address | None = None
) -> Course:
    """The days of a contract at a moment (ISO 8601 UTC). A notice that was given, or a request on record, is looked at from
    its own day: a term that ends after it does not renew, and `end_of_term` goes on to mean the same day. `place`: what the
    record calls the subscription."""
    if not now:
        return Course("")
    ending = ending_of(state, place or place_of(state))
    here = today(now, zone_of(desired))
    at = now if ending is None else ending.at
    found = _term(desired.contract, seen, at)
    last, unclear = _last(desired, seen, state, found, at, here)
    by = standing(desired, state, at)
    reached = hit(by)
    if isinstance(by, Notice) and isinstance(reached, NoticeAt):
        after = by.after.ends if isinstance(by.after, TermAt) else None
        found = msgspec.structs.replace(found, bound=reached.term.ends, next_end=after)
    elif isinstance(by, Unknown):
        found = _reaching(desired.contract, found, last)
    return msgspec.structs.replace(
        found,
        today=here.isoformat(),
        last=last,
        unclear=unclear,
        notice_by=_day(reached.deadline) if isinstance(reached, NoticeAt) else None,
        decide_by=_day(reached.decide_by) if isinstance(reached, NoticeAt) else None,
        missed=isinstance(by, Notice) and by.missed,
        given=_local(ending.at, desired) if ending is not None else None,
    )


def _reaching(contract: ContractGoal | None, found: Course, last: str | None) -> Course:
    """The terms up to the one in which the last day lies, where no notice says which term is ended: a day within a later
    term is before that one's end, however long the running one is over by then."""
    term = contract.term if contract is not None else None
    if term is None or last is None or found.term_end is None or not found.follows or last <= found.term_end:
        return found
    at = current_term(term, date.fromisoformat(last))
    if isinstance(at, Unknown) or at.over:
        return found
    after = next_term(term, at)
    return msgspec.structs.replace(found, bound=at.ends, next_end=after.ends if isinstance(after, TermAt) else None)


def _local(at: str, desired: Desired) -> str:
    return today(at, zone_of(desired)).isoformat()


def _day(found: Dated | Unknown) -> str | None:
    return found.day if isinstance(found, Dated) else None


def _term(contract: ContractGoal | None, seen: SubscriptionFacts | None, at: str) -> Course:
    """The term by the contract; by the vendor where nobody wrote one."""
    term = contract.term if contract is not None else None
    zone = (contract.calendar.vendor_zone or contract.calendar.zone) if contract is not None else None
    day = today(at, zone)
    runs = current_term(term, day)
    if term is None or isinstance(runs, Unknown):
        return _shown(seen, day, runs.why if isinstance(runs, Unknown) else (), written=term is not None)
    after = next_term(term, runs)
    follows = runs.renews if runs.renews is not None or seen is None else seen.renews
    next_end = after.ends if isinstance(after, TermAt) else None
    return Course("", runs.ends, runs.number, runs.over, follows, runs.ends, next_end, why=runs.why)


def _shown(seen: SubscriptionFacts | None, day: date, why: tuple[Message, ...], *, written: bool) -> Course:
    """The term as the vendor shows it, where the contract does not say."""
    end = day_of(seen.term_end) if seen is not None else None
    if seen is None or end is None:
        return Course("", follows=seen.renews if seen is not None else None, why=why)
    said = message("course.vendor_term", day=end)
    return Course(
        "", end, over=end < day.isoformat(), follows=seen.renews, bound=end, why=(*why, said) if written else (said,)
    )


def _vendors_end(seen: SubscriptionFacts | None) -> str | None:
    """The last day of an end that the vendor has accepted or carried out."""
    if seen is None:
        return None
    if seen.pending in ("cancel", "downgrade"):
        return day_of(seen.effective)
    return day_of(seen.access_until) if seen.status == "cancelled" else None


def day_of(text: str | None) -> str | None:
    """The day of what a vendor calls a time; None for what is no day."""
    try:
        return date.fromisoformat((text or "")[:10]).isoformat()
    except ValueError:
        return None


def _last(
    desired: Desired, seen: SubscriptionFacts | None, state: State, found: Course, now: str, here: date
) -> tuple[str | None, tuple[Message, ...]]:
    """The last day of what the manifest ends. What the vendor has accepted or carried out says more than what is wanted."""
    shown = _vendors_end(seen)
    if shown is not None:
        return shown, ()
    goal = desired.subscription
    if goal is None or goal.status not in ENDING:
        return None, ()
    by = milestones(desired, state, now)[Milestone.CANCEL_EFFECTIVE.value]
    if only_written_down(by):
        return None, by.why
    if isinstance(by, Dated):
        return by.day, ()
    if goal.effective in (None, "immediately"):
        return here.isoformat(), ()
    if (
        goal.effective == "end_of_term"
        and found.term_end is not None
        and (desired.contract is None or desired.contract.term is None)
    ):
        return found.term_end, ()
    return None, by.why


def place_of(state: State) -> Address:
    """What the record calls it where the vendor shows nothing."""
    own = {entry.address for entry in state.entries.values() if entry.address.startswith(f"{Kind.SUBSCRIPTION.value}/")}
    return CONTRACT if CONTRACT in own or not own else min(own)


def asked_of(state: State, place: Address) -> Asked | None:
    """The last request on record for a subscription's end or pause, unless a later one took it back."""
    found = [
        _asked(verb, entry, state)
        for verb in (*ENDS, Verb.PAUSE, Verb.RESUME)
        if (entry := state.latest(place, verb)) is not None and entry.outcome is not Outcome.FAILED
    ]
    last = max(found, key=lambda each: (each.at, each.verb is Verb.RESUME), default=None)
    return None if last is None or last.verb is Verb.RESUME else last


def subscription_of(observed: Survey | None) -> Resource | None:
    """The one subscription that the vendor shows: of several the first that is not over."""
    rows = [row for row in observed.resources if row.kind is Kind.SUBSCRIPTION] if observed is not None else []
    return next((row for row in rows if row.phase is not Phase.ABSENT), rows[0] if rows else None)


def shown(observed: Survey | None) -> SubscriptionFacts | None:
    """What the vendor shows of it."""
    row = subscription_of(observed)
    return row.facts if row is not None and isinstance(row.facts, SubscriptionFacts) else None


def _asked(verb: Verb, entry: Entry, state: State) -> Asked:
    answer, since = acknowledged(state.contacts, entry.address), asked_on(state, entry)
    if since < (entry.since or entry.at):
        entry = msgspec.structs.replace(entry, since=since)
    return Asked(verb, entry, answer if answer is not None and answer >= since else None)


def ending_of(state: State, place: Address) -> Asked | None:
    """How the end of what is paid for was asked for, and not taken back: by a request for it, or by giving notice; of both
    the one that the vendor has answered."""
    asked, notice, back = asked_of(state, place), given(state), state.latest(place, Verb.RESUME)
    found = [asked] if asked is not None and asked.verb in ENDS else []
    if notice is not None and (back is None or back.outcome is Outcome.FAILED or back.at < notice.at):
        found.append(_asked(Verb.REQUEST, notice, state))
    return next((each for each in found if each.known), found[0] if found else None)


def moving_out(days: Course, laws: Iterable[Applied]) -> Course:
    """The days with the last ones of moving out and of fetching data, where a law says them."""
    found = {each.law.id: each.date.day for each in laws if isinstance(each.date, Dated)}
    return msgspec.structs.replace(days, transition=found.get(TRANSITION), retrieval=found.get(RETRIEVAL))

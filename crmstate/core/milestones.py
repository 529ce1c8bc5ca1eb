"""Milestones: when the points that a manifest refers to are, or were. The real date where the record has it, the planned
one where contract or manifest says one, and else unknown, with the reason.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime

import msgspec

from crmstate.core.address import Address, address, kind_of
from crmstate.core.contacts import corrected
from crmstate.core.contract import Calendar, ContractGoal, Period, When
from crmstate.core.deadline import (
    Dated,
    Rule,
    Unknown,
    count,
    customer_days,
    moment,
    on,
    surely,
    today,
    unless_unknown,
)
from crmstate.core.goal import Desired, HumanGoal, SubscriptionGoal
from crmstate.core.message import message
from crmstate.core.notice import Notice, NoticeAt, early_enough, end_of, notice
from crmstate.core.record import Entry, State
from crmstate.core.term import billing, current_term
from crmstate.core.words import Kind, Milestone, Outcome, Proof, Verb
from crmstate.core.workdays import Unpublished

GIVEN = address(Kind.NOTICE, "contract")
"""The notice that the contract asks for, as the plan and the record know it."""


def milestones(desired: Desired, state: State, as_of: str) -> dict[str, Dated | Unknown]:
    """The date of every milestone, and of every person's step by its id, as of a moment (ISO 8601 UTC)."""
    dates: dict[str, Dated | Unknown] = {
        Milestone.NOTICE_DEADLINE.value: _notice_deadline(desired, state, as_of),
        Milestone.FREEZE.value: _freeze(desired, state, as_of),
        Milestone.ARCHIVE_VERIFIED.value: _archive_verified(desired, state),
        Milestone.CANCEL_EFFECTIVE.value: _cancel_effective(desired, state, as_of),
    }
    dates[Milestone.ACCESS_ENDS.value] = _access_ends(desired, state, dates[Milestone.CANCEL_EFFECTIVE.value])
    dates[Milestone.PURGED.value] = _purged(desired, state)
    dates[Milestone.CLOSED.value] = _result(desired, state, Kind.ACCOUNT, Verb.CLOSE)
    return _with_people(desired, state, dates)


def resolve(when: When, dates: Mapping[str, Dated | Unknown], calendar: Calendar) -> Dated | Unknown:
    """A written day, or a period before or after a point, as a date in the customer's zone. The period is counted from
    the point's day, before that was rolled; the point's time of day is kept."""
    if when.day is not None:
        day = date.fromisoformat(when.day)
        return unless_unknown(lambda: on(day, calendar.zone, None, (message("date.written", day=day),)))
    period, point = when.period, dates.get(when.point)
    if point is None or period is None:
        return Unknown((message("undated.point", point=when.point),))
    if isinstance(point, Unknown):
        return Unknown((message("undated.from_point", point=when.point), *point.why))
    rule = Rule(period, when.side)
    zone = calendar.zone or point.zone

    def make() -> Dated:
        start, workdays = point.unrolled if point.clock is None else today(point.at, zone), customer_days(calendar)
        said = message("date.point", point=when.point, day=start)
        try:
            found = count(rule, start, workdays)
            return on(found.day, zone, _clock(point, zone), (said, *found.why))
        except Unpublished:  # too early is in time
            day, why = surely(start, period, -1 if when.side == "before" else 1, workdays)
            return on(day, zone, _clock(point, zone), (said, *why))

    return unless_unknown(make, (message("date.point", point=when.point, day=point.day),))


def read_when(due: str | When | None) -> When | None:
    """When something is due, as the manifest writes it: a day, or `5 days before freeze`. None for nothing."""
    if not isinstance(due, str):
        return due
    words = due.split()
    if len(words) == 1:
        return When(day=due)
    number, unit, side, point = words
    return When(None, Period(int(number), unit.rstrip("s") + "s"), side, point)


def given(state: State) -> Entry | None:
    """The record of the notice that was given, where it is done. One that was waived was not given."""
    entry = state.latest(GIVEN, Verb.REQUEST)
    if entry is None or entry.outcome is not Outcome.DONE or entry.proof is Proof.WAIVED or taken_back(state, entry):
        return None
    when = spoken_at(state, entry)
    return msgspec.structs.replace(entry, at=when, since=None) if when is not None and when < entry.at else entry


def spoken_at(state: State, entry: Entry) -> str | None:
    """When the vendor had what a contact proves: then, and not when we wrote so. None where no contact proves it."""
    said, later = entry.contact, corrected(state.contacts)
    while said in later:
        said = later[said]
    return state.contacts[said].when if said in state.contacts else None


def taken_back(state: State, entry: Entry) -> bool:
    """Whether the contract was let go on after something was asked for or given."""
    return any(
        each.verb is Verb.RESUME
        and kind_of(each.address) is Kind.SUBSCRIPTION
        and each.outcome is not Outcome.FAILED
        and each.at >= entry.at
        for each in state.entries.values()
    )


def standing(desired: Desired, state: State, as_of: str) -> Notice | Unknown:
    """The dates of the notice as things stand: as of the moment when it was given, or else of `as_of`."""
    entry = given(state)
    return notice(desired.contract, as_of if entry is None else entry.at, wanted(desired))


def wanted(desired: Desired) -> str | None:
    """The written day on which the contract is to end, where one is written."""
    goal = desired.subscription
    effective = goal.effective if goal is not None else None
    return effective if effective is not None and effective[:1].isdigit() else None


def hit(found: Notice | Unknown) -> NoticeAt | Unknown:
    """The term that notice ends: that of the current term, or the first that it still reaches."""
    return found if isinstance(found, Unknown) else found.reachable


def zone_of(desired: Desired) -> str | None:
    """The customer's zone."""
    return desired.contract.calendar.zone if desired.contract is not None else None


def _clock(point: Dated, zone: str | None) -> str | None:
    if point.clock is None:
        return None
    return moment(point.at, zone).clock


def _recorded(desired: Desired, at: str) -> Dated:
    found = moment(_aware(at), zone_of(desired), real=True)
    return msgspec.structs.replace(found, why=(message("date.recorded", day=found.day),))


def _aware(at: str) -> str:
    found = datetime.fromisoformat(at)
    return at if found.tzinfo is not None else found.replace(tzinfo=UTC).isoformat()


def _by_work() -> Unknown:
    return Unknown((message("undated.by_work"),))


def _notice_deadline(desired: Desired, state: State, as_of: str) -> Dated | Unknown:
    found = hit(standing(desired, state, as_of))
    if isinstance(found, Unknown) or desired.contract is None:
        return found if isinstance(found, Unknown) else found.deadline
    return early_enough(found.deadline, desired.contract) or found.deadline


def _freeze(desired: Desired, state: State, as_of: str) -> Dated | Unknown:
    entry = state.latest(address(Kind.FREEZE, "cutover"), Verb.CONFIRM)
    if entry is not None and entry.outcome is Outcome.DONE:
        return _recorded(desired, entry.at)
    if desired.freeze is None:
        return Unknown((message("undated.no_freeze"),))
    if desired.freeze == "now":
        return moment(as_of, zone_of(desired), (message("date.freeze_now"),))
    found = moment(desired.freeze, zone_of(desired))
    said = message("date.freeze", day=found.day, clock=found.clock or "", zone=found.zone)
    return msgspec.structs.replace(found, why=(said,))


def _archive_verified(desired: Desired, state: State) -> Dated | Unknown:
    """Since when everything that was archived has been read back whole."""
    proved: dict[str, str] = {}
    made: set[str] = set()
    for entry in state.entries.values():
        if kind_of(entry.address) is not Kind.ARCHIVE or entry.outcome is not Outcome.DONE:
            continue
        if entry.verb is Verb.ARCHIVE:
            made.add(entry.address)
        elif entry.verb in (Verb.VERIFY, Verb.DELTA):
            proved[entry.address] = min(proved.get(entry.address, entry.at), entry.at)
    loose = any(
        kind_of(entry.address) is Kind.ARCHIVE and entry.verb is Verb.ARCHIVE for entry in state.open().values()
    )
    if not made or loose or not made <= set(proved):
        return _by_work()
    return _recorded(desired, max(proved[place] for place in made))


def _cancel_effective(desired: Desired, state: State, as_of: str) -> Dated | Unknown:
    """When the contract is over: as it was seen, as the vendor promised, as contract and manifest say."""
    seen = _seen_end(state)
    if seen is not None:
        return _ended_on(desired, state, seen)
    goal = desired.subscription
    if goal is None or goal.status not in ("cancelled", "downgraded"):
        return Unknown((message("undated.not_cancelled"),))
    return _expected_end(desired, state, goal, as_of)


def _ended_on(desired: Desired, state: State, seen: Entry) -> Dated:
    """The day on which the contract ended: that of the sight, or the one that a person says. Where only the proof is on record,
    the day that was promised, written or agreed, if it was over by then: nothing ends because somebody writes it down."""
    found, goal = _recorded(desired, seen.at), desired.subscription
    if seen.proof is Proof.OBSERVED or seen.told is not None:
        return found
    if goal is not None and goal.status in ("cancelled", "downgraded"):
        asked, notice = [asked_on(state, each) for each in _standing_requests(state)], given(state)
        asked += [notice.at] if notice is not None else []
        expected = _expected_end(desired, state, goal, min(asked, default=seen.at))
        if isinstance(expected, Dated) and not expected.real and expected.at <= found.at:
            return msgspec.structs.replace(expected, real=True)
    return msgspec.structs.replace(found, why=(message(WRITTEN_DOWN, day=found.day),))


WRITTEN_DOWN = "date.written_down"
"""Why a day is taken on which somebody wrote down that the contract had ended, and nobody knows when it did."""


def only_written_down(found: Dated | Unknown) -> bool:
    """Whether a day is not the one on which something happened, but that on which it was recorded."""
    return isinstance(found, Dated) and any(each.code == WRITTEN_DOWN for each in found.why)


def _expected_end(desired: Desired, state: State, goal: SubscriptionGoal, as_of: str) -> Dated | Unknown:
    """The end that was promised, or that contract and manifest mean."""
    promised = [until for entry in _standing_requests(state) if (until := entry.until)]
    if promised and goal.effective != "immediately":
        last = max(promised)
        if len(last) == len("2026-12-31"):  # a day: it is over at its end, and no zone makes another of it
            calendar = desired.contract.calendar if desired.contract is not None else Calendar()
            said, zone = (message("date.promised", day=last),), calendar.vendor_zone or calendar.zone
            return unless_unknown(lambda: on(date.fromisoformat(last), zone, None, said))
        found = moment(_aware(last), zone_of(desired))
        return msgspec.structs.replace(found, why=(message("date.promised", day=found.day),))
    if goal.effective in (None, "immediately"):
        done = _result(desired, state, Kind.SUBSCRIPTION, Verb.CANCEL)
        return done if isinstance(done, Dated) else _result(desired, state, Kind.SUBSCRIPTION, Verb.DOWNGRADE)
    day = wanted(desired)
    if day is not None:
        written = date.fromisoformat(day)
        return unless_unknown(lambda: on(written, zone_of(desired), None, (message("date.written", day=written),)))
    return _contract_end(desired.contract, goal.effective, state, desired, as_of)


def asked_on(state: State, entry: Entry) -> str:
    """When something was first asked for: by the contact in which it was, where somebody told us later."""
    since, spoken = entry.since or entry.at, spoken_at(state, entry)
    return since if spoken is None else min(since, spoken)


def _standing_requests(state: State) -> list[Entry]:
    """Of each subscription the request for its end that stands: the last one, and none before it, which was withdrawn at the
    vendor's or asked for another end."""
    last: dict[Address, Entry] = {}
    for entry in _newest(state, _ENDS, Kind.SUBSCRIPTION):
        if entry.outcome is Outcome.FAILED or taken_back(state, entry):
            continue
        known = last.get(entry.address)
        if known is None or asked_on(state, known) <= asked_on(state, entry):
            last[entry.address] = entry
    return list(last.values())


def _newest(state: State, verbs: Collection[Verb], kind: Kind | None = None) -> list[Entry]:
    """What was done with these verbs, each thing's last occurrence: what was withdrawn, or came back, is asked for anew as
    the next one."""
    found: dict[tuple[Address, Verb], Entry] = {}
    for entry in state.entries.values():
        if entry.verb not in verbs or not (kind is None or kind_of(entry.address) is kind):
            continue
        key = entry.address, entry.verb
        if key not in found or found[key].occurrence < entry.occurrence:
            found[key] = entry
    return list(found.values())


def _contract_end(
    contract: ContractGoal | None, effective: str | None, state: State, desired: Desired, as_of: str
) -> Dated | Unknown:
    """The end of the term, or of the period that is paid for, that notice still reaches."""
    if contract is None:
        return Unknown((message("undated.no_term"),))
    clause = contract.notice
    if clause is not None and (clause.before == "term_end") == (effective == "end_of_term"):
        found = hit(standing(desired, state, as_of))
        if not isinstance(found, Unknown):
            return end_of(contract, found.term)
        if contract.term is None or contract.term.renewal != "none":
            return found
    terms = contract.term if effective == "end_of_term" else billing(contract.term, contract.price)
    if terms is None:
        return Unknown((message("undated.period"),))
    running = current_term(terms, today(as_of, contract.calendar.vendor_zone or contract.calendar.zone))
    return running if isinstance(running, Unknown) else end_of(contract, running)


def _access_ends(desired: Desired, state: State, contract_ends: Dated | Unknown) -> Dated | Unknown:
    """When our own access is gone: as we ended it, and at the latest with the contract."""
    ours = [entry for entry in state.entries.values() if entry.own]
    asked = any(entry.verb is Verb.CLOSE and entry.proof is not Proof.OBSERVED for entry in ours)
    if (
        ours
        and all(entry.outcome is Outcome.DONE for entry in ours)
        and (not asked or _last(state, Kind.ACCOUNT, Verb.PROBE) is not None)
    ):
        return _recorded(desired, max(entry.at for entry in ours))
    if isinstance(contract_ends, Dated) and not contract_ends.real:
        return msgspec.structs.replace(contract_ends, why=(*contract_ends.why, message("date.access_with_contract")))
    return contract_ends if isinstance(contract_ends, Dated) else _by_work()


def _purged(desired: Desired, state: State) -> Dated | Unknown:
    """Since when everything that was to be purged is gone, the bin as well."""
    verbs = {Verb.PURGE} | ({Verb.EMPTY} if desired.purge is not None and desired.purge.bin else set())
    found = _newest(state, verbs)
    if {entry.verb for entry in found} < verbs or any(entry.outcome is not Outcome.DONE for entry in found):
        return _by_work()
    return _recorded(desired, max(entry.at for entry in found))


def _result(desired: Desired, state: State, kind: Kind, verb: Verb) -> Dated | Unknown:
    """When something had ended: as it was seen, or a document proved it. That a person asked for it is no result."""
    entry = _seen_end(state) if kind is Kind.SUBSCRIPTION else _last(state, kind, Verb.PROBE)
    if entry is None:
        entry = _last(state, kind, verb)
        if entry is not None and entry.proof is not Proof.OBSERVED:
            entry = None
    return _recorded(desired, entry.at) if entry is not None else _by_work()


_ENDS = frozenset({Verb.CANCEL, Verb.RENEW_OFF, Verb.DOWNGRADE})
_ASKS = _ENDS | {Verb.PAUSE, Verb.RESUME}
"""What is asked of a vendor for a subscription."""


def _seen_end(state: State) -> Entry | None:
    """The proof that the subscription has ended: of what was asked for last, which is neither a pause nor that it goes on."""
    entry = _last(state, Kind.SUBSCRIPTION, Verb.PROBE)
    if entry is None:
        return None
    asked = [
        (each.since or each.at, each.verb)
        for each in state.entries.values()
        if each.verb in _ASKS and kind_of(each.address) is Kind.SUBSCRIPTION and each.outcome is not Outcome.FAILED
    ]
    at, verb = max(asked, default=("", Verb.CANCEL))
    return None if verb in (Verb.PAUSE, Verb.RESUME) or at > entry.at else entry


def _last(state: State, kind: Kind, verb: Verb) -> Entry | None:
    """The last thing of a kind that was done with a verb; None where something of it is open."""
    found = _newest(state, {verb}, kind)
    if not found or any(entry.outcome is not Outcome.DONE for entry in found):
        return None
    return max(found, key=lambda entry: entry.at)


def _with_people(desired: Desired, state: State, dates: dict[str, Dated | Unknown]) -> dict[str, Dated | Unknown]:
    """Adds the people's steps: when each was confirmed, or else is due. What a `due` refers to is dated before it."""
    open_goals: list[HumanGoal] = []
    for goal in desired.people:
        entry = state.latest(address(Kind.HUMAN_STEP, goal.id), Verb.CONFIRM)
        if entry is not None and entry.outcome is Outcome.DONE:
            dates[goal.id] = _recorded(desired, entry.at)
        else:
            open_goals.append(goal)
    calendar = desired.contract.calendar if desired.contract is not None else Calendar()
    for _ in range(len(open_goals)):
        waiting = [goal for goal in open_goals if goal.id not in dates]
        names = {goal.id for goal in waiting}
        for goal in waiting:
            due = read_when(goal.due)
            if due is None:
                dates[goal.id] = _by_work()
            elif due.point not in names:
                dates[goal.id] = resolve(due, dates, calendar)
    for goal in open_goals:
        dates.setdefault(goal.id, _by_work())
    return dates

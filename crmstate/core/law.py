"""Law: a rule of law as dated data, and what it makes of the days that are known.

It never overwrites a contract and is no advice: it says which bound a text sets, where that stands, and when somebody
last compared it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date

import msgspec

from crmstate.core.contract import Calendar, Period
from crmstate.core.deadline import Dated, Rule, Unknown, common_days, follow, on, unless_unknown
from crmstate.core.message import message

CONTRACT_END = "contract_end"
RECEIVED, ASSUMED = "date.receipt_acknowledged", "date.receipt_assumed"
"""What a day that rules run from may say of itself: from whom it is, or that it is an assumption. It goes with their dates."""
SWITCHING_REQUEST = "switching_request"
EVENTS = (SWITCHING_REQUEST, "subject_request", CONTRACT_END)
"""What a rule's period may run from, beside another rule: the vendor has received the complete request to switch; somebody
has asked for their own data; the contract has ended."""


class Law(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, rename={"since": "from"}):
    """One rule. `since` (written `from`): an event, or the id of another rule, whose unrolled day its period runs from.
    `bound`: at_most, at_least, duty (no period of its own), once, none (nothing of it from `valid_from` on). `roll` later
    counts with `cited`, the rule that says so. `source` names the text; `checked_on`: when this row was last compared with
    a quotation of it. `valid_from` and `valid_to`: the days between which the rule applies."""

    id: str
    regime: str
    article: str
    source: str
    checked_on: str
    valid_from: str
    bound: str
    since: str | None = None
    period: str | None = None
    roll: str = "none"
    cited: str = ""
    valid_to: str | None = None


class LawBook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of rules."""

    rules: tuple[Law, ...]


class Applied(msgspec.Struct, frozen=True, omit_defaults=True):
    """A rule and its date; `date` is None where the rule has none of its own."""

    law: Law
    date: Dated | Unknown | None = None


def apply_laws(
    laws: Sequence[Law],
    regimes: Collection[str],
    events: Mapping[str, Dated | Unknown | date],
    where: Calendar,
    today: date,
) -> Iterator[Applied]:
    """The rules of some regimes that are valid, each with its date: on the day that it runs from, or today."""
    by_id = {law.id: law for law in laws}
    done: dict[str, Dated | Unknown | None] = {}
    for law in laws:
        if law.regime in regimes and valid(law, _anchor_day(law, by_id, events, where, done) or today):
            yield Applied(law, dated(law, by_id, events, where, done))


def valid(law: Law, day: date) -> bool:
    """Whether a rule applies on a day. One that bars something from a day on is shown before it as well."""
    if law.bound == "none":
        return law.valid_to is None or day.isoformat() <= law.valid_to
    return law.valid_from <= day.isoformat() <= (law.valid_to or "9999")


def dated(
    law: Law,
    by_id: Mapping[str, Law],
    events: Mapping[str, Dated | Unknown | date],
    where: Calendar,
    done: dict[str, Dated | Unknown | None],
) -> Dated | Unknown | None:
    """The date of a rule. What runs from another rule is counted from that one's unrolled day."""
    if law.id not in done:
        done[law.id] = Unknown((message("undated.circle"),))
        done[law.id] = _dated(law, by_id, events, where, done)
    return done[law.id]


def _dated(
    law: Law,
    by_id: Mapping[str, Law],
    events: Mapping[str, Dated | Unknown | date],
    where: Calendar,
    done: dict[str, Dated | Unknown | None],
) -> Dated | Unknown | None:
    if law.bound == "none":
        begins = on(date.fromisoformat(law.valid_from), where.zone)
        return msgspec.structs.replace(begins, at=begins.starts, why=(message("date.begins", day=begins.day),))
    if law.since is None:
        return None
    anchor = dated(by_id[law.since], by_id, events, where, done) if law.since in by_id else events.get(law.since)
    if anchor is None or isinstance(anchor, Unknown):
        return Unknown((message("undated.event", event=law.since),))
    day = anchor.unrolled if isinstance(anchor, Dated) else anchor
    noted = [each for each in anchor.why if each.code in (RECEIVED, ASSUMED)] if isinstance(anchor, Dated) else []
    said = (message("date.event", event=law.since, day=day), *noted)
    if law.period is None:
        return unless_unknown(lambda: on(day, where.zone, None, said))
    number, _, unit = law.period.partition(" ")
    rule = Rule(Period(int(number), unit), "after", law.roll, law.cited, law.bound)
    return follow(rule, day, common_days(where), zone=where.zone, why=said)


def _anchor_day(
    law: Law,
    by_id: Mapping[str, Law],
    events: Mapping[str, Dated | Unknown | date],
    where: Calendar,
    done: dict[str, Dated | Unknown | None],
) -> date | None:
    if law.since is None:
        return None
    anchor = dated(by_id[law.since], by_id, events, where, done) if law.since in by_id else events.get(law.since)
    return anchor.unrolled if isinstance(anchor, Dated) else anchor if isinstance(anchor, date) else None

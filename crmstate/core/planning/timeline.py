"""Timeline: every date of a decommissioning in one place, from manifest and record alone: those to come, those that nobody
can know yet, and what the law says to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from crmstate.core.address import address
from crmstate.core.contacts import switching
from crmstate.core.contract import Calendar
from crmstate.core.deadline import Dated, Unknown, moment, today
from crmstate.core.diagnostic import Diagnostic
from crmstate.core.event import Contacted
from crmstate.core.goal import ArchiveGoal, Desired
from crmstate.core.law import ASSUMED, CONTRACT_END, RECEIVED, SWITCHING_REQUEST, Applied, Law, apply_laws
from crmstate.core.message import message
from crmstate.core.milestones import milestones
from crmstate.core.plan import Deadline
from crmstate.core.planning.afterwards import afterwards
from crmstate.core.planning.dates import contract_dates, missed_notice, undated
from crmstate.core.planning.notices import notice_dates
from crmstate.core.planning.retention import deadlines
from crmstate.core.record import State
from crmstate.core.words import Contacting, Kind, Milestone


class Timeline(msgspec.Struct, frozen=True):
    """`as_of`: ISO 8601 UTC. `dates` in their order; `unknown` by name; `laws`: the rules of the manifest's regimes."""

    name: str
    as_of: str
    dates: tuple[Deadline, ...]
    unknown: dict[str, Unknown]
    laws: tuple[Applied, ...]
    warnings: tuple[Diagnostic, ...] = ()


def timeline(
    desired: Desired, state: State, now: str, laws: Sequence[Law] = (), events: Mapping[str, date] | None = None
) -> Timeline:
    """Everything that has a date, and what has none. `events`: days on which something happened that no record shows."""
    applied = legal(desired, state, now, laws, events)
    return Timeline(
        name=desired.name,
        as_of=now,
        dates=all_dates(desired, state, now, applied),
        unknown=undated(desired, state, now),
        laws=applied,
        warnings=missed_notice(desired, state, now),
    )


def all_dates(desired: Desired, state: State, now: str, laws: Sequence[Applied] = ()) -> tuple[Deadline, ...]:
    """The dates to come: of contract, cutover, people and notices, of what comes afterwards, of the archive, and of the law."""
    found = [*contract_dates(desired, state, now), *notice_dates(desired, state, now), *afterwards(desired, state, now)]
    if isinstance(desired.archive, ArchiveGoal):
        found += deadlines(desired.archive, state, now)
    found += [
        _of_law(each.law, each.date, desired) for each in laws if isinstance(each.date, Dated) and each.date.at > now
    ]
    return tuple(sorted(found, key=lambda each: each.at))


def legal(
    desired: Desired, state: State, now: str, laws: Sequence[Law], events: Mapping[str, date] | None = None
) -> tuple[Applied, ...]:
    """The rules of the manifest's regimes, with their dates as far as the days that they run from are known: by what somebody
    says (`events`), by the contact log, by the contract."""
    contract = desired.contract
    if contract is None or not contract.regimes or not laws or not now:
        return ()
    where: Calendar = contract.calendar
    known: dict[str, Dated | Unknown | date] = {
        CONTRACT_END: milestones(desired, state, now)[Milestone.CANCEL_EFFECTIVE.value],
    }
    if (asked := switching(state.contacts)) is not None:
        known[SWITCHING_REQUEST] = _received(asked, where.vendor_zone or where.zone)
    known |= events or {}
    return tuple(apply_laws(laws, contract.regimes, known, where, today(now, where.zone)))


def _received(by: Contacted, zone: str | None) -> Dated:
    """The day of the vendor's receipt, by an acknowledgement; by a request it is an assumption, and says so."""
    sure = by.kind is Contacting.ACKNOWLEDGEMENT
    why = message(RECEIVED if sure else ASSUMED, contact=by.id, channel=by.channel.value)
    return msgspec.structs.replace(moment(by.when, zone), why=(why,))


def _of_law(law: Law, at: Dated, desired: Desired) -> Deadline:
    said = message("due.law", article=law.article, bound=law.bound, rule=f"law.{law.id}")
    source = message("date.law", source=law.source, checked=law.checked_on)
    span = desired.contract.span if desired.contract else None
    return Deadline("law", at.at, address(Kind.SUBSCRIPTION, "contract"), said, span, (*at.why, source))

"""Of what was ended, or brought back: subscriptions, people, keys and all else whose end is its phase."""

from __future__ import annotations

from collections.abc import Iterator

from crmstate.core import accepted
from crmstate.core.address import kind_of
from crmstate.core.change import Change, Turn
from crmstate.core.drifting.seen import VENDORS, Seen
from crmstate.core.record import Entry
from crmstate.core.survey import Resource, SubscriptionFacts
from crmstate.core.words import Outcome, Phase, Verb

_RANK = {Phase.PRESENT: 0, Phase.PENDING: 1, Phase.INACTIVE: 2, Phase.ABSENT: 3}


def ended(seen: Seen) -> Iterator[Change]:
    """Of everything that was ended, or brought back."""
    for place, entry in seen.last.items():
        kind = kind_of(place)
        if kind not in VENDORS:
            continue
        row = seen.by_address.get(place)
        if row is None and kind not in seen.observed.complete:
            seen.unseen.add(kind)
            continue
        phase = row.phase if row is not None else Phase.ABSENT
        if phase not in _RANK:
            seen.unseen.add(kind)
            continue
        if phase is Phase.PRESENT and not _shown_once(entry):
            seen.unshown.add(place)
            continue
        seen.compared.add(place)
        if (what := _turn(entry, phase, row)) is not None:
            yield seen.change(what, place, _shown(row, phase), entry=entry, recorded=_meant(entry).value)


def _meant(entry: Entry) -> Phase:
    """The phase that the record has of it: of what was only asked for, that it is accepted."""
    if entry.outcome is Outcome.REQUESTED or entry.code == accepted.WITHDRAWN:
        return Phase.PENDING
    return entry.phase if entry.phase is not None else Phase.UNKNOWN


def _shown_once(entry: Entry) -> bool:
    """Whether the vendor itself has shown what is on record: that it was accepted, or how far it went. Of what was only asked for,
    or is done by somebody's word, nobody has seen that."""
    if entry.outcome is Outcome.REQUESTED:
        return accepted.shown(entry)
    return entry.phase is not None


def _turn(entry: Entry, phase: Phase, row: Resource | None) -> Turn | None:
    was = _meant(entry)
    facts = row.facts if row is not None else None
    if isinstance(facts, SubscriptionFacts) and entry.verb in (Verb.CANCEL, Verb.RENEW_OFF):
        runs = (
            phase is Phase.PRESENT and facts.status == "active" and facts.pending is None and facts.renews is not False
        )
        later = entry.until is not None and facts.term_end is not None and facts.term_end > entry.until[:10]
        if runs and (later or entry.verb is Verb.RENEW_OFF):
            return Turn.RENEWED
    if isinstance(facts, SubscriptionFacts) and entry.verb is Verb.CANCEL and was is Phase.PENDING:
        other = phase is Phase.PENDING and facts.pending not in (None, "cancel")
        if other or phase is Phase.INACTIVE:
            return Turn.CAME_BACK  # something else was asked for, or it rests: its end is not to come any more
    if was not in _RANK or phase not in _RANK or was is phase:
        return None
    if was is Phase.INACTIVE and phase is Phase.PENDING and not _runs(facts):
        return Turn.GONE
    if _RANK[phase] > _RANK[was]:
        return Turn.THROUGH if was is Phase.PENDING else Turn.GONE
    return Turn.CAME_BACK


def _runs(facts: object) -> bool:
    """Whether a subscription is not at rest, whatever it waits for."""
    return isinstance(facts, SubscriptionFacts) and facts.status == "active"


def _shown(row: Resource | None, phase: Phase) -> str:
    """The phase, of a subscription with its last day."""
    facts = row.facts if row is not None else None
    if isinstance(facts, SubscriptionFacts) and facts.term_end:
        return f"{phase.value} {facts.term_end}"
    return phase.value

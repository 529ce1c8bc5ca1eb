"""Of what has to stay: our own access, and whom the manifest keeps."""

from __future__ import annotations

from collections.abc import Iterator

from crmstate.core.address import Address, address, kind_of
from crmstate.core.change import Change, Turn
from crmstate.core.drifting.seen import Seen
from crmstate.core.planning.draft import match
from crmstate.core.words import Kind, Phase


def staying(seen: Seen) -> Iterator[Change]:
    """Of what has to stay: our own access, and whom the manifest keeps."""
    if not seen.left():
        mine = {place for place in seen.own if kind_of(place) is Kind.USER}
        for each in seen.observed.identities:
            mine |= {address(kind, id) for kind, id in ((Kind.USER, each.user), (Kind.API_KEY, each.key)) if id}
        for place in sorted(mine):
            row, kind = seen.by_address.get(place), kind_of(place)
            phase = row.phase if row is not None else Phase.ABSENT
            if phase is Phase.UNKNOWN or (row is None and kind not in seen.observed.complete):
                seen.unseen.add(kind)
            elif phase is not Phase.PRESENT and place not in seen.last:
                yield seen.change(Turn.OWN_GONE, place, phase.value)
    goal = seen.desired.users
    if goal is not None and seen.state.entries and Kind.USER in seen.observed.complete:
        there = [row for row in seen.observed.of(Kind.USER) if row.phase is Phase.PRESENT]
        kept = [each.who for each in goal.keep]
        for selector in match(kept, there)[1]:
            place = address(Kind.USER, str(selector))
            if seen.desired.mask_people and selector.id is None:
                place = _masked(kept.index(selector))
            yield seen.change(Turn.KEPT_GONE, place, Phase.ABSENT.value)


def _masked(number: int) -> Address:
    """The person at this place in the manifest's list of those whom it keeps, where neither mail nor name may be shown. Nobody
    types it, so that it stays as people read it."""
    return Address(f"{Kind.USER.value}/***-{number + 1}")

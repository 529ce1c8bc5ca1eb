"""drift(): what the vendor shows otherwise than the record of what we did. Pure, and three-way: recorded, observed, and what
the manifest would make of it. Nothing is settled by it.

Absence is concluded from whole listings only. What the record does not know is told where the last run would have ended it, had
it been there; where that is not certain, its kind is named.
"""

from __future__ import annotations

import msgspec

from crmstate.core.address import Address
from crmstate.core.change import Change
from crmstate.core.drifting.ended import ended
from crmstate.core.drifting.rows import rows, vanished
from crmstate.core.drifting.seen import Seen
from crmstate.core.drifting.staying import staying
from crmstate.core.drifting.strangers import strangers
from crmstate.core.goal import Desired
from crmstate.core.plan import Plan
from crmstate.core.record import State
from crmstate.core.survey import Survey
from crmstate.core.words import Kind


class Drift(msgspec.Struct, frozen=True):
    """All of it. `unseen`: kinds with something on record that the vendor did not list whole; `unshown`: what is on record as asked for,
    or as done by somebody's word, and the vendor shows as it was before; `unsure`: kinds with something that the manifest ends and the record does
    not know, so that nobody can say whether it is new; `known`: how many things the record and the vendor were compared
    in; `sealed`: since when the vendor is out of reach by our own act, and nothing can be compared."""

    name: str
    tenant: str
    observed_at: str
    serial: int
    changes: tuple[Change, ...] = ()
    unseen: tuple[Kind, ...] = ()
    unshown: tuple[Address, ...] = ()
    unsure: tuple[Kind, ...] = ()
    known: int = 0
    sealed: str | None = None

    @property
    def whole(self) -> bool:
        """Whether everything was looked at, so that no change means that nothing changed."""
        return not (self.unseen or self.unshown or self.unsure)


def drift(desired: Desired, observed: Survey, recorded: State, made: Plan) -> Drift:
    """The differences, in the order of their addresses. `made`: the plan on the same three."""
    seen = Seen(desired, observed, recorded, made)
    found = sorted(
        [*ended(seen), *rows(seen), *vanished(seen), *staying(seen), *strangers(seen)],
        key=lambda each: (each.address, each.what.value),
    )
    return Drift(
        desired.name,
        observed.tenant,
        observed.taken_at,
        recorded.serial,
        tuple(found),
        tuple(sorted(seen.unseen)),
        tuple(sorted(seen.unshown)),
        tuple(sorted(seen.unsure)),
        len(seen.compared),
    )

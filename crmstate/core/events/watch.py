"""Of the looks after the end."""

from __future__ import annotations

import msgspec

from crmstate.core.events.event import Event


class Sight(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that a look after the end saw. `what`: credential (`name`: its use), listing, archive, or back. `said`: of a credential
    refused, works, works_again, refused_strangely or unknown; of a listing unknown, not_shown or unsure (`name`: of which kind), or unshown; of the
    archive due; of what is back the word of `drift.Turn`. `code`: why nothing could be seen."""

    what: str
    said: str
    name: str = ""
    address: str = ""
    code: str = ""


class Watched(Event, frozen=True, tag="watched", kw_only=True):
    """Somebody looked whether anything came back. `outcome`: clear (nothing did), partly (nothing did, as far as the vendor shows), back,
    unknown (it could not be looked)."""

    by: str
    outcome: str
    sights: tuple[Sight, ...]

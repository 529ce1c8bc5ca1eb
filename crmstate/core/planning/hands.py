"""By hand: what no API lists, and a person can end. One step for a whole kind, with the runbook of the provider's
table; it is done when somebody says so, with the proof that the step asks for."""

from __future__ import annotations

from crmstate.core.address import Address, address
from crmstate.core.diagnostic import Span
from crmstate.core.message import Message, message
from crmstate.core.order import Stage
from crmstate.core.plan import Step
from crmstate.core.planning.draft import Draft
from crmstate.core.words import How, Kind, Mode, Phase, Proof, Verb

ALL = "all"
"""The id of everything of a kind that cannot be listed."""

OPENED = "opened"
"""The id of an encrypted archive as somebody who has a key finds it."""

OWN = "own"
"""The id of our own access, where it cannot be listed."""


def unlisted(draft: Draft, kind: Kind, verb: Verb) -> bool:
    """Whether the API lists nothing of a kind, and its end is a person's work."""
    listing, cell = draft.provider.cell(kind, Verb.LIST), draft.provider.cell(kind, verb)
    listed = listing is not None and listing.how is How.API
    return not listed and cell is not None and cell.how is How.MANUAL


def by_hand(
    draft: Draft,
    kind: Kind,
    verb: Verb,
    stage: Stage,
    why: Message,
    *,
    id: str = ALL,
    span: Span | None = None,
    needs: tuple[str, ...] = (),
    stale: bool = False,
) -> Step | None:
    """Plans one step for a person, unless it is on record as done. `stale`: what is on record does not count any more
    (rows have gone to the bin since, or a key still works)."""
    cell = draft.provider.cell(kind, verb)
    assert cell is not None and cell.how is How.MANUAL
    place: Address = address(kind, id)
    done = draft.recorded(place, verb)
    if done is not None and not stale:
        draft.keep(kind)
        return None
    occurrence = max(1, draft.state.occurrence(place, verb))
    if done is not None:
        occurrence, why = occurrence + 1, message("why.came_back", at=done.at)
    return draft.ours(
        place, kind, verb, stage.value, why,
        mode=Mode.MANUAL, occurrence=occurrence, undo=cell.undo, before=Phase.PRESENT, after=cell.after, needs=needs,
        owner=draft.desired.owner, proof=Proof.ATTESTED, runbook=cell.runbook, span=span,
    )  # fmt: skip

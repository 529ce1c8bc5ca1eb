"""By hand: what no API lists, and a person can end. One step for a whole kind, with the runbook of the provider's
table; it is done when somebody says so, with the proof that the step asks for.

What a vendor can only be asked for is two steps: the request, which its sender attests, and the result, which only a
document of the vendor's proves where no API shows it. A confirmed request is never a confirmed result.
"""

from __future__ import annotations

from crmstate.core.accepted import WITHDRAWN
from crmstate.core.address import Address, address
from crmstate.core.contacts import ASKED
from crmstate.core.diagnostic import Span
from crmstate.core.message import Message, message
from crmstate.core.milestones import asked_on
from crmstate.core.order import Stage
from crmstate.core.plan import Step
from crmstate.core.planning.draft import Draft, expired
from crmstate.core.record import Entry
from crmstate.core.words import PROOFS, How, Kind, Mode, Outcome, Phase, Proof, Verb

ALL = "all"
"""The id of everything of a kind that cannot be listed."""

OPENED = "opened"
"""The id of an encrypted archive as somebody who has a key finds it."""

OWN = "own"
"""The id of our own access, where it cannot be listed."""

RESULTS = {Kind.SUBSCRIPTION: Stage.EFFECTIVE, Kind.ACCOUNT: Stage.ACCOUNT}
"""Where the end itself stands, of what a vendor can only be asked for."""


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
    until: str | None = None,
) -> Step | None:
    """Plans one step for a person, unless it is on record as done, and the result where the vendor is only asked. `stale`:
    what is on record does not count any more (rows have gone to the bin since, or a key still works). `until`: before
    this time (ISO 8601 UTC) there is no result."""
    cell = draft.provider.cell(kind, verb)
    assert cell is not None and cell.how is How.MANUAL
    place: Address = address(kind, id)
    done = draft.recorded(place, verb)
    if done is not None and not stale:
        draft.keep(kind)
        if kind in RESULTS and verb in ASKED:
            result(draft, kind, place, cell.after, span, verb, asked=done, until=until)
        return None
    occurrence, last = max(1, draft.state.occurrence(place, verb)), draft.state.latest(place, verb)
    if done is not None:
        occurrence, why = occurrence + 1, message("why.came_back", at=done.at)
    elif last is not None and last.code == WITHDRAWN:
        occurrence, why = occurrence + 1, message("why.taken_back", at=last.at)
    step = draft.ours(
        place, kind, verb, stage.value, why,
        mode=Mode.MANUAL, occurrence=occurrence, undo=cell.undo, before=Phase.PRESENT, after=cell.after, needs=needs,
        owner=draft.desired.owner, proof=Proof.ATTESTED, runbook=cell.runbook, span=span,
    )  # fmt: skip
    if kind in RESULTS and verb in ASKED:
        result(draft, kind, place, cell.after, span, verb, needs=(step.id,), until=until)
    return step


def result(
    draft: Draft,
    kind: Kind,
    place: Address,
    after: Phase,
    span: Span | None,
    verb: Verb,
    *,
    needs: tuple[str, ...] = (),
    asked: Entry | None = None,
    until: str | None = None,
) -> None:
    """Plans the result of `verb` apart from the request, unless it is on record. One that was seen before the request is
    another one's. That something rests, or goes on smaller, is no end."""
    seen = draft.recorded(place, Verb.PROBE)
    if seen is not None and asked is not None and seen.at >= asked.at:
        return
    last = draft.state.latest(place, Verb.PROBE)
    over = last is not None and last.outcome is Outcome.DONE and not expired(last, draft.survey.taken_at)
    occurrence = (last.occurrence if last is not None else 1) + over
    what = verb.value if verb in (Verb.PAUSE, Verb.DOWNGRADE) else kind.value
    at = asked_on(draft.state, asked) if asked is not None else ""
    why = message(f"why.result.{what}", at=at) if asked is not None else message(f"why.result.{what}.later")
    stage = Stage.LEAVE if verb is Verb.PAUSE else RESULTS[kind]
    draft.ours(
        place, kind, Verb.PROBE, stage.value, why,
        mode=Mode.MANUAL, occurrence=occurrence, before=Phase.PENDING, after=after, needs=needs, not_before=until,
        owner=draft.desired.owner, proof=Proof.CERTIFIED, files=True, span=span,
    )  # fmt: skip


def enough(given: Proof, need: Proof) -> bool:
    """Whether what is on record is as strong as what is asked for now; a waiver goes past it."""
    return given is Proof.WAIVED or PROOFS.index(given) <= PROOFS.index(need)

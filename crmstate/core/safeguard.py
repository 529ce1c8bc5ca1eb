"""guard(): ceilings, expected counts and covers. What it finds are errors of the plan: nothing of it is applied."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from crmstate.core.goal import Desired, NoArchive
from crmstate.core.plan import HARMLESS, Step
from crmstate.core.words import How, Kind, Mode, Severity, Undo, Verb

if TYPE_CHECKING:
    from crmstate.core.planning.draft import Draft

_EXPECTED = {
    "users": Kind.USER,
    "api_keys": Kind.API_KEY,
    "integrations": Kind.INTEGRATION,
    "datasets": Kind.DATASET,
    "sessions": Kind.SESSION,
}


ENDING = frozenset({Verb.DEACTIVATE, Verb.DELETE, Verb.REVOKE, Verb.SIGN_OUT, Verb.DISABLE, Verb.RESET})


def guard(draft: Draft) -> None:
    """Adds an error for each safeguard that this plan would break."""
    desired = draft.desired
    if draft.survey.tenant != desired.tenant and desired.tenant:
        draft.report("CRM-P050", wanted=desired.tenant, found=draft.survey.tenant)
    if any(each.attestable and not each.whole_view for each in draft.survey.identities):
        keyless = any(each.keyless for each in draft.survey.identities)
        code = "CRM-P053" if desired.coverage else "CRM-P057" if keyless else "CRM-P054"
        span = desired.spans.get("provider.coverage") or desired.spans.get("provider")
        draft.report(code, Severity.WARNING, span, who=desired.coverage)
    ceiling = desired.safeguards.max_removals
    if ceiling is not None and draft.removals > ceiling:
        span = desired.spans.get("safeguards.max_removals") or desired.safeguards.span
        draft.report("CRM-P051", span=span, count=draft.removals, ceiling=ceiling)
    for name, expected in desired.expect.items():
        kind = _EXPECTED.get(name)
        if kind is None:
            continue
        if not _listed(draft, kind):
            draft.report("CRM-P056", Severity.NOTE, desired.spans.get(f"expect.{name}"), what=name, expected=expected)
            continue
        found = len(draft.by_kind[kind]) + ended(draft, kind)
        if found != expected:
            draft.report(
                "CRM-P052", span=desired.spans.get(f"expect.{name}"), what=name, expected=expected, found=found
            )
    _unasked(draft)


def _listed(draft: Draft, kind: Kind) -> bool:
    """Whether the vendor lists things of a kind at all: what nobody lists is not none of them."""
    cell = draft.provider.cell(kind, Verb.LIST)
    return cell is not None and cell.how is How.API


def _unasked(draft: Draft) -> None:
    """Says which irreversible steps nobody is asked to approve: what a person does is not held up by crmstate, and has
    happened when it is confirmed."""
    finals = [
        step
        for step in draft.steps
        if step.undo is Undo.NEVER and step.verb not in HARMLESS and draft.provider.cell(step.kind, step.verb)
    ]
    by_hand = sum(step.mode is Mode.MANUAL for step in finals)
    if draft.desired.safeguards.approvals and by_hand and not any(step.irreversible for step in finals):
        span = draft.desired.spans.get("safeguards.approvals") or draft.desired.safeguards.span
        draft.report("CRM-P058", Severity.NOTE, span, n=by_hand)


def approvals_needed(desired: Desired, steps: Iterable[Step]) -> int:
    """How many people must approve the irreversible steps: as many as the manifest says, and at least one where data
    are destroyed of which, by a written decision, there is no archive, and where the archive, the last copy, is to end.
    Whoever wrote that decision is one person."""
    written = desired.safeguards.approvals
    if written:
        return written
    unarchived = isinstance(desired.archive, NoArchive)
    return int(any((unarchived and destroys(step)) or step.verb is Verb.DISCARD for step in steps))


def destroys(step: Step) -> bool:
    """Whether an automatic step takes records away."""
    clears = step.verb is Verb.DISABLE and step.why.code == "why.module.clears"
    return step.mode is Mode.AUTO and (step.verb in (Verb.PURGE, Verb.CLOSE) or clears)


def ended(draft: Draft, kind: Kind) -> int:
    """How many resources of a kind are no longer listed after we set out to end them: they still belong to the tenant
    expected. An act whose outcome was not looked up yet counts as well: otherwise an interrupted run could not be
    resumed."""
    listed = {row.address for row in draft.by_kind[kind]}
    gone = {
        entry.address
        for entry in draft.state.entries.values()
        if entry.verb in (Verb.DELETE, Verb.REVOKE, Verb.SIGN_OUT) and entry.address.startswith(f"{kind.value}/")
    }
    return len(gone - listed)

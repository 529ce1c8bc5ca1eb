"""Resolve: a manifest that was found right -> `core.goal.Desired`, plain values that each know their line.

Nothing is looked up at the vendor: selectors stay selectors. What this version does not carry out comes out as
`Unsupported`, never silently.
"""

from __future__ import annotations

from pathlib import Path as FilePath

from crmstate.core.diagnostic import Span
from crmstate.core.goal import Desired, Safeguards
from crmstate.manifest.model import Manifest
from crmstate.manifest.resolve_around import acceptance_owner, people, unsupported
from crmstate.manifest.resolve_contract import contract
from crmstate.manifest.resolve_data import archive, discard, holds, purge
from crmstate.manifest.resolve_end import (
    account,
    api_keys,
    integrations,
    modules,
    sessions,
    settings,
    subscription,
    users,
)
from crmstate.manifest.resolve_told import evaluation, mail, notices, replacement, settlement
from crmstate.manifest.rules_contract import zone_of
from crmstate.manifest.tree import Tree, digest, dotted
from crmstate.manifest.written import in_utc, read_time

_DEEPEST_SPAN = 5


def resolve(model: Manifest, tree: Tree, folder: FilePath) -> Desired:
    """What the manifest means. `folder` is where it lies: relative locations are beside it."""
    end = model.end_state
    return Desired(
        name=model.name,
        digest=digest(tree.root),
        provider=model.provider.name,
        tenant=model.provider.tenant or "",
        owner=model.owner or "",
        reason=model.reason.text if model.reason else "",
        expect=_expect(model),
        coverage=model.provider.coverage.by if model.provider.coverage else "",
        open_questions=tuple(model.contract.open_questions) if model.contract else (),
        freeze=freeze(model, tree),
        subscription=subscription(end, tree),
        users=users(end, tree),
        sessions=sessions(end, tree),
        api_keys=api_keys(end, tree),
        integrations=integrations(end, tree),
        settings=settings(end, tree),
        modules=modules(end, tree),
        archive=archive(end.data, tree, folder),
        discard=discard(end.data, tree),
        purge=purge(end.data, tree),
        holds=holds(end.data),
        account=account(end, tree),
        people=people(model, tree),
        unsupported=unsupported(model, tree),
        safeguards=_safeguards(model, tree),
        mask_people=bool(model.privacy and model.privacy.mask_people),
        migration_owner=acceptance_owner(model),
        contract=contract(model, tree),
        notices=notices(model, tree),
        mail=mail(model, tree),
        settlement=settlement(model, tree),
        replacement=replacement(model, tree),
        evaluation=evaluation(model, tree),
        spans=_spans(tree),
    )


def freeze(model: Manifest, tree: Tree) -> str | None:
    """`now`, or the time of the freeze in UTC."""
    written = model.cutover.freeze if model.cutover else None
    time = read_time(written) if written else None
    return in_utc(time, zone_of(tree)) if time else written


def _expect(model: Manifest) -> dict[str, int]:
    return dict(model.expect.model_dump(exclude_none=True)) if model.expect else {}


def _safeguards(model: Manifest, tree: Tree) -> Safeguards:
    section = model.safeguards
    if section is None:
        return Safeguards()
    return Safeguards(
        max_removals=section.max_removals,
        approvals=section.approvals.irreversible if section.approvals else 0,
        require_plan_id=section.require_plan_id,
        span=tree.key_span("safeguards"),
    )


def _spans(tree: Tree) -> dict[str, Span]:
    """The places of the manifest's keys by dotted path; what stands inside lists of people is left out."""
    return {
        dotted(path): tree.key_span(*path)
        for path, _ in tree.walk()
        if len(path) <= _DEEPEST_SPAN and not {"keep", "only"} & set(path[:-1])
    }

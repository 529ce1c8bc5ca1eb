"""A plan as one JSON object, for machines, for pull requests and for `apply`; and back again.

Minor versions of the format only add fields, and readers ignore what they do not know. `decode_plan` is strict about
everything that it does know: what is no plan, was altered after it was made, or comes from a newer major version is
refused with its reason.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from crmstate.core.address import kind_of
from crmstate.core.audience import Audience
from crmstate.core.cost import Cost
from crmstate.core.diagnostic import Diagnostic, Problem, problem
from crmstate.core.life import Life
from crmstate.core.plan import (
    FORMAT_VERSION,
    Base,
    Blocked,
    Deadline,
    Estimate,
    Plan,
    Step,
    Summary,
    approval_digest,
    plan_digest,
)
from crmstate.core.record import step_id
from crmstate.core.words import Exit, Kind, Severity
from crmstate.views.catalogue import Catalogue
from crmstate.views.diagnostics import Finding, finding
from crmstate.views.wire import encode

SCHEMA_ID = "https://crmstate.dev/schemas/plan.schema.json"
_MAJOR = int(FORMAT_VERSION.partition(".")[0])
_KINDS = frozenset(kind.value for kind in Kind)


class ManifestFile(msgspec.Struct, frozen=True):
    """Which manifest a plan was made from: its path, and the sha256 of what it says (comments do not count)."""

    path: str
    digest: str


class Counts(msgspec.Struct, frozen=True):
    """How much there is to do. `ready`: what `apply` could start now. `unchanged` and `unmanaged` by kind."""

    auto: int
    manual: int
    wait: int
    irreversible: int
    blocked: int
    ready: int
    unchanged: dict[str, int]
    unmanaged: dict[str, int]


class PlanFile(msgspec.Struct, frozen=True):
    """A plan of crmstate. `irreversible` lists the ids of the steps that nothing can take back. `deadlines`: dates to
    come, before which nothing is to be done for them; `life` and `cost`: of the subscription, null where nobody speaks of
    one. `offline`: the vendor was not asked. `order`: pairs of stages, the earlier first. Times are ISO 8601 in UTC."""

    format_version: str
    plan_id: str
    name: str
    hypothetical: bool
    manifest: ManifestFile
    provider: str
    tenant: str
    base: Base
    observed_at: str
    complete: tuple[Kind, ...]
    sealed: str | None
    summary: Counts
    approval: str
    approvals_needed: int
    require_plan_id: bool
    estimate: Estimate
    irreversible: tuple[str, ...]
    steps: tuple[Step, ...]
    blocked: tuple[Blocked, ...]
    deadlines: tuple[Deadline, ...]
    cost: Cost | None
    diagnostics: tuple[Finding, ...]
    order: tuple[tuple[str, str], ...]
    excluded: tuple[str, ...]
    offline: bool = False
    life: Life | None = None
    notices: tuple[Audience, ...] = ()
    vendor: str = ""


class _Head(msgspec.Struct):
    format_version: str
    plan_id: str


def encode_plan(plan: Plan, words: Catalogue) -> bytes:
    """The plan as one line of JSON, ending with a line break. Diagnostics carry their words in the catalogue's
    language."""
    return encode(plan_file(plan, words)) + b"\n"


def plan_file(plan: Plan, words: Catalogue) -> PlanFile:
    """The plan in the shape of the format."""
    return PlanFile(
        format_version=plan.format_version,
        plan_id=plan.plan_id,
        name=plan.name,
        hypothetical=plan.hypothetical,
        manifest=ManifestFile(plan.manifest, plan.digest),
        provider=plan.provider,
        tenant=plan.tenant,
        base=plan.base,
        observed_at=plan.observed_at,
        complete=plan.complete,
        sealed=plan.sealed,
        summary=Counts(**msgspec.structs.asdict(plan.summary)),
        approval=plan.approval,
        approvals_needed=plan.approvals_needed,
        require_plan_id=plan.require_plan_id,
        estimate=plan.estimate,
        irreversible=tuple(step.id for step in plan.steps if step.irreversible),
        steps=plan.steps,
        blocked=plan.blocked,
        deadlines=plan.deadlines,
        cost=plan.cost,
        diagnostics=tuple(finding(found, words) for found in plan.diagnostics),
        order=plan.order,
        excluded=plan.excluded,
        offline=plan.offline,
        life=plan.life,
        notices=plan.notices,
        vendor=plan.vendor,
    )


def decode_plan(data: bytes, path: str = "-") -> Plan:
    """The plan that `encode_plan` wrote. `path` is for the message. Raises Problem: exit 64 (CRM-C003) for what is no
    plan, exit 65 for a newer major version (CRM-C004) or a plan that was altered after it was made (CRM-C030)."""
    try:
        head = msgspec.json.decode(data, type=_Head)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _no_plan(path, error) from None
    major = head.format_version.partition(".")[0]
    if not (major.isascii() and major.isdigit() and len(major) < 5):
        raise _no_plan(path, head.format_version[:40])
    if int(major) > _MAJOR:
        raise problem(Exit.INVALID, "CRM-C004", path=path, version=head.format_version[:40], known=FORMAT_VERSION)
    try:
        file = msgspec.json.decode(data, type=PlanFile)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _no_plan(path, error) from None
    _check(file, path)
    return _plan(file)


def _no_plan(path: str, why: object) -> Problem:
    return problem(Exit.USAGE, "CRM-C003", path=path, why=str(why)[:200])


def _check(file: PlanFile, path: str) -> None:
    """Refuses a plan whose name no longer fits what is in it, and one that no planner could have made."""
    places = [*(step.address for step in file.steps), *(each.address for each in file.blocked)]
    for place in places:
        kind, slash, remote = place.partition("/")
        if kind not in _KINDS or not slash or not remote:
            raise _no_plan(path, f"address {place[:80]}")
    if len({step.id for step in file.steps}) != len(file.steps):
        raise _no_plan(path, "two steps with one id")
    strange = [
        step.id
        for step in file.steps
        if (step.id, step.kind) != (step_id(step.address, step.verb, step.occurrence), kind_of(step.address))
    ]
    if strange:
        raise problem(Exit.INVALID, "CRM-C030", path=path, given=file.plan_id[:80], actual=strange[0][:80])
    given = file.plan_id, file.approval, file.irreversible
    errors = [each.code for each in file.diagnostics if each.severity is Severity.ERROR]
    irreversible = tuple(step.id for step in file.steps if step.irreversible)
    actual = (
        plan_digest(file.manifest.digest, file.tenant, file.steps, file.order, file.blocked, errors),
        approval_digest(file.steps),
        irreversible,
    )
    if given != actual:
        raise problem(Exit.INVALID, "CRM-C030", path=path, given=file.plan_id[:80], actual=actual[0])


def _plan(file: PlanFile) -> Plan:
    return Plan(
        format_version=file.format_version,
        plan_id=file.plan_id,
        name=file.name,
        manifest=file.manifest.path,
        digest=file.manifest.digest,
        provider=file.provider,
        tenant=file.tenant,
        base=file.base,
        observed_at=file.observed_at,
        steps=file.steps,
        order=file.order,
        approval=file.approval,
        summary=Summary(**msgspec.structs.asdict(file.summary)),
        blocked=file.blocked,
        diagnostics=tuple(
            Diagnostic(each.code, each.severity, each.params, each.span, each.address) for each in file.diagnostics
        ),
        complete=file.complete,
        estimate=file.estimate,
        approvals_needed=file.approvals_needed,
        require_plan_id=file.require_plan_id,
        hypothetical=file.hypothetical,
        sealed=file.sealed,
        excluded=file.excluded,
        offline=file.offline,
        deadlines=file.deadlines,
        life=file.life,
        cost=file.cost,
        notices=file.notices,
        vendor=file.vendor,
    )


def plan_schema() -> dict[str, Any]:
    """The JSON Schema of the format, generated from the types above."""
    (top,), parts = msgspec.json.schema_components((PlanFile,), ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": f"crmstate plan, format {FORMAT_VERSION}",
        **top,
        "$defs": dict(sorted(parts.items())),
    }


def plan_schema_text() -> str:
    """The schema as it is committed in `schemas/plan.schema.json`."""
    return json.dumps(plan_schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"

"""Plans, states and runs that the tests of the views look at."""

from __future__ import annotations

import msgspec

from crmstate.core.address import Address, address
from crmstate.core.diagnostic import Diagnostic, Span, diagnostic
from crmstate.core.message import message
from crmstate.core.order import precedence
from crmstate.core.plan import (
    FORMAT_VERSION,
    Base,
    Blocked,
    Estimate,
    Expect,
    Plan,
    Step,
    Summary,
    approval_digest,
    plan_digest,
    sort_key,
)
from crmstate.core.provider import Args
from crmstate.core.record import step_id
from crmstate.core.words import Kind, Mode, Phase, Proof, Severity, Undo, Verb

SPAN = Span("crmstate.yaml", 12, 5, "  users: {status: removed}")


def step(
    kind: Kind, remote_id: str, verb: Verb, stage: str, why: str = "why.resume", mode: Mode = Mode.AUTO, **fields: object
) -> Step:
    """A step with what most tests do not care about filled in."""
    place = address(kind, remote_id)
    params = fields.pop("params", {})
    facts: dict[str, object] = {"undo": Undo.FREE, "before": Phase.PRESENT, "after": Phase.ABSENT, **fields}
    return Step(
        id=step_id(place, verb), address=place, kind=kind, verb=verb, mode=mode, stage=stage, why=message(why, **params), **facts
    )  # type: ignore[arg-type]


def plan(
    steps: tuple[Step, ...] = (), blocked: tuple[Blocked, ...] = (), found: tuple[Diagnostic, ...] = (), **fields: object
) -> Plan:
    """A plan whose ids, digests and counts fit its steps, as the planner makes them."""
    steps = tuple(sorted(steps, key=sort_key))
    auto = [each for each in steps if each.mode is Mode.AUTO]
    summary = Summary(
        auto=len(auto),
        manual=sum(each.mode is Mode.MANUAL for each in steps),
        wait=sum(each.mode is Mode.WAIT for each in steps),
        irreversible=sum(each.irreversible for each in steps),
        blocked=len(blocked),
        ready=len(auto),
    )
    facts: dict[str, object] = {
        "name": "acme-exit",
        "manifest": "crmstate.yaml",
        "digest": "d" * 64,
        "provider": "sandbox",
        "tenant": "T-1000",
        "base": Base("lineage-1", 7),
        "observed_at": "2026-12-01T08:00:00Z",
        "order": tuple(sorted({(rule.before, rule.after) for rule in precedence()})),
        "summary": summary,
        "complete": tuple(kind for kind in Kind if kind is not Kind.INTEGRATION),
        **fields,
    }
    return Plan(
        format_version=FORMAT_VERSION,
        plan_id=plan_digest(str(facts["digest"]), str(facts["tenant"]), steps),
        steps=steps,
        approval=approval_digest(steps),
        blocked=blocked,
        diagnostics=found,
        **facts,  # type: ignore[arg-type]
    )


def representative() -> Plan:
    """A plan with something of everything."""
    archive = step(
        Kind.ARCHIVE, "contacts", Verb.ARCHIVE, "archive", "why.archive", label="Contacts", rows=50_000, calls=501,
        before=Phase.ABSENT, after=Phase.PRESENT, params={"to": "file:///archives/acme"},
    )  # fmt: skip
    verify = step(
        Kind.ARCHIVE, "contacts", Verb.VERIFY, "verify", "why.verify", label="Contacts", needs=(archive.id,), after=Phase.PRESENT
    )
    delta = step(Kind.ARCHIVE, "contacts", Verb.DELTA, "delta", "why.delta", label="Contacts", after=Phase.PRESENT)
    purge = step(
        Kind.DATASET, "contacts", Verb.PURGE, "purge", "why.purge", label="Contacts", rows=50_000, undo=Undo.NEVER,
        needs=(archive.id, verify.id, delta.id), params={"rows": 50_000}, expects=Expect(Phase.PRESENT, "f" * 16),
    )  # fmt: skip
    users = tuple(
        step(
            Kind.USER, f"u{number}", Verb.DEACTIVATE, "users", "why.user.removed", label=f"Person {number}", after=Phase.INACTIVE,
            args=Args(transfer_to="u1"), span=SPAN,
        )  # fmt: skip
        for number in range(100, 130)
    )
    cancel = step(
        Kind.SUBSCRIPTION, "main", Verb.CANCEL, "leave", "why.subscription.cancelled", label="CRM Professional",
        undo=Undo.WINDOW, after=Phase.PENDING, args=Args(effective="end_of_term"), params={"effective": "end_of_term"},
    )  # fmt: skip
    ended = step(
        Kind.SUBSCRIPTION, "main", Verb.PROBE, "effective", "why.effective", Mode.WAIT, label="CRM Professional",
        needs=(cancel.id,), params={"until": "2027-01-31"}, not_before="2027-01-31T00:00:00Z",
    )  # fmt: skip
    freeze = step(
        Kind.FREEZE, "cutover", Verb.CONFIRM, "freeze", "why.freeze", Mode.WAIT, before=Phase.ABSENT, after=Phase.PRESENT,
        not_before="2026-12-15T17:00:00Z", params={"at": "2026-12-15T17:00:00Z"},
    )  # fmt: skip
    impact = step(
        Kind.HUMAN_STEP, "impact", Verb.CONFIRM, "human_step/impact", "why.human", Mode.MANUAL, label="评估受影响的系统",
        owner="it@example.com", proof=Proof.ATTESTED, files=True, deadline="2026-12-10", params={"title": "评估受影响的系统"},
        before=Phase.ABSENT, after=Phase.PRESENT,
    )  # fmt: skip
    bin_step = step(Kind.BIN, "contacts", Verb.EMPTY, "bin", "why.bin", label="Contacts", undo=Undo.NEVER, needs=(purge.id,))
    key = step(Kind.API_KEY, "k7", Verb.REVOKE, "keys", "why.api_key.revoked", label="Old ERP sync", undo=Undo.NEVER)
    own = step(Kind.API_KEY, "k1", Verb.REVOKE, "own", "why.own_key", label="crmstate", undo=Undo.NEVER)
    steps = (archive, verify, delta, purge, *users, cancel, ended, freeze, impact, bin_step, key, own)
    order = tuple(sorted({(rule.before, rule.after) for rule in precedence()} | {("human_step/impact", "freeze")}))
    blocked = (
        Blocked(
            address(Kind.DATASET, "dashboards"), Verb.PURGE, "purge", message("blocked.not_exportable", dataset="Dashboards"),
            "revops@example.com", "2026-12-20", "Dashboards", Span("crmstate.yaml", 31, 3),
        ),
        Blocked(
            Address("integration/*"), Verb.DELETE, "integrations",
            message("blocked.incomplete", kind="integration", gap="gap.unknown", detail=""), "revops@example.com", span=SPAN,
        ),
    )  # fmt: skip
    found = (
        diagnostic("CRM-P021", Severity.WARNING, SPAN, address(Kind.DATASET, "dashboards"), dataset="Dashboards"),
        diagnostic("CRM-P012", Severity.WARNING, SPAN, address(Kind.SUBSCRIPTION, "main"), wanted="2026-12-31", effective="2027-01-31"),
    )
    made = plan(steps, blocked, found, order=order, estimate=Estimate(1_240, 1_300, 2), approvals_needed=2, require_plan_id=True)
    summary = msgspec.structs.replace(
        made.summary, ready=2, unchanged={"user": 220, "api_key": 1}, unmanaged={"setting": 3, "integration": 1}
    )
    return msgspec.structs.replace(made, summary=summary)

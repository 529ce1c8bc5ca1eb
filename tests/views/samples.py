"""Plans, states and runs that the tests of the views look at."""

from __future__ import annotations

import msgspec

from crmstate.core.address import Address, address
from crmstate.core.closing import Closing, Line, Result
from crmstate.core.contract import Calendar, ContractGoal, NoticeClause, Period, Price, Term
from crmstate.core.cost import cost
from crmstate.core.course import course
from crmstate.core.diagnostic import Diagnostic, Span, diagnostic
from crmstate.core.goal import Desired, SubscriptionGoal
from crmstate.core.life import life
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
from crmstate.core.provider import Args, Limits, Provider
from crmstate.core.record import Approval, Entry, Hold, State, step_id
from crmstate.core.survey import Listing, Resource, SubscriptionFacts, survey
from crmstate.core.words import Exit, Kind, Mode, Outcome, Phase, Proof, Severity, Undo, Verb

SPAN = Span("crmstate.yaml", 12, 5, "  users: {status: removed}")


def step(
    kind: Kind,
    remote_id: str,
    verb: Verb,
    stage: str,
    why: str = "why.resume",
    mode: Mode = Mode.AUTO,
    **fields: object,
) -> Step:
    """A step with what most tests do not care about filled in."""
    place = address(kind, remote_id)
    params = fields.pop("params", {})
    facts: dict[str, object] = {"undo": Undo.FREE, "before": Phase.PRESENT, "after": Phase.ABSENT, **fields}
    return Step(
        id=step_id(place, verb, int(str(facts.get("occurrence", 1)))),
        address=place,
        kind=kind,
        verb=verb,
        mode=mode,
        stage=stage,
        why=message(why, **params),
        **facts,
    )  # type: ignore[arg-type]


def plan(
    steps: tuple[Step, ...] = (),
    blocked: tuple[Blocked, ...] = (),
    found: tuple[Diagnostic, ...] = (),
    **fields: object,
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
    errors = [each.code for each in found if each.severity is Severity.ERROR]
    return Plan(
        format_version=FORMAT_VERSION,
        plan_id=plan_digest(str(facts["digest"]), str(facts["tenant"]), steps, facts["order"], blocked, errors),  # type: ignore[arg-type]
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
        Kind.ARCHIVE,
        "contacts",
        Verb.VERIFY,
        "verify",
        "why.verify",
        label="Contacts",
        needs=(archive.id,),
        after=Phase.PRESENT,
    )
    delta = step(Kind.ARCHIVE, "contacts", Verb.DELTA, "delta", "why.delta", label="Contacts", after=Phase.PRESENT)
    purge = step(
        Kind.DATASET, "contacts", Verb.PURGE, "purge", "why.purge", label="Contacts", rows=50_000, undo=Undo.NEVER,
        needs=(archive.id, verify.id, delta.id), params={"rows": 50_000}, expects=Expect(Phase.PRESENT, "f" * 16),
    )  # fmt: skip
    users = tuple(
        step(
            Kind.USER,
            f"u{number}",
            Verb.DEACTIVATE,
            "users",
            "why.user.removed",
            label=f"Person {number}",
            after=Phase.INACTIVE,
            args=Args(transfer_to="u1"),
            span=SPAN,
        )
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
    bin_step = step(
        Kind.BIN, "contacts", Verb.EMPTY, "bin", "why.bin", label="Contacts", undo=Undo.NEVER, needs=(purge.id,)
    )
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
        diagnostic(
            "CRM-P012",
            Severity.WARNING,
            SPAN,
            address(Kind.SUBSCRIPTION, "main"),
            wanted="2026-12-31",
            effective="2027-01-31",
        ),
    )
    made = plan(
        steps, blocked, found, order=order, estimate=Estimate(1_240, 1_300, 2), approvals_needed=2, require_plan_id=True
    )
    summary = msgspec.structs.replace(
        made.summary, ready=2, unchanged={"user": 220, "api_key": 1}, unmanaged={"setting": 3, "integration": 1}
    )
    return msgspec.structs.replace(made, summary=summary, **subscribed())


def subscribed() -> dict[str, object]:
    """Where a subscription with something of everything stands, and what its end costs: paused, renewed, held."""
    twelve = Period(12, "months")
    contract = ContractGoal(
        term=Term("2024-02-01", twelve, end="inclusive", renewal="automatic", renewal_length=twelve),
        notice=NoticeClause(Period(60, "days"), "term_end"),
        price=Price("14400.00", "USD", "year"),
        calendar=Calendar("Europe/Berlin", "DE-BY"),
    )
    goal = SubscriptionGoal("cancelled", effective="2026-12-31")
    wish = Desired(
        "acme-exit", "d" * 64, "sandbox", "T-1000", subscription=goal, contract=contract, holds=("invoices",)
    )
    facts = SubscriptionFacts("pro", "paused", True, paused_until="2026-12-05")
    row = Resource(Kind.SUBSCRIPTION, "main", "CRM Professional", Phase.INACTIVE, facts)
    seen, at = survey("T-1000", [Listing(Kind.SUBSCRIPTION, (row,))], []), "2026-12-01T08:00:00Z"
    days = course(wish, facts, State("acme-exit"), at)
    return {
        "life": life(wish, seen, State("acme-exit"), days, "Sandbox"),
        "cost": cost(contract, goal, facts, days, paused=True),
    }


def record() -> State:
    """A record with an entry in every condition."""
    state = State("acme-exit", "lineage-1", "sandbox", "T-1000", serial=7, last_run="r1", last_exit=6)
    rows = (
        (Kind.USER, "u1", Verb.DEACTIVATE, Outcome.DONE, Proof.OBSERVED, Undo.FREE),
        (Kind.USER, "u2", Verb.DEACTIVATE, Outcome.DONE, Proof.ACKNOWLEDGED, Undo.FREE),
        (Kind.USER, "u3", Verb.DEACTIVATE, Outcome.FAILED, Proof.NONE, Undo.FREE),
        (Kind.API_KEY, "k7", Verb.REVOKE, Outcome.UNKNOWN, Proof.NONE, Undo.NEVER),
        (Kind.SUBSCRIPTION, "main", Verb.CANCEL, Outcome.REQUESTED, Proof.ACKNOWLEDGED, Undo.WINDOW),
        (Kind.HUMAN_STEP, "impact", Verb.CONFIRM, Outcome.REQUESTED, Proof.NONE, Undo.FREE),
    )
    for kind, remote, verb, outcome, proof, undo in rows:
        place = address(kind, remote)
        entry = Entry(
            place,
            verb,
            undo,
            outcome,
            "2026-12-01T08:00:00Z",
            f"Label {remote}",
            proof=proof,
            since="2026-12-01T08:00:00Z",
        )
        state.entries[step_id(place, verb)] = entry
    cancel = state.entries[step_id(address(Kind.SUBSCRIPTION, "main"), Verb.CANCEL)]
    cancel.until, cancel.request_id, cancel.summary = "2027-01-31T00:00:00Z", "REQ-9", "Accepted."
    state.approvals = (
        Approval("432a71045bf0a9f5a6bf0ef7", "head@example.com", "2026-12-01T09:00:00Z", "pull request 12"),
    )
    state.holds = {"invoices": Hold("counsel@example.com", "2026-11-01T08:00:00Z", "audit")}
    return state


def closed() -> Closing:
    """A run in which steps ended in all seven ways."""
    made = representative()
    by = {(each.kind, each.verb): each for each in made.steps}

    def about(one: Step, code: str, **params: object) -> Diagnostic:
        return diagnostic(code, Severity.ERROR, one.span, one.address, verb=one.verb.value, **params)

    key, purge, users = (
        by[Kind.API_KEY, Verb.REVOKE],
        by[Kind.DATASET, Verb.PURGE],
        [one for one in made.steps if one.kind is Kind.USER],
    )
    lines = [
        Line(by[Kind.ARCHIVE, Verb.ARCHIVE], Result.ALREADY_DONE),
        Line(by[Kind.ARCHIVE, Verb.VERIFY], Result.DONE),
    ]
    lines += [
        Line(one, Result.FAILED, about(one, "CRM-E006", reason="denied", summary="Not allowed.")) for one in users[:15]
    ]
    lines += [Line(users[15], Result.REFUSED, about(users[15], "CRM-E001", expected="present", found="inactive"))]
    lines += [Line(key, Result.UNKNOWN, about(key, "CRM-E008"))]
    lines += [Line(by[Kind.HUMAN_STEP, Verb.CONFIRM], Result.WAITING)]
    lines += [Line(by[Kind.FREEZE, Verb.CONFIRM], Result.WAITING, until="2026-12-15T17:00:00Z")]
    lines += [Line(purge, Result.NOT_STARTED)]
    return Closing("r1", Exit.PARTIAL, tuple(lines), (diagnostic("CRM-E013", Severity.WARNING),))


def vendor() -> Provider:
    """A vendor's table with cells of every sort."""
    made = Provider(
        "sandbox",
        "Sandbox CRM",
        ("token",),
        ("SANDBOX_",),
        ("127.0.0.1",),
        {Kind.USER: Verb.DEACTIVATE},
        Limits(10.0, 5_000),
    )
    made.reads(
        Kind.USER, Verb.LIST, "GET /v1/users", source="docs/reference/sandbox-api.md#listings", verified_on="2026-11-20"
    )(print)
    made.acts(
        Kind.USER, Verb.DEACTIVATE, undo=Undo.FREE, after=Phase.INACTIVE, source="https://example.com/api", batch=100
    )(print)
    made.acts(
        Kind.SUBSCRIPTION,
        Verb.CANCEL,
        undo=Undo.NEVER,
        after=Phase.ABSENT,
        source="by telephone",
        attributes=frozenset({"ends_api"}),
    )(print)
    made.none(Kind.SUBSCRIPTION, Verb.RENEW_OFF, why="gap.unknown")
    return made

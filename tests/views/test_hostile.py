"""Hostile vendor data and hostile manifests come out harmless in every view, in both languages."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from crmstate.core.address import Address, address
from crmstate.core.closing import Closing, Line, Result
from crmstate.core.diagnostic import Diagnostic, Span
from crmstate.core.event import Intended, Settled, Settlement, StepRef
from crmstate.core.message import Message
from crmstate.core.plan import Base, Blocked, Plan
from crmstate.core.provider import Args, Limits, Provider
from crmstate.core.record import Approval, Entry, Hold, State, step_id
from crmstate.core.words import Exit, Kind, Mode, Outcome, Phase, Proof, Severity, Undo, Verb
from crmstate.views import (
    closing,
    diagnostics,
    events,
    plan_json,
    plan_markdown,
    plan_text,
    providers_text,
    state_text,
    status_text,
)
from crmstate.views.catalogue import LANGUAGES, Catalogue
from crmstate.views.plan_markdown import BUDGET
from tests.views.hostile import assert_harmless_json, assert_harmless_markdown, assert_harmless_text, texts, whole
from tests.views.samples import plan, step

CODES = (
    "CRM-P001",
    "CRM-P011",
    "CRM-P052",
    "CRM-P031",
    "CRM-E006",
    "CRM-E008",
    "CRM-M034",
    "CRM-S001",
    "CRM-V005",
    "CRM-C007",
    "CRM-X999",
    "CRM-P012",
)
WHYS = (
    "why.user.removed",
    "blocked.unsupported",
    "why.archive",
    "why.human",
    "why.freeze",
    "why.came_back",
    "blocked.question",
    "blocked.incomplete",
    "unheard.of",
)
NAMES = (
    "who",
    "to",
    "title",
    "text",
    "at",
    "kind",
    "gap",
    "detail",
    "until",
    "effective",
    "dataset",
    "module",
    "written",
    "said",
    "reason",
    "summary",
    "verb",
    "path",
    "why",
    "address",
    "given",
    "key",
    "value",
    "provider",
    "id",
    "wanted",
    "found",
    "options",
    "section",
    "action",
    "use",
    "what",
    "count",
    "expected",
    "status",
)


@st.composite
def params(draw: st.DrawFn) -> dict[str, str | int]:
    text = draw(texts)
    return dict.fromkeys(NAMES, text)


def _span(text: str) -> Span:
    return Span(text, 3, 4, text)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    text, label, said = draw(whole), draw(texts), draw(params())
    why = Message(draw(st.sampled_from(WHYS)), said)
    place = address(Kind.USER, text)
    about = {
        "label": label,
        "owner": text,
        "not_before": text,
        "deadline": text,
        "proof": Proof.ATTESTED,
        "span": _span(text),
    }
    args = Args(text, text, text, text, text, text, text)
    steps = tuple(
        msgspec.structs.replace(
            step(Kind.USER, f"{text}{number}", Verb.DELETE, stage, mode=mode, undo=undo, args=args, **about), why=why
        )
        for number, (stage, mode, undo) in enumerate(
            [
                ("users", Mode.AUTO, Undo.FREE),
                ("keys", Mode.AUTO, Undo.NEVER),
                (f"human_step/{text}", Mode.MANUAL, Undo.FREE),
            ]
        )
    )
    steps += (msgspec.structs.replace(steps[0], id=text, address=Address(text), needs=(steps[1].id,)),)
    blocked = (Blocked(place, Verb.DELETE, text, why, text, text, text, _span(text)),)
    found = (Diagnostic(draw(st.sampled_from(CODES)), draw(st.sampled_from(Severity)), said, _span(text), place),)
    return plan(
        steps, blocked, found, name=text, provider=text, tenant=text, manifest=text, observed_at=text, base=Base(text, 1), excluded=(text,),
        sealed=draw(st.none() | st.just(text)), hypothetical=draw(st.booleans()), approvals_needed=2, require_plan_id=draw(st.booleans()),
    )  # fmt: skip


def _state(text: str) -> State:
    state = State(text, text, text, text, last_run=text, verified_at=text)
    for number, outcome in enumerate(Outcome):
        place = address(Kind.USER, f"{text}{number}")
        entry = Entry(
            place,
            Verb.DELETE,
            Undo.NEVER,
            outcome,
            text,
            text,
            since=text,
            summary=text,
            until=text,
            request_id=text,
            by=text,
        )
        state.entries[step_id(place, Verb.DELETE)] = entry
    state.approvals, state.holds = (Approval(text, text, text, text),), {text: Hold(text, text, text)}
    return state


def _closing(made: Plan) -> Closing:
    found = made.diagnostics[0]
    lines = [Line(each, result, found, each.label) for each, result in zip(made.steps * 2, Result, strict=False)]
    return Closing(made.name, Exit.PARTIAL, (*lines, Line(made.steps[2], Result.WAITING)), made.diagnostics)


def _vendor(text: str) -> Provider:
    made = Provider(text, text, (), (), (), {}, Limits())
    about = {"source": text, "verified_on": text, "note": text, "attributes": frozenset({text})}
    made.acts(Kind.USER, Verb.DELETE, undo=Undo.NEVER, after=Phase.ABSENT, **about)(print)
    made.none(Kind.USER, Verb.PAUSE, why=text, source=f"https://{text}")
    return made


@settings(max_examples=50, deadline=None)
@given(plans(), st.sampled_from(LANGUAGES))
def test_a_plan_is_harmless_in_every_view(made: Plan, lang: str) -> None:
    words = Catalogue(lang)
    assert_harmless_text(plan_text.plan_text(made, words, saved=made.name, full=True))
    assert_harmless_text(diagnostics.as_text(made.diagnostics, words))
    assert_harmless_json(plan_json.encode_plan(made, words))
    assert_harmless_json(diagnostics.as_json(made.diagnostics, words).encode())
    shown = plan_markdown.plan_markdown(made, words)
    assert_harmless_markdown(shown)
    assert len(shown) <= BUDGET


@settings(max_examples=50, deadline=None)
@given(plans(), st.sampled_from(LANGUAGES))
def test_a_closing_and_a_status_are_harmless_in_every_view(made: Plan, lang: str) -> None:
    words, run, state = Catalogue(lang), _closing(made), _state(made.name)
    assert_harmless_text(closing.closing_text(run, words, full=True))
    assert_harmless_markdown(closing.closing_markdown(run, words))
    assert_harmless_json(closing.closing_json(run, words).encode())
    assert_harmless_text(status_text.status_text(state, made, words, full=True))
    assert_harmless_markdown(status_text.status_markdown(state, made, words))
    assert_harmless_json(status_text.status_json(state, made, words).encode())
    for format, check in (("text", assert_harmless_text), ("markdown", assert_harmless_markdown)):
        check(state_text.state_list([state], words, format))
        check(state_text.state_show(state, words, format))


@settings(max_examples=50, deadline=None)
@given(whole, st.sampled_from(LANGUAGES))
def test_events_and_capabilities_are_harmless_in_every_view(text: str, lang: str) -> None:
    words = Catalogue(lang)
    happened = (
        Intended(text, text, text, (StepRef(text, address(Kind.USER, text), Verb.DELETE, Undo.NEVER, text),)),
        Settled(
            text, text, text, tuple(Settlement(text, outcome, summary=text, request_id=text) for outcome in Outcome)
        ),
    )
    progress = events.Progress(words)
    for event in happened:
        assert_harmless_json(events.event_line(event).encode())
        assert_harmless_text("\n".join(progress.lines(event)))
    assert_harmless_text(providers_text.providers_text([_vendor(text)], words))
    assert_harmless_json(providers_text.providers_json([_vendor(text)], words).encode())

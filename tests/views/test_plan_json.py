"""The plan for machines, and back."""

from __future__ import annotations

import json
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from crmstate.core.address import address
from crmstate.core.diagnostic import Diagnostic, Problem, Span
from crmstate.core.message import Message
from crmstate.core.plan import Base, Blocked, Estimate, Expect, Plan, Step, Summary
from crmstate.core.provider import Args
from crmstate.core.record import step_id
from crmstate.core.words import Exit, Kind, Mode, Phase, Proof, Severity, Undo, Verb
from crmstate.views.catalogue import Catalogue
from crmstate.views.plan_json import decode_plan, encode_plan, plan_schema, plan_schema_text
from crmstate.views.wire import encode
from tests.views.hostile import INVISIBLE, assert_harmless_json, whole
from tests.views.samples import plan, representative, step

EN = Catalogue("en", strict=True)
SCHEMA = Path(__file__).parents[2] / "schemas" / "plan.schema.json"
VALIDATOR = Draft202012Validator(plan_schema())

params = st.dictionaries(whole, whole | st.integers(-(2**53), 2**53), max_size=3)
messages = st.builds(Message, whole, params)
spans = st.none() | st.builds(Span, whole, st.integers(1, 9_999), st.integers(1, 300), whole)
places = st.builds(address, st.sampled_from(Kind), whole)
maybe = st.none() | whole


@st.composite
def steps(draw: st.DrawFn) -> Step:
    place, verb, occurrence = draw(places), draw(st.sampled_from(Verb)), draw(st.integers(1, 3))
    return Step(
        step_id(place, verb, occurrence), place, Kind(place.partition("/")[0]), verb, draw(st.sampled_from(Mode)), draw(st.sampled_from(Undo)),
        draw(whole), draw(messages), draw(st.sampled_from(Phase)), draw(st.sampled_from(Phase)), draw(whole), occurrence,
        tuple(draw(st.lists(whole, max_size=2))), draw(st.none() | st.builds(Expect, st.sampled_from(Phase), whole)),
        draw(st.none() | st.builds(Args, maybe, maybe, maybe, maybe, maybe, maybe, maybe)), draw(st.none() | st.integers(0, 10**9)),
        draw(maybe), draw(maybe), draw(maybe), draw(st.none() | st.sampled_from(Proof)), draw(st.booleans()), draw(st.integers(0, 99)),
        draw(st.integers(0, 9)), draw(spans),
    )  # fmt: skip


blocks = st.builds(Blocked, places, st.sampled_from(Verb), whole, messages, maybe, maybe, whole, spans)
diagnostics = st.builds(Diagnostic, whole, st.sampled_from(Severity), params, spans, st.none() | places)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    every = draw(st.lists(steps(), max_size=4, unique_by=lambda each: each.id))
    return plan(
        tuple(every), tuple(draw(st.lists(blocks, max_size=2))), tuple(draw(st.lists(diagnostics, max_size=2))), name=draw(whole),
        manifest=draw(whole), digest=draw(whole), provider=draw(whole), tenant=draw(whole), base=Base(draw(whole), draw(st.integers(0, 99))),
        observed_at=draw(whole), order=tuple(draw(st.lists(st.tuples(whole, whole), max_size=3))), sealed=draw(maybe),
        complete=tuple(draw(st.lists(st.sampled_from(Kind), max_size=3))), hypothetical=draw(st.booleans()),
        estimate=Estimate(draw(st.integers(0, 99)), draw(st.integers(0, 99)), draw(st.integers(0, 9))), require_plan_id=draw(st.booleans()),
        approvals_needed=draw(st.integers(0, 3)), excluded=tuple(draw(st.lists(whole, max_size=2))),
        summary=Summary(1, 2, 3, 4, 5, 6, {"user": 1}, {"setting": 2}),
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(plans())
def test_a_plan_comes_back_as_it_was_and_fits_the_schema(made: Plan) -> None:
    raw = encode_plan(made, Catalogue("zh-CN"))
    assert decode_plan(raw) == made
    assert list(VALIDATOR.iter_errors(json.loads(raw))) == []
    assert_harmless_json(raw)


def test_the_committed_schema_is_fresh() -> None:
    assert SCHEMA.read_text("utf-8") == plan_schema_text()


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(plan_schema())


def test_the_object_has_the_fields_that_the_design_names() -> None:
    found = json.loads(encode_plan(representative(), EN))
    named = "format_version plan_id hypothetical manifest tenant base observed_at complete steps blocked deadlines cost diagnostics summary"
    assert set(named.split()) <= set(found)
    assert (found["manifest"], found["deadlines"]) == ({"path": "crmstate.yaml", "digest": "d" * 64}, [])
    assert (found["life"]["renews"], found["life"]["access_until"]) == (True, None)
    assert (found["cost"]["due"], found["cost"]["whole"]) == ([], False)
    assert {"amount": "14400.00", "currency": "USD"} in [line["sum"] for line in found["cost"]["lines"]]
    assert found["base"] == {"lineage": "lineage-1", "serial": 7}


def test_diagnostics_carry_their_words_beside_code_and_parameters() -> None:
    found = json.loads(encode_plan(representative(), Catalogue("zh-CN", strict=True)))["diagnostics"][0]
    assert (found["code"], found["params"]) == ("CRM-P021", {"dataset": "Dashboards"})
    assert found["summary"] == "供应商不允许导出 Dashboards：它不会出现在归档中"


def test_the_irreversible_steps_are_named() -> None:
    made = representative()
    found = json.loads(encode_plan(made, EN))["irreversible"]
    assert found == [each.id for each in made.steps if each.irreversible]


def altered(change: dict[str, object]) -> bytes:
    return json.dumps({**json.loads(encode_plan(representative(), EN)), **change}).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{}", b"[]", b"null", b"not json", b"\xff\xfe", b"[" * 100_000, b'{"plan_id": 1, "format_version": "1.0"}',
        b'{"plan_id": "x", "format_version": "one"}', b'{"plan_id": "x", "format_version": "\xc2\xb2.0"}',
        b'{"plan_id": "x", "format_version": "1.0"}',
        altered({"steps": [{"id": "x"}]}), altered({"tenant": 5}), altered({"complete": ["unicorn"]}),
        altered({"blocked": [{"address": "nonsense", "verb": "delete", "stage": "users", "why": {"code": "x"}}]}),
    ],
)  # fmt: skip
def test_what_is_no_plan_is_refused(data: bytes) -> None:
    with pytest.raises(Problem) as caught:
        decode_plan(data, "p.json")
    assert (caught.value.exit, caught.value.diagnostics[0].code) == (Exit.USAGE, "CRM-C003")


def test_a_newer_major_format_is_refused_and_a_newer_minor_is_read() -> None:
    with pytest.raises(Problem) as caught:
        decode_plan(altered({"format_version": "2.0", "steps": "whatever"}))
    assert (caught.value.exit, caught.value.diagnostics[0].code) == (Exit.INVALID, "CRM-C004")
    newer = decode_plan(altered({"format_version": "1.7", "unheard_of": True}))
    assert newer.format_version == "1.7"


@pytest.mark.parametrize("field", ["plan_id", "approval", "tenant", "irreversible"])
def test_a_plan_that_was_altered_is_refused(field: str) -> None:
    with pytest.raises(Problem) as caught:
        decode_plan(altered({field: [] if field == "irreversible" else "other"}))
    assert (caught.value.exit, caught.value.diagnostics[0].code) == (Exit.INVALID, "CRM-C030")


def test_a_step_that_was_added_by_hand_is_refused() -> None:
    found = json.loads(encode_plan(representative(), EN))
    found["steps"].append({**found["steps"][0], "id": "f" * 16})
    with pytest.raises(Problem) as caught:
        decode_plan(json.dumps(found).encode())
    assert caught.value.diagnostics[0].code == "CRM-C030"


def test_two_steps_with_one_id_are_refused() -> None:
    found = json.loads(encode_plan(representative(), EN))
    found["steps"].append(found["steps"][0])
    with pytest.raises(Problem) as caught:
        decode_plan(json.dumps(found).encode())
    assert caught.value.diagnostics[0].code == "CRM-C003"


def test_half_a_character_does_not_stop_a_plan() -> None:
    made = plan((step(Kind.USER, "u1", Verb.DELETE, "users", label="a\ud800b"),))
    assert decode_plan(encode_plan(made, EN)).steps[0].label == "a�b"


def test_characters_beyond_the_basic_plane_survive_their_escape() -> None:
    text = "a\U000e0041\u202e\x9b\x7f👍"
    raw = encode({"text": text})
    assert msgspec.json.decode(raw) == {"text": text}
    assert_harmless_json(raw)


def test_no_character_that_commands_or_hides_leaves_raw() -> None:
    loud = [
        char
        for char in map(chr, range(0x110000))
        if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp") or char in INVISIBLE
    ]
    raw = encode(loud)
    assert msgspec.json.decode(raw) == loud
    assert_harmless_json(raw)


def test_ten_times_as_many_steps_cost_ten_times_as_much() -> None:
    """CPU time in one run, turn by turn: what else the machine does falls on both."""

    def encoding(size: int) -> Callable[[], float]:
        many = (
            step(Kind.USER, f"u{n}", Verb.DEACTIVATE, "users", "why.user.removed", label=f"人{n}") for n in range(size)
        )
        made = plan(tuple(many))

        def once() -> float:
            started = time.process_time()
            assert encode_plan(made, EN).count(b'"verb"') == size
            return time.process_time() - started

        return once

    few, many = encoding(3_000), encoding(30_000)
    spent = [(few(), many()) for _ in range(7)]
    assert min(long for _, long in spent) < 25 * min(short for short, _ in spent) + 0.02

"""Whatever is in the file, the answer is a manifest or a Problem: never a traceback, never a hang; and the editor
agrees."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from crmstate.core.diagnostic import Problem
from crmstate.core.words import Exit, Severity
from crmstate.manifest import source
from crmstate.manifest.load import Loaded, parse
from crmstate.manifest.schema import manifest_schema
from crmstate.manifest.tree import native

from .corpus import BAD, GOOD

QUICK = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
SOME = [json.loads(json.dumps(native(source.read(path).root))) for path in GOOD]
TEXTS = [path.read_bytes() for path in (*GOOD, *BAD)]
BARE = Draft7Validator(manifest_schema())


def answer(raw: bytes) -> Loaded | Problem:
    try:
        return parse(raw, Path("crmstate.yaml"), {"sandbox", "zoho"})
    except Problem as problem:
        assert problem.exit == Exit.INVALID
        assert any(each.severity is Severity.ERROR for each in problem.diagnostics)
        assert all(each.span and each.span.line >= 1 and each.span.column >= 1 for each in problem.diagnostics)
        return problem


@QUICK
@given(st.binary(max_size=300))
@example(b"\xff\xfea\x00:\x00 \x001\x00")
def test_any_bytes_are_a_manifest_or_a_problem(raw: bytes) -> None:
    answer(raw)


@QUICK
@given(st.text(alphabet=st.sampled_from(list("abk:{}[],&*!|>-?#%@`'\"\\ \n\t~01.<=é中\u2028\ud7ff")), max_size=120))
def test_any_yaml_like_text_is_a_manifest_or_a_problem(text: str) -> None:
    answer(text.encode())


@QUICK
@given(st.sampled_from(TEXTS), st.integers(0, 3000), st.integers(0, 40), st.binary(max_size=12))
def test_a_manifest_with_a_piece_replaced_is_a_manifest_or_a_problem(
    raw: bytes, at: int, length: int, piece: bytes
) -> None:
    at %= len(raw) + 1
    answer(raw[:at] + piece + raw[at + length :])


WORDS = st.sampled_from(
    [
        "",
        "now",
        "all",
        "none",
        "active",
        "removed",
        "2026-12-31",
        "2026-02-30",
        "12 months",
        "freeze",
        "a@example.com",
        "EUR",
        "./a",
        "1e5",
        "0x1f",
        "../x",
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 10**12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["status", "email", "id", "env", "to", "why"]), inner, max_size=3)
    ),
    max_leaves=5,
)


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from _paths(inner, (*path, key))


def _replaced(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _replaced(copy[path[0]], path[1:], new)
    return copy


@QUICK
@given(st.data())
def test_a_manifest_with_any_value_replaced_is_refused_wherever_an_editor_refuses_it(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from(SOME))
    changed = _replaced(whole, data.draw(st.sampled_from(list(_paths(whole)))), data.draw(VALUES))
    found = answer(json.dumps(changed).encode())
    if not BARE.is_valid(changed):
        assert isinstance(found, Problem)


@QUICK
@given(st.data())
def test_a_manifest_with_any_key_renamed_is_refused(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from(SOME))
    paths = [
        path
        for path in _paths(whole)
        if isinstance(path[-1], str) and path[-2:-1] not in (("modules",), ("read",), ("write",))
    ]
    path = data.draw(st.sampled_from(paths))
    parent = whole
    for part in path[:-1]:
        parent = parent[part]
    renamed = {("zz" + key if key == path[-1] else key): value for key, value in parent.items()}
    assert isinstance(answer(json.dumps(_replaced(whole, path[:-1], renamed)).encode()), Problem)


@QUICK
@given(st.sampled_from(SOME), st.randoms(use_true_random=False))
def test_the_order_of_keys_never_changes_the_digest(whole: dict[str, Any], random: Any) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            items = list(value.items())
            random.shuffle(items)
            return {key: shuffled(inner) for key, inner in items}
        return [shuffled(inner) for inner in value] if isinstance(value, list) else value

    one, two = answer(json.dumps(whole).encode()), answer(json.dumps(shuffled(whole)).encode())
    assert isinstance(one, Loaded) and isinstance(two, Loaded)
    assert one.digest == two.digest

"""Text becomes a tree with places; what is written plain stays as it was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmstate.core.diagnostic import Problem
from crmstate.manifest import source
from crmstate.manifest.tree import digest, native, plain


def tree(text: str) -> source.Tree:
    return source.parse(text.encode(), "crmstate.yaml")


def codes(raw: bytes) -> list[str]:
    with pytest.raises(Problem) as caught:
        source.parse(raw, "crmstate.yaml")
    return [each.code for each in caught.value.diagnostics]


def test_dates_amounts_and_numbers_stay_text() -> None:
    parsed = tree("day: 2026-02-30\nsum: 14400.00\nid: 007\nsexagesimal: 12:30:45\n")
    assert plain(parsed.root) == {"day": "2026-02-30", "sum": "14400.00", "id": "007", "sexagesimal": "12:30:45"}


def test_an_editor_sees_json_values() -> None:
    parsed = tree("a: 57\nb: 2.5\nc: true\nd: ~\ne: yes\nf: '57'\ng: 2026-12-31\n")
    assert native(parsed.root) == {"a": 57, "b": 2.5, "c": True, "d": None, "e": "yes", "f": "57", "g": "2026-12-31"}


def test_every_key_and_value_knows_its_line_and_column() -> None:
    parsed = tree("a: 1\nb:\n  - c: [x, y]\n")
    assert (parsed.key_span("b", 0, "c").line, parsed.key_span("b", 0, "c").column) == (3, 5)
    assert (parsed.span("b", 0, "c", 1).line, parsed.span("b", 0, "c", 1).column) == (3, 12)
    assert parsed.span("b", 0, "c", 1).text == "  - c: [x, y]"


def test_a_place_that_is_missing_is_that_of_its_nearest_parent() -> None:
    assert tree("a: 1\nb: {c: 1}\n").span("b", "x", "y").line == 2


def test_windows_line_ends_and_a_byte_order_mark_do_not_shift_places() -> None:
    parsed = source.parse(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n", "x")
    assert (parsed.span("b").line, parsed.span("b").column) == (2, 4)


def test_comments_order_and_quotes_around_numbers_do_not_change_the_digest() -> None:
    assert digest(tree("a: 1\nb: [2, x]  # note\n").root) == digest(tree("# other\nb:\n  - '2'\n  - x\na: 1\n").root)


def test_another_value_or_another_order_of_a_list_changes_the_digest() -> None:
    first = digest(tree("a: [x, y]\n").root)
    assert first != digest(tree("a: [y, x]\n").root)
    assert first != digest(tree("a: [x, y, z]\n").root)
    assert digest(tree("a: true\n").root) != digest(tree("a: 'true'\n").root)


def test_a_file_over_five_megabytes_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.write_bytes(b"a" * (source.LARGEST + 1))
    with pytest.raises(Problem) as caught:
        source.read(path)
    assert [each.code for each in caught.value.diagnostics] == ["CRM-M002"]


def test_bytes_that_are_not_utf_8_have_a_place() -> None:
    with pytest.raises(Problem) as caught:
        source.parse("a: ä\nb: ".encode() + b"\xff\n", "x")
    (found,) = caught.value.diagnostics
    assert (found.code, str(found.span)) == ("CRM-M003", "x:2:4")


@pytest.mark.parametrize("what", ["missing.yaml", "."])
def test_what_is_no_file_is_a_problem_and_not_a_traceback(what: str, tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        source.read(tmp_path / what)
    assert [each.code for each in caught.value.diagnostics] == ["CRM-M001"]


def test_aliases_within_the_limits_are_values() -> None:
    assert plain(tree("a: &one {x: 1}\nb: *one\n").root) == {"a": {"x": "1"}, "b": {"x": "1"}}


def test_an_alias_bomb_is_refused_while_it_is_read() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    assert codes("\n".join(lines).encode()) == ["CRM-M013"]


def test_what_the_text_alone_has_wrong_is_told_at_once() -> None:
    assert codes(b"a: 1\na: 2\nb: !x y\nc: AKIAIOSFODNN7EXAMPLE\n") == ["CRM-M005", "CRM-M006", "CRM-M017"]


def test_a_thousand_secrets_are_not_a_thousand_findings() -> None:
    assert len(codes(b"AKIAIOSFODNN7EXAMPLE\n" * 1000)) == 50

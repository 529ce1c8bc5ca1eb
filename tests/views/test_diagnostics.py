"""Findings: what is wrong, where, why it matters, what to do."""

from __future__ import annotations

import json

from crmstate.core.diagnostic import Span, diagnostic
from crmstate.core.words import Severity
from crmstate.views.catalogue import Catalogue
from crmstate.views.diagnostics import as_json, as_text

EN = Catalogue("en", strict=True)


def test_a_finding_shows_its_place_the_line_a_caret_and_what_to_do() -> None:
    found = diagnostic("CRM-P020", span=Span("crmstate.yaml", 31, 9, "  - {dataset: Dashbords}"), dataset="Dashbords")
    expected = """\
error[CRM-P020] crmstate.yaml:31:9  There is no dataset Dashbords
    31 |   - {dataset: Dashbords}
       |         ^
  → Look the name up at the vendor, or remove the line.
"""
    assert as_text([found], EN) == expected


def test_the_caret_stands_under_its_column_behind_wide_characters() -> None:
    found = diagnostic("CRM-P020", span=Span("a.yaml", 1, 4, "客户: x"), dataset="x")
    assert "     1 |" not in as_text([found], EN)
    assert "      |      ^\n" in as_text([found], EN)


def test_a_column_beyond_the_shown_line_has_no_caret() -> None:
    found = diagnostic("CRM-P020", span=Span("a.yaml", 1, 300, "x" * 120), dataset="x")
    assert "^" not in as_text([found], EN)


def test_errors_come_first() -> None:
    found = [diagnostic("CRM-P021", Severity.WARNING, dataset="a"), diagnostic("CRM-P020", dataset="b")]
    shown = as_text(found, EN)
    assert shown.index("error[") < shown.index("warning[")


def test_nothing_found_says_nothing() -> None:
    assert as_text([], EN) == ""


def test_chinese_is_spoken_where_it_is_asked_for() -> None:
    assert as_text([diagnostic("CRM-P020", dataset="b")], Catalogue("zh-CN", strict=True)).startswith(
        "错误[CRM-P020] 没有数据集 b\n"
    )


def test_json_has_the_code_the_parameters_and_the_words() -> None:
    found = json.loads(
        as_json([diagnostic("CRM-P052", span=Span("a.yaml", 2, 1), what="users", expected=5, found=6)], EN)
    )
    only = found["diagnostics"][0]
    assert found["format_version"] == "1.0"
    assert (only["code"], only["params"], only["span"]["line"]) == (
        "CRM-P052",
        {"what": "users", "expected": 5, "found": 6},
        2,
    )
    assert only["summary"] == "`expect.users` says 5, the vendor shows 6"


def test_json_is_one_line() -> None:
    assert as_json([diagnostic("CRM-P020", dataset="a\nb")], EN).count("\n") == 1

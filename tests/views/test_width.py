"""Widths are counted in cells of a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmstate.views.escape import terminal
from crmstate.views.width import cells, fill, shorten


@pytest.mark.parametrize(("text", "expected"), [("abc", 3), ("客户", 4), ("e\u0301", 1), ("ｆ", 2), ("", 0), ("é", 1)])
def test_chinese_takes_two_cells_and_marks_none(text: str, expected: int) -> None:
    assert cells(text) == expected


def test_a_long_label_ends_with_a_mark() -> None:
    assert [shorten("客户客户", 5), shorten("abcdef", 4), shorten("abc", 3), shorten("abc", 0)] == [
        "客户…",
        "abc…",
        "abc",
        "",
    ]


@given(st.text().map(terminal), st.integers(0, 40))
def test_a_shortened_text_is_never_too_wide(text: str, width: int) -> None:
    assert cells(shorten(text, width)) <= width


@given(st.text(max_size=10).map(terminal))
def test_a_filled_text_has_the_width_asked_for(text: str) -> None:
    assert cells(fill(text, 20)) == max(20, cells(text))

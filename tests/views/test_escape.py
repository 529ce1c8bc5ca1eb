"""Hostile text comes out harmless, and honest text comes out as it is."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from markdown_it import MarkdownIt
from rich.text import Text

from crmstate.views.escape import cell, html, markdown, rich_markup, terminal
from tests.views.hostile import ATTACKS, assert_harmless_markdown, assert_harmless_text, texts


@given(texts)
def test_a_terminal_gets_no_command(text: str) -> None:
    assert_harmless_text(terminal(text).replace("\n", "\x00"))


@pytest.mark.parametrize(
    "text", ["Ada Lovelace", "评估受影响的系统", "Zoë", "مرحبا", "a@b.example [x] `y` | <z>", "👍"]
)
def test_honest_text_stays_as_it_is(text: str) -> None:
    assert terminal(text) == text


def test_what_is_taken_away_leaves_a_mark() -> None:
    assert terminal("\x1b[31mred\u202e\x9b") == "�[31mred��"


def test_line_breaks_become_spaces() -> None:
    assert terminal("a\nb\r\u2028c\u00a0d") == "a b  c d"


def test_marks_piled_upon_a_letter_are_cut() -> None:
    assert terminal("e" + "\u0301" * 50) == "e" + "\u0301" * 3


def test_endless_text_is_cut() -> None:
    assert len(terminal("客" * 1_000_000)) == 20_000


@given(texts)
def test_markdown_makes_nothing_of_it(text: str) -> None:
    assert_harmless_markdown(f"- before {markdown(text)} after\n")


@given(texts)
def test_a_cell_of_a_table_stays_one_cell(text: str) -> None:
    shown = f"| a | b |\n| --- | --- |\n| {cell(text)} | end |\n"
    tokens = MarkdownIt("commonmark").enable("table").parse(shown)
    assert [token.content for token in tokens if token.type == "inline"][3:] == ["end"]
    assert_harmless_markdown(shown)


@pytest.mark.parametrize("text", ["a`b", "``", "`x`", "a ```` b", "\\`", "plain"])
def test_a_code_span_shows_the_very_text(text: str) -> None:
    inline = MarkdownIt("commonmark").parseInline(markdown(text))[0].children or []
    assert [(token.type, token.content) for token in inline] == [("code_inline", text)]


def test_nothing_gives_no_code_span() -> None:
    assert markdown(" \n ") == ""


@given(texts)
def test_html_stays_text(text: str) -> None:
    seen: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.append(tag)

        def handle_comment(self, data: str) -> None:
            seen.append(data)

    Reader().feed(f'<p title="{html(text)}">{html(text)}</p>')
    assert seen == ["p"]
    assert_harmless_text(html(text))


@pytest.mark.parametrize("text", [*ATTACKS, "\\[red]", "[/]", "[@click=x]y[/]", "[#fff]x", "a\\"])
def test_rich_shows_markup_as_letters(text: str) -> None:
    assert Text.from_markup(rich_markup(text), emoji=False).plain == terminal(text)

"""Texts that attack a reader, and what must never be in an output."""

from __future__ import annotations

import unicodedata

from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")
ATTACKS = (
    "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x9b31m", "\u202egnp.exe", "\u2066x\u2069", "a\u200bb", "\u2028", "\u2029", "\r\nX", "\n\n# head",
    "@octocat", "@org/team", "[x](javascript:alert(1))", "![i](http://evil.example/x.png)", "<script>alert(1)</script>", "</summary>",
    "</details>", "http://evil.example", "https://evil.example/?a=b", "www.evil.example", "a@evil.example", "`", "``", "`` `", "|", "\\|", "\\`",
    "#1", "{who}", "{who:code}", "{}", ":smile:", "**b**", "~~s~~", "[red]x[/red]", "&#64;octocat", "&lt;b>", "- [ ] x", "---", "| - | - |",
    "\ud800", "\U000e0041", "e\u0301\u0301\u0301\u0301\u0301\u0301", "\u3164", "\x00", "\x7f", "客户" * 40, "x" * 300,
    "GH-1", "<!--", "<a@b.example>",
)  # fmt: skip

texts = st.lists(st.one_of(st.sampled_from(ATTACKS), st.text(max_size=8)), min_size=1, max_size=5).map("".join)
whole = texts.map(lambda text: text.encode("utf-8", "replace").decode() or "x")

_OURS = ("<details>", "</details>", "<summary>")
_COMMON = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def assert_harmless_text(shown: str) -> None:
    """Nothing in it commands a terminal or deceives a reader."""
    bad = {char for char in shown if char != "\n" and not char.isprintable()}
    assert bad == set()
    assert not INVISIBLE & set(shown)


def assert_harmless_json(raw: bytes) -> None:
    """Whatever could command a terminal is written as an escape."""
    shown = raw.decode("utf-8")
    assert {
        char for char in shown if char != "\n" and unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Cs")
    } == set()
    assert not INVISIBLE & set(shown)


def assert_harmless_markdown(shown: str) -> None:
    """No host makes links, images, mentions, references or HTML of other people's text: all of it stands in code."""
    assert_harmless_text(shown)
    for token in _walk(_COMMON.parse(shown)):
        assert token.type not in ("link_open", "image", "fence", "code_block", "s_open")
        if token.type in ("html_block", "html_inline"):
            for line in token.content.splitlines():
                assert not line.strip() or line.startswith(_OURS), line
                assert not any(each in line for each in ("@", "http", "www.", "<script", "<a")), line
        if token.type == "text":
            for sign in ("@", "http", "www.", "<", ">", "![", "](", "GH-", ":smile:", "#1"):
                assert sign not in token.content, token.content


def _walk(tokens: list[Token]) -> list[Token]:
    found = []
    for token in tokens:
        found.append(token)
        found += _walk(token.children or [])
    return found

"""Every code has its words, in both languages, with the same gaps; and every finding of the corpus can be said."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from crmstate.core.diagnostic import Diagnostic
from crmstate.manifest import codes
from crmstate.manifest.leak import SHAPES
from crmstate.manifest.load import check
from crmstate.views.catalogue import GAP, Catalogue

from .corpus import BAD, PROVIDERS

ROOT = Path(__file__).parents[2] / "crmstate"
LANGUAGES = ("en", "zh-CN")
CODES = sorted(value for name, value in vars(codes).items() if name.isupper())


def words(language: str) -> dict[str, dict[str, str]]:
    return tomllib.loads((ROOT / "views" / "locale" / language / "manifest.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_summary_detail_and_hint(language: str) -> None:
    entries = words(language)
    assert sorted(key for key in entries if key.startswith("CRM-")) == CODES
    assert all(set(entries[code]) == {"summary", "detail", "hint"} for code in CODES)
    assert all(text.strip() for code in CODES for text in entries[code].values())


def test_both_languages_have_the_same_entries_and_gaps() -> None:
    english, chinese = (words(language) for language in LANGUAGES)
    assert set(english) == set(chinese)
    for code in english:
        gaps = [{gap[0] for text in table[code].values() for gap in GAP.finditer(text)} for table in (english, chinese)]
        assert gaps[0] == gaps[1], code


def test_no_code_is_used_twice_and_none_is_unused() -> None:
    text = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "manifest").glob("*.py") if path.name != "codes.py"
    )
    unused = [name for name in vars(codes) if name.isupper() and f"codes.{name}" not in text]
    assert unused == []
    assert len(CODES) == len(set(CODES))


def test_every_shape_of_a_secret_has_a_word() -> None:
    for language in LANGUAGES:
        assert {f"shape.{shape}" for shape in (*SHAPES, "random")} <= set(words(language))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_every_finding_of_the_corpus_can_be_said(path: Path, language: str) -> None:
    catalogue = Catalogue(language, strict=True)
    for found in check(path, PROVIDERS):
        for text in (catalogue.summary(found), catalogue.detail(found), catalogue.hint(found)):
            assert text and not re.search(r"\{\w+\}|\?\?", text)


def test_braces_that_are_meant_stay() -> None:
    hint = Catalogue("en", strict=True).hint(Diagnostic(codes.NO_FREEZE, params={"because": "x"}))
    assert "cutover: { freeze: 2026-12-15T18:00 }" in hint

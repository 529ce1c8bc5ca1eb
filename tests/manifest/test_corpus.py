"""Every bad manifest is refused for exactly the reasons that it names; an editor that knows the schema refuses the
same ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from crmstate.core.diagnostic import Problem
from crmstate.core.words import Exit, Severity
from crmstate.manifest import source
from crmstate.manifest.load import check, load
from crmstate.manifest.schema import manifest_schema
from crmstate.manifest.tree import native

from .corpus import BAD, GOOD, PROVIDERS, expected

CALENDAR_FACTS = {
    "date-does-not-exist": "a pattern does not know the calendar",
    "date-on-effective": "a pattern does not know the calendar",
    "time-does-not-exist": "a pattern does not know the clock",
    "value-name-reserved": "a pattern would have to list the names that Windows reserves",
    "recipient-mistyped": "a pattern does not know the checksum of a key",
    "recipient-ssh-cut": "a pattern does not know how long a key is",
    "zone": "a pattern does not know the time zone database",
    "zone-of-the-machine": "a pattern does not know the time zone database",
    "holidays-of-nowhere": "a pattern does not know the regions of which there is a calendar",
    "zone-offset": "a pattern does not know the time zone database",
}


def _name(path: Path) -> str:
    return path.stem


def _is_for_editors(path: Path) -> bool:
    """Whether a JSON Schema can judge it: not where the text itself is no manifest, nor where it would have to know the
    calendar."""
    return not path.stem.startswith("text-") and path.stem not in CALENDAR_FACTS


@pytest.mark.parametrize("path", BAD, ids=_name)
def test_a_bad_manifest_is_refused_for_exactly_the_reasons_and_at_the_places_that_it_names(path: Path) -> None:
    found = check(path, PROVIDERS)
    places = [f"{each.code} {each.span.line}:{each.span.column}" for each in found if each.span]
    assert expected(path) == places
    assert any(each.severity is Severity.ERROR for each in found)


@pytest.mark.parametrize("path", BAD, ids=_name)
def test_a_bad_manifest_exits_65(path: Path) -> None:
    with pytest.raises(Problem) as caught:
        load(path, PROVIDERS)
    assert caught.value.exit == Exit.INVALID


@pytest.mark.parametrize("path", GOOD, ids=_name)
def test_a_good_manifest_has_no_finding_at_all(path: Path) -> None:
    assert check(path) == []


def test_the_corpus_is_large() -> None:
    assert len(BAD) >= 80


@pytest.mark.parametrize("path", [path for path in BAD if _is_for_editors(path)], ids=_name)
def test_an_editor_refuses_every_structural_mistake_and_accepts_what_only_meaning_refuses(path: Path) -> None:
    others = ("CRM-M018", "CRM-M107", "CRM-M149")
    structural = [code for code in expected(path) if "CRM-M030" <= code[:8] < "CRM-M070" or code.startswith(others)]
    bare = Draft7Validator(manifest_schema()).is_valid(native(source.read(path).root))
    assert bare is (not structural or _written_as_number(path))


def _written_as_number(path: Path) -> bool:
    """`amount: 1e5` is a number to every schema; only here it is also a sum that nobody writes."""
    return path.stem == "amount-exponent"


@pytest.mark.parametrize("path", GOOD, ids=_name)
def test_an_editor_accepts_every_good_manifest(path: Path) -> None:
    assert Draft7Validator(manifest_schema()).is_valid(native(source.read(path).root))


@pytest.mark.parametrize("path", GOOD, ids=_name)
def test_where_a_good_manifest_lies_does_not_change_its_digest(path: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(path, tmp_path / path.name))
    assert load(path).digest == load(copy).digest

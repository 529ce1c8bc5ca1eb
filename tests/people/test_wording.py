"""What a notice says: fields that exist, nothing that runs, and a subject of one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmstate.core.diagnostic import Problem
from crmstate.people.wording import DEFAULTS, FIELDS, HERE, wording

FILLED = {name: f"<{name}>" for name in FIELDS}


def own(folder: Path, text: str, name: str = "mine") -> Path:
    file = folder / "templates" / "en" / f"{name}.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def refused(folder: Path, text: str) -> list[tuple[str, int]]:
    own(folder, text)
    with pytest.raises(Problem) as found:
        wording(folder, "en", "mine").said(FILLED)
    return [(each.code, each.span.line if each.span else 0) for each in found.value.diagnostics]


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("name", sorted(DEFAULTS.values()))
def test_our_templates_say_something_whole_with_and_without_every_field(
    tmp_path: Path, language: str, name: str
) -> None:
    words = wording(tmp_path, language, name)
    for fields in (FILLED, dict.fromkeys(FIELDS, "") | {"system": "CRM", "owner": "o@example.com"}):
        said = words.said(fields)
        assert "\n\n\n" not in said.text and "{" not in said.text and said.subject
        assert len((said.subject + said.text).encode()) < 2000  # the smallest chat takes 2048


def test_every_language_has_the_same_templates() -> None:
    assert {each.name for each in (HERE / "en").iterdir()} == {each.name for each in (HERE / "zh-CN").iterdir()}


def test_a_template_beside_the_manifest_stands_in_for_ours(tmp_path: Path) -> None:
    own(tmp_path, "Subject: Hi {{ name }}\n\nBye {{ system|upper }}\n", "staff-announcement")
    said = wording(tmp_path, "en", "staff-announcement").said(FILLED)
    assert ("Hi <name>", "Bye <SYSTEM>\n") == (said.subject, said.text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Subject: x\n\nDear {{ nmae }},\n", [("CRM-N016", 3)]),
        ("Subject: {{ who }}\n\nx\n", [("CRM-N016", 1)]),
        ("Subject: x\n\na\n{% if name %}\nb\n", [("CRM-N015", 4)]),
        (f"Subject: x\n\n{{{{ {'9' * 5000} }}}}\n", [("CRM-N015", 2)]),
        (f"Subject: x\n\n{{{{ 0x{'f' * 5000} }}}}\n", [("CRM-N015", 3)]),
        ("Subject: x\n\n{{ name.__class__ }}\n", [("CRM-N017", 3)]),
        ("Subject: x\n\n{{ name[0] }}\n", [("CRM-N017", 3)]),
        ("Subject: x\n\n{{ 'a' * 999999999 }}\n", [("CRM-N017", 3)]),
        ("Subject: x\n\n{{ name|center(999999999) }}\n", [("CRM-N017", 3)]),
        ("Subject: x\n\n{% include '/etc/passwd' %}\n", [("CRM-N017", 3)]),
        ("Subject: x\n\n{% set name = 'x' %}\n", [("CRM-N017", 3)]),
        ("No subject\n\nx\n", [("CRM-N014", 1)]),
        ("Subject: x\n\n", [("CRM-N014", 1)]),
        ("Subject: {{ name if false }}\n\nx\n", [("CRM-N011", 1)]),
        ("Subject: " + "x" * 201 + "\n\nx\n", [("CRM-N011", 1)]),
    ],
)  # fmt: skip
def test_what_a_template_may_not_is_refused_with_its_line(
    tmp_path: Path, text: str, expected: list[tuple[str, int]]
) -> None:
    assert expected == refused(tmp_path, text)


def test_a_loop_is_refused(tmp_path: Path) -> None:
    found = refused(tmp_path, "Subject: x\n\n{% for each in name %}{{ name }}{% endfor %}\n")
    assert ("CRM-N017", 3) in found and {line for _, line in found} == {3}


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("Subject: x\n\nhunter2\n")
    folder = tmp_path / "repo"
    (folder / "templates" / "en").mkdir(parents=True)
    (folder / "templates" / "en" / "mine.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(Problem) as found:
        wording(folder, "en", "mine")
    assert "CRM-N013" == found.value.diagnostics[0].code


@pytest.mark.parametrize(("language", "name"), [("en", "../../x"), ("../en", "x"), ("fr", "staff-announcement")])
def test_a_name_leads_nowhere_else(tmp_path: Path, language: str, name: str) -> None:
    with pytest.raises(Problem) as found:
        wording(tmp_path, language, name)
    assert "CRM-N010" == found.value.diagnostics[0].code


@given(st.text(max_size=30))
def test_a_subject_is_one_line_whatever_fills_it(text: str) -> None:
    words = wording(Path("/nowhere"), "en", "staff-announcement")
    try:
        said = words.said(FILLED | {"system": text})
    except Problem as found:
        assert found.diagnostics[0].code in ("CRM-N011", "CRM-N012")
        return
    assert len(said.subject.splitlines()) == 1


@pytest.mark.parametrize("depth", [40, 300, 9000])
@pytest.mark.parametrize("where", ["subject", "body"])
def test_what_is_nested_deeper_than_anybody_means_is_refused_and_is_no_bug(
    tmp_path: Path, depth: int, where: str
) -> None:
    deep = "{% if " + "not " * depth + "name %}x{% endif %}"
    text = f"Subject: {deep}a\n\nText\n" if where == "subject" else f"Subject: a\n\n{deep}b\n"
    own(tmp_path, text)
    try:
        wording(tmp_path, "en", "mine").said(FILLED)
    except Problem as found:
        assert [each.code for each in found.diagnostics] == ["CRM-N015"]
    else:
        assert depth == 40

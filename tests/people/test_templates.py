"""Templates of one's own: which are taken, and what they may not do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from crmstate.people.letters import LANGUAGES, LETTERS
from crmstate.people.writing import source

from .letter_scenes import AS_OF, ZOHO, Said, crmstate, written

MINE = """{% extends "layout.j2" %}
{% block subject %}Ours: {{ contract.number }}{% endblock %}
{% block body %}
Dear {{ vendor.name }}, until {{ term.end }}.
{% endblock %}
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder of templates beside a manifest."""
    written(tmp_path, ZOHO)
    folder = tmp_path / "letters"
    (folder / "en").mkdir(parents=True)
    return folder


def write(own: Path, text: str, *more: str, name: str = "en/non-renewal.j2") -> Said:
    """The letter by this template."""
    (own / name).write_text(text, encoding="utf-8")
    return letter(own, *more)


def letter(own: Path, *more: str) -> Said:
    manifest = own.parent / "crmstate.yaml"
    return crmstate("letter", "non-renewal", manifest, "--templates", own, "--as-of", AS_OF, *more)


def test_a_template_of_ones_own_stands_before_ours(own: Path) -> None:
    said = write(own, MINE)
    assert said.code == 0, said.err
    assert "Dear Zoho Corporation B.V., until Sunday, 31 January 2027." in said.out
    assert "Ours: ZH-2025-0117" in said.out and "Yours faithfully" in said.out


def test_a_layout_of_ones_own_stands_around_our_letters(own: Path) -> None:
    said = write(own, "To whom it may concern\n\n{% block body %}{% endblock %}\n", name="en/layout.j2")
    assert said.out.startswith("To whom it may concern\n\nWe refer to the above agreement")


def test_a_template_outside_a_folder_of_a_language_serves_every_language(own: Path) -> None:
    said = write(own, "Only {{ vendor.name }}\n", "--lang", "zh-CN", name="non-renewal.j2")
    assert said.out == "Only Zoho Corporation B.V.\n"


def test_a_template_may_include_another_of_its_folder(own: Path) -> None:
    (own / "seal.j2").write_text("Sealed by {{ customer.name }}", encoding="utf-8")
    assert write(own, '{% include "seal.j2" %}\n').out == "Sealed by Acme GmbH\n"


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", [*LETTERS, "layout"])
def test_our_own_templates_can_be_printed_to_start_from(kind: str, lang: str, own: Path) -> None:
    assert crmstate("letter", kind, "--source", "--lang", lang).out == source(kind, lang).rstrip("\n") + "\n"


def test_what_was_printed_makes_the_same_letter(own: Path) -> None:
    before = letter(own).out
    assert write(own, source("non-renewal", "en")).out == before


@pytest.mark.parametrize(
    ("text", "place", "field"),
    [
        ("x\n{{ vendor.nam }}", "non-renewal.j2:2:4", "vendor.nam"),
        ("{% if foo %}x{% endif %}", "non-renewal.j2:1:7", "foo"),
        ('\n\n{{ vendor["phone"] }}', "non-renewal.j2:3:1", "vendor.phone"),
        ("{% if false %}{{ customer.phone }}{% endif %}", "non-renewal.j2:1:18", "customer.phone"),
        ("{% for d in data.all %}{{ d.size }}{% endfor %}", "non-renewal.j2:1:27", "d.size"),
        ("{% for d in data.discarded %}\n{% set e = d %}{{ e.size }}{% endfor %}", "non-renewal.j2:2:1", "size"),
    ],
)
def test_a_field_that_is_not_known_is_refused_at_its_line_with_those_that_are(
    text: str, place: str, field: str, own: Path
) -> None:
    said = write(own, text)
    assert (said.code, said.out) == (65, "")
    assert "CRM-L002" in said.err and place in said.err and field in said.err
    assert "vendor.name" in said.err or "d.name" in said.err or "customer.name" in said.err


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{{ vendor.name", "CRM-L006"),
        ("{% if %}", "CRM-L006"),
        ("{{ vendor.name | tojson }}", "CRM-L006"),
        ("{{ vendor.name | replace('a', 'aaaa') }}", "CRM-L006"),
        ('{% extends "nothing.j2" %}', "CRM-L005"),
        ('{% include "../crmstate.yaml" %}', "CRM-L003"),
        ('{% include "/etc/passwd" %}', "CRM-L003"),
        ("{% include vendor.name %}", "CRM-L003"),
        ("{{ vendor.name.upper() }}", "CRM-L004"),
        ("{{ '{:>1000000000}'.format(1) }}", "CRM-L004"),
        ("{{ vendor.name.__class__.__mro__ }}", "CRM-L004"),
        ("{{ vendor.name._origin }}", "CRM-L004"),
        ("{{ ''.__class__ }}", "CRM-L004"),
        ("{{ vendor }}", "CRM-L004"),
        ("{{ law.gdpr }}", "CRM-L004"),
        ("{{ data.discarded }}", "CRM-L004"),
        ("{{ 2 * 3 }}", "CRM-L004"),
        ("{{ 'x' + 'y' }}", "CRM-L004"),
        ("{{ '%1000000000d' % 1 }}", "CRM-L004"),
        ("{{ 9 ** 999999999 }}", "CRM-L004"),
        ("{{ range(9) }}", "CRM-L002"),
        ("{{ lipsum() }}", "CRM-L002"),
        ("{{ self.__init__ }}", "CRM-L004"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "CRM-L006"),
    ],
)
def test_what_a_template_may_not_do_is_refused_and_prints_nothing(text: str, code: str, own: Path) -> None:
    said = write(own, text)
    assert (said.out, said.code in (3, 65)) == ("", True), said
    assert code in said.err
    assert "non-renewal.j2:1:" in said.err or code == "CRM-L003"


def test_a_missing_fact_is_listed_whatever_a_template_makes_of_it(own: Path) -> None:
    written(own.parent, ZOHO.replace("    number: ZH-2025-0117\n", ""))
    for text in ("{{ contract.number | upper }}", "{{ 'no. ' ~ contract.number }}", "{{ contract.number | lines }}"):
        said = write(own, text)
        assert said.code == 9 and "the contract's number" in said.out.lower(), text


@pytest.mark.parametrize("where", ["en/non-renewal.j2", "en"])
def test_a_link_among_the_templates_is_refused(where: str, own: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "non-renewal.j2").write_text("taken from outside", encoding="utf-8")
    if where == "en":
        (own / "en").rmdir()
        (own / "en").symlink_to(outside)
    else:
        (own / where).symlink_to(outside / "non-renewal.j2")
    said = letter(own)
    assert (said.code, said.out) == (3, "") and "CRM-L003" in said.err


def test_a_folder_outside_the_manifests_is_refused_unless_the_operator_allows_it(
    own: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "non-renewal.j2").write_text("from outside", encoding="utf-8")
    link = own.parent / "link"
    link.symlink_to(outside)
    for folder in (outside, link):
        said = crmstate("letter", "non-renewal", own.parent / "crmstate.yaml", "--templates", folder)
        assert (said.code, said.out) == (3, "") and "CRM-M121" in said.err
    operator = outside / "operator.toml"
    operator.write_text(f'allow_files = ["{outside}"]\n', encoding="utf-8")
    monkeypatch.setenv("CRMSTATE_OPERATOR", str(operator))
    assert (
        crmstate("letter", "non-renewal", own.parent / "crmstate.yaml", "--templates", outside).out == "from outside\n"
    )


def test_what_is_no_text_is_no_template(own: Path) -> None:
    for data in (b"\xff\xfe", b"x" * 300_000):
        (own / "en" / "non-renewal.j2").write_bytes(data)
        assert "CRM-L003" in letter(own).err
    (own / "en" / "non-renewal.j2").unlink()
    os.mkfifo(own / "en" / "non-renewal.j2")
    assert "CRM-L003" in letter(own).err
    (own / "en" / "non-renewal.j2").unlink()
    (own / "en" / "non-renewal.j2").mkdir()
    assert "CRM-L003" in letter(own).err


def test_a_secret_in_a_template_is_not_written_either(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOHO_SECRET", "correct horse battery")
    said = write(own, "{% block subject %}correct horse battery{% endblock %} of {{ vendor.name }}", "--format", "json")
    assert "correct horse" not in said.out + said.err and "[secret] of Zoho" in said.out


def test_a_folder_that_is_not_there_is_a_usage_error(own: Path) -> None:
    assert crmstate("letter", "non-renewal", own.parent / "crmstate.yaml", "--templates", own / "no").code == 64

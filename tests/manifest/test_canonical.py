"""The canonical form: every comment and every value is still there, and once written so a manifest is left alone."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from crmstate import providers
from crmstate.cli.app import run
from crmstate.core.diagnostic import Problem
from crmstate.core.words import Exit
from crmstate.manifest import source
from crmstate.manifest.canonical import canonical
from crmstate.manifest.layout import Leaf
from crmstate.manifest.load import parse
from crmstate.manifest.quoting import quoted
from crmstate.manifest.remarks import remarks
from crmstate.manifest.tree import native

from .corpus import BAD, GOOD

HERE = Path("crmstate.yaml")
EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*/crmstate.yaml"))

ODD = """\
# yaml-language-server: $schema=x.json
# top

# of the name
name: x   # the name

# of kind


kind: "Decommission"
apiVersion: crmstate/v1
owner: 'a@example.com'
provider:
    name: sandbox
    embedded: a.db
    # tenant: later
  # odd indent
reason: {code: replaced,  # inner
   text: "yes"} # outer
end_state:   # the end
   users: {status: active}

   # settings: {status: reset}

people: # folks
# first person
- id: b   # id of b
  # about title
  title: "It's: a # test"
  owner: it@example.com
-
  # above title
  title: |
    several
      lines # no comment

    here
  id: c
  # tail of c
  owner: it@example.com  # owner
- {owner: x@example.com, id: d, title: "# no"} # d itself
- id: e # header
  owner: it@example.com
  title: >-   # folded
    long
    text
  # last one
# bottom
"""
CANONICAL = """\
# yaml-language-server: $schema=x.json
# top

apiVersion: crmstate/v1

# of kind

kind: Decommission
# of the name
name: x  # the name
# odd indent
reason:
  code: replaced  # inner
  text: "yes"  # outer
owner: a@example.com
provider:
  name: sandbox
  embedded: a.db
  # tenant: later
end_state:  # the end
  users:
    status: active

  # settings: {status: reset}

people:  # folks
  # first person
  - id: b  # id of b
    # about title
    title: "It's: a # test"
    owner: it@example.com
  - id: c
    # above title
    title: |
      several
        lines # no comment

      here
    # tail of c
    owner: it@example.com  # owner
  # d itself
  - id: d
    title: "# no"
    owner: x@example.com
  - id: e  # header
    title: >-  # folded
      long
      text
    owner: it@example.com
    # last one
# bottom
"""


def formatted(text: str | bytes) -> str:
    return canonical(text if isinstance(text, bytes) else text.encode(), HERE)


def test_keys_comments_and_blank_lines_go_where_a_reader_looks_for_them() -> None:
    assert formatted(ODD) == CANONICAL


PLAIN = "apiVersion: crmstate/v1\nkind: Decommission\nname: n\nprovider: {name: sandbox, embedded: w.db}\n"
PERSON = "owner: a@b.co, title: t"


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ('owner: "a@b.co"#NOTE\n', "owner: a@b.co  #NOTE"),
        ("owner: 'a@b.co'#NOTE\n", "owner: a@b.co  #NOTE"),
        ("owner: &x #NOTE\n  a@b.co\n", "owner: &x a@b.co  #NOTE"),
        ("owner: a@b.co\nreason: {code: replaced,#NOTE\n text: x}\n", "  code: replaced  #NOTE"),
        ("owner: a@b.co\nreason: {#NOTE\n text: x, code: replaced}#END\n", "reason:  #NOTE"),
        (f"owner: a@b.co\npeople: [{{id: a, {PERSON}}}\n ]#NOTE\n", "people:  #NOTE"),
        ("owner: a@b.co\nreason:\n code: replaced\n text: &a|b | #NOTE\n   a\n", "  text: &a|b |  #NOTE"),
    ],
)
def test_a_comment_needs_no_blank_before_its_sign(said: str, line: str) -> None:
    after = formatted(PLAIN + said + "end_state: {account: {status: deleted}}\n")
    assert line in after.splitlines() and after.count("#") == said.count("#")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("reason:\n  code: replaced\n  text:\n    # NOTE\n    x\n", "  # NOTE\n  text: x\n"),
        (
            "end_state:\n  data:\n    archive:\n      to: a/\n      datasets:\n        -\n          # NOTE\n          B\n        - C\n",
            "        # NOTE\n        - B\n        - C\n",
        ),
        ("safeguards:\n  # NOTE\n  {}\n", "# NOTE\nsafeguards: {}\n"),
        (f"people:\n  # NOTE\n  [{{id: a, {PERSON}}}]\n", "# NOTE\npeople:\n"),
        ("reason:\n  code: replaced\n  text: one\n    two # NOTE\n", "  text: one two  # NOTE\n"),
        (
            "end_state:\n  data:\n    discard: [\n      {dataset: D, why: rebuilt, by: a@b.co}\n    ] # NOTE\n",
            "    discard:  # NOTE\n",
        ),
        (
            f"people: [{{id: a, {PERSON}}},\n  {{id: b, {PERSON}}}, {{id: c, {PERSON}}} # NOTE\n  ]\n",
            "  # NOTE\n  - id: c\n",
        ),
        (
            "people:\n  - {id: a, title: t,\n     owner: a@b.co, proof: attested # NOTE\n    }\n",
            "    proof: attested  # NOTE\n",
        ),
    ],
)
def test_a_comment_stays_with_the_value_that_it_stands_at(said: str, kept: str) -> None:
    end = "" if "end_state" in said else "end_state: {account: {status: deleted}}\n"
    assert kept in formatted(f"{PLAIN}owner: a@b.co\n{said}{end}")


def test_a_comment_that_was_not_understood_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    from crmstate.manifest import layout

    monkeypatch.setattr(layout._Placing, "_behind", lambda *_: None)
    with pytest.raises(Problem) as refused:
        formatted(ODD)
    assert [each.code for each in refused.value.diagnostics] == ["CRM-C111"]


def test_what_moves_up_below_the_head_of_the_file_brings_no_second_blank_line() -> None:
    text = "# head\n\nprovider: {name: sandbox, embedded: a.db}\nkind: Decommission\nname: x\nowner: a@example.com\n\n# far\n\n"
    after = formatted(text + "apiVersion: crmstate/v1\nend_state: {settings: {status: reset}}\n")
    assert after.startswith("# head\n\n# far\n\napiVersion: crmstate/v1\nkind: Decommission\nname: x\n")


@pytest.mark.parametrize("path", [*GOOD, *EXAMPLES], ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_manifest_means_the_same_with_every_comment_and_is_then_left_alone(path: Path) -> None:
    raw = path.read_bytes()
    after = canonical(raw, path).encode()
    old, new = parse(raw, path, providers.names()), parse(after, path, providers.names())
    assert native(old.tree.root) == native(new.tree.root)
    assert old.model == new.model
    assert Counter(remarks(raw.decode())) == Counter(remarks(after.decode()))
    assert canonical(after, path).encode() == after


def test_what_validate_refuses_in_text_or_structure_is_refused_with_its_diagnostics() -> None:
    from crmstate.manifest.structure import examine

    for path in BAD[::4]:
        raw = path.read_bytes()
        try:
            wrong = [
                each.code
                for each in examine(source.parse(raw, str(path))).diagnostics
                if each.severity.value == "error"
            ]
        except Problem as problem:
            wrong = [each.code for each in problem.diagnostics]
        if not wrong:
            assert canonical(raw, path)
            continue
        with pytest.raises(Problem) as refused:
            canonical(raw, path)
        assert [each.code for each in refused.value.diagnostics] == wrong, path.name
        assert refused.value.exit == Exit.INVALID


NAMES = (
    "one",
    "two words",
    "it's",
    'a "b"',
    "x: y",
    "# no",
    "yes",
    "007",
    "1e3",
    "2026-12-31",
    "é中",
    "- dash",
    "[a",
    "@b",
    "end:",
)
NOTE = st.sampled_from(("", "  # a note", " # # two", "   #tight"))
LONE = st.sampled_from(("", "", "\n", "{}# lone\n", "\n{}# far\n\n\n", "{}  # deeper\n{}# lone: {{a: b}}\n"))


def _said(text: str, style: str) -> str:
    if style == "'":
        return "'" + text.replace("'", "''") + "'"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@st.composite
def manifests(draw: st.DrawFn) -> str:
    """Manifests in every way of writing that people have: any order of keys, flow and block, notes anywhere."""

    def scalar() -> str:
        return _said(draw(st.sampled_from(NAMES)), draw(st.sampled_from("'\"")))

    def lone(indent: int) -> str:
        return draw(LONE).replace("{}", " " * indent).replace("{{", "{").replace("}}", "}")

    def person(number: int) -> str:
        rows = [f"id: p{number}", f"title: {scalar()}", "owner: it@example.com"]
        draw(st.randoms(use_true_random=False)).shuffle(rows)
        if draw(st.booleans()):
            return f"{lone(2)}  - {{{', '.join(rows)}}}{draw(NOTE)}\n"
        first, *rest = [row + draw(NOTE) for row in rows]
        return f"{lone(2)}  - {first}\n" + "".join(f"{lone(4)}    {row}\n" for row in rest)

    def block(key: str, rows: list[str]) -> str:
        step = draw(st.sampled_from((1, 2, 4)))
        return (
            f"{key}:{draw(NOTE)}\n"
            + "".join(f"{lone(step)}{' ' * step}{row}{draw(NOTE)}\n" for row in rows)
            + lone(step)
        )

    parts = [
        f"apiVersion: crmstate/v1{draw(NOTE)}\n",
        f"kind: {_said('Decommission', draw(st.sampled_from(chr(39) + chr(34))))}{draw(NOTE)}\n",
        f"name: x{draw(NOTE)}\n",
        f"owner: a@example.com{draw(NOTE)}\n",
        block("provider", ["embedded: a.db", "name: sandbox"]),
        f"reason: {{text: {scalar()},{draw(NOTE)}\n   code: replaced}}{draw(NOTE)}\n",
        block("end_state", ["settings: {status: reset}", "api_keys: {keep: [{why: x, name: k}], status: revoked}"]),
        "people:" + draw(NOTE) + "\n" + "".join(person(number) for number in range(draw(st.integers(1, 3)))) + lone(2),
    ]  # fmt: skip
    draw(st.randoms(use_true_random=False)).shuffle(parts)
    return "".join(lone(0) + part for part in parts) + lone(0)


@settings(max_examples=15, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(manifests())
def test_however_a_manifest_is_written_its_form_is_one_and_nothing_of_it_is_lost(text: str) -> None:
    after = formatted(text)
    assert formatted(after) == after
    assert native(source.parse(after.encode(), "x").root) == native(source.parse(text.encode(), "x").root)
    assert Counter(remarks(after)) == Counter(remarks(text))
    assert text.count("#") == after.count("#")
    assert [line for line in after.split("\n") if line != line.rstrip()] == []


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12) | st.sampled_from(NAMES))
def test_a_quoted_text_is_read_as_itself_by_readers_of_yaml_1_1_and_1_2(text: str) -> None:
    line = quoted(Leaf(text, '"', 0, 0))
    for version in ((1, 1), (1, 2)):
        reader: Any = YAML(typ="safe", pure=True)
        reader.version = version
        found = reader.load(f"a: {line}\n")["a"]
        if hasattr(found, "isoformat"):  # a day is text to crmstate, and is not put in quotes
            continue
        assert found == text, line


def _file(folder: Path, text: str = ODD, mode: int = 0o640) -> Path:
    path = folder / "crmstate.yaml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_fmt_writes_check_names_and_diff_shows(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = _file(tmp_path)
    assert run(["fmt", "--check", str(path)]) == 2
    assert capfd.readouterr().out == f"{path}\n"
    assert run(["fmt", "--diff", str(path)]) == 0
    shown = capfd.readouterr().out
    assert shown.startswith(f"--- {path}\n+++ {path}\n@@") and "\n+kind: Decommission\n" in shown
    assert path.read_text(encoding="utf-8") == ODD
    assert run(["fmt", str(path)]) == 0
    assert path.read_text(encoding="utf-8") == CANONICAL
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["crmstate.yaml"]
    capfd.readouterr()
    assert run(["fmt", "--check", str(path)]) == 0
    assert capfd.readouterr().out == ""


def test_one_bad_file_does_not_keep_the_others_from_being_formatted(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path, bad = _file(tmp_path), tmp_path / "bad.yaml"
    bad.write_text("apiVersion: crmstate/v1\nnmae: x\n", encoding="utf-8")
    assert run(["fmt", str(bad), str(path)]) == 65
    assert path.read_text(encoding="utf-8") == CANONICAL
    assert bad.read_text(encoding="utf-8") == "apiVersion: crmstate/v1\nnmae: x\n"
    assert "nmae" in capfd.readouterr().err


def test_a_link_out_of_the_folder_and_json_are_left_alone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    outside, link = _file(tmp_path), tmp_path / "in" / "crmstate.yaml"
    link.symlink_to(outside)
    assert run(["fmt", str(link)]) == 3
    assert outside.read_text(encoding="utf-8") == ODD and link.is_symlink()
    inside = tmp_path / "in" / "real.yaml"
    inside.write_text(ODD, encoding="utf-8")
    link.unlink()
    link.symlink_to("real.yaml")
    assert run(["fmt", str(link)]) == 0
    assert inside.read_text(encoding="utf-8") == CANONICAL and link.is_symlink()
    plain = tmp_path / "x.json"
    plain.write_text("{}", encoding="utf-8")
    assert run(["fmt", str(plain)]) == 64
    capfd.readouterr()


def test_a_diff_shows_that_only_the_last_line_end_is_missing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = _file(tmp_path, CANONICAL.removesuffix("\n"))
    assert run(["fmt", "--check", "--diff", str(path)]) == 2
    assert capfd.readouterr().out.endswith("\n-# bottom\n\\ No newline at end of file\n+# bottom\n")


def test_lines_end_as_they_did(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = _file(tmp_path, "")
    path.write_bytes(ODD.replace("\n", "\r\n").encode())
    assert run(["fmt", str(path)]) == 0
    assert path.read_bytes() == CANONICAL.replace("\n", "\r\n").encode()
    assert run(["fmt", "--check", str(path)]) == 0
    capfd.readouterr()


def test_a_file_that_is_read_only_or_has_another_name_is_not_replaced(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = _file(tmp_path, mode=0o444)
    assert run(["fmt", str(path)]) == 1
    assert "CRM-C113" in capfd.readouterr().err
    path.chmod(0o644)
    (tmp_path / "other").hardlink_to(path)
    assert run(["fmt", str(path)]) == 1
    assert "CRM-C114" in capfd.readouterr().err
    assert path.read_text(encoding="utf-8") == ODD and path.samefile(tmp_path / "other")
    assert run(["fmt", "--check", str(path)]) == 2
    capfd.readouterr()


def test_what_is_no_plain_file_is_said_to_be_none(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path(os.devnull)):
        assert run(["fmt", str(path)]) == 65
        said = capfd.readouterr().err
        assert "CRM-M001" in said and "it is not a file" in said and "rm " not in said


def test_a_full_disk_leaves_the_manifest_as_it_was(tmp_path: Path) -> None:
    path = _file(tmp_path)
    code = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)); import signal; "
    code += (
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); from crmstate.cli.app import run; sys.exit(run(sys.argv[1:]))"
    )
    done = subprocess.run([sys.executable, "-c", code, "fmt", str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "CRM-S003" in done.stderr
    assert path.read_text(encoding="utf-8") == ODD
    assert [each.name for each in tmp_path.iterdir()] == ["crmstate.yaml"]

"""The diagram of a plan: what waits for what, in text that Mermaid reads, whatever the vendor's names are."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmstate.cli.app import run
from crmstate.core.plan import Plan
from crmstate.core.words import Kind, Mode, Undo, Verb
from crmstate.views.catalogue import LANGUAGES, Catalogue
from crmstate.views.plan_mermaid import MANY, escaped, plan_mermaid
from tests.views.hostile import texts
from tests.views.samples import plan, representative, step

EN = Catalogue("en", strict=True)
MODULES = Path(__file__).parents[2] / ".mermaid" / "node_modules" / "mermaid"
LABEL = r"[^\"\[\](){}<>|`;&]*?"
TEXT = rf"(?:{LABEL}(?:[#]\d+;|<br/>))*{LABEL}"
LINE = re.compile(
    rf"""
    %%\ crmstate\ \S+\ \S+ | flowchart\ TD | \ \ end
    | \ \ subgraph\ s\d+\["{TEXT}"\]
    | \ {{2,4}}n\d+ (?: \[" {TEXT} "\] | \[\[" {TEXT} "\]\] | \(\[" {TEXT} "\]\) | \{{\{{" {TEXT} "\}}\}} | >" {TEXT} "\] )
      (?: :::(?:final|person|time|blocked) )?
    | \ \ s\d+\ -->\ s\d+ | \ \ n\d+\ -\.->\ n\d+
    | \ \ classDef\ \w+\ [\w#:,\-\ ]+
    """,
    re.X,
)


def drawn(made: Plan, full: bool = False) -> str:
    text = plan_mermaid(made, EN, full=full)
    wrong = [line for line in text.splitlines() if not LINE.fullmatch(line)]
    assert wrong == []
    return text


def pairs(text: str, arrow: str) -> set[tuple[str, str]]:
    """Lines of the diagram as the titles (of stages) or the first words (of boxes) at their ends."""
    names = dict(re.findall(r'^ *(?:subgraph )?([sn]\d+)[\[(>{]+"(.*?)(?:<br/>.*)?"', text, re.M))
    return {(names[a], names[b]) for a, b in re.findall(rf"^  (\w+) {arrow} (\w+)$", text, re.M)}


def person(number: int) -> object:
    return step(Kind.USER, f"u{number}", Verb.DEACTIVATE, "users")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("- off", "#45; off"),
        ("+ on", "#43; on"),
        ("-3 a-b", "#45;3 a-b"),
        ("2. then 3.5", "2#46; then 3.5"),
        ("   deep", "#32;  deep"),
        ("a@b.co, https://x.co/a:b, www.x.co", "a#64;b.co, https#58;//x.co/a:b, www#46;x.co"),
        ("_a_ b_c ~d~", "#95;a#95; b_c #126;d#126;"),
    ],
)
def test_nothing_in_a_label_is_markdown_or_a_link(text: str, label: str) -> None:
    """Mermaid reads labels as Markdown: a list is drawn as `Unsupported markdown`."""
    assert escaped(text) == label


def test_stages_stand_in_their_order_and_what_is_left_out_between_them_breaks_no_line() -> None:
    text = drawn(representative(), full=True)
    found = pairs(text, "-->")
    assert found
    made = plan(
        (
            step(Kind.ARCHIVE, "c", Verb.ARCHIVE, "archive"),
            step(Kind.DATASET, "c", Verb.PURGE, "purge", undo=Undo.NEVER),
            step(Kind.ACCOUNT, "a", Verb.CLOSE, "account", undo=Undo.NEVER),
        )
    )
    assert pairs(drawn(made), "-->") == {("Archive", "Purge data"), ("Purge data", "Close the account")}


def test_a_need_is_drawn_only_where_the_order_of_stages_does_not_say_so() -> None:
    first = step(Kind.MODULE, "a", Verb.DISABLE, "modules")
    later = step(Kind.MODULE, "b", Verb.DISABLE, "modules", needs=(first.id,))
    after = step(Kind.DATASET, "c", Verb.PURGE, "purge", undo=Undo.NEVER, needs=(first.id,))
    text = drawn(plan((first, later, after)))
    assert pairs(text, r"-\.->") == {("#45; switch off module/a", "#45; switch off module/b")}


def test_what_is_final_who_is_waited_for_and_until_when_stand_in_the_boxes() -> None:
    mine = step(
        Kind.HUMAN_STEP,
        "train",
        Verb.CONFIRM,
        "prepare",
        mode=Mode.MANUAL,
        owner="hr@example.com",
        not_before="2027-01-01T00:00:00Z",
    )
    text = drawn(plan((mine, step(Kind.ACCOUNT, "a", Verb.CLOSE, "account", undo=Undo.NEVER))))
    assert (
        '(["#64; confirm human_step/train<br/>waits for hr#64;example.com<br/>not before 2027-01-01T00:00:00Z"]):::person'
        in text
    )
    assert re.search(r'\[\["! close account/a<br/>irreversible"\]\]:::final', text)


def test_a_large_plan_is_folded_by_stage_and_whole_on_request() -> None:
    made = plan(tuple(person(number) for number in range(MANY + 5)))  # type: ignore[arg-type]
    assert f"{MANY + 5} × user" in drawn(made)
    assert drawn(made).count(" n") == 1
    assert drawn(made, full=True).count("    n") == MANY + 5


def test_an_empty_plan_is_a_diagram_too() -> None:
    assert 'n0["Nothing to do"]' in drawn(plan())


HOSTILE = (
    '"]; click n1 "javascript:x"',
    "end",
    "`x`",
    "%%{init: {}}%%",
    "a\nb --> c",
    "<b>&lt;",
    "#quot;",
    "]]",
    "中文（名）",
)


@settings(max_examples=30, deadline=None)
@given(texts | st.sampled_from(HOSTILE), texts | st.sampled_from(HOSTILE))
def test_no_name_of_a_vendor_breaks_out_of_its_box(label: str, owner: str) -> None:
    steps = (
        step(Kind.USER, "u1", Verb.DEACTIVATE, "users", label=label),
        step(Kind.HUMAN_STEP, "x", Verb.CONFIRM, "prepare", mode=Mode.MANUAL, owner=owner),
    )
    for lang in LANGUAGES:
        text = plan_mermaid(plan(steps), Catalogue(lang, strict=True))
        assert [line for line in text.splitlines() if not LINE.fullmatch(line)] == []
        assert text.count("\n") == drawn(plan(tuple(steps))).count("\n")


if MODULES.is_dir():  # `make test-deep` gets it where npm is; elsewhere lines are held against a grammar alone

    @pytest.mark.deep
    def test_mermaid_itself_reads_it(tmp_path: Path) -> None:
        made = [
            representative(),
            plan(),
            *(plan((step(Kind.USER, "u", Verb.DELETE, "users", label=each),)) for each in HOSTILE),
        ]
        paths = []
        for number, each in enumerate(made):
            paths.append(tmp_path / f"{number}.mmd")
            paths[-1].write_text(plan_mermaid(each, EN, full=True), encoding="utf-8")
        script = Path(__file__).with_name("mermaid.mjs")
        environ = {**os.environ, "MERMAID_MODULES": str(MODULES.parents[1])}
        done = subprocess.run(["node", script, *paths], capture_output=True, text=True, timeout=120, env=environ)
        assert done.returncode == 0, done.stderr
        for found, each in zip(json.loads(done.stdout), made, strict=True):
            assert found["type"] == "flowchart-v2"
            boxes = [id for id, _ in found["vertices"] if id.startswith("n")]  # the rest are stages with lines
            assert len(boxes) == max(1, len(each.steps) + len(each.blocked))


def test_graph_writes_a_file_that_it_knows_again_and_no_other(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    manifest = tmp_path / "crmstate.yaml"
    manifest.write_text(
        "apiVersion: crmstate/v1\nkind: Decommission\nname: x\nowner: a@example.com\n"
        "provider: {name: sandbox, embedded: a.db}\nend_state:\n  data: {archive: {to: archive/, datasets: all}}\n"
    )
    out, notes = tmp_path / "plan.mmd", tmp_path / "notes.md"
    notes.write_text("mine\n")
    assert run(["graph", str(manifest), "--offline", "--out", str(out)]) == 0
    assert run(["graph", str(manifest), "--offline", "--out", str(out)]) == 0
    assert out.read_text().startswith("%% crmstate x ")
    assert run(["graph", str(manifest), "--offline", "--out", str(notes)]) == 3
    assert notes.read_text() == "mine\n"
    assert "CRM-C120" in capfd.readouterr().err
    run(["sandbox", "stop", "--data", str(tmp_path / "a.db")])

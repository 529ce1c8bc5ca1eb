"""A vendor whose data wants to do harm: whatever its names hold, screens, Markdown, JSON and file names stay harmless,
and the archive is whole."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmstate.sandbox import World, seed

from .scenes import finish, lines
from .site import MANIFEST, Said, Site, rows_of, site

HERE = (
    MANIFEST.replace("{email: owner@", "{email: user1@")
    .replace("dataset: Dashboards", "dataset: dashboards")
    .replace("  modules: {crm: {status: disabled, data_effect: keeps}}\n", "")
)
NASTY = (
    "\x1b]8;;https://evil.example\x07click\x1b]8;;\x07",
    "\x9b2J\x9b1;1H\x90q\x9c",
    "a\u202eb\u2066c\u2069d\u061ce\u200ef\ufeffg\u180eh",
    "\U000e0041\U000e0042tag",
    "\u3164\u115f\u2800 blank",
    "Z" + "\u0300" * 200 + "algo",
    "![x](https://evil.example/p.png)",
    "[x]: https://evil.example 'y'",
    "</td></tr></table><img src=x onerror=alert(1)>",
    "<!-- --> <details open> &#60;script&#62; &lt;b&gt;",
    "@org/team owner/repo#1 GH-7 #9 www.evil.example me@evil.example :bomb:",
    "`````` ~~~ ``` `",
    "[bold red]rich[/] [link=https://evil.example]x[/link]",
    "{0} {name} %(x)s %n ${PATH} $(reboot) {{7*7}} \\N{DIGIT ONE}",
    "a\tb\vc\fd\x85e\x00f\x08\x08g\x7fh",
    "::set-output name=x::y ##vso[task.complete]",
    "error[CRM-E001] forged\nPlan id: 000000000000000000000000\n0 steps to do",
    "\\|\\`\\",
    "C:\\..\\..\\NUL:stream",
)
IDS = (
    "../../../../tmp/evil",
    "..%2f..%2fevil",
    "a/b\\c",
    "\x1b[31m",
    "x\u202ey",
    "nul\x01l",
    "L" * 180,
    "-rf",
    "CON",
    "@everyone",
    "<script>",
    "`x`",
)
FORBIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
TRAPS = (
    "<script",
    "<img",
    "<details open",
    "<!--",
    "javascript:",
    "@everyone",
    "@octocat",
    "@org",
    "evil.example",
    "](",
    "</td>",
    "closes #1",
    "#9",
)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, dict[str, Said]]]:
    """A hostile World, planned and ended, with all that was said on the way by what was asked."""
    folder = tmp_path_factory.mktemp("hostile")
    template = folder / "template"
    template.mkdir()
    seed(template / "acme.db", users=6, contacts=10, hostile=True)
    with World.open(template / "acme.db") as world:
        for number, name in enumerate(NASTY):
            _nasty(world, f"n{number}", name)
        for id in IDS:
            _nasty(world, id, f"name of {id}")
    (template / "crmstate.yaml").write_text(HERE, encoding="utf-8")
    with site(folder / "site", template) as here:
        yield here, dict(_everything(here))


def _nasty(world: World, id: str, name: str) -> None:
    """One of everything under this id and name."""
    world.add_user(id, email=f"{name}@evil.example", name=name)
    world.add_session(id, id, agent=name)
    world.add_key(id, id, name=name)
    world.add_integration(id, name=name, target=f"https://user:pass@evil.example/{name}")
    world.add_setting(id, name=name, customised=True)
    if "/" not in id:
        world.add_dataset(f"d{id}", name, [{"name": name, "type": "text", "label": name}])
    world.add_rows("hostile", [{"id": f"r{id}", "owner_id": id, "fields": {"name": name}}])
    world.add_attachment("hostile", f"f{id}", f"r{id}", name=name, content=name.encode())


def _everything(here: Site) -> Iterator[tuple[str, Said]]:
    state = ["exit", "--folder", str(here.folder)]
    yield "plan --out", here.plan("--out", str(here.folder / "plan.json"))
    here.fault("partial", path="/v1/settings/reset", item=3, code="rejected")
    for format in ("text", "json", "markdown"):
        yield f"plan {format}", here.plan("--format", format, *(["--full"] if format == "text" else []))
    yield "apply text", here.apply()
    for format in ("text", "json", "markdown"):
        yield f"status {format}", here.run("status", str(here.manifest), "--format", format)
    yield "apply markdown", here.apply("--format", "markdown")
    with World.open(here.data) as world:
        world.clear_faults()
    yield "apply json", here.apply("--format", "json")
    for format in ("text", "json", "markdown"):
        yield f"state show {format}", here.run("state", "show", *state, "--format", format)
        yield f"state history {format}", here.run("state", "history", *state, "--format", format)


def test_the_whole_job_is_done_on_a_hostile_tenant(ended: tuple[Site, dict[str, Said]]) -> None:
    here, said = ended
    assert {name: each.code for name, each in said.items() if each.code not in (0, 6)} == {}
    assert said["apply json"].code == 0, said["apply json"].err
    truth = here.truth()
    assert {each["status"] for each in truth["users"] if each["id"] in IDS} == {"inactive"}
    assert not [
        each["id"] for each in truth["sessions"] if each["ended_at"] is None and each["user_id"] not in ("u1", "u2")
    ]
    assert [
        (each["id"], each["rows"], each["bin_rows"])
        for each in truth["datasets"]
        if each["exportable"] and (each["rows"] or each["bin_rows"])
    ] == []
    assert truth["account"]["status"] == "closing"
    assert finish(here, "8d") == [0]
    assert here.plan("--detailed-exitcode").code == 0


def test_nothing_that_moves_a_cursor_or_turns_text_round_reaches_a_screen(ended: tuple[Site, dict[str, Said]]) -> None:
    for name, said in ended[1].items():
        for stream in (said.out, said.err):
            odd = {f"U+{ord(char):04X}" for char in stream if char != "\n" and unicodedata.category(char) in FORBIDDEN}
            assert odd == set(), name


def test_no_name_writes_a_line_of_its_own(ended: tuple[Site, dict[str, Said]]) -> None:
    for name, said in ended[1].items():
        for line in said.out.splitlines() + said.err.splitlines():
            assert not line.startswith(("::", "##vso", "error[CRM-E001] forged", "0 steps to do", "Plan id: 0000")), (
                name,
                line,
            )


def test_markdown_makes_nothing_out_of_names(ended: tuple[Site, dict[str, Said]]) -> None:
    found = {name: said.out for name, said in ended[1].items() if name.endswith("markdown")}
    assert any("`" in text for text in found.values())
    for name, text in found.items():
        outside = re.sub(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)", "", text)
        assert [trap for trap in TRAPS if trap in outside] == [], name
        assert len(text) <= 60_000
        opened, closed = outside.count("<details>"), outside.count("</details>")
        assert opened == closed, name


def test_json_is_json_and_keeps_names_as_they_are(ended: tuple[Site, dict[str, Said]]) -> None:
    said = ended[1]
    for name in (each for each in said if each.endswith("json")):
        assert lines(said[name]), name
    labels = {each.get("label") for each in said["plan json"].json["steps"]}
    assert "../../../../etc/passwd" in labels and NASTY[6] in labels


def test_file_names_of_the_archive_are_plain_and_stay_inside(ended: tuple[Site, dict[str, Said]]) -> None:
    here, _ = ended
    for path in (here.folder / "archive").rglob("*"):
        assert re.fullmatch(r"[A-Za-z0-9._-]+", path.name) and not path.is_symlink(), path
        assert len(path.name) < 120
    beside = {path.name for path in here.folder.iterdir()}
    assert {name for name in beside if not name.startswith("acme.db")} == {
        "crmstate.yaml",
        "plan.json",
        "archive",
        ".crmstate",
    }
    assert {path.name for path in here.folder.parent.iterdir()} == {"site", "template"}
    assert not Path("/tmp/evil").exists()


def test_the_archive_holds_every_hostile_record_as_it_was(ended: tuple[Site, dict[str, Said]]) -> None:
    here, _ = ended
    rows = {}
    for line in rows_of(here.folder / "archive").split(b"\n"):
        if line.startswith(b'{"id":"r'):
            found = json.loads(line)
            rows[found["id"]] = found["fields"]["name"]
    assert {f"rn{number}": name for number, name in enumerate(NASTY)}.items() <= rows.items()
    contents = {path.read_bytes() for path in (here.folder / "archive").rglob("*") if path.is_file()}
    assert {name.encode() for name in NASTY} <= contents


def test_a_secret_in_an_integrations_address_is_not_repeated(ended: tuple[Site, dict[str, Said]]) -> None:
    here, said = ended
    assert not [name for name, each in said.items() if "user:pass" in each.out + each.err]
    assert b"user:pass" not in b"".join(
        path.read_bytes() for path in (here.folder / ".crmstate").rglob("*") if path.is_file()
    )


@pytest.mark.parametrize("format", ["text", "json", "markdown"])
def test_an_error_message_of_the_vendors_is_harmless_too(format: str, tmp_path: Path) -> None:
    with site(tmp_path / "site") as here:
        assert here.world is not None
        with World.open(here.data) as world:
            world.add_integration("\x1b[2Jevil`<script>\u202e@everyone\n::error::x", name="x")
        here.fault("done_nothing", path="/v1/integrations/delete")
        here.fault("partial", path="/v1/settings/reset", item=1, code="rejected")
        said = here.apply("--format", format)
        assert said.code == 6
        odd = {
            f"U+{ord(char):04X}"
            for char in said.out + said.err
            if char != "\n" and unicodedata.category(char) in FORBIDDEN
        }
        assert odd == set()
        assert not [line for line in (said.out + said.err).splitlines() if line.startswith("::")]

"""The frozen exit codes, one by one and where several apply; and that every sentence of both languages is there."""

from __future__ import annotations

import functools
import json
import re
import signal
import subprocess
import sys
import time

import pytest

from crmstate import __version__
from crmstate.cli.clock import RealClock
from crmstate.cli.commands import plan as plan_command
from crmstate.cli.effects import Straight
from crmstate.core.words import Exit
from crmstate.sandbox import World
from crmstate.store.store import Store
from crmstate.views import catalogue

from .scenes import WITHOUT_ACCOUNT, finish, lines
from .site import MANIFEST, Said, Site

pytestmark = pytest.mark.usefixtures("quick")

PEOPLE = """\
people: [{id: training, title: 培训, owner: hr@example.com, proof: attested, before: freeze}]
notices: [{to: staff, channel: mail, recipients: {file: staff.csv}, template: t, language: zh-CN, send: 30 days before freeze}]
settlement: {owner: finance@example.com, due: 30 days after cancel_effective}
evaluation: {after: 90 days, measures: [cost], owner: cfo@example.com}
"""


def test_the_codes_are_frozen() -> None:
    frozen = {
        "OK": 0, "ERROR": 1, "CHANGES": 2, "REFUSED": 3, "LOCKED": 4, "STALE": 5, "PARTIAL": 6, "CREDENTIALS": 7, "INTERRUPTED": 8,
        "WAITING": 9, "USAGE": 64, "INVALID": 65, "BUG": 70,
    }  # fmt: skip
    assert {each.name: int(each) for each in Exit} == frozen


def test_0_done_or_nothing_to_do_or_waiting(here: Site) -> None:
    assert here.run("validate", str(here.manifest)).code == 0
    assert [here.plan().code, here.apply().code, here.apply().code] == [0, 0, 0]
    assert here.run("--help").code == 0
    assert here.run("plan", "--help").code == 0


def test_1_the_vendor_does_not_answer(here: Site) -> None:
    here.fault("cut_before")
    assert [here.plan().code, here.apply().code] == [1, 1]


def test_2_and_9_what_is_pending_and_what_is_waited_for(here: Site) -> None:
    assert here.plan("--detailed-exitcode").code == 2
    here.apply()
    assert here.plan("--detailed-exitcode").code == 9
    finish(here, "8d")
    assert here.plan("--detailed-exitcode").code == 0


def test_0_or_9_of_an_apply_by_what_is_left(here: Site) -> None:
    """0 whatever is left, as the table says; who wants to know asks, and is told by the code as well."""
    assert here.apply("--detailed-exitcode").code == 9, "the account closes later"
    finish(here, "8d")
    assert here.apply("--detailed-exitcode").code == 0


def test_an_apply_of_which_everything_is_blocked_names_it_in_its_last_line(here: Site) -> None:
    data = "  data: {purge: {status: purged}, archive: {to: archive/, datasets: [contacts, deals]}}\n"
    here.write(MANIFEST.partition("  subscription:")[0] + data)
    for words, code, first in (((), 0, "done"), ((), 0, "not started"), (("--detailed-exitcode",), 9, "not started")):
        said = here.apply("--quiet", *words)
        assert (said.code, first in said.out.splitlines()[0]) == (code, True), said.out + said.err
        last = said.out.splitlines()[-1]
        assert f"Exit {code}: " in last and "dataset/dashboards" in last and "apply again" in last, last


def test_3_a_safeguard_refuses(here: Site) -> None:
    here.write(MANIFEST + "safeguards: {max_removals: 1}\n")
    assert [here.plan().code, here.plan("--detailed-exitcode").code, here.apply().code] == [3, 3, 3]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("plan", "--target", "foo/bar"), 64, "CRM-C025"),
        (("sandbox", "seed"), 1, "CRM-C026"),
        (("sandbox", "advance", "8x"), 64, "8x"),
        (("sandbox", "fault", "latency", "--set", "seconds=y"), 64, "--set seconds=y"),
    ],
)
def test_a_mistyped_word_is_named_and_is_no_bug(here: Site, words: tuple[str, ...], code: int, says: str) -> None:
    where = (str(here.manifest),) if words[0] == "plan" else ("--data", str(here.data))
    said = here.run(*words, *where)
    assert (said.code, says in said.err) == (code, True), said.err


def test_the_bare_command_shows_its_help_and_no_error(here: Site) -> None:
    said = here.run()
    assert (said.code, "Usage" in said.out, said.err) == (64, True, ""), said


def test_4_somebody_else_holds_the_state(here: Site) -> None:
    with Store.open(here.folder, "exit", Straight(), RealClock(), "ann"):
        said = here.apply()
        assert (said.code, "[CRM-S" in said.err) == (4, True), said.err
        assert here.plan().code == 0
    assert here.truth()["effects"] == 0
    assert here.apply().code == 0


def test_5_another_plan_than_the_one_that_was_named(here: Site) -> None:
    assert here.apply("--plan-id", "0" * 24).code == 5
    saved = here.folder / "plan.json"
    here.plan("--out", str(saved))
    here.change("why: rebuilt", "why: elsewhere")
    assert here.run("apply", str(saved), "--yes").code == 5


def test_5_the_world_is_not_as_a_step_expects(here: Site) -> None:
    saved = here.folder / "plan.json"
    here.plan("--out", str(saved))
    with World.open(here.data) as world:
        world.run("UPDATE users SET role = 'admin' WHERE id = 'p1'")
    said = here.run("apply", str(saved), "--yes")
    assert (said.code, "CRM-E001" in said.out) == (5, True)
    assert next(each["status"] for each in here.truth()["users"] if each["id"] == "p1") == "active"


def test_6_some_steps_failed(here: Site) -> None:
    here.fault("partial", path="/v1/integrations/delete", item=2, code="rejected")
    assert here.apply().code == 6


def test_7_no_key_works(here: Site) -> None:
    with World.open(here.data) as world:
        world.run("UPDATE api_keys SET status = 'revoked'")
    assert [here.plan().code, here.apply().code, here.run("status", str(here.manifest)).code] == [7, 7, 7]


@pytest.mark.parametrize(("use", "word"), [("read", "for reading"), ("write", "for writing")])
def test_7_says_which_credential_was_refused_and_nothing_of_an_apply_that_never_was(
    use: str, word: str, here: Site
) -> None:
    keys = here.data.with_name("acme.db.keys.json")
    assert here.plan().code == 0
    secrets = json.loads(keys.read_text("utf-8"))
    secrets[use]["token"] = "mistyped" * 4
    keys.write_text(json.dumps(secrets), encoding="utf-8")
    said = here.plan()
    assert (said.code, "CRM-V004" in said.err, word in said.err) == (7, True, True), said.err
    assert "Nothing is on record yet" in said.err and "proof" not in said.err


def test_8_interrupted(here: Site) -> None:
    here.fault("latency", path="/v1/integrations/delete", ms=1500)
    process = here.start("apply", str(here.manifest), "--yes")
    deadline = time.monotonic() + 60
    while here.truth()["api_keys"][3]["status"] != "revoked" and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, "CRM-E013" in out) == (8, True), out + err
    assert finish(here, "1h", "8d") == [0, 0]
    assert here.twice() == []


@pytest.mark.parametrize("arguments", [
    ["nonsense"], ["plan", "--nonsense"], ["plan", "a", "b"], ["apply", "--parallel", "0"], ["apply", "--parallel", "many"], ["approve"],
    ["confirm"], ["plan", "absent.yaml"], ["apply", "absent.json"], ["validate", "absent.yaml"], ["providers", "show", "nobody"],
    ["plan", "--format", "xml"], ["state", "restore", "exit"], ["state", "nonsense"], ["schema", "nonsense"], ["plan", "--out"],
    ["init", "nobody"], ["confirm", "not an address"], ["plan", "--as-of", "tomorrow"],
])  # fmt: skip
@pytest.mark.parametrize("format", ["text", "json"])
def test_64_the_command_was_not_understood(
    arguments: list[str], format: str, here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(here.folder)
    asked = [*arguments, "--format", "json"] if format == "json" and "--format" not in arguments else arguments
    said = here.run(*asked)
    assert said.code == 64, said.out + said.err
    if format == "json" and arguments[0] in ("plan", "apply", "validate", "providers", "nonsense"):
        assert "--format" in arguments or lines(said)[0]["diagnostics"][0]["code"].startswith("CRM-C")
    assert "Traceback" not in said.err


@pytest.mark.parametrize("format", ["text", "json", "markdown"])
def test_65_the_manifest_is_not_valid(format: str, here: Site) -> None:
    here.change("name: exit", "name: exit\nnmae: exit")
    for command in ("plan", "apply", "status", "validate"):
        said = here.run(command, str(here.manifest), "--format", format)
        assert said.code == 65, said.err
        assert format != "json" or lines(said)[0]["diagnostics"]


@pytest.mark.parametrize("format", ["text", "json"])
def test_70_a_bug_of_ours_is_named_without_a_traceback(
    format: str, here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CRMSTATE_DEBUG", raising=False)

    def broken(*args: object, **rest: object) -> None:
        raise RuntimeError("a value")

    monkeypatch.setattr(plan_command, "planned", broken)
    said = here.plan("--format", format)
    assert (said.code, "CRM-C011" in said.out + said.err) == (70, True)
    assert "Traceback" not in said.err and "a value" not in said.out + said.err
    assert format == "text" or lines(said)


def test_where_several_apply_the_worse_one_is_told(here: Site) -> None:
    here.write(WITHOUT_ACCOUNT + "safeguards: {approvals: {irreversible: 1}}\n")
    here.fault("unavailable", path="/v1/users/deactivate")
    assert here.apply().code == 3
    saved = here.folder / "plan.json"
    here.plan("--out", str(saved))
    assert here.run("approve", str(saved), "--by", "ann").code == 0
    with World.open(here.data) as world:
        world.run("UPDATE integrations SET type = 'workflow' WHERE id = 'i1'")
    said = here.run("apply", str(saved), "--yes")
    results = {"CRM-E001", "CRM-E006"} & set(re.findall(r"CRM-E\d+", said.out))
    assert (said.code, "CRM-E001" in results) == (5, True)


def test_a_process_answers_with_the_same_codes(here: Site) -> None:
    def code(*args: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "crmstate", *args],
            cwd=here.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout

    assert code("plan", "--detailed-exitcode")[0] == 2
    assert code("nonsense")[0] == 64
    assert code()[0] in (0, 64)
    assert code("validate", "absent.yaml")[0] == 64
    found = code("--version")
    assert (found[0], __version__ in found[1]) == (0, True)
    assert code("plan", "--format", "json", "--nonsense")[0] == 64
    json.loads(code("plan", "--format", "json", "--nonsense")[1])


def test_a_reader_that_goes_away_is_no_error(here: Site) -> None:
    process = here.start("plan", str(here.manifest), "--format", "json")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    assert (process.wait(timeout=60), "Traceback" in err) == (0, False), err


# Both languages


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence or a gap that is missing in a language is an error, not a fallback."""
    monkeypatch.setattr(catalogue, "Catalogue", functools.partial(catalogue.Catalogue, strict=True))


def spoken(here: Site, lang: str, *formats: str) -> list[Said]:
    return [here.run(command, str(here.manifest), "--lang", lang, "--format", format)
            for command in ("plan", "status", "validate") for format in formats]  # fmt: skip


SCENES = {
    "plain": MANIFEST,
    "people": MANIFEST + PEOPLE,
    "held": MANIFEST.replace("bin: emptied}", "bin: emptied, certificate: required, holds: [Contacts]}"),
    "asked": MANIFEST + "contract: {open_questions: [Who keeps the backups?]}\n",
    "refused": MANIFEST + "safeguards: {max_removals: 1}\nexpect: {users: 1, api_keys: 99}\n",
    "wrong": MANIFEST.replace("discard: [{dataset: Dashboards", "discard: [{dataset: Nothing").replace(
        "owner@example.com, why", "nobody@example.com, why"
    ),
    "uncovered": MANIFEST.replace("datasets: all", "datasets: [Contacts]"),
    "unknown effect": MANIFEST.replace("data_effect: keeps", "data_effect: unknown"),
    "later": MANIFEST.replace("freeze: now", "freeze: 2026-12-01T18:00:00Z").replace(
        "effective: immediately", "effective: {date: 2026-12-31}"
    ),
    "invalid": MANIFEST.replace("status: ended", "status: gone").replace("name: exit", "name: EXIT"),
    "mind": MANIFEST.replace("{status: removed, keep", "{status: active, keep").replace(
        "integrations: {status: removed}", "integrations: {status: active}"
    ),
}


@pytest.mark.parametrize("lang", ["en", "zh-CN"])
@pytest.mark.parametrize("scene", SCENES)
def test_every_sentence_is_there(scene: str, lang: str, here: Site, strict: None) -> None:
    (here.folder / "staff.csv").write_text("a@example.com\n", encoding="utf-8")
    here.write(SCENES[scene])
    if scene == "uncovered":
        here.fault("weak_credential", key="k-read")
    said = spoken(here, lang, "text", "markdown")
    said += [here.plan("--lang", lang, "--as-of", "2027-03-01"), here.plan("--lang", lang, "--target", "archive/*")]
    here.apply("--lang", lang, "--quiet")
    said += spoken(here, lang, "text")
    assert {each.code for each in said} <= {0, 3, 65}, [each.err for each in said]
    text = "".join(each.out + each.err for each in said)
    assert not re.search(
        r"(?<![\w.`/-])(why|blocked|gap|order|column|plan|status|closing|join|kind|verb|stage)\.[a-z_]+\b", text
    )
    assert bool(re.search(r"[\u4e00-\u9fff]", text.replace("张伟", "").replace("培训", ""))) == (lang == "zh-CN")
    assert all(lines(each) for each in spoken(here, lang, "json"))


@pytest.mark.parametrize("lang", ["en", "zh-CN"])
def test_every_sentence_of_a_troubled_run_is_there(lang: str, here: Site, strict: None) -> None:
    here.fault("partial", path="/v1/integrations/delete", item=2, code="rejected")
    here.fault("done_nothing", path="/v1/sessions/end")
    said = [here.apply("--lang", lang, "--format", format) for format in ("text", "json", "markdown")]
    said += spoken(here, lang, "text", "markdown")
    with World.open(here.data) as world:
        world.clear_faults()
    said += [here.apply("--lang", lang)]
    here.advance("8d")
    said += [here.apply("--lang", lang), *spoken(here, lang, "text")]
    assert {each.code for each in said} <= {0, 6}, [each.err for each in said if each.code not in (0, 6)]

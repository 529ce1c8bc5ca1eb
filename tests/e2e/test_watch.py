"""watch: a dead credential that stays dead is good, one that works again is not, and what could not be looked at is unknown. Every
look is on record."""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from crmstate.cli.compose import House
from crmstate.core.failure import Code
from crmstate.sandbox import World
from tests.e2e.site import Site, site

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "schemas" / "watch.schema.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def over(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A site that was ended to its last step."""
    folder = tmp_path_factory.mktemp("over")
    with site(folder) as made:
        for _ in range(4):
            assert made.apply().code == 0
            made.advance("40d")
        assert made.truth()["account"]["status"] == "closed"
    yield folder


@pytest.fixture
def ended(over: Path, tmp_path: Path) -> Iterator[Site]:
    shutil.copytree(over, tmp_path / "site", ignore=shutil.ignore_patterns("*.server.json", "*.sock"))
    made = Site(tmp_path / "site")
    made.serve()
    yield made
    made.stop()


def look(made: Site, *args: str) -> tuple[int, dict[str, object], set[tuple[str, str]]]:
    said = made.run("watch", str(made.manifest), "--format", "json", *args)
    assert said.out, said.err
    jsonschema.validate(said.json, SCHEMA)
    return said.code, said.json, {(each["what"], each["said"]) for each in said.json["sights"]}


def test_a_credential_that_stays_dead_is_good_and_one_that_lives_again_is_told(ended: Site) -> None:
    code, first, sights = look(ended)
    assert (code, first["outcome"], first["rounds"]) == (0, "clear", 1)
    assert ("credential", "refused") in sights
    with World.open(ended.data) as world:
        acted = sum(each["method"] not in ("GET", "HEAD") for each in world.log())
        world.put("account", {**world.get("account"), "status": "open", "closes_at": None})
        world.run("UPDATE api_keys SET status = 'active'")
        world.run("UPDATE users SET status = 'active' WHERE id IN ('u2', 'p1')")
    code, second, sights = look(ended)
    assert (code, second["outcome"], second["rounds"], second["back"]) == (2, "back", 2, 1)
    assert ("credential", "works_again") in sights and ("back", "came_back") in sights
    assert {"user/p1"} <= {each["address"] for each in second["sights"]}  # type: ignore[attr-defined, index]
    with World.open(ended.data) as world:
        assert sum(each["method"] not in ("GET", "HEAD") for each in world.log()) == acted


def test_status_report_and_bundle_say_how_often_was_looked(ended: Site) -> None:
    for _ in range(2):
        assert look(ended)[0] == 0
    said = "Looked 2 times after the end, last on "
    assert said in ended.run("status", str(ended.manifest)).out
    assert ended.run("status", str(ended.manifest), "--format", "json").json["watch"]["rounds"] == 2
    page = ended.folder / "report.html"
    assert ended.run("report", str(ended.manifest), "--offline", "--out", str(page)).code == 0
    assert said in page.read_text("utf-8")
    assert "共查看 2 次" in ended.run("status", str(ended.manifest), "--lang", "zh-CN").out
    history = ended.run("state", "history", "exit", "--folder", str(ended.folder), "--format", "json")
    assert (history.code, history.out.count('"watched"')) == (0, 2)
    bundle = ended.folder / "bundle"
    assert ended.run("evidence", "bundle", str(ended.manifest), "--out", str(bundle)).code == 0
    assert said in (bundle / "summary.html").read_text("utf-8")
    assert ended.run("evidence", "verify", str(bundle)).code == 0


def test_what_could_not_be_looked_at_is_unknown_and_never_good(ended: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    readers = House.readers

    def unreachable(house: House) -> list[object]:
        from crmstate.core.failure import Failure

        found = readers(house)
        for each in found:
            each.whoami = lambda: (_ for _ in ()).throw(Failure(Code.UNAVAILABLE))  # type: ignore[method-assign]
        return found  # type: ignore[return-value]

    monkeypatch.setattr(House, "readers", unreachable)
    code, said, sights = look(ended)
    assert (code, said["outcome"], said["unknown"], sights) == (1, "unknown", 1, {("credential", "unknown")})
    monkeypatch.undo()
    code, said, _ = look(ended)
    assert (code, said["outcome"], said["rounds"], said["unknown"]) == (0, "clear", 2, 1)


def test_without_a_record_there_is_nothing_to_watch(tmp_path: Path) -> None:
    with site(tmp_path) as made:
        said = made.run("watch", str(made.manifest))
        assert said.code == 3 and "CRM-C130" in said.err
        assert made.run("watch", str(made.manifest), "--for", "1d").code == 64
        assert made.run("watch", str(made.manifest), "--every", "soon").code == 64


def test_it_looks_until_the_time_is_over_and_a_signal_ends_a_pause_at_once(ended: Site) -> None:
    assert ended.run("watch", str(ended.manifest), "--every", "1s", "--for", "1s", "--quiet").code == 0
    process = ended.start("watch", str(ended.manifest), "--every", "1h", "--format", "json")
    try:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["rounds"] == 3
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 8
    finally:
        process.kill()
        process.communicate()
    assert look(ended)[1]["rounds"] == 4

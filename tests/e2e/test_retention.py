"""Keeping the archive and ending it, over HTTP and on a disk, with the vendor's clock turned on: re-checks fall due and
find damage, the end comes after its day, with an approval, last of all; and nothing of it is left."""

from __future__ import annotations

import gc
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmstate.archive import ending
from crmstate.archive.disk import Disk
from crmstate.sandbox import World

from .scenes import closing, lines
from .site import MANIFEST, Said, Site, site

KEPT = "archive: {to: archive/, keep_until: LAST, recheck: every 90 days, verify: {sample: 10%, restore_test: true}}"


def day(here: Site, days: int) -> str:
    """A day so many days after the vendor's own."""
    from datetime import datetime, timedelta

    now = datetime.fromisoformat(here.truth()["now"])
    return (now + timedelta(days=days)).date().isoformat()


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Site]:
    """A site whose end is done and whose archive is kept for another 200 days; the vendor is gone."""
    with site(tmp_path / "site") as here:
        here.change("archive: {to: archive/, datasets: all, attachments: true}", KEPT.replace("LAST", day(here, 200)))
        assert here.apply().code == 0
        here.advance("8d")
        assert here.apply().code == 0
        assert here.truth()["account"]["status"] == "closed"
        yield here


def steps(said: Said) -> list[tuple[str, str]]:
    return [(step["verb"], step["address"]) for step in said.json["steps"]]


def approve(here: Site) -> None:
    plan = here.folder / "end.json"
    assert here.plan("--out", str(plan)).code == 0
    assert here.run("approve", str(plan), "--by", "head@example.com", "--source", "ticket 7").code == 0


def folder(here: Site) -> Path:
    return here.folder / "archive" / "exit"


def test_before_a_date_nothing_is_to_be_done_and_the_dates_are_shown(kept: Site) -> None:
    said = kept.plan("--format", "json", "--detailed-exitcode")
    assert said.code == 0, said.out + said.err
    assert [each["what"] for each in said.json["deadlines"]] == ["recheck", "keep_until"]
    assert "Dates to come" in kept.plan().out
    status = kept.run("status", str(kept.manifest))
    assert "Finished." in status.out and "has been kept until" in status.out
    offline = kept.run("status", str(kept.manifest), "--offline", "--format", "json").json
    assert offline["deadlines"] == said.json["deadlines"]
    assert "将到日期" in kept.plan("--lang", "zh-CN").out


def test_a_recheck_falls_due_and_passes_although_the_vendor_is_gone(kept: Site) -> None:
    kept.advance("91d")
    said = kept.plan("--format", "json", "--detailed-exitcode")
    assert (said.code, steps(said)) == (2, [("verify", "archive/contacts"), ("verify", "archive/deals")])
    done = kept.apply("--format", "json")
    assert done.code == 0, done.out + done.err
    settled = [each for each in lines(done) if each["event"] == "settled"]
    evidence = [proof for each in settled for result in each["results"] for proof in result["evidence"]]
    found = {check["method"]: check["said"] for check in evidence[0]["checks"]}
    assert {name: found.pop(name) for name in ("checksums", "counts", "sample", "restore_test")} == {
        "checksums": "equal", "counts": "none", "sample": "none", "restore_test": "sqlite",
    }  # fmt: skip
    assert found.keys() <= {"contacts", "amounts", "dates", "attachments"}
    assert evidence[0]["method"].startswith("checksums+restore_test"), "what was not done is not claimed"
    assert "counts" not in evidence[0]["method"] and "sample" not in evidence[0]["method"]
    said = kept.plan("--format", "json", "--detailed-exitcode")
    assert (said.code, steps(said)) == (0, [])
    kept.advance("91d")
    assert kept.plan("--detailed-exitcode").code == 2, "and again after another 90 days"


@pytest.mark.parametrize("how", ["damaged", "missing", "replaced"])
def test_a_recheck_that_does_not_pass_says_what_to_do_and_is_repeated_until_it_does(kept: Site, how: str) -> None:
    kept.advance("91d")
    copy = kept.folder / "copy"
    shutil.copytree(folder(kept), copy)
    if how == "missing":
        shutil.rmtree(folder(kept))
    elif how == "damaged":
        file = next((folder(kept) / "data").glob("deals*/*.jsonl.zst"))
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
    else:
        manifest = folder(kept) / "manifest.json"
        manifest.write_text(json.dumps({"format": 2}), encoding="utf-8")
    said = kept.apply()
    assert said.code == 1, said.out + said.err
    assert "did not pass" in said.out + said.err and "put a copy of the archive back" in (said.out + said.err).lower()
    assert kept.apply().code == 1, "and stays due"
    shutil.rmtree(folder(kept), ignore_errors=True)
    shutil.copytree(copy, folder(kept))
    assert kept.apply().code == 0
    assert kept.plan("--detailed-exitcode").code == 0


def test_without_credentials_and_vendor_the_archive_is_checked_all_the_same(kept: Site) -> None:
    kept.advance("91d")
    kept.data.with_name(kept.data.name + ".keys.json").unlink()
    assert kept.plan().code == 7
    said = kept.plan("--offline")
    assert said.code == 0 and "The vendor was not asked" in said.out
    said = kept.apply("--offline", "--format", "json")
    assert said.code == 0, said.out + said.err
    assert {each["result"] for each in closing(said)["steps"]} == {"done"}
    assert "Nothing is due at the archive" in kept.plan("--offline").out


def test_the_archive_ends_after_its_day_with_an_approval_and_nothing_is_left(kept: Site) -> None:
    last = kept.plan("--format", "json").json["deadlines"][-1]["at"]
    kept.advance("191d")
    assert kept.apply().code == 0  # a re-check
    said = kept.plan("--format", "json").json
    assert said["steps"] == [] and [each["at"] for each in said["deadlines"] if each["what"] == "keep_until"] == [last]
    kept.advance("3d")
    said = kept.plan("--format", "json")
    assert steps(said) == [("discard", "archive/all")]
    assert said.json["irreversible"] == [said.json["steps"][0]["id"]] and said.json["approvals_needed"] == 1
    assert kept.apply().code == 3, "nobody approved it"
    assert (folder(kept) / "manifest.json").exists()
    approve(kept)
    done = kept.apply("--format", "json")
    assert done.code == 0, done.out + done.err
    assert not folder(kept).exists() and list((kept.folder / "archive").iterdir()) == []
    said = kept.plan("--format", "json", "--detailed-exitcode")
    assert (said.code, said.json["steps"], said.json["deadlines"], said.json["blocked"]) == (0, [], [], [])
    status = kept.run("status", str(kept.manifest), "--format", "json").json
    assert status["finished"] and status["deadlines"] == []


def test_a_hold_keeps_the_archive_whole_and_a_later_day_keeps_it_longer(kept: Site) -> None:
    kept.advance("194d")
    kept.change("purge: {status: purged, bin: emptied}", "purge: {status: purged, bin: emptied, holds: [Contacts]}")
    said = kept.plan("--format", "json").json
    assert [each["why"]["code"] for each in said["blocked"]] == ["blocked.hold_archive"]
    assert "discard" not in {step["verb"] for step in said["steps"]}
    assert kept.apply().code == 0, "the hold is on record"
    kept.change(", holds: [Contacts]", "")
    assert steps(kept.plan("--format", "json")) == [], "leaving it out lifts nothing"
    lifted = kept.run(
        "state", "release", "exit", "Contacts", "--folder", str(kept.folder), "--why", "the case is closed"
    )
    assert lifted.code == 0, lifted.err
    assert steps(kept.plan("--format", "json")) == [("discard", "archive/all")]
    text = kept.manifest.read_text(encoding="utf-8")
    kept.write(text.replace("keep_until: 20", "keep_until: 21"))
    said = kept.plan("--format", "json").json
    assert said["steps"] == [] and [each["what"] for each in said["deadlines"]] == ["recheck", "keep_until"]


def cut_short(kept: Site, left: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An apply that ended in the middle of removing: the names of so many files that were gone by then."""
    removed: list[str] = []
    whole = Disk.remove

    def remove(self: Disk, path: Path) -> None:
        if len(removed) == left:
            raise KeyboardInterrupt
        removed.append(path.name)
        whole(self, path)

    monkeypatch.setattr(Disk, "remove", remove)
    assert kept.apply("--parallel", "1").code == 8
    monkeypatch.undo()
    gc.collect()  # a process that ended holds no lock
    return removed


@pytest.mark.parametrize("left", [0, 1, 5, 12])
def test_an_end_that_is_killed_in_the_middle_leaves_no_archive_and_goes_on(
    kept: Site, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.advance("194d")
    approve(kept)
    removed = cut_short(kept, left, monkeypatch)
    assert (folder(kept) / "manifest.json").exists() is (left == 0)
    assert removed[:1] == ["manifest.json"][:left]
    if left:
        assert kept.run("archive", "verify", str(folder(kept))).code == 1
        assert kept.run("archive", "list", str(kept.folder / "archive")).code == 1
    said = kept.plan("--format", "json", "--detailed-exitcode")
    assert (said.code, steps(said)) == (2, [("discard", "archive/all")])
    assert kept.apply().code == 0, "and its approval still stands"
    assert not folder(kept).exists()
    assert kept.plan("--detailed-exitcode").code == 0


def test_an_end_that_is_killed_while_it_only_looks_has_not_begun(kept: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.advance("194d")
    approve(kept)

    def killed(store: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ending, "inventory", killed)
    assert kept.apply("--parallel", "1").code == 8
    monkeypatch.undo()
    gc.collect()
    assert kept.run("archive", "verify", str(folder(kept))).code == 0
    later = kept.manifest.read_text(encoding="utf-8").replace("keep_until: 20", "keep_until: 21")
    kept.write(later)
    said = kept.plan("--format", "json").json
    assert "CRM-P061" not in [each["code"] for each in said["diagnostics"]], "nothing was taken away"


@pytest.mark.parametrize("left", [0, 5, 12])
def test_an_end_that_was_killed_is_not_done_because_its_place_is_empty_when_it_goes_on(
    kept: Site, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.advance("194d")
    approve(kept)
    cut_short(kept, left, monkeypatch)
    away = kept.folder / "the disk that is not mounted"
    folder(kept).rename(away)
    folder(kept).mkdir()
    said = kept.apply()
    assert said.code == 1 and "CRM-A090" in said.out + said.err
    assert steps(kept.plan("--format", "json")) == [("discard", "archive/all")]
    folder(kept).rmdir()
    away.rename(folder(kept))
    assert kept.apply().code == 0
    assert not folder(kept).exists()


def test_nobodys_word_is_taken_for_the_end_of_an_archive_that_is_there(kept: Site) -> None:
    kept.advance("194d")
    said = kept.run("confirm", "archive/all", str(kept.manifest), "--by", "it@example.com", "--note", "shredded")
    assert said.code == 3 and "CRM-A095" in said.err, said.err
    assert steps(kept.plan("--format", "json")) == [("discard", "archive/all")]


def test_an_end_that_was_begun_and_is_not_meant_any_more_is_said_and_checked(
    kept: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.advance("194d")
    approve(kept)
    shutil.copytree(folder(kept), kept.folder / "copy")
    whole = Disk.remove

    def remove(self: Disk, path: Path) -> None:
        if path.name.startswith("bag"):
            raise KeyboardInterrupt
        whole(self, path)

    monkeypatch.setattr(Disk, "remove", remove)
    assert kept.apply("--parallel", "1").code == 8
    monkeypatch.undo()
    gc.collect()  # a process that ended holds no lock
    text = kept.manifest.read_text(encoding="utf-8")
    kept.write(text.replace("keep_until: 20", "keep_until: 21"))
    said = kept.plan("--format", "json")
    assert "CRM-P061" in {each["code"] for each in said.json["diagnostics"]}
    assert {verb for verb, _ in steps(said)} == {"verify"}
    assert kept.apply().code == 1
    shutil.rmtree(folder(kept))
    shutil.copytree(kept.folder / "copy", folder(kept))
    assert kept.apply().code == 0
    said = kept.plan("--format", "json", "--detailed-exitcode")
    assert (said.code, said.json["diagnostics"]) == (0, [])


def test_what_is_not_the_archive_is_not_deleted(kept: Site) -> None:
    kept.advance("194d")
    approve(kept)
    stranger = folder(kept) / "data" / "notes.txt"
    stranger.write_text("mine", encoding="utf-8")
    said = kept.apply()
    assert said.code == 1 and "data/notes.txt" in said.out + said.err
    assert (folder(kept) / "manifest.json").exists() and stranger.read_text(encoding="utf-8") == "mine"
    stranger.unlink()
    assert kept.apply().code == 0


def test_an_archive_that_is_not_where_it_was_is_not_taken_for_ended_until_somebody_says_so(kept: Site) -> None:
    kept.advance("194d")
    approve(kept)
    (kept.folder / "archive").rename(kept.folder / "elsewhere")
    said = kept.apply()
    assert said.code == 1 and "proves nothing" in said.out + said.err
    assert kept.plan("--detailed-exitcode").code == 2
    said = kept.run("confirm", "archive/all", str(kept.manifest), "--by", "it@example.com", "--note", "shredded")
    assert said.code == 0, said.err
    assert kept.plan("--detailed-exitcode").code == 0


def test_a_day_that_was_over_before_the_archive_was_made_is_a_mistake(here: Site) -> None:
    here.change("attachments: true}", "attachments: true, keep_until: 2001-12-31}")
    said = here.plan("--format", "json")
    assert said.code == 3 and [each["code"] for each in said.json["diagnostics"]] == ["CRM-P060"]
    assert here.apply().code == 3
    assert not (here.folder / "archive").exists()


def test_while_anything_is_left_to_do_the_archive_stays(tmp_path: Path) -> None:
    with site(tmp_path / "site") as here:
        here.change("attachments: true}", f"attachments: true, keep_until: {day(here, 3)}}}")
        assert here.apply().code == 0
        here.advance("6d")
        said = here.plan("--format", "json").json
        assert [each["why"]["code"] for each in said["blocked"]] == ["blocked.rest_first"], "the account closes later"
        here.advance("3d")
        assert here.apply().code == 3, "the account has closed; now the end is a plan of its own, to be approved"
        approve(here)
        assert here.apply().code == 0
        assert not folder(here).exists()


def test_an_archive_of_a_living_vendor_ends_and_is_not_made_again(tmp_path: Path) -> None:
    with site(tmp_path / "site") as here:
        head = MANIFEST.partition("end_state:")[0]
        here.write(f"{head}end_state:\n  data:\n    archive: {{to: archive/, keep_until: {day(here, 3)}}}\n")
        assert here.apply().code == 0
        here.advance("6d")
        approve(here)
        assert here.apply().code == 0
        with World.open(here.data) as world:
            world.add_rows("deals", [{"id": "new", "owner_id": "u1", "fields": {"Name": "new"}}])
        said = here.plan("--format", "json", "--detailed-exitcode")
        assert (said.code, said.json["steps"]) == (0, [])
        text = here.manifest.read_text(encoding="utf-8")
        here.write(text + "    purge: {status: purged}\n")
        said = here.plan("--format", "json").json
        assert {each["why"]["code"] for each in said["blocked"]} >= {"blocked.archive_ended"}
        assert "purge" not in {step["verb"] for step in said["steps"]}, "there is no copy of them"

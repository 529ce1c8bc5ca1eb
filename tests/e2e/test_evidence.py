"""From a manifest to a bundle of evidence that somebody else checks: offline, elsewhere, without manifest, state or vendor."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import jsonschema
import pytest

from crmstate.store import bundle as form

from .scenes import template, with_credentials, written
from .site import MANIFEST, Site, site

PEOPLE = (
    MANIFEST
    + "people:\n  - {id: training, title: Train sales, owner: hr@example.com, proof: attested, before: freeze}\n"
    + "safeguards: {approvals: {irreversible: 1}}\n"
)
SCHEMAS = Path(__file__).parents[2] / "schemas"


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A whole end, on record, with an approval, a document and a closed account; its vendor is served no more."""
    folder = template(tmp_path_factory.mktemp("template"), PEOPLE)
    with site(tmp_path_factory.mktemp("ended") / "site", folder) as made:
        sheet = made.folder / "attendance.pdf"
        sheet.write_bytes(b"%PDF-1.4 who was there")
        assert made.plan("--out", str(made.folder / "plan.json")).code == 0
        at = str(made.folder / "plan.json")
        assert made.run("approve", at, "--by", "head@example.com", "--source", "pull request 12").code == 0
        made.apply()
        said = made.run(
            "confirm", "human_step/training", str(made.manifest), "--by", "hr@example.com", "--evidence", str(sheet)
        )
        assert said.code == 0, said.err
        made.apply()
        made.advance("40d")
        made.apply()
        assert made.plan("--detailed-exitcode").code == 0
        assert bundled(made, "b", "--plan", at, "--as-of", "2027-01-01")["files"] > 20
        yield made


def bundled(here: Site, name: str, *args: str) -> dict:
    said = here.run(
        "evidence", "bundle", str(here.manifest), "--out", str(here.folder / name), "--format", "json", *args
    )
    assert said.code == 0, said.out + said.err
    return said.json


def alone(*args: str, cwd: Path) -> tuple[int, dict]:
    """A command as a process of its own that has neither our environment nor, where the kernel allows it, a network."""
    command = [sys.executable, "-m", "crmstate", *args, "--format", "json"]
    cut = ["unshare", "--net", "--map-root-user"]
    if shutil.which("unshare") and subprocess.run([*cut, "true"], capture_output=True).returncode == 0:
        command = [*cut, *command]
    done = subprocess.run(command, cwd=cwd, env={"LANG": "C.UTF-8"}, capture_output=True, text=True, timeout=120)
    return done.returncode, json.loads(done.stdout)


def test_a_bundle_is_checked_elsewhere_by_itself(ended: Site, tmp_path: Path) -> None:
    shutil.copytree(ended.folder / "b", tmp_path / "b")
    code, found = alone("evidence", "verify", "b", cwd=tmp_path)
    assert (code, found["whole"], found["summary"], found["findings"]) == (0, True, "equal", [])
    assert (found["name"], found["provider"], found["tenant"], found["at"]) == (
        "exit",
        "sandbox",
        "t-1001",
        "2027-01-01T00:00:00Z",
    )
    jsonschema.validate(found, json.loads((SCHEMAS / "evidence.schema.json").read_text("utf-8")))
    sheet = json.loads((tmp_path / "b" / "bundle.json").read_text("utf-8"))
    jsonschema.validate(sheet, json.loads((SCHEMAS / "bundle.schema.json").read_text("utf-8")))
    code, anchored = alone("evidence", "verify", "b", "--digest", found["digest"], cwd=tmp_path)
    assert (code, anchored["anchored"]) == (0, True)
    code, other = alone("evidence", "verify", "b", "--digest", "0" * 64, cwd=tmp_path)
    assert (code, other["anchored"], [each["code"] for each in other["findings"]]) == (1, False, ["CRM-S068"])


def test_it_holds_what_an_auditor_asks_for(ended: Site) -> None:
    found = written(ended.folder / "b")
    assert found["manifest.yaml"] == ended.manifest.read_bytes()
    assert b"%PDF-1.4 who was there" in found.values()
    assert json.loads(found["approvals.json"])[0]["by"] == "head@example.com"
    held = json.loads(found["archive.json"])
    assert {each["dataset"]: each["rows"] for each in held["datasets"]} == {"contacts": 3, "deals": 3}
    assert "archive/manifest.json" in found and not any("jsonl.zst" in name for name in found)
    assert "客户".encode() not in b"".join(data for name, data in found.items() if name != "summary.html")
    assert any(name.startswith("plans/") for name in found) and "plan.json" in found
    page = found["summary.html"].decode()
    for sentence in (
        "Finished. Everything is done",
        "attested by a person",
        "attendance.pdf",
        "head@example.com",
        "pull request 12",
        "<svg ",
    ):
        assert sentence in page, sentence
    assert "The archive at" in page


def test_the_same_record_at_the_same_time_is_the_same_bundle_in_both_shapes(ended: Site) -> None:
    plan = str(ended.folder / "plan.json")
    again, packed = (bundled(ended, name, "--plan", plan, "--as-of", "2027-01-01") for name in ("again", "b.zip"))
    assert written(ended.folder / "again") == written(ended.folder / "b")
    assert again["digest"] == packed["digest"] == form.sha256((ended.folder / "b" / "bundle.json").read_bytes())
    with zipfile.ZipFile(ended.folder / "b.zip") as file:
        assert {name: file.read(name) for name in file.namelist()} == written(ended.folder / "b")
    assert ended.run("evidence", "verify", str(ended.folder / "b.zip")).code == 0
    refused = ended.run("evidence", "bundle", str(ended.manifest), "--out", str(ended.folder / "b"))
    assert (refused.code, "CRM-S069" in refused.err) == (3, True)


def test_what_is_changed_is_named_and_ends_with_one(ended: Site, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(ended.folder / "b", tmp_path / "b"))
    (folder / "journal" / "00000004.jsonl").unlink()
    (folder / "note.txt").write_text("x", encoding="utf-8")
    said = ended.run("evidence", "verify", str(folder))
    assert said.code == 1
    assert "journal/00000004.jsonl is missing" in said.err and "note.txt was added" in said.err
    assert "is not as it was written" in said.out and "Traceback" not in said.err
    chinese = ended.run("evidence", "verify", str(folder), "--lang", "zh-CN")
    assert "缺少 journal/00000004.jsonl" in chinese.err


def test_what_another_version_wrote_is_not_judged_by_our_words(ended: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("crmstate.__version__", "crmstate.cli.bundles.__version__"):
        monkeypatch.setattr(place, "9.9.9")
    monkeypatch.setattr("crmstate.cli.bundles._again", lambda found: b"otherwise")
    said = ended.run("evidence", "verify", str(ended.folder / "b"))
    assert (said.code, "CRM-S072" in said.err, "CRM-S067" in said.err) == (0, True, False), said.err


def test_a_summary_that_says_more_than_the_journal_is_found_out(ended: Site, tmp_path: Path) -> None:
    """Whoever changes the page and writes the list anew, so that every digest agrees, is told by making it again."""
    folder = Path(shutil.copytree(ended.folder / "b", tmp_path / "b"))
    page = (folder / "summary.html").read_text("utf-8")
    (folder / "summary.html").write_text(page.replace("attested by a person", "observed"), encoding="utf-8")
    wish = (folder / "manifest.yaml").read_text("utf-8")
    assert "The manifest in this bundle is the one that was applied last." in page
    (folder / "manifest.yaml").write_text(wish.replace("Train sales", "Train nobody"), encoding="utf-8")
    marks = {
        name: (form.sha256(data), len(data))
        for name, data in written(folder).items()
        if name not in (form.SEAL, form.SUMS)
    }
    sums = form.sums(form.listed(marks))
    (folder / form.SUMS).write_bytes(sums)
    marks[form.SUMS] = form.sha256(sums), len(sums)
    import msgspec

    sheet = form.decode((folder / form.SEAL).read_bytes())
    (folder / form.SEAL).write_bytes(form.encode(msgspec.structs.replace(sheet, files=form.listed(marks))))
    said = ended.run("evidence", "verify", str(folder), "--format", "json")
    assert (said.code, said.json["summary"]) == (1, "differs")
    found = [(each["code"], each["params"]["file"]) for each in said.json["findings"]]
    assert found == [("CRM-S067", "summary.html"), ("CRM-S067", "manifest.yaml")]


def test_a_chinese_summary_is_made_again_in_chinese_whatever_language_the_reader_speaks(ended: Site) -> None:
    bundled(ended, "zh", "--lang", "zh-CN", "--offline")
    page = (ended.folder / "zh" / "summary.html").read_text("utf-8")
    assert 'lang="zh-CN"' in page and "终止条件" in page and "仅依据记录" in page
    said = ended.run("evidence", "verify", str(ended.folder / "zh"), "--lang", "en", "--format", "json")
    assert (said.code, said.json["summary"]) == (0, "equal")


def test_nothing_of_a_bundle_shows_a_secret_and_one_in_a_document_stops_it(
    here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = json.loads(here.data.with_name("acme.db.keys.json").read_text("utf-8"))
    secrets = {use: keys[use]["token"] for use in ("read", "write")}
    for use, text in secrets.items():
        monkeypatch.setenv(f"SANDBOX_{use.upper()}", text)
    operator = here.folder.parent / "operator.toml"
    operator.write_text('allow_hosts = ["127.0.0.1"]\n', encoding="utf-8")
    monkeypatch.setenv("CRMSTATE_OPERATOR", str(operator))
    here.write(with_credentials(here, PEOPLE))
    here.apply()
    bundled(here, "b")
    for name, data in written(here.folder / "b").items():
        assert not any(text.encode() in data for text in secrets.values()), name
    leak = here.folder / "screenshot.txt"
    leak.write_text(f"Authorization: Bearer {secrets['write']}", encoding="utf-8")
    said = here.run("confirm", "human_step/training", str(here.manifest), "--evidence", str(leak))
    assert said.code == 0, said.err
    for offline in ([], ["--offline"]):
        said = here.run("evidence", "bundle", str(here.manifest), "--out", str(here.folder / "c"), *offline)
        assert (said.code, "CRM-S071" in said.err, (here.folder / "c").exists()) == (3, True, False)
        assert secrets["write"] not in said.err + said.out


def test_people_are_masked_in_what_people_read_where_the_manifest_says_so(here: Site) -> None:
    here.apply("--target", "session/s0")
    here.write(PEOPLE + "privacy: {mask_people: true}\n")
    here.apply()
    said = here.run("evidence", "bundle", str(here.manifest), "--out", str(here.folder / "b"))
    assert said.code == 0
    assert here.run("report", str(here.manifest), "--out", str(here.folder / "r.html")).code == 0
    for page in (here.folder / "b" / "summary.html", here.folder / "r.html"):
        assert not re.search(r"@example\.com|Person \d", page.read_text("utf-8"))
    assert here.run("evidence", "verify", str(here.folder / "b")).code == 0


def test_a_report_is_one_page_and_replaces_only_a_report(here: Site) -> None:
    out = here.folder / "report.html"
    here.write(PEOPLE)
    here.apply()
    for args in ([], ["--offline"], ["--lang", "zh-CN"], ["--as-of", "2027-01-01"]):
        assert here.run("report", str(here.manifest), "--out", str(out), *args).code == 0
        assert b"Content-Security-Policy" in out.read_bytes()
    assert "hr@example.com" in out.read_text("utf-8") and "Waiting for people" in out.read_text("utf-8")
    mine = here.folder / "mine.html"
    mine.write_text("<p>mine</p>", encoding="utf-8")
    said = here.run("report", str(here.manifest), "--out", str(mine))
    assert (said.code, "CRM-S080" in said.err, mine.read_text("utf-8")) == (3, True, "<p>mine</p>")


def test_a_bundle_in_the_archive_or_beside_the_journal_is_refused(ended: Site) -> None:
    for place in ("archive/b", "archive/exit/b.zip", ".crmstate/b"):
        said = ended.run("evidence", "bundle", str(ended.manifest), "--out", str(ended.folder / place), "--offline")
        assert (said.code, "CRM-S077" in said.err) == (3, True), place


def test_a_killed_bundle_is_none(ended: Site) -> None:
    """Real processes, killed after ever longer times: what is there in the end is whole, or is called no bundle."""
    seen = set()
    for number in range(0, 60, 20):
        out = ended.folder / f"killed{number}"
        process = ended.start("evidence", "bundle", str(ended.manifest), "--out", str(out), "--offline")
        until = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < until:
            with contextlib.suppress(OSError):  # it may get its name in this moment
                if sum(1 for _ in ended.folder.glob(f".killed{number}.*/**/*")) > number:
                    break
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        for left in [*ended.folder.glob(f".killed{number}.*"), *([out] if out.exists() else [])]:
            code = ended.run("evidence", "verify", str(left)).code
            seen.add(code)
            assert code == (0 if (left / "bundle.json").exists() else 1)
    assert 1 in seen


def test_nothing_that_was_asked_wrongly_ends_in_a_traceback(ended: Site, tmp_path: Path) -> None:
    assert ended.run("evidence", "verify", str(tmp_path / "nowhere")).code == 1
    assert ended.run("evidence", "verify", str(ended.folder / "b"), "--digest", "12").code == 64
    assert ended.run("evidence", "bundle", str(ended.manifest)).code == 64
    said = ended.run("evidence", "bundle", str(ended.manifest), "--out", str(tmp_path / "no" / "such"), "--offline")
    assert (said.code, "CRM-S045" in said.err) == (1, True)
    plan = json.loads((ended.folder / "plan.json").read_text("utf-8"))
    other = tmp_path / "other.json"
    other.write_text(json.dumps(plan | {"name": "another"}), encoding="utf-8")
    out = str(tmp_path / "b")
    said = ended.run("evidence", "bundle", str(ended.manifest), "--out", out, "--offline", "--plan", str(other))
    assert (said.code, "CRM-S082" in said.err, Path(out).exists()) == (64, True, False)
    said = ended.run(
        "evidence", "bundle", str(ended.manifest), "--out", out, "--offline", "--plan", str(ended.manifest)
    )
    assert (said.code, Path(out).exists()) == (64, False)

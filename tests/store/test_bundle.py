"""A bundle of evidence: whatever is done to it is noticed, whatever kills its writing leaves none, and the same record gives
the same bytes."""

from __future__ import annotations

import errno
import io
import itertools
import os
import shutil
import stat
import zipfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_scenes import (
    HISTORY,
    NAME,
    Failing,
    Plain,
    Ticking,
    chunks,
    code_of,
    crash_everywhere,
    home,
    open_store,
    record,
    settled,
    step,
)

from crmstate.core.diagnostic import Problem
from crmstate.core.event import Confirmed, Evidence, StepRef
from crmstate.core.words import Proof, Undo, Verb
from crmstate.store import bundle, bundling, zipped
from crmstate.store.bundle import Sheet
from crmstate.store.evidence import keep
from crmstate.store.papers import Told, papers
from crmstate.store.unbundling import findings, unbundled

AT = "2026-02-01T00:00:00Z"


def written(folder: Path, out: Path, effects=None, scrub=str) -> str:
    """A bundle of the record in `folder`, as the command makes one, with a short summary."""
    found = bundling.Record(folder, NAME)
    state, loaded = found.loaded.state, found.loaded
    extra = {"manifest.yaml": b"name: x\n", "summary.html": b"<p>summary</p>\n", "plans/p1.json": b"{}\n"}

    def sheet(files):
        return Sheet(
            format=1, name=NAME, provider=state.provider, tenant=state.tenant, lineage=loaded.lineage, serial=loaded.seq,
            head=loaded.sha256, manifest="m", at=AT, lang="en", masked=False, tool="1", files=files,
        )  # fmt: skip

    return bundling.write(out, NAME, {**found.contents(), **extra}, sheet, effects or Plain(), scrub)


def recorded(folder: Path) -> Path:
    """A record with two pieces of evidence."""
    folder.mkdir(parents=True, exist_ok=True)
    record(folder)
    with open_store(folder) as store:
        kept = []
        for name, text in (("letter.eml", b"Dear vendor"), ("确认.pdf", b"%PDF 1")):
            path = folder / name
            path.write_bytes(text)
            kept.append(keep(path, store.home, Plain(), proof=Proof.ATTESTED, at=AT, by="anna"))
        store.append([Confirmed(AT, step(9), "anna", Proof.ATTESTED, "told", tuple(kept))])
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A folder with a bundle `b` and the same one as `b.zip`."""
    folder = recorded(tmp_path_factory.mktemp("whole") / "r")
    digests = {written(folder, folder / "b"), written(folder, folder / "b.zip")}
    assert len(digests) == 1
    return folder


def codes(path: Path, digest: str | None = None) -> set[str]:
    """What is wrong with a bundle; nothing for a whole one."""
    try:
        return {each.code for each in findings(unbundled(path, digest))}
    except Problem as found:
        return {each.code for each in found.diagnostics}


def places(path: Path) -> set[str]:
    """The files that are named as wrong."""
    try:
        return {str(each.params["file"]) for each in findings(unbundled(path))}
    except Problem as found:
        return {str(each.params["file"]) for each in found.diagnostics}


@pytest.fixture
def copy(whole, tmp_path) -> Path:
    """A bundle to be damaged."""
    return Path(shutil.copytree(whole / "b", tmp_path / "b"))


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_a_bundle_is_whole_and_holds_everything_that_events_refer_to(whole):
    for path in (whole / "b", whole / "b.zip"):
        found = unbundled(path)
        assert findings(found) == []
        assert found.state == bundling.Record(whole, NAME).loaded.state
        assert [paper.label for paper in found.papers] == ["letter.eml", "确认.pdf"] or len(found.papers) == 2
        assert found.digest == bundle.sha256((whole / "b" / "bundle.json").read_bytes())
    names = {path.relative_to(whole / "b").as_posix() for path in files_of(whole / "b")}
    assert {"journal/00000005.jsonl", "state.json", "approvals.json", "evidence.json", "README.txt"} <= names
    assert sum(name.startswith("evidence/") for name in names) == 2


def test_the_zip_holds_the_same_files_and_any_tool_opens_it(whole):
    with zipfile.ZipFile(whole / "b.zip") as file:
        assert file.testzip() is None
        inside = {name: file.read(name) for name in file.namelist()}
        assert {each.date_time for each in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    outside = {path.relative_to(whole / "b").as_posix(): path.read_bytes() for path in files_of(whole / "b")}
    assert outside == inside


def test_the_same_record_gives_the_same_bytes(whole, tmp_path):
    written(whole, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == (whole / "b.zip").read_bytes()


def test_sha256sum_checks_it_without_us(whole):
    import subprocess

    done = subprocess.run(
        ["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=whole / "b", capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "")


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_flipped_byte_of_any_file_is_noticed_and_its_file_named(whole, tmp_path_factory, data):
    path = data.draw(st.sampled_from(files_of(whole / "b")))
    raw = path.read_bytes()
    at, bit = data.draw(st.integers(0, len(raw) - 1)), data.draw(st.integers(1, 255))
    path.write_bytes(raw[:at] + bytes([raw[at] ^ bit]) + raw[at + 1 :])
    try:
        assert path.relative_to(whole / "b").as_posix() in places(whole / "b")
    finally:
        path.write_bytes(raw)


def test_any_flipped_byte_of_the_zip_is_noticed(tmp_path):
    """Every byte, headers and lists included: a zip in which nothing is free."""
    file = io.BytesIO()
    writer = zipped.Writer(lambda piece: file.write(piece) and None)
    for name in ("a/客户.txt", "b", "c.json"):
        writer.add(name, name.encode() * 3)
    writer.end()
    raw = file.getvalue()
    read(raw)
    for at, bit in itertools.product(range(len(raw)), (1, 128, 255)):
        with pytest.raises(zipped.Odd):
            read(raw[:at] + bytes([raw[at] ^ bit]) + raw[at + 1 :])
    for at in range(len(raw)):
        with pytest.raises(zipped.Odd):
            read(raw[:at])
    with pytest.raises(zipped.Odd):
        read(raw + b"\0")


def read(raw: bytes) -> list[str]:
    return [each.name for each in zipped.members(io.BytesIO(raw), len(raw))]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_zip_that_was_changed_cut_off_or_lengthened_anywhere_is_noticed(whole, tmp_path_factory, data):
    raw = (whole / "b.zip").read_bytes()
    at = data.draw(st.integers(0, len(raw) - 1))
    how = data.draw(st.sampled_from(["flip", "cut", "insert", "remove"]))
    changed = {
        "flip": raw[:at] + bytes([raw[at] ^ 0x10]) + raw[at + 1 :],
        "cut": raw[:at],
        "insert": raw[:at] + b"\0" + raw[at:],
        "remove": raw[:at] + raw[at + 1 :],
    }[how]
    path = whole / "changed.zip"
    path.write_bytes(changed)
    assert codes(path) != set()


def test_a_file_that_is_gone_added_renamed_or_swapped_is_named(copy):
    papers_ = sorted((copy / "evidence").iterdir())
    (copy / "journal" / "00000003.jsonl").rename(copy / "journal" / "00000009.jsonl")
    (copy / "manifest.yaml").unlink()
    (copy / "note.txt").write_text("by the way", encoding="utf-8")
    (copy / "empty").mkdir()
    first, second = (path.read_bytes() for path in papers_)
    papers_[0].write_bytes(second)
    papers_[1].write_bytes(first)
    wrong = places(copy)
    assert {"journal/00000003.jsonl", "journal/00000009.jsonl", "manifest.yaml", "note.txt", "empty"} <= wrong
    assert {f"evidence/{path.name}" for path in papers_} <= wrong
    assert {"CRM-S062", "CRM-S063", "CRM-S064", "CRM-S076"} <= codes(copy)


def test_links_pipes_and_names_that_lead_elsewhere_are_refused_and_not_followed(copy, tmp_path):
    (copy / "approvals.json").rename(tmp_path / "elsewhere")
    (copy / "approvals.json").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(copy / "pipe")
    (copy / "up").symlink_to("..")
    (copy / ".hidden").write_text("x", encoding="utf-8")
    assert {"approvals.json", "pipe", "up", ".hidden"} <= places(copy)
    assert {"CRM-S065", "CRM-S062", "CRM-S063"} <= codes(copy)


def test_a_zip_with_two_of_a_name_a_way_out_or_a_bomb_is_refused(whole, tmp_path):
    with zipfile.ZipFile(whole / "b.zip") as file:
        inside = {name: file.read(name) for name in file.namelist()}
    bad = tmp_path / "bad.zip"
    tricks = {
        "twice": [("state.json", b"{}")],
        "up": [("../../escaped", b"x")],
        "absolute": [("/tmp/escaped", b"x")],
        "bomb": [("zeros", b"\0" * 20_000_000)],
    }
    for trick, more in tricks.items():
        packing = zipfile.ZIP_DEFLATED if trick == "bomb" else zipfile.ZIP_STORED
        with pytest.warns(UserWarning) if trick == "twice" else nothing(), zipfile.ZipFile(bad, "w", packing) as file:
            for name, data in [*inside.items(), *more]:
                file.writestr(name, data)
        assert codes(bad) != set(), trick
        bad.unlink()
    for name in ("../escaped", "/escaped", "a/../../escaped", "a\\b", "journal"):
        ours = io.BytesIO()
        writer = zipped.Writer(lambda piece, file=ours: file.write(piece) and None)
        for each in sorted({**inside, name: b"x"}, key=str.encode):
            writer.add(each, {**inside, name: b"x"}[each])
        writer.end()
        bad.write_bytes(ours.getvalue())
        assert name in places(bad) and "CRM-S063" in codes(bad)
    assert not (tmp_path.parent / "escaped").exists()


class nothing:
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


def rewritten(folder: Path, **changes: object) -> None:
    """The list written anew by somebody who knows how, so that it agrees with what lies there now."""
    marks = {}
    for path in files_of(folder):
        name = path.relative_to(folder).as_posix()
        if name not in (bundle.SEAL, bundle.SUMS):
            marks[name] = (bundle.sha256(path.read_bytes()), path.stat().st_size)
    sums = bundle.sums(bundle.listed(marks))
    (folder / bundle.SUMS).write_bytes(sums)
    marks[bundle.SUMS] = (bundle.sha256(sums), len(sums))
    sheet = bundle.decode((folder / bundle.SEAL).read_bytes())
    sheet = msgspec.structs.replace(sheet, files=bundle.listed(marks), **changes)
    (folder / bundle.SEAL).write_bytes(bundle.encode(sheet))


def test_a_list_written_anew_does_not_hide_what_contradicts_the_journal(copy):
    (copy / "state.json").write_bytes((copy / "state.json").read_bytes().replace(b"anna", b"Anna"))
    (copy / "evidence.json").write_bytes((copy / "evidence.json").read_bytes().replace(b"letter", b"LETTER"))
    rewritten(copy, tenant="other")
    assert {"state.json", "evidence.json", "bundle.json"} == places(copy)
    assert codes(copy) == {"CRM-S067"}


def test_a_list_written_anew_does_not_hide_a_break_of_the_chain(copy):
    path = copy / "journal" / "00000002.jsonl"
    path.write_bytes(path.read_bytes().replace(b"User 1", b"User 7"))
    rewritten(copy)
    assert codes(copy) == {"CRM-S076"}
    path.unlink()
    rewritten(copy)
    assert codes(copy) == {"CRM-S076"}


def test_evidence_that_a_list_written_anew_leaves_out_or_replaces_is_missed(copy):
    first, second = sorted((copy / "evidence").iterdir())
    first.unlink()
    second.write_bytes(b"another")
    rewritten(copy)
    assert places(copy) == {f"evidence/{first.name}", f"evidence/{second.name}"}


def test_a_bundle_written_anew_as_a_whole_is_known_by_its_digest_alone(whole, tmp_path):
    digest = unbundled(whole / "b").digest
    other = recorded(tmp_path / "other")
    with open_store(other) as store:
        store.append([settled(3)])
    written(other, tmp_path / "forged")
    assert codes(tmp_path / "forged") == set()
    assert codes(tmp_path / "forged", digest) == {"CRM-S068"}
    assert codes(whole / "b", digest.upper()) == set()


def test_what_is_no_bundle_says_so(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"hello")
    (tmp_path / "empty").write_bytes(b"")
    for name in ("folder", "file", "empty", "nowhere"):
        assert "CRM-S060" in codes(tmp_path / name), name


def test_hostile_bytes_in_every_place_end_in_findings_and_never_in_a_bug(copy):
    deep = b"[" * 200_000
    for name in (
        "state.json",
        "evidence.json",
        "approvals.json",
        "journal/00000005.jsonl",
        "bundle.json",
        "SHA256SUMS",
    ):
        old = (copy / name).read_bytes()
        for data in (deep, b"", b"\xff\xfe", b'{"format":1}', b"\0" * 100):
            (copy / name).write_bytes(data)
            assert codes(copy) != set(), name
        (copy / name).write_bytes(old)
    assert codes(copy) == set()


def test_a_list_out_of_order_or_with_a_name_twice_is_none(copy):
    sheet = bundle.decode((copy / "bundle.json").read_bytes())
    for files in (sheet.files[::-1], (*sheet.files, sheet.files[-1])):
        (copy / "bundle.json").write_bytes(bundle.encode(msgspec.structs.replace(sheet, files=files)))
        assert codes(copy) == {"CRM-S061"}


def test_a_newer_form_is_refused_by_its_name(copy):
    sheet = bundle.decode((copy / "bundle.json").read_bytes())
    (copy / "bundle.json").write_bytes(bundle.encode(msgspec.structs.replace(sheet, format=2)))
    assert codes(copy) == {"CRM-S078"}


@pytest.fixture
def fresh(tmp_path, whole):
    numbers = itertools.count()

    def make(_):
        folder = tmp_path / str(next(numbers))
        shutil.copytree(home(whole), home(folder))
        return folder

    return make


@pytest.mark.parametrize("name", ["b", "b.zip"])
def test_a_crash_at_any_effect_leaves_a_whole_bundle_or_none(fresh, name):
    """And nothing else that passes for one; whoever tries again gets one, or is told what to remove."""

    def act(folder, effects):
        written(folder, folder / name, effects)

    def check(folder, where):
        sealed = [path for path in folder.iterdir() if path.name != ".crmstate" and codes(path) == set()]
        assert sealed in ([], [folder / name]), where
        if not sealed and (folder / name).exists():
            with pytest.raises(Problem) as found:
                written(folder, folder / name)
            assert code_of(found.value) == "CRM-S079", where
            shutil.rmtree(folder / name)
        if not sealed:
            for left in folder.glob(".*.tmp"):
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            written(folder, folder / name)
            assert codes(folder / name) == set(), where

    assert crash_everywhere(fresh, act, check) > 10


@pytest.mark.parametrize("name", ["b", "b.zip"])
def test_a_full_disk_leaves_nothing_behind(fresh, name):
    for at in (0, 1, 7):
        folder = fresh(0)
        with pytest.raises(Problem) as found:
            written(folder, folder / name, Failing(at, errno.ENOSPC))
        assert code_of(found.value) == "CRM-S003"
        assert sorted(path.name for path in folder.iterdir()) == [".crmstate"]


def test_nothing_is_ever_written_over(whole, tmp_path):
    for name in ("there", "there.zip"):
        (tmp_path / name).mkdir() if name == "there" else (tmp_path / name).write_bytes(b"mine")
        with pytest.raises(Problem) as found:
            written(whole, tmp_path / name)
        assert code_of(found.value) == "CRM-S069"
    (tmp_path / "gone.zip").symlink_to(tmp_path / "nowhere")
    with pytest.raises(Problem) as found:
        written(whole, tmp_path / "gone.zip")
    assert code_of(found.value) == "CRM-S069" and not (tmp_path / "nowhere").exists()
    with pytest.raises(Problem) as found:
        written(whole, home(whole) / "b")
    assert code_of(found.value) == "CRM-S077"


def test_nobody_else_may_read_it(whole):
    assert stat.S_IMODE((whole / "b").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in [*files_of(whole / "b"), whole / "b.zip"]} == {0o600}


def test_evidence_that_is_gone_or_changed_is_refused_before_anything_is_written(tmp_path):
    folder = recorded(tmp_path / "r")
    path = next((home(folder) / "evidence").iterdir())
    path.write_bytes(b"forged")
    with pytest.raises(Problem) as found:
        written(folder, folder / "b")
    assert (code_of(found.value), found.value.diagnostics[0].params["why"]) == ("CRM-S070", "changed")
    path.unlink()
    with pytest.raises(Problem) as found:
        written(folder, folder / "b")
    assert (code_of(found.value), (folder / "b").exists()) == ("CRM-S070", False)


def test_a_known_secret_anywhere_stops_it(whole, tmp_path):
    with pytest.raises(Problem) as found:
        written(whole, tmp_path / "b", scrub=lambda text: text.replace("Dear vendor", "[secret]"))
    assert code_of(found.value) == "CRM-S071"
    assert str(found.value.diagnostics[0].params["file"]).startswith("evidence/")
    assert list(tmp_path.iterdir()) == []


def test_keys_and_what_else_lies_beside_the_state_stay_there(tmp_path):
    folder = recorded(tmp_path / "r")
    for name in ("archive.key", "evidence/x.tmp", "lease.json"):
        (home(folder) / name).write_text("AGE-SECRET-KEY-1", encoding="utf-8")
    written(folder, folder / "b")
    assert not any(b"AGE-SECRET" in path.read_bytes() for path in files_of(folder / "b"))


def test_a_journal_that_grows_meanwhile_is_bundled_as_it_was(tmp_path):
    folder = recorded(tmp_path / "r")
    found = bundling.Record(folder, NAME)
    with open_store(folder) as store:
        store.append([settled(3)])
    assert len(chunks(folder)) == len(HISTORY) + 2
    assert sum(name.startswith("journal/") for name in found.contents()) == len(HISTORY) + 1


def test_a_repaired_journal_is_bundled_with_what_was_set_aside(tmp_path):
    from crmstate.store import repair

    folder = recorded(tmp_path / "r")
    chunks(folder)[2].write_bytes(b"damaged")
    repair(folder, NAME, Plain(), Ticking(), "anna")
    (home(folder) / "evidence").joinpath("0" * 64).write_bytes(b"of an event that is not believed any more")
    written(folder, folder / "b")
    assert codes(folder / "b") == set()
    assert any("quarantine" in str(path) for path in files_of(folder / "b"))


def test_nothing_on_record_is_nothing_to_bundle(tmp_path):
    with pytest.raises(Problem) as found:
        bundling.Record(tmp_path, NAME)
    assert code_of(found.value) == "CRM-S075"


class Unheard(msgspec.Struct, frozen=True, tag_field="event", tag="unheard"):
    """An event of a later version."""

    at: str
    by: str
    subject: str
    papers: tuple[Evidence, ...]
    letter: str


def test_files_of_events_that_nobody_has_thought_of_yet_are_found(whole):
    digest = "a" * 64
    proof = Evidence("file", Proof.CERTIFIED, AT, "vendor", f"evidence/{digest}", digest, bytes=3, note="cert.pdf")
    event = Unheard(AT, "anna", "x", (proof,), "evidence/non-renewal.eml")  # a text alone is no file
    found = papers([Told(3, event)], bundling.Record(whole, NAME).loaded.state)  # type: ignore[arg-type]
    assert [(each.path, each.sha256, each.label) for each in found] == [
        (f"evidence/{digest}", digest, "cert.pdf"),
    ]
    assert (found[0].mentions[0].event, found[0].mentions[0].by, found[0].mentions[0].chunk) == ("unheard", "vendor", 3)


@pytest.mark.parametrize("place", ["settlement/final", "evaluation/review"])
def test_an_address_or_a_note_that_looks_like_a_path_is_no_file(whole, place):
    step = StepRef("0" * 16, place, Verb.SETTLE, Undo.FREE)
    event = Confirmed(AT, step, "evidence/anna", Proof.ATTESTED, "evidence/" + "b" * 64)
    assert papers([Told(3, event)], bundling.Record(whole, NAME).loaded.state) == []

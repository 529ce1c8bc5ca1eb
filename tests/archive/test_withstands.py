"""What an archive must withstand as a whole, from the export to everything that is made of it: names of every kind, two that
differ by case, records of twenty megabytes, attachments of two gigabytes."""

from __future__ import annotations

import csv
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from archive_vendor import Clock, Dataset, Effects, Vendor, attachment, resource, row

from crmstate.archive import opening, restore, sheet
from crmstate.archive.checks import Wanted
from crmstate.archive.folder import Archive
from crmstate.archive.layout import slug
from crmstate.archive.local import Local, LocalReads

NAMES = (
    "Contacts", "contacts", "CONTACTS", "Straße", "STRASSE", "a/b\\c", "..", "../../x", "C:\\x:y", "a:b", "tab\tand\nline\x07\x1b[31m",
    "n" * 300, "客" * 300, "عملاء\u202egnp.exe", "\u2066x\u2069", "e\u0301", "é",
)  # fmt: skip
WANTED = Wanted(views=("csv-spreadsheet",))


def archived(root: Path, vendor: Vendor) -> opening.Found:
    archive = Archive(Local(root, Effects()), Clock(), "me", WANTED)
    for id in vendor.datasets:
        archive.archive(vendor, resource(id), True)
        assert archive.verify(vendor, resource(id)).rows == len(vendor.datasets[id].rows)
    store, found = opening.opened(LocalReads(root))
    opening.checked(store, found, list(found.manifest.datasets), True, copies=True)
    return found


def test_names_of_every_kind_are_told_apart_in_everything_that_is_made(tmp_path: Path) -> None:
    vendor = Vendor(
        **{name: Dataset({"1": row("1", name=name)}, [attachment(name, "1", name.encode(), name)]) for name in NAMES}
    )
    found = archived(tmp_path / "a", vendor)
    seals = list(found.manifest.datasets)
    assert sorted(seal.dataset.id for seal in seals) == sorted(NAMES)
    for form in ("folder", "csv", "sqlite"):
        restore.restore(LocalReads(tmp_path / "a"), seals, tmp_path / form, form)
    for name in NAMES:
        (record,) = vendor.datasets[name].rows.values()
        assert (tmp_path / "folder" / slug(name) / "rows.jsonl").read_bytes() == record + b"\n"
        (file,) = (tmp_path / "folder" / slug(name) / "attachments").iterdir()
        assert file.read_bytes() == name.encode()
        (back,) = sheet.read(tmp_path / "a" / "views" / "csv-spreadsheet" / f"{slug(name)}.csv")
        assert json.loads(back["name"]) == name
    with closing(sqlite3.connect(tmp_path / "sqlite")) as base:
        tables = dict(base.execute("SELECT dataset, name FROM datasets").fetchall())
        assert {name: base.execute(f'SELECT row FROM "{table}"').fetchone()[0] for name, table in tables.items()} == {
            name: record.decode() for name in NAMES for record in vendor.datasets[name].rows.values()
        }
    paths = [path.relative_to(tmp_path) for path in tmp_path.rglob("*")]
    assert len({str(path).lower() for path in paths}) == len(paths), "no two differ by case"
    assert max(len(path.name) for path in paths) < 120


@pytest.mark.deep
def test_a_record_of_twenty_megabytes_is_a_record_like_any_other(tmp_path: Path) -> None:
    text = 'a line, of "which" there are many\n客户' * 500_000
    vendor = Vendor(t=Dataset({"1": row("1", text="short"), "2": row("2", text=text), "3": row("3", text="last")}))
    assert len(vendor.datasets["t"].rows["2"]) > 20_000_000
    found = archived(tmp_path / "a", vendor)
    restore.restore(LocalReads(tmp_path / "a"), list(found.manifest.datasets), tmp_path / "out", "folder")
    lines = (tmp_path / "out" / slug("t") / "rows.jsonl").read_bytes().splitlines()
    assert lines == list(vendor.datasets["t"].rows.values())
    csv.field_size_limit(1 << 25)
    assert [json.loads(each["text"]) for each in sheet.read(tmp_path / "a" / "views" / "csv-spreadsheet" / f"{slug('t')}.csv")] == [
        "short", text, "last",
    ]  # fmt: skip


HUGE = """
import resource, sys
sys.path.insert(0, "{here}"); sys.path.insert(0, "{root}")
from pathlib import Path
from archive_vendor import Clock, Dataset, Effects, Vendor, resource as dataset, row
from crmstate.archive import opening, restore
from crmstate.archive.folder import FolderArchive
from crmstate.archive.local import LocalReads
from crmstate.core.provider import File
MEGABYTES = {size}
class Huge(Vendor):
    def fetch(self, file):
        yield from (bytes([n % 251]) * 1_000_000 for n in range(MEGABYTES))
file = File("f", "1", "film.mp4", "memory:f", MEGABYTES * 1_000_000, "video/mp4", None)
vendor = Huge(t=Dataset({{"1": row("1")}}, [(file, b"")]))
archive = FolderArchive(Path("{archive}"), Effects(), Clock(), "me")
start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
archive.archive(vendor, dataset("t"), True)
found = archive.verify(vendor, dataset("t"))
assert found.bytes > MEGABYTES * 1_000_000 and found.checks[0].bytes > MEGABYTES * 1_000_000, found
store, held = opening.opened(LocalReads(Path("{archive}")))
restore.restore(store, list(held.manifest.datasets), Path("{archive}.out"), "folder")
(copy,) = Path("{archive}.out").glob("*/attachments/*")
assert copy.stat().st_size == MEGABYTES * 1_000_000
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start)
"""


@pytest.mark.deep
def test_an_attachment_of_two_gigabytes_is_archived_verified_and_restored_in_flat_memory(tmp_path: Path) -> None:
    """Longer than a signed number of 32 bits can say."""
    here = Path(__file__).parent
    script = HUGE.format(here=here, root=here.parents[1], archive=tmp_path / "a", size=2_200)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 16 * 1024, "kibibytes beyond what the process took before"

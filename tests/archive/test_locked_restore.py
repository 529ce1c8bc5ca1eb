"""The restore for proof of what is encrypted: in memory alone, a part after the other, and as sure as of the whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from archive_vendor import Dataset, Vendor, row
from archive_vendor import resource as dataset
from locks import Key, locked

from crmstate.archive import checks
from crmstate.archive.checks import Wanted
from crmstate.core.diagnostic import Problem

PEOPLE = dataset("people")


def people(number: int, size: int = 10) -> Dataset:
    return Dataset({f"p{n:06}": row(f"p{n:06}", name="x" * size + str(n)) for n in range(number)})


def test_parts_give_what_the_whole_gives_and_an_id_that_comes_in_two_of_them_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, vendor = Key(), Vendor(7, people=people(40))
    made = locked(tmp_path / "a", key, identity=key, wanted=Wanted(restore_test=True))
    made.archive(vendor, PEOPLE, True)
    monkeypatch.setattr(checks, "PART", 900)
    assert [each.rows for each in made.verify(vendor, PEOPLE).checks if each.method == "restore_test"] == [40]

    rows = checks.rows_of
    monkeypatch.setattr(checks, "rows_of", lambda *found: iter([*rows(*found), next(rows(*found))]))
    with pytest.raises(Problem) as raised:
        made.verify(vendor, PEOPLE)
    assert raised.value.diagnostics[0].code == "CRM-A033"


def test_it_takes_no_more_memory_however_many_records_there_are(tmp_path: Path) -> None:
    key, most = Key(), {}
    file = key.file(tmp_path)
    for number in (2_000, 10_000):
        vendor = Vendor(1000, people=people(number, 1500))
        locked(tmp_path / f"{number}", key, identity=key).archive(vendor, PEOPLE, True)
        code = (
            "from crmstate.cli.app import run\n"
            f"code = run(['archive', 'verify', {str(tmp_path / str(number))!r}, '--restore-test', '--identity', {str(file)!r}])\n"
            "print(code, *[each.split()[1] for each in open('/proc/self/status') if each.startswith('VmHWM')])"
        )
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        code_of, size = said.splitlines()[-1].split()
        assert code_of == "0", said
        most[number] = int(size)
    assert most[10_000] - most[2_000] < 9_000, f"15 MB of records: {most}"

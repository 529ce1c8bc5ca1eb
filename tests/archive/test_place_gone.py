"""A folder that goes away midway, as a disk does that is pulled out, and a disk that fills up: a clear word, and the
next run goes on."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from archive_vendor import Clock, Effects, resource, small, tree

from crmstate.archive.folder import FolderArchive
from crmstate.core.diagnostic import Problem
from crmstate.core.words import Exit

DATASETS = ("people", "deals")


def taken(root: Path, effects: Effects | None = None) -> list[str]:
    archive = FolderArchive(root, effects or Effects(), Clock(), "me")
    return [archive.archive(small(), resource(id), True).sha256 for id in DATASETS]


def test_a_folder_that_goes_away_at_any_effect(tmp_path: Path) -> None:
    effects = Effects()
    wanted = taken(tmp_path / "whole", effects)
    for stop in range(20, effects.count, 7):
        disk, away = tmp_path / f"disk-{stop}", tmp_path / f"away-{stop}"
        disk.mkdir()

        def fail(count: int, kind: str, what: str, stop: int = stop, disk: Path = disk, away: Path = away) -> None:
            if count == stop:
                disk.rename(away)

        with pytest.raises(Problem) as found:
            taken(disk / "a", Effects(fail=fail))
        assert (found.value.exit, found.value.diagnostics[0].code) == (Exit.ERROR, "CRM-A015"), stop
        assert not disk.exists(), "nothing is written beside a disk that is gone"
        away.rename(disk)
        assert taken(disk / "a") == wanted, stop
        assert tree(disk / "a") == tree(tmp_path / "whole"), stop


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_is_full_at_any_write(tmp_path: Path, code: int) -> None:
    effects = Effects()
    wanted = taken(tmp_path / "whole", effects)
    writes = [number for number, (kind, _) in enumerate(effects.done, 1) if kind in ("write", "fsync", "mkdir")]
    for stop in writes[::9]:

        def fail(count: int, kind: str, what: str, stop: int = stop) -> None:
            if count == stop:
                raise OSError(code, os.strerror(code))

        root = tmp_path / f"disk-{stop}"
        with pytest.raises(Problem) as found:
            taken(root, Effects(fail=fail))
        assert (found.value.exit, found.value.diagnostics[0].code) == (Exit.ERROR, "CRM-A013"), stop
        assert [name for name in tree(root) if name.endswith("attachment.tmp")] == [], stop
        assert taken(root) == wanted, stop
        assert tree(root) == tree(tmp_path / "whole"), stop

"""Bundling: a record, and whatever belongs to it, becomes one folder or one zip that can be checked without us.

The seal is written last: what a killed run leaves has none, and passes for nothing. The same record, the same other files
and the same time give the same bytes. Refuses to write over anything, to bundle a journal or a piece of evidence that is
not what was recorded, and to let a known secret out.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from crmstate.core.diagnostic import Problem, problem
from crmstate.core.ports import Effects
from crmstate.core.words import Exit
from crmstate.store import files, zipped
from crmstate.store.bundle import JOURNAL, README, SEAL, SUMS, Listed, Sheet, encode, listed, readme, sha256, sums
from crmstate.store.files import Disk
from crmstate.store.home import Home, refuse_inside
from crmstate.store.load import Loaded, read
from crmstate.store.papers import FOLDER, Paper, Told, derived, kept, papers, told

Contents = Mapping[str, bytes | Path]
"""Files by their names in a bundle: as bytes, or where they lie."""


class Record:
    """What lies in a home, ready to be bundled. Raises Problem: damage of the journal or of a piece of evidence, and
    CRM-S075 where nothing was recorded."""

    def __init__(self, folder: Path, name: str) -> None:
        self.home = Home(folder, name)
        self.loaded: Loaded = read(folder, name)
        if not self.loaded.seq:
            raise problem(Exit.ERROR, "CRM-S075", name=name)
        self.happened: list[Told] = told(self.home, self.loaded.seq)
        self.papers: list[Paper] = papers(self.happened, self.loaded.state)

    def contents(self) -> dict[str, bytes | Path]:
        """Journal, evidence, and the files that follow from the journal."""
        found: dict[str, bytes | Path] = {**self._journal(), **self._evidence()}
        return {**found, **derived(self.loaded, self.papers)}

    def _journal(self) -> dict[str, Path]:
        """Every file of the journal but what was appended meanwhile."""
        numbers, bases = self.home.numbers()
        paths = [self.home.chunk(number) for number in numbers if number <= self.loaded.seq]
        paths += [self.home.base(number) for number in bases if number <= self.loaded.seq]
        paths += [self.home.quarantine / name for name in files.names(self.home.quarantine)]
        return {f"{JOURNAL}/{path.relative_to(self.home.journal).as_posix()}": path for path in paths}

    def _evidence(self) -> dict[str, Path]:
        """Every file that an event refers to, as it was recorded, and whatever else lies in evidence/."""
        found: dict[str, Path] = {}
        for name in files.names(self.home.path / FOLDER):
            path = f"{FOLDER}/{name}"
            if kept(path) and not name.endswith(files.TEMPORARY):
                found[path] = self.home.path / FOLDER / name
        for paper in self.papers:
            data = files.read(self.home.path / paper.path)
            if data is None or (paper.sha256 and sha256(data) != paper.sha256):
                why = "missing" if data is None else "changed"
                raise problem(Exit.ERROR, "CRM-S070", file=str(self.home.path / paper.path), why=why)
            found[paper.path] = self.home.path / paper.path
        return found


PACKED = frozenset({".gz", ".tgz", ".tar", ".bz2", ".xz", ".zst", ".7z", ".rar", ".pdf", ".html", ".json"})
"""What a folder that is called so would be taken for."""


def write(
    out: Path,
    name: str,
    contents: Contents,
    sheet: Callable[[tuple[Listed, ...]], Sheet],
    effects: Effects,
    scrub: Callable[[str], str] = str,
) -> str:
    """Writes a bundle: a zip where `out` ends in .zip, else a folder. Returns its digest. Raises Problem where something
    is there already, where it cannot be written, or where a file holds a secret that `scrub` knows."""
    _refuse(out)
    whole: dict[str, bytes | Path] = {**contents, README: readme(name)}
    marks = {path: _mark(path, each, scrub) for path, each in whole.items()}
    whole[SUMS] = sums(listed(marks))
    marks[SUMS] = _mark(SUMS, whole[SUMS], scrub)
    seal = encode(sheet(listed(marks)))
    disk = Disk(effects)
    try:
        if out.suffix.lower() == ".zip":
            disk.gather(out, _zip({**whole, SEAL: seal}, marks))
        else:
            _folder(out, whole, marks, seal, disk, effects)
    except zipped.Full:
        raise problem(Exit.ERROR, "CRM-S074", file=str(out)) from None
    except FileExistsError:
        raise problem(Exit.REFUSED, "CRM-S069", file=str(out)) from None
    return sha256(seal)


def _refuse(out: Path) -> None:
    """Raises the Problem of a place where no bundle can be."""
    if os.path.lexists(out):
        unfinished = out.is_dir() and not out.is_symlink() and not (out / SEAL).exists() and (out / README).exists()
        raise problem(Exit.REFUSED, "CRM-S079" if unfinished else "CRM-S069", file=str(out))
    if out.suffix.lower() in PACKED:
        raise problem(Exit.USAGE, "CRM-S083", file=str(out), suffix=out.suffix)
    refuse_inside(out)


def _mark(path: str, content: bytes | Path, scrub: Callable[[str], str]) -> tuple[str, int]:
    """A file's digest and size. Raises Problem CRM-S071 where a secret stands in it."""
    data = _bytes(content)
    text = data.decode("utf-8", "replace")
    if scrub(text) != text:
        raise problem(Exit.REFUSED, "CRM-S071", file=path)
    return sha256(data), len(data)


def _bytes(content: bytes | Path) -> bytes:
    if isinstance(content, bytes):
        return content
    data = files.read(content)
    if data is None:
        raise problem(Exit.ERROR, "CRM-S070", file=str(content), why="missing")
    return data


def _same(path: str, content: bytes | Path, marks: Mapping[str, tuple[str, int]]) -> bytes:
    """A file's bytes, which are still those that the list names."""
    data = _bytes(content)
    if path in marks and sha256(data) != marks[path][0]:
        raise problem(Exit.ERROR, "CRM-S070", file=path, why="changed")
    return data


def _zip(whole: Contents, marks: Mapping[str, tuple[str, int]]) -> Iterator[bytes]:
    pieces: list[bytes] = []
    writer = zipped.Writer(pieces.append)
    for path in sorted(whole, key=str.encode):
        writer.add(path, _same(path, whole[path], marks))
        yield pieces.pop()
    writer.end()
    yield pieces.pop()


def _folder(
    out: Path, whole: Contents, marks: Mapping[str, tuple[str, int]], seal: bytes, disk: Disk, effects: Effects
) -> None:
    """Under another name first, then under its own, then sealed."""
    building = out.with_name(f".{out.name}.{os.getpid()}{files.TEMPORARY}")
    if os.path.lexists(building):
        raise problem(Exit.REFUSED, "CRM-S079", file=str(building))
    try:
        disk.folder(building)
        folders = {building}
        for path in sorted(whole, key=str.encode):
            target = building / path
            for folder in reversed(target.relative_to(building).parents[:-1]):
                disk.folder(building / folder)
                folders.add(building / folder)
            disk.fill(target, _same(path, whole[path], marks))
        for folder in sorted(folders, reverse=True):
            disk.flush(folder)
        if os.path.lexists(out):
            raise FileExistsError(out)
        with files.told(out):
            effects.do("rename", str(out), lambda: building.rename(out))
    except Exception as error:
        with suppress(OSError):
            effects.do("unlink", str(building), lambda: shutil.rmtree(building, ignore_errors=True))
        if isinstance(error, OSError) and not isinstance(error, FileExistsError):
            raise files.trouble(error, out) from error
        raise
    try:
        disk.flush(out.parent)
        disk.fill(building, seal)
        disk.move(building, out / SEAL)
    except Problem:
        with suppress(OSError):
            effects.do("unlink", str(building), lambda: building.unlink(missing_ok=True))
            effects.do("unlink", str(out), lambda: shutil.rmtree(out, ignore_errors=True))
        raise

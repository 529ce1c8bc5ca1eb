"""Unbundling: a bundle found anywhere is checked, without manifest, state or network: every byte against its list, the
list against itself, the journal's chain, and what was derived from the journal against the journal.

It trusts nothing that lies there, follows no link, and unpacks nothing but the journal, into a folder of its own that is
gone afterwards. What it cannot see: a bundle that somebody wrote anew as a whole. The digest shows that, where somebody
kept it apart.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec

from crmstate.core.diagnostic import Diagnostic, Problem, diagnostic, problem
from crmstate.core.record import State
from crmstate.core.words import Exit
from crmstate.store import bundle, files, zipped
from crmstate.store.bundle import JOURNAL, LARGEST, PLAN, SEAL, SUMMARY, SUMS, Sheet
from crmstate.store.home import Home
from crmstate.store.load import load
from crmstate.store.papers import Paper, Told, derived, papers, told
from crmstate.store.zipped import Odd

SHOWN = 200
"""More findings than this are counted and not listed."""
_TEXTS = frozenset(
    {SEAL, SUMS, SUMMARY, PLAN, bundle.STATE, bundle.APPROVALS, bundle.INDEX, bundle.ARCHIVE, bundle.MANIFEST}
)


class Mark(NamedTuple):
    """The digest and the size of a file that was read."""

    sha256: str
    bytes: int


@dataclass
class Unbundled:
    """A bundle that was read. `wrong`: everything that is not as it was written, nothing for a whole one. `record` where
    the journal could be read: the folded state, the events, the files that they refer to."""

    digest: str
    sheet: Sheet
    wrong: list[Diagnostic] = field(default_factory=list)
    texts: dict[str, bytes] = field(default_factory=dict)
    state: State | None = None
    happened: list[Told] = field(default_factory=list)
    papers: list[Paper] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        """Of all files that the list names."""
        return sum(each.bytes for each in self.sheet.files)


class _Reading:
    """What one pass over the files of a bundle found."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.marks: dict[str, Mark] = {}
        self.texts: dict[str, bytes] = {}
        self.wrong: list[Diagnostic] = []

    def say(self, code: str, file: str, **params: str | int) -> None:
        self.wrong.append(Diagnostic(code, params={"file": file, **params}))

    def take(self, name: str, size: int, pieces: Iterator[bytes]) -> None:
        """Reads one file: its digest, its text where it is needed, a copy where it is of the journal."""
        if not bundle.fit(name):
            self.say("CRM-S063", name)
            return
        digest, length = hashlib.sha256(), 0
        try:
            copy = self._copy(name)
        except OSError:  # a file and a folder of one name
            self.say("CRM-S065", name)
            return
        kept: list[bytes] | None = [] if name in _TEXTS and size <= LARGEST else None
        try:
            for piece in pieces:
                digest.update(piece)
                length += len(piece)
                if kept is not None:
                    kept.append(piece)
                if copy is not None:
                    copy.write(piece)
        finally:
            if copy is not None:
                copy.close()
        self.marks[name] = Mark(digest.hexdigest(), length)
        if kept is not None:
            self.texts[name] = b"".join(kept)

    def _copy(self, name: str) -> BinaryIO | None:
        if not name.startswith(f"{JOURNAL}/"):
            return None
        target = self.scratch / name
        target.parent.mkdir(parents=True, exist_ok=True)
        return target.open("xb")


def unbundled(path: Path, expected: str | None = None) -> Unbundled:
    """Reads and checks the bundle at `path`, a folder or a zip. `expected`: the digest that somebody kept. Raises Problem
    (exit 1) where there is no bundle, or none whose list can be read."""
    with tempfile.TemporaryDirectory(prefix="crmstate-") as scratch:
        reading = _Reading(Path(scratch))
        (_folder if _is_folder(path) else _zip)(path, reading)
        found = _opened(path, reading)
        found.wrong += reading.wrong
        _agree(found, reading)
        if expected is not None and expected.lower() != found.digest:
            found.wrong.append(diagnostic("CRM-S068", file=SEAL, expected=expected, found=found.digest))
        _recompute(found, reading)
    found.texts = reading.texts
    return found


def _opened(path: Path, reading: _Reading) -> Unbundled:
    data = reading.texts.get(SEAL)
    if data is None:
        raise Problem(Exit.ERROR, diagnostic("CRM-S060", file=str(path)), *reading.wrong[:SHOWN])
    try:
        return Unbundled(bundle.sha256(data), bundle.decode(data))
    except bundle.Newer:
        raise problem(Exit.ERROR, "CRM-S078", file=str(path)) from None
    except bundle.NoSheet:
        raise Problem(Exit.ERROR, diagnostic("CRM-S061", file=SEAL), *reading.wrong[:SHOWN]) from None


def _agree(found: Unbundled, reading: _Reading) -> None:
    """Each file against the list, and the list against each file."""
    named = {each.path: Mark(each.sha256, each.bytes) for each in found.sheet.files}
    for name in sorted({*named, *reading.marks} - {SEAL}):
        if name not in reading.marks:
            reading.say("CRM-S062", name)
        elif name not in named:
            reading.say("CRM-S063", name)
        elif named[name] != (there := reading.marks[name]):
            reading.say("CRM-S064", name, bytes=there.bytes, said=named[name].bytes, found=there.sha256)
    sums = bundle.sums(each for each in found.sheet.files if each.path != SUMS)
    if SUMS not in named or reading.texts.get(SUMS, sums) != sums:
        reading.say("CRM-S067", SUMS)
    found.wrong = reading.wrong


def _recompute(found: Unbundled, reading: _Reading) -> None:
    """The journal's chain, and everything that follows from it."""
    sheet = found.sheet
    try:
        home = _home(reading, sheet.name)
        loaded = load(home)
        happened = told(home, loaded.seq)
        found.papers = papers(happened, loaded.state)
        made = derived(loaded, found.papers)
    except Problem as broken:
        for each in broken.diagnostics:
            place = str(each.params.get("file", "")).rpartition("/")[2]
            chunk = each.params.get("chunk", "-")
            reading.say("CRM-S076", f"{JOURNAL}/{place}".rstrip("/"), chunk=str(chunk), why=each.code)
        return
    except Exception as odd:  # others wrote these bytes: nothing in them may end this with a bug
        reading.say("CRM-S076", JOURNAL, chunk="-", why=type(odd).__name__)
        return
    found.state, found.happened = loaded.state, happened
    said = sheet.lineage, sheet.serial, sheet.head, sheet.provider, sheet.tenant
    state = loaded.state
    if said != (loaded.lineage, loaded.seq, loaded.sha256, state.provider, state.tenant) or sheet.name != state.name:
        reading.say("CRM-S067", SEAL)
    for name, data in made.items():
        if name in reading.marks and reading.texts.get(name) != data:
            reading.say("CRM-S067", name)
    named = {each.path for each in sheet.files}
    for name in (*made, SUMMARY, bundle.README, bundle.MANIFEST):
        if name not in named:
            reading.say("CRM-S062", name)
    for paper in found.papers:
        mark = reading.marks.get(paper.path)
        if paper.path not in named:
            reading.say("CRM-S062", paper.path)
        elif mark is not None and paper.sha256 and mark.sha256 != paper.sha256:
            reading.say("CRM-S067", paper.path)


def _home(reading: _Reading, name: str) -> Home:
    """The journal where the store looks for one: below a folder of its own."""
    place = reading.scratch / "home"
    home = Home(place, name)
    home.path.mkdir(parents=True)
    there = reading.scratch / JOURNAL
    if there.is_dir():
        there.rename(home.journal)
    return Home(place, name)


def _is_folder(path: Path) -> bool:
    """A person may name a folder by a link; nothing in it is one. What an interrupted writing left is not looked into."""
    if path.name.endswith(files.TEMPORARY):
        raise problem(Exit.ERROR, "CRM-S060", file=str(path))
    try:
        mode = path.stat().st_mode
    except OSError:
        raise problem(Exit.ERROR, "CRM-S060", file=str(path)) from None
    if stat.S_ISDIR(mode):
        return True
    if not stat.S_ISREG(mode):
        raise problem(Exit.ERROR, "CRM-S060", file=str(path))
    return False


def _folder(path: Path, reading: _Reading, below: str = "", depth: int = 0) -> None:
    with files.told(path):
        entries = sorted(os.scandir(path), key=lambda each: each.name)
    if below and not entries:
        reading.say("CRM-S063", below.rstrip("/"))
    for entry in entries:
        name = below + entry.name
        with files.told(entry.path):
            mode = entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode) and depth < 6:
            _folder(Path(entry.path), reading, f"{name}/", depth + 1)
        elif stat.S_ISREG(mode):
            with _opening(Path(entry.path)) as file:
                size = os.fstat(file.fileno()).st_size
                reading.take(name, size, iter(lambda file=file: file.read(zipped.PIECE), b""))  # type: ignore[misc]
        else:
            reading.say("CRM-S065", name)


def _zip(path: Path, reading: _Reading) -> None:
    with _opening(path, follow=True) as file:
        try:
            for member in zipped.members(file, os.fstat(file.fileno()).st_size):
                reading.take(member.name, member.size, zipped.pieces(file, member))
        except Odd as odd:
            reading.say("CRM-S066", odd.name or path.name, at=odd.at)


@contextmanager
def _opening(path: Path, follow: bool = False) -> Iterator[BinaryIO]:
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    with files.told(path), os.fdopen(os.open(path, flags), "rb") as file:
        yield file


def findings(found: Unbundled) -> list[Diagnostic]:
    """What is wrong, each once; of very many the first ones."""
    once = list({msgspec.json.encode(each): each for each in found.wrong}.values())
    return once[:SHOWN]

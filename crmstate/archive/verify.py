"""Verify: reads a sealed dataset back from the disk, every byte, and compares it with its seal, with itself, and with
the vendor's count.

Everything wrong is named, not only the first. It writes nothing and mends nothing. Record values never appear in what
it says.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator

import msgspec

from crmstate.archive import disk, journal, layout, seal
from crmstate.archive.holding import Holding, index_lines
from crmstate.archive.layout import Place, content
from crmstate.archive.marks import FileMark, sha256
from crmstate.archive.seal import Seal, Sealed
from crmstate.core.diagnostic import Diagnostic, Problem, diagnostic, problem
from crmstate.core.words import Exit, Severity

MOST = 200
ROWS_FILE = re.compile(r"/\d{6}\.jsonl$")


class Wrong:
    """The findings so far."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []
        self.more = 0

    def add(self, code: str, **params: str | int) -> None:
        """One more finding; beyond `MOST` they are only counted."""
        if len(self.found) < MOST:
            self.found.append(diagnostic(code, Severity.ERROR, None, None, **params))
        else:
            self.more += 1

    def refuse(self) -> None:
        """Raises Problem with all of them, if there are any."""
        once = list({repr(each): each for each in self.found}.values())
        if self.more:
            once.append(diagnostic("CRM-A026", more=self.more))
        if once:
            raise Problem(Exit.ERROR, *once)


def chain(place: Place, expected: str | None) -> list[Sealed]:
    """The seals, the last of which counts. Raises Problem CRM-A009 where there is none, CRM-A007 where the last is not
    the one on record, CRM-A022 where the one on record is an earlier one of the same chain."""
    disk.is_folder(place.root)
    found = seal.load(place)
    if not found:
        raise problem(Exit.ERROR, "CRM-A009", dataset=place.dataset)
    if expected not in (None, found[-1].sha256):
        code = "CRM-A022" if expected in [each.sha256 for each in found] else "CRM-A007"
        file = place.seal(found[-1].seal.generation)
        raise problem(Exit.ERROR, code, file=file, found=found[-1].sha256, expected=expected)
    return found


def check(place: Place, seals: list[Sealed]) -> None:
    """Reads everything back. Raises Problem with each file that is missing, changed, extra or not a plain file, and
    each row and number that does not agree."""
    wrong, sealed = Wrong(), seals[-1].seal
    _folders(place)
    for each in (sealed.readme, *(each.seal.sums for each in seals), *sealed.files):
        if not ROWS_FILE.search(each.file):
            _measured(place, each, wrong)
    unfinished = _journal(place, sealed.journal, wrong)
    _strays(place, sealed, unfinished, wrong)
    holding = _folded(place, sealed, wrong)
    _contents(place, holding, wrong)
    if not wrong.found:
        _numbers(place, sealed, holding, wrong)
    wrong.refuse()


def _folders(place: Place) -> None:
    """Links in the place of folders are refused at once: behind them lies somebody else's data."""
    root = place.root
    for folder in (root, root / layout.DATA, root / layout.JOURNAL, place.sealed, place.folder):
        disk.is_folder(folder)
    disk.is_folder(root / layout.DATA / layout.ATTACHMENTS)


def _measured(place: Place, each: FileMark, wrong: Wrong) -> None:
    try:
        found = disk.measure(place.root / each.file)
    except Problem as refused:
        wrong.found += refused.diagnostics
        return
    if found is None:
        wrong.add("CRM-A001", file=each.file)
    elif found != (each.bytes, each.sha256):
        wrong.add("CRM-A002", file=each.file)


def _journal(place: Place, known: FileMark, wrong: Wrong) -> set[str]:
    """Its sealed part is as it was. What follows is said to be an unfinished delta where it is one; the files that it
    knows."""
    try:
        data = disk.read(place.journal)
    except Problem as refused:
        wrong.found += refused.diagnostics
        return set()
    if data is None:
        wrong.add("CRM-A001", file=known.file)
        return set()
    if sha256(data[: known.bytes]) != known.sha256:
        wrong.add("CRM-A002", file=known.file)
    elif len(data) > known.bytes:
        lines = [line for line, end in journal.valid(data) if end > known.bytes]
        wrong.add("CRM-A028" if lines else "CRM-A002", file=known.file)
        return {each.file for line in lines for each in line.files}
    return set()


def _strays(place: Place, sealed: Seal, known: set[str], wrong: Wrong) -> None:
    """Whatever lies in the archive and belongs to no dataset, or to this one and is neither in its seal nor in
    `known`."""
    known |= {each.file for each in sealed.files}
    for generation in range(sealed.generation + 1):
        known |= {place.seal(generation), place.sums(generation)}
    for path in _listed(place):
        top, _, name = path.partition("/")
        if path in known or path in layout.TOP or _of_another(top, name, place.slug):
            continue
        wrong.add("CRM-A003", file=path)


def _of_another(top: str, name: str, slug: str) -> bool:
    """Whether a name is one that another dataset of this archive may have, half written too, or this dataset's journal
    or folder."""
    if top == layout.DATA:
        return name == layout.ATTACHMENTS or layout.SLUG.fullmatch(name) is not None
    whole = name.removesuffix(disk.TEMPORARY)
    if top == layout.JOURNAL:
        found = layout.JOURNAL_FILE.fullmatch(whole)
        return found is not None and (name == whole or found[1] != slug)
    found = layout.SEAL_FILE.fullmatch(whole) if top == layout.SEALED else None
    return found is not None and found[1] != slug


def _listed(place: Place) -> Iterator[str]:
    """The names at the archive's top, in its folders and in this dataset's folder."""
    yield from disk.names(place.root)
    for folder in (layout.DATA, layout.JOURNAL, layout.SEALED, f"{layout.DATA}/{place.slug}"):
        for name in disk.names(place.root / folder):
            yield f"{folder}/{name}"
    yield from _odd_contents(place)


def _odd_contents(place: Place) -> Iterator[str]:
    """What lies among the attachments under a name that no content can have."""
    top = place.root / layout.DATA / layout.ATTACHMENTS
    if not disk.is_folder(top):
        return
    with disk.told(top):
        for entry in os.scandir(top):
            if not re.fullmatch("[0-9a-f]{2}", entry.name) or not entry.is_dir(follow_symlinks=False):
                yield f"{layout.DATA}/{layout.ATTACHMENTS}/{entry.name}"
                continue
            for each in os.scandir(entry.path):
                if not layout.CONTENT.fullmatch(each.name) or each.name[:2] != entry.name:
                    yield f"{layout.DATA}/{layout.ATTACHMENTS}/{entry.name}/{each.name}"


def _folded(place: Place, sealed: Seal, wrong: Wrong) -> Holding:
    """What the segments give when they are read in their order; every row is looked at on the way."""
    holding, names = Holding(), {each.file: each for each in sealed.files}
    rows = Rows(place, wrong)
    try:
        for file in sorted(names):
            if file.endswith(".index"):
                jsonl = names.pop(file.removesuffix("index") + "jsonl", None)
                index = _lines(place, file)
                holding.apply_rows(index if jsonl is None else rows.beside(jsonl, index))
            elif file.endswith(".attachments.jsonl"):
                holding.apply_files(_lines(place, file))
    except (ValueError, KeyError, RecursionError):
        wrong.add("CRM-A002", file=file)
    except FileNotFoundError:
        wrong.add("CRM-A001", file=file)
    except Problem as refused:
        wrong.found += refused.diagnostics
    return holding


def _lines(place: Place, file: str) -> Iterator[bytes]:
    """The lines of a file, each with its line break."""
    with os.fdopen(_open(place, file), "rb") as stream, disk.told(place.root / file):
        yield from stream


def _open(place: Place, file: str) -> int:
    return disk.opened(place.root / file)


class Rows:
    """Looks at each row beside its line of the index: its digest, that it is JSON, and that it bears its id."""

    def __init__(self, place: Place, wrong: Wrong) -> None:
        self._place = place
        self._wrong = wrong
        self._field: str | None = None
        self._known = False

    def beside(self, jsonl: FileMark, index: Iterator[bytes]) -> Iterator[bytes]:
        """Passes the index on; names the rows' file where it is not what the seal says, and each row that is wrong."""
        digest, size, number = hashlib.sha256(), 0, 0
        try:
            stream = os.fdopen(_open(self._place, jsonl.file), "rb")
        except FileNotFoundError:
            self._wrong.add("CRM-A001", file=jsonl.file)
            yield from index
            return
        with stream:
            for line in index:
                yield line
                if line[:1] == b"+":
                    row = stream.readline(jsonl.bytes + 1)
                    number, size = number + 1, size + len(row)
                    digest.update(row)
                    self._row(jsonl.file, number, line, row)
            while rest := stream.read(1 << 20):
                digest.update(rest)
                size += len(rest)
        if (size, digest.hexdigest()) != (jsonl.bytes, jsonl.sha256):
            self._wrong.add("CRM-A002", file=jsonl.file)

    def _row(self, file: str, number: int, line: bytes, row: bytes) -> None:
        """One row."""
        _, known, id = next(index_lines([line]))
        raw = row[:-1]
        if row[-1:] != b"\n" or hashlib.sha256(raw).digest() != known:
            self._wrong.add("CRM-A005", file=file, line=number)
            return
        try:
            self._bears(parsed(raw), id)
        except (ValueError, RecursionError):
            self._wrong.add("CRM-A010", file=file, line=number)
        except LookupError:
            self._wrong.add("CRM-A011", file=file, line=number)

    def _bears(self, value: object, id: str) -> None:
        """Finds the field that bears the id in the first row, and expects it in every other. Raises LookupError."""
        if not self._known:
            self._known, self._field = True, _id_field(value, id)
        if self._field is not None and (not isinstance(value, dict) or _text(value.get(self._field)) != id):
            raise LookupError(self._field)


def parsed(raw: bytes) -> object:
    """A row's JSON. Raises ValueError where it is none; numbers too large for the fast reader are kept as text."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, ValueError):
        return json.loads(raw, parse_int=str, parse_float=str)


def _id_field(value: object, id: str) -> str | None:
    if not isinstance(value, dict):
        return None
    fields = sorted((key for key in value if _text(value[key]) == id), key=lambda key: (key not in ("id", "_id"), key))
    return fields[0] if fields else None


def _text(value: object) -> str | None:
    return None if value is None or isinstance(value, bool | float | dict | list) else str(value)


def _contents(place: Place, holding: Holding, wrong: Wrong) -> None:
    """Every attachment's bytes against its name."""
    for digest, size in sorted(holding.contents.items()):
        if layout.CONTENT.fullmatch(digest):
            _measured(place, FileMark(content(digest), size, digest), wrong)
        else:
            wrong.add("CRM-A002", file=place.data("*.attachments.jsonl"))


def _numbers(place: Place, sealed: Seal, holding: Holding, wrong: Wrong) -> None:
    """The seal's numbers against what was read."""
    file = place.seal(sealed.generation)
    pairs: dict[str, tuple[str | int, str | int]] = {
        "rows": (sealed.rows, len(holding.rows)),
        "attachments": (sealed.attachments, len(holding.files)),
        "content": (sealed.content, holding.content()),
        "ids": (sealed.ids.sha256, sha256(holding.ids())),
    }
    for what, (said, found) in pairs.items():
        if said != found:
            wrong.add("CRM-A012", file=file, what=what, said=said, found=found)

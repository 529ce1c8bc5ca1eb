"""Objects: an archive in a store that takes whole objects by key (S3 and whatever speaks like it). Carries out
`store.Store` over obstore.

An object is there whole or not at all, so nothing has a temporary name. There is no appending: the lines of a journal
are objects of their own (`journal/<slug>/000007.json`) until the journal is sealed and becomes one object. What must
lose against somebody else is put under a condition, and a store that knows no conditions is refused (`prove`). An
answer that was lost is settled by reading: the same bytes there already are ours.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, PreconditionError

from crmstate.archive import disk
from crmstate.archive.layout import JOURNAL, JOURNAL_FILE
from crmstate.archive.refusals import TROUBLES, refused
from crmstate.archive.store import Form
from crmstate.core.diagnostic import Problem, problem
from crmstate.core.ports import Effects
from crmstate.core.words import Exit

if TYPE_CHECKING:
    from obstore import PutMode
    from obstore.store import ObjectStore

    from crmstate.archive.uploads import Uploads

PIECE = 8 << 20
"""Bytes that are read in one request, and the size of a part."""
ONE_PUT = 64_000_000
"""Contents up to this size are put as one request, larger ones in parts."""
HELD = 4 << 20
"""Bytes of a content of unknown length that are held in memory; what is longer waits in a file without a name."""
PARTS = 3
"""Parts under way at once."""
_LINE = re.compile(r"(\d{6,})\.json")
_NOBODYS = '"00000000000000000000000000000000"'


class ObjectReads:
    """The half of it that only looks (`store.ReadStore`). `where`: the address of what lies under `prefix`, which is
    empty or ends in a slash."""

    def __init__(self, objects: ObjectStore, where: str, prefix: str) -> None:
        self._objects = objects
        self._where = where.rstrip("/")
        self._prefix = prefix

    @property
    def where(self) -> str:
        return self._where

    def path(self, name: str) -> str:
        return f"{self._where}/{name}" if name else self._where

    def within(self, folder: str) -> ObjectReads:
        return ObjectReads(self._objects, self.path(folder), f"{self._prefix}{folder}/")

    def pieces(self, name: str) -> Iterator[bytes]:
        if JOURNAL_FILE.fullmatch(name.removeprefix(JOURNAL + "/")):
            data = self.read(name)
            if data is None:
                raise FileNotFoundError(name)
            yield data
            return
        yield from self._pieces(name)

    def _pieces(self, name: str) -> Iterator[bytes]:
        """The bytes of one object; all of them of one version of it."""
        key = self._prefix + name
        try:
            found = obstore.get(self._objects, key)
            size, tag = found.meta["size"], found.meta["e_tag"]
            if size <= PIECE:
                yield found.bytes().to_bytes()
                return
            del found
            for start in range(0, size, PIECE):
                end = min(start + PIECE, size)
                part = obstore.get(self._objects, key, options={"range": (start, end), "if_match": tag})
                yield part.bytes().to_bytes()
        except TROUBLES as error:
            self._refuse(error, name)
            raise FileNotFoundError(name) from error

    def read(self, name: str) -> bytes | None:
        if not JOURNAL_FILE.fullmatch(name.removeprefix(JOURNAL + "/")):
            return self._object(name)
        while True:  # the lines first: they go once the whole file is there
            lines, whole = self._lines(name), self._object(name)
            count = (whole or b"").count(b"\n")
            rest = [self._object(key) for number, key in lines if number >= count]
            if None not in rest:
                return None if whole is None and not rest else b"".join([whole or b"", *filter(None, rest)])

    def _object(self, name: str) -> bytes | None:
        try:
            return b"".join(self._pieces(name))
        except FileNotFoundError:
            return None

    def measure(self, name: str) -> tuple[int, str] | None:
        digest, size = hashlib.sha256(), 0
        try:
            for piece in self.pieces(name):
                digest.update(piece)
                size += len(piece)
        except FileNotFoundError:
            return None
        return size, digest.hexdigest()

    def size(self, name: str) -> int | None:
        if JOURNAL_FILE.fullmatch(name.removeprefix(JOURNAL + "/")) and self._lines(name):
            return len(self.read(name) or b"")
        try:
            return obstore.head(self._objects, self._prefix + name)["size"]
        except TROUBLES as error:
            self._refuse(error, name)
            return None

    def sizes(self, folder: str) -> dict[str, int]:
        try:
            found = obstore.list_with_delimiter(self._objects, self._key(folder) or None)["objects"]
        except TROUBLES as error:
            self._refuse(error, folder)
            return {}
        sizes = {each["path"].rpartition("/")[2]: each["size"] for each in found}
        if folder == JOURNAL:
            journals = [name for name in self.names(folder) if JOURNAL_FILE.fullmatch(name)]
            split = set(self._names(folder)) - set(sizes)
            for name in journals:
                if name not in sizes or name.removesuffix(".jsonl") in split:
                    sizes[name] = len(self.read(f"{folder}/{name}") or b"")
        return sizes

    def is_folder(self, name: str) -> bool:
        """A store that knows no folders has all of them."""
        return True

    def names(self, folder: str) -> list[str]:
        found = self._names(folder)
        if folder == JOURNAL:
            return sorted({shown for name in found for shown in self._journals(name)})
        return found

    def located(self) -> bool:
        """A bucket that is not there is refused by whatever asks it."""
        self._names("")
        return True

    def walk(self, folder: str) -> Iterator[tuple[str, Form]]:
        try:
            for batch in obstore.list(self._objects, self._key(folder) or None):
                for each in batch:
                    yield each["path"].removeprefix(self._prefix), Form.FILE
        except TROUBLES as error:
            self._refuse(error, folder)

    def _names(self, folder: str) -> list[str]:
        """The names in a folder as they are."""
        key = self._key(folder)
        try:
            found = obstore.list_with_delimiter(self._objects, key or None)
        except TROUBLES as error:
            self._refuse(error, folder)
            return []
        keys = [*found["common_prefixes"], *(each["path"] for each in found["objects"])]
        return sorted({each.rstrip("/").rpartition("/")[2] for each in keys})

    def _lines(self, journal: str) -> list[tuple[int, str]]:
        """The lines of a journal that are objects of their own, in their order: number and name."""
        folder = journal.removesuffix(".jsonl")
        found = ((_LINE.fullmatch(name), name) for name in self._names(folder))
        return sorted((int(match[1]), f"{folder}/{name}") for match, name in found if match)

    def _journals(self, name: str) -> list[str]:
        """What a name in the journals' folder is shown as: lines as the file that they belong to, and anything among
        them that is no line of it as what it is."""
        if JOURNAL_FILE.fullmatch(name) or not JOURNAL_FILE.fullmatch(f"{name}.jsonl"):
            return [name]
        folder, strange = f"{JOURNAL}/{name}", False
        keys = self._names(folder)
        known = (self._object(f"{folder}.jsonl") or b"").splitlines(keepends=True)
        for key in keys:
            line = _LINE.fullmatch(key)
            number = int(line[1]) if line else -1
            if number < len(known):  # written into the whole file already, and about to go
                strange = strange or line is None or self._object(f"{folder}/{key}") not in (None, known[number])
        return [f"{name}.jsonl", *([name] if strange else [])] if keys or known else []

    def _key(self, folder: str) -> str:
        return (self._prefix + folder).rstrip("/")

    def _refuse(self, error: BaseException, name: str) -> None:
        """Raises the Problem that an error means, unless it means that there is no such object."""
        found = refused(error, self.path(name))
        if found is not None:
            raise found from error


class Objects(ObjectReads):
    """The whole of it (`store.Store`)."""

    def __init__(
        self, objects: ObjectStore, where: str, prefix: str, effects: Effects, uploads: Uploads | None = None
    ) -> None:
        super().__init__(objects, where, prefix)
        self._effects = effects
        self._uploads = uploads

    def prove(self, name: str, data: bytes) -> None:
        """Two puts that must fail: on a store that keeps its word nothing changes, and on another one nothing either,
        for the bytes are those that are there. Uploads in parts that a killed run left are ended before."""
        if self._uploads is not None:
            self._uploads.end(self._prefix, self._effects)
        modes: tuple[PutMode, ...] = ("create", {"e_tag": _NOBODYS})
        for mode in modes:
            if self._send(name, data, mode):
                raise problem(Exit.ERROR, "CRM-A063", place=self.where)

    def folders(self, names: Iterable[str]) -> None:
        """It knows no folders."""

    def put(self, files: Mapping[str, bytes], once: bool = False) -> None:
        for name, data in files.items():
            if once:
                self._once(name, data)
                continue
            self._send(name, data, "overwrite")
            if JOURNAL_FILE.fullmatch(name.removeprefix(JOURNAL + "/")):
                self._drop_lines(name)

    def receive(self, parts: Iterable[bytes], near: str) -> Waiting:
        held = tempfile.SpooledTemporaryFile(max_size=HELD)
        try:
            size = 0
            for part in parts:
                with disk.told(Path(tempfile.gettempdir())):
                    held.write(part)
                size += len(part)
        except BaseException:
            held.close()
            raise
        return Waiting(self, held, size)

    def flush(self, folders: Iterable[str]) -> None:
        """What was put is durable."""

    def swap(self, name: str, data: bytes, before: bytes | None) -> None:
        if before is None:
            self._once(name, data)
            return
        try:
            found = obstore.get(self._objects, self._prefix + name)
            tag, there = found.meta["e_tag"], found.bytes().to_bytes()
        except TROUBLES as error:
            self._refuse(error, name)
            raise problem(Exit.ERROR, "CRM-A025", file=self.path(name)) from error
        if there != before:
            raise problem(Exit.ERROR, "CRM-A025", file=self.path(name))
        if tag is None:
            raise problem(Exit.ERROR, "CRM-A063", place=self.where)
        self._settled(name, data, {"e_tag": tag})

    def append(self, name: str, line: bytes, number: int) -> None:
        self._once(f"{name.removesuffix('.jsonl')}/{number:06d}.json", line)

    def gather(self, name: str, data: bytes) -> None:
        if self._lines(name):
            self.put({name: data})

    def remove(self, name: str) -> None:
        def act() -> None:
            try:
                obstore.delete(self._objects, self._prefix + name)
            except FileNotFoundError as error:
                self._refuse(error, name)
            except TROUBLES as error:
                raise refused(error, self.path(name)) or error from error

        self._effects.do("http", f"DELETE {self.path(name)}", act)

    def unfold(self, folders: Iterable[str]) -> None:
        """It knows no folders."""

    def content(self, name: str, held: IO[bytes], size: int, once: bool) -> None:
        """Puts a content of any length under its name: in one request, or in parts that become an object all at once.
        No condition can be put on parts: before those is looked whether a name that is to be new is."""
        held.seek(0)
        if size <= ONE_PUT and once:
            self._once(name, held.read())
            return
        if size <= ONE_PUT:
            self._send(name, held.read(), "overwrite")
            return
        if once and self.size(name) is not None:
            raise problem(Exit.ERROR, "CRM-A025", file=self.path(name))
        self._send(name, iter(lambda: held.read(PIECE), b""), "overwrite")

    def _once(self, name: str, data: bytes) -> None:
        self._settled(name, data, "create")

    def _settled(self, name: str, data: bytes, mode: PutMode) -> None:
        """Puts under a condition. Where it does not hold, and where the answer was lost, what lies there tells: these
        bytes are ours, others are somebody else's."""
        try:
            kept = self._send(name, data, mode)
        except Problem as unknown:
            if unknown.diagnostics[0].code != "CRM-A064" or self.read(name) != data:
                raise
            return
        if not kept and self.read(name) != data:
            raise problem(Exit.ERROR, "CRM-A025", file=self.path(name))

    def _send(self, name: str, data: bytes | Iterator[bytes], mode: PutMode) -> bool:
        """One put; whether its condition held. Raises Problem."""
        key, whole = self._prefix + name, isinstance(data, bytes)

        def act() -> bool:
            try:
                obstore.put(
                    self._objects,
                    key,
                    data,
                    mode=mode,
                    use_multipart=not whole,
                    chunk_size=PIECE,
                    max_concurrency=PARTS,
                )
            except (AlreadyExistsError, PreconditionError):
                return False
            except TROUBLES as error:
                raise refused(error, self.path(name), conditional=mode != "overwrite") or error from error
            return True

        return self._effects.do("http", f"PUT {self.path(name)}", act)

    def _drop_lines(self, name: str) -> None:
        """The last line first: what is left at any moment is a journal without a gap."""
        for _, line in reversed(self._lines(name)):
            self.remove(line)


class Waiting:
    """A content that was received whole and was not sent yet (`store.Incoming`)."""

    def __init__(self, store: Objects, held: IO[bytes], size: int) -> None:
        self._store = store
        self._held = held
        self._size = size

    def keep(self, name: str, once: bool = False) -> None:
        try:
            self._store.content(name, self._held, self._size, once)
        finally:
            self.drop()

    def drop(self) -> None:
        self._held.close()

"""Guarded: an archive whose files are compared with its manifest before anything of them is given out. What is not read
is not looked at, so that a glance at a few records of a large archive stays one."""

from __future__ import annotations

from collections.abc import Iterator

from crmstate.archive.seal import Seal
from crmstate.archive.store import Form, ReadStore
from crmstate.core.diagnostic import problem
from crmstate.core.words import Exit


class Guarded:
    """A store (`store.ReadStore`) of which a sealed dataset is read. Raises Problem: CRM-A001 where a file of it is missing,
    CRM-A002 where it is not as it was sealed."""

    def __init__(self, store: ReadStore, seal: Seal) -> None:
        self._store = store
        self._known = {each.file: (each.bytes, each.sha256) for each in seal.marks}
        self._known |= {each.file: (each.bytes, each.sha256) for each in seal.contents}
        self._sound: set[str] = set()

    @property
    def where(self) -> str:
        return self._store.where

    def path(self, name: str) -> str:
        return self._store.path(name)

    def within(self, folder: str) -> ReadStore:
        return self._store.within(folder)

    def pieces(self, name: str) -> Iterator[bytes]:
        self._check(name)
        return self._store.pieces(name)

    def read(self, name: str) -> bytes | None:
        self._check(name)
        return self._store.read(name)

    def measure(self, name: str) -> tuple[int, str] | None:
        return self._store.measure(name)

    def size(self, name: str) -> int | None:
        return self._store.size(name)

    def sizes(self, folder: str) -> dict[str, int]:
        return self._store.sizes(folder)

    def is_folder(self, name: str) -> bool:
        return self._store.is_folder(name)

    def names(self, folder: str) -> list[str]:
        return self._store.names(folder)

    def located(self) -> bool:
        return self._store.located()

    def walk(self, folder: str) -> Iterator[tuple[str, Form]]:
        return self._store.walk(folder)

    def _check(self, name: str) -> None:
        """Compares a file, once. The journal goes on behind what is sealed, and is not read for records."""
        known = self._known.get(name)
        if known is None or name in self._sound:
            return
        found = self._store.measure(name)
        if found is None:
            raise problem(Exit.ERROR, "CRM-A001", file=name)
        if found != known:
            raise problem(Exit.ERROR, "CRM-A002", file=name)
        self._sound.add(name)

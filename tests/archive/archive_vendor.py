"""A vendor in memory for the archive's tests: pages, attachments, and the ways in which they go wrong."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Count, File, FilePage, Page, Provider, Row
from crmstate.core.survey import DatasetFacts, Resource
from crmstate.core.words import Kind, Verb


class Crash(BaseException):
    """The process ended here."""


class Effects:
    """Counts effects and stops at one of them: before, after or in the middle."""

    def __init__(self, stop: int = 0, when: str = "", fail: Callable[[int, str, str], None] | None = None) -> None:
        self.count = 0
        self.stop = stop
        self.when = when
        self.fail = fail
        self.done: list[tuple[str, str]] = []

    def do(self, kind: str, what: str, act: Callable[[], Any], torn: Callable[[], object] | None = None) -> Any:
        self.count += 1
        self.done.append((kind, what))
        if self.fail:
            self.fail(self.count, kind, what)
        if self.count == self.stop and self.when == "torn":
            if torn:
                torn()
            raise Crash
        if self.count == self.stop and self.when == "before":
            raise Crash
        answer = act()
        if self.count == self.stop and self.when == "after":
            raise Crash
        return answer


class Clock:
    def now(self) -> datetime:
        return datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        raise AssertionError("the archive never sleeps")


@dataclass
class Dataset:
    rows: dict[str, bytes] = field(default_factory=dict)
    files: list[tuple[File, bytes]] = field(default_factory=list)


def row(id: str, **values: Any) -> bytes:
    return json.dumps({"id": id, **values}, ensure_ascii=False).encode()


def attachment(id: str, row: str, content: bytes, name: str = "a.txt", said: bool = True) -> tuple[File, bytes]:
    sha = hashlib.sha256(content).hexdigest() if said else None
    return File(id, row, name, f"memory:{id}", len(content) if said else None, "text/plain", sha), content


def resource(id: str) -> Resource:
    return Resource(Kind.DATASET, id, label=id, facts=DatasetFacts(rows=1))


class Vendor:
    """A ReadSession. `asked` lists every reading call; `before` may raise or change the data ahead of a call."""

    provider: Any = None
    """One whose cell says how a reading goes on behind a row is made by `by_key`."""

    def __init__(self, page: int = 3, **datasets: Dataset) -> None:
        self.datasets = datasets
        self.page = page
        self.asked: list[tuple[str, str, str | None]] = []
        self.before: Callable[[str, str, str | None], None] | None = None
        self.counted: Count | None = None
        self.described: dict[str, bytes] = {}
        self.served: Callable[[File, bytes], bytes] = lambda file, content: content

    @property
    def calls(self) -> int:
        return len(self.asked)

    def _ask(self, what: str, dataset: str, cursor: str | None) -> None:
        self.asked.append((what, dataset, cursor))
        if self.before:
            self.before(what, dataset, cursor)

    def count(self, dataset: str) -> Count:
        self._ask("count", dataset, None)
        return self.counted or Count(len(self.datasets[dataset].rows))

    def read(self, dataset: str, cursor: str | None = None, ids: Sequence[str] | None = None) -> Page:
        self._ask("read", dataset, cursor)
        if dataset not in self.datasets:
            raise Failure(Code.MISSING)
        rows = sorted(self.datasets[dataset].rows.items())
        rest = [Row(id, raw) for id, raw in rows if cursor is None or id > cursor]
        if ids is not None:
            return Page(tuple(each for each in rest if each.id in ids), None)
        page = tuple(rest[: self.page])
        return Page(page, page[-1].id if len(rest) > self.page else None)

    def files(self, dataset: str, cursor: str | None = None) -> FilePage:
        self._ask("files", dataset, cursor)
        start = int(cursor or 0)
        files = [file for file, _ in self.datasets[dataset].files]
        end = start + self.page
        return FilePage(tuple(files[start:end]), str(end) if end < len(files) else None)

    def fetch(self, file: File) -> Iterator[bytes]:
        self._ask("fetch", file.id, None)
        content = next(content for each in self.datasets.values() for mine, content in each.files if mine.id == file.id)
        content = self.served(file, content)
        for place in range(0, len(content), 5):
            yield content[place : place + 5]

    def whoami(self) -> Any: ...

    def list(self, kind: Kind, ids: Sequence[str] | None = None) -> Any: ...

    def fields(self, dataset: str) -> bytes | None:
        return self.described.get(dataset)

    def alive(self) -> bool:
        return True

    def close(self) -> None: ...


def small() -> Vendor:
    """Three datasets, one of them empty, with attachments, one of them empty and one attached twice."""
    people = Dataset({f"p{n}": row(f"p{n}", name=f"Person {n}", 备注=None) for n in range(8)})
    people.files = [
        attachment("f1", "p1", b"first content", "../../etc/passwd"),
        attachment("f2", "p2", b"", "empty"),
        attachment("f3", "p3", b"first content", "\x1b[31m\u202ered"),
        attachment("f4", "p4", b"fourth, without digest", said=False),
    ]
    deals = Dataset({f"d{n}": row(f"d{n}", amount=10**30 + n) for n in range(4)})
    deals.files = [attachment("g1", "d1", b"a deal's file")]
    return Vendor(people=people, deals=deals, nothing=Dataset())


def tree(root: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def by_key(vendor: Vendor) -> Vendor:
    """The same vendor, whose rows can be listed behind an id without a cursor."""
    vendor.provider = Provider("t", "T", (), (), (), {})
    cell = vendor.provider.reads(Kind.DATASET, Verb.READ, "GET /rows", source="test", behind=lambda id: f"behind {id}")
    cell(lambda *args: None)
    read = vendor.read

    def behind(dataset: str, cursor: str | None = None, ids: Sequence[str] | None = None) -> Page:
        if cursor is None or not cursor.startswith("behind "):
            return read(dataset, cursor, ids)
        vendor._ask("behind", dataset, cursor)
        rows = sorted(vendor.datasets[dataset].rows.items())
        rest = [Row(id, raw) for id, raw in rows if id > cursor.removeprefix("behind ")]
        page = tuple(rest[: vendor.page])
        return Page(page, page[-1].id if len(rest) > vendor.page else None)

    vendor.read = behind  # type: ignore[method-assign]
    return vendor

"""A vendor in memory whose datasets are exported by jobs: files of rows, tokens that lead on, and the ways in which they go
wrong."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from archive_vendor import Dataset, Vendor, row

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Bulk, Cell, Job, Order, Part
from crmstate.core.words import How, JobStatus, Kind, Packing, Verb

COLUMNS = ["id", "name", "备注"]


class Table:
    """A provider's table with the one cell that the archive asks for."""

    def __init__(self, **facts: Any) -> None:
        bulk = Bulk((), lambda *_: None, lambda *_: None, Packing.CSV_IN_ZIP, key="id", **facts)
        self._cell = Cell(Kind.DATASET, Verb.EXPORT, How.API, bulk=bulk)

    def cell(self, kind: Kind, verb: Verb) -> Cell | None:
        return self._cell if (kind, verb) == (Kind.DATASET, Verb.EXPORT) else None


@dataclass
class Made:
    """A job that was taken on, with what it exports."""

    order: Order
    files: list[list[str]]
    contents: list[bytes]
    more: str | None
    gone: bool = False
    failed: bool = False


class JobVendor(Vendor):
    """A `Session` of jobs. `submits` counts what was taken on; `fetched` every file that was asked for; `stumble` is called
    ahead of everything and may raise; `spoil` changes a file on its way."""

    def __init__(self, most: int = 4, a_file: int = 2, lists: bool = True, **datasets: Dataset) -> None:
        super().__init__(3, **datasets)
        self.provider = Table()
        self.most, self.a_file, self.lists = most, a_file, lists
        self.jobs: dict[str, Made] = {}
        self.fetched: list[tuple[str, int]] = []
        self.dropped: tuple[str, ...] = ()
        self.refuses_jobs = False
        self.stumble: Callable[[str, Any], None] = lambda what, about: None
        self.spoil: Callable[[str, int, bytes], bytes] = lambda job, part, data: data
        self.says: Callable[[int], int] = lambda rows: rows
        self.piece = 16
        self.own = b""

    @property
    def submits(self) -> int:
        return len(self.jobs)

    def known(self, order: Order) -> tuple[str, ...] | None:
        self.stumble("known", order)
        return tuple(id for id, made in self.jobs.items() if made.order == order) if self.lists else None

    def submit(self, order: Order, known: tuple[str, ...] | None) -> Job | None:
        self.stumble("submit", order)
        if self.refuses_jobs:
            return None
        rows = sorted(self.datasets[order.dataset].rows.items())
        rest = [(id, raw) for id, raw in rows if order.more is None or id > order.more]
        mine = rest[: self.most]
        files = [mine[place : place + self.a_file] for place in range(0, max(1, len(mine)), self.a_file)]
        more = mine[-1][0] if len(rest) > self.most else None
        id = f"job-{len(self.jobs) + 1}"
        contents = [zipped([raw for _, raw in each]) for each in files]
        self.jobs[id] = Made(order, [[id for id, _ in each] for each in files], contents, more)
        self.stumble("submitted", order)
        return Job(id, JobStatus.RUNNING, dropped=self.dropped)

    def found(self, order: Order, known: tuple[str, ...] | None) -> Job | None:
        self.stumble("found", order)
        if not self.lists or known is None:
            raise Failure(Code.AMBIGUOUS)
        fresh = [id for id, made in self.jobs.items() if made.order == order and id not in known]
        return Job(fresh[-1], JobStatus.RUNNING) if fresh else None

    def awaited(self, order: Order, id: str, stopped: Callable[[], bool] | None = None) -> Job:
        self.stumble("awaited", id)
        made = self.jobs[id]
        if made.gone or made.failed:
            return Job(id, JobStatus.GONE if made.gone else JobStatus.FAILED, summary="as it happens")
        parts = tuple(Part(f"{n}", f"{id}/{n}", self.says(len(each))) for n, each in enumerate(made.files))
        return Job(id, JobStatus.DONE, sum(map(len, made.files)), parts, made.more)

    def masked(self, raw: bytes) -> bytes:
        return raw.replace(self.own, b"[secret]") if self.own else raw

    def collect(self, order: Order, part: Part) -> Iterator[bytes]:
        id, _, number = part.url.partition("/")
        self.stumble("collect", (id, int(number)))
        if self.jobs[id].gone:
            raise Failure(Code.EXPIRED)
        self.fetched.append((id, int(number)))
        data = self.spoil(id, int(number), self.jobs[id].contents[int(number)])
        for place in range(0, len(data), self.piece):
            yield data[place : place + self.piece]
        self.stumble("collected", (id, int(number)))


def zipped(raws: list[bytes]) -> bytes:
    out, text = io.BytesIO(), io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for raw in raws:
        found = json.loads(raw)
        writer.writerow([found.get(name) if found.get(name) is not None else "" for name in COLUMNS])
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("rows.csv"), text.getvalue().encode())
    return out.getvalue()


def people(number: int = 11) -> Dataset:
    return Dataset({f"p{n:02}": row(f"p{n:02}", name=f'Person "{n}",\nof {n}', 备注=None) for n in range(number)})

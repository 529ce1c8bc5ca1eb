"""Reads a dataset with crmstate: a provider for the vendor, as docs/write-a-provider.md tells it, and the archive.

python with_crmstate.py URL TOKEN DATASET FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from crmstate.archive.folder import FolderArchive
from crmstate.cli.clock import RealClock
from crmstate.cli.effects import Straight
from crmstate.core.provider import Count, Limits, Page, Provider, Row
from crmstate.core.secret import Secret
from crmstate.core.survey import DatasetFacts, Identity, Resource
from crmstate.core.words import Kind, Verb
from crmstate.providers.kit import Call, Dialect
from crmstate.providers.kit.connect import connect
from crmstate.providers.kit.text import segment

SOURCE = "tests/benchmarks/neighbours/server.py"

provider = Provider(
    name="comparison",
    title="The vendor of the comparison",
    credential=("token",),
    env=(),
    hosts=("127.0.0.1",),
    removal={},
    limits=Limits(page=200),
    source=SOURCE,
    dialect=Dialect(request_id=""),
)


class Me(msgspec.Struct):
    tenant: str
    user: str
    key: str


@provider.reads(Kind.TENANT, Verb.WHOAMI, "GET /me", source=SOURCE)
def whoami(call: Call) -> Identity:
    me = call.get("/me", into=Me)
    return Identity("", me.tenant, user=me.user, key=me.key, whole_view=True)


class Dataset(msgspec.Struct):
    id: str
    rows: int


class Datasets(msgspec.Struct):
    datasets: list[Dataset]


@provider.reads(Kind.DATASET, Verb.LIST, "GET /datasets", source=SOURCE)
def datasets(call: Call, ids: tuple[str, ...] | None) -> list[Resource]:
    found = call.get("/datasets", into=Datasets).datasets
    return [Resource(Kind.DATASET, each.id, each.id, facts=DatasetFacts(each.rows)) for each in found]


@provider.reads(Kind.DATASET, Verb.COUNT, "GET /datasets", source=SOURCE)
def count(call: Call, dataset: str) -> Count:
    return Count({each.id: each.rows for each in call.get("/datasets", into=Datasets).datasets}.get(dataset))


class Rows(msgspec.Struct):
    rows: list[msgspec.Raw]
    next: str | None


class Id(msgspec.Struct):
    id: str


_ID = msgspec.json.Decoder(Id)


@provider.reads(Kind.DATASET, Verb.READ, "GET /*", source=SOURCE)
def rows(call: Call, dataset: str, cursor: str | None, ids: tuple[str, ...] | None) -> Page:
    found = call.get(f"/{segment(dataset)}", {"cursor": cursor}, into=Rows)
    return Page(tuple(Row(_ID.decode(raw).id, bytes(raw)) for raw in found.rows), found.next)


def main(url: str, token: str, dataset: str, folder: Path) -> None:
    session = connect(
        provider,
        url,
        {"token": Secret(token)},
        effects=Straight(),
        clock=RealClock(),
        learn=lambda secret: None,
        scrub=lambda text: text,
    )
    wanted = next(each for each in session.list(Kind.DATASET).resources if each.id == dataset)
    FolderArchive(folder / "archive", Straight(), RealClock(), "comparison").archive(session, wanted, False)
    session.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]))

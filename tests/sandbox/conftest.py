"""Worlds built exactly, and clients that speak to them in process or over loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from crmstate.sandbox import Server, World, app

FIELDS = [{"name": "name", "type": "text", "label": "Name"}, {"name": "phone", "type": "phone", "label": "电话"}]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Owner u1, admin u2 (who holds the keys), admin u3, members u4 and u5; six contacts, some data of every kind."""
    with World.create(tmp_path / "world.db") as made:
        for id, role in (("u1", "owner"), ("u2", "admin"), ("u3", "admin"), ("u4", "member"), ("u5", "member")):
            made.add_user(id, role=role)
        made.add_session("s1", "u4")
        made.add_session("s2", "u4")
        made.add_session("s3", "u1")
        made.add_key("k1", "u2", scopes=["read", "write"], token="sk_write", refresh_token="rt_write")
        made.add_key("k2", "u2", scopes=["read"], token="sk_read")
        made.add_key("k3", "u4", token="sk_member")
        made.add_integration("i1")
        made.add_integration("i2", type="oauth_app", status="disabled")
        made.add_module("m1", data_effect="clears", datasets=["surveys"])
        made.add_module("m2", data_effect="unknown")
        made.add_setting("b1", customised=True)
        made.add_setting("b2")
        made.add_dataset("contacts", "Contacts", FIELDS)
        made.add_dataset("surveys", "Umfragen", FIELDS)
        made.add_dataset("dashboards", "Dashboards", FIELDS, exportable=False)
        made.add_rows(
            "contacts",
            [{"id": f"c{n}", "owner_id": "u4" if n < 3 else "u5", "fields": {"name": "王 Groß"}} for n in range(6)],
        )
        made.add_rows("surveys", [{"id": "v1"}, {"id": "v2"}])
        made.add_rows("dashboards", [{"id": "d1"}])
        made.add_attachment("contacts", "f1", "c1", name="合同.pdf", size=1000, mime="application/pdf")
        made.add_attachment("contacts", "f2", "c4", content=b"")
        yield made


def _client(token: str, **options: object) -> httpx.Client:
    return httpx.Client(headers={"Authorization": f"Bearer {token}"}, **options)  # type: ignore[arg-type]


@pytest.fixture
def client(world: World) -> httpx.Client:
    """The administrator's writing key, in process; a cut connection is httpx.ReadError."""
    return _client(
        "sk_write", base_url="http://sandbox", transport=httpx.WSGITransport(app=app(world, cut=httpx.ReadError))
    )


@pytest.fixture
def reader(world: World) -> httpx.Client:
    return _client("sk_read", base_url="http://sandbox", transport=httpx.WSGITransport(app=app(world)))


@pytest.fixture
def member(world: World) -> httpx.Client:
    return _client("sk_member", base_url="http://sandbox", transport=httpx.WSGITransport(app=app(world)))


@pytest.fixture
def server(world: World) -> Iterator[Server]:
    with Server(world) as running:
        yield running


@pytest.fixture
def wire(server: Server) -> Iterator[httpx.Client]:
    """The administrator's writing key over a real connection."""
    with _client("sk_write", base_url=server.url, timeout=10) as speaking:
        yield speaking

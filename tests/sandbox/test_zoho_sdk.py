"""The vendor's own SDK for Python against the simulator, over TLS on loopback: what it reads is what lies in the World.

The SDK lives in an environment of its own (`make .venv-zoho/.ready`) and speaks HTTPS alone.
"""

from __future__ import annotations

import csv
import io
import json
import os
import ssl
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from crmstate.sandbox import Server, World
from crmstate.sandbox.dialects.zoho import credential

from .zoho_client import at

pytestmark = pytest.mark.deep

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-zoho" / "bin" / "python"
SCRIPT = Path(__file__).parent / "zoho_sdk.py"
FIELDS = [{"name": "last_name", "type": "text", "label": "Name"}, {"name": "born", "type": "date", "label": "Born"}]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World.create(tmp_path / "world.db", dialect="zoho") as made:
        made.add_user("boss", role="owner", name="Mia Boss")
        made.add_user("admin", role="admin", name="Ada Admin")
        made.add_user("li", name="Li 王")
        made.add_key("k1", "admin")
        made.add_dataset("contacts", "Contacts", FIELDS)
        made.add_dataset("dashboards", exportable=False)
        made.add_integration("p1", type="portal", name="Kunden", target="https://portal.example")
        rows = [
            {"id": f"c{n:04}", "owner_id": "li", "fields": {"last_name": f"王 {n}", "born": "1980-02-03"}}
            for n in range(2250)
        ]
        made.add_rows("contacts", rows)
        yield made


@pytest.fixture
def seen(world: World, tmp_path: Path) -> dict[str, Any]:
    """What the SDK says that it saw and did."""
    if not PYTHON.exists():
        pytest.fail("build the SDK's environment first: make .venv-zoho/.ready")
    ca, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    trusted, folder = tmp_path / "ca.pem", tmp_path / "sdk"
    ca.cert_pem.write_to_path(str(trusted))
    folder.mkdir()
    with Server(world, tls=context) as server:
        given = {
            "url": server.url,
            "credential": credential(world.credentials()["k1"]),
            "folder": str(folder),
            "user": at("li"),
            "module": "Contacts",
            "fields": ["Last_Name", "Born"],
            "delete": [at("c0000"), at("c9999")],
            "criteria": "((Last_Name:equals:224) and (Born:equals:1980-02-03))",
        }
        environment = {
            "REQUESTS_CA_BUNDLE": str(trusted),
            "PATH": os.defpath,
            "HOME": str(folder),
            "NO_PROXY": "127.0.0.1",
        }
        asked = [str(PYTHON), str(SCRIPT), json.dumps(given)]
        ran = subprocess.run(asked, capture_output=True, text=True, timeout=120, cwd=folder, env=environment)
    assert 0 == ran.returncode, ran.stdout[-2000:] + ran.stderr[-4000:]
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


def test_the_vendors_sdk_reads_and_changes_what_lies_in_the_world(world: World, seen: dict[str, Any]) -> None:
    assert ("Acme", True, "professional") == tuple(seen["org"][name] for name in ("name", "paid", "type"))
    assert [
        [at("admin"), "admin@example.com", "active", "Administrator"],
        [at("boss"), "boss@example.com", "active", "Administrator"],
        [at("li"), "li@example.com", "active", "Standard"],
    ] == seen["users"]["rows"]
    assert {"code": "SUCCESS", "status": "disabled"} == seen["deactivated"]
    assert [["Contacts", at("contacts"), True], ["Dashboards", at("dashboards"), False]] == seen["modules"]
    assert [[at(f"c{n:04}"), f"王 {n}", "1980-02-03"] for n in range(2250)] == seen["records"]
    assert 2250 == seen["count"]
    wanted = [[at(f"c{n:04}"), f"王 {n}"] for n in range(2250) if "224" in str(n)]
    assert {"rows": wanted, "count": len(wanted), "more": False} == seen["search"]
    assert [["Kunden", True]] == seen["portals"]
    assert ["SUCCESS", "INVALID_DATA"] == seen["deleted"]
    assert {"rows": [[at("c0000"), "王 0", "Contacts"]], "done": ["SUCCESS", "INVALID_DATA"]} == seen["bin"]
    assert [] == [row["id"] for row in world.rows("contacts", binned=True)]
    assert ("ADDED_SUCCESSFULLY", 2250, False) == tuple(seen["bulk"][name] for name in ("code", "count", "more"))
    with zipfile.ZipFile(seen["bulk"]["zip"]) as zipped:
        (name,) = zipped.namelist()
        table = list(csv.reader(io.StringIO(zipped.read(name).decode())))
    assert ["Id", "Last_Name", "Born"] == table[0]
    assert [[at(f"c{n:04}"), f"王 {n}", "1980-02-03"] for n in range(2250)] == table[1:]

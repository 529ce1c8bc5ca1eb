"""The simulated Zoho CRM beside the vendor's two published descriptions, as a whole: every call is in one of them, every refusal
has its shape, and every difference that is allowed is really met.

They lie outside this project (`shared/specs/zoho`); without them these tests have nothing to compare with. That every answer
fits is seen wherever the client of `zoho_client` asks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmstate.sandbox import World, clock, seed
from crmstate.sandbox.dialects.zoho.vendor import CALLS

from . import zoho_specs
from .zoho_client import BULK, Client, at

pytestmark = pytest.mark.skipif(
    zoho_specs.SPECS is None, reason="no shared/specs/zoho beside the project to compare with"
)

# What neither description has: the accounts host and the download host, by the sheet.
PLACES = {"Contacts": "Contacts", "id": at("c0000001")}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    seed(tmp_path / "zoho.db", dialect="zoho")
    with World.open(tmp_path / "zoho.db") as made:
        made.set_traits(bulk_rows=100)
        yield made


@pytest.mark.parametrize(("method", "path"), [call[:2] for call in CALLS])
def test_every_call_is_in_a_description(method: str, path: str) -> None:
    place = "/crm/" + path.replace("v8/*", "v8/Contacts").replace("*", "1849835673629699575")

    assert any(zoho_specs.operation(year, method, place) for year in zoho_specs.EDITIONS), place


@pytest.mark.parametrize(("method", "path", "needed"), [(call[0], call[1], call[2]) for call in CALLS])
def test_every_scope_is_one_of_the_description(method: str, path: str, needed: tuple[str, ...]) -> None:
    """As far as a description says which; `ALL` and lower-case module names are the same scope, and of those of `mass_delete`
    for one module the vendor's page tells."""
    place = "/crm/" + path.replace("v8/*", "v8/Contacts").replace("*", "1849835673629699575")
    found = zoho_specs.operation("2026", method, place)
    if found is None or "security" not in found[1]:
        return
    declared = {scope for option in found[1]["security"] for scopes in option.values() for scope in scopes}

    for scope in needed:
        wanted = scope.replace("mass_delete.*", "mass_delete").replace("*", "Contacts")
        usual = {wanted, wanted.rpartition(".")[0] + ".ALL", wanted.replace(".Contacts", "")}
        assert usual & declared, (wanted, declared)


def everything(zoho: Client, world: World) -> None:
    """One answer at least of every call, and of every kind of refusal."""
    for path in (
        "org",
        "users",
        "users?type=DeveloperUsers",
        "users/actions/count",
        f"users/{at('u3')}",
        "settings/roles",
    ):
        zoho("GET", path)
    for path in ("__features/user_licenses", "settings/profiles", "settings/modules", "settings/modules/Deals"):
        zoho("GET", path)
    for path in (
        "settings/fields?module=Contacts",
        "settings/custom_views?module=Contacts",
        "settings/fields",
        "users?per_page=999",
    ):
        zoho("GET", path)
    off, both = {"users": [{"status": "inactive"}]}, [{"id": at(id), "status": "inactive"} for id in ("u6", "u1")]
    for id in ("u5", "u5", "u1", "u2", "nobody"):
        zoho("PUT", f"users/{at(id)}", off)
        zoho("DELETE", f"users/{at(id)}")
    zoho("PUT", "users", {"users": both})
    zoho("POST", f"users/{at('u7')}/actions/transfer_and_delete", {"transfer_and_delete": [{}]})
    zoho("GET", "users/actions/transfer_and_delete")
    zoho("GET", "Contacts?fields=Name&per_page=200")
    zoho("GET", "Contacts")
    zoho("GET", "Contacts/actions/count")
    zoho("GET", f"Contacts/{at('c0000001')}")
    for _ in range(2):
        zoho("DELETE", "Contacts", ids=",".join((at("c0000001"), at("c0000002"))))
    zoho("DELETE", "Contacts", ids=",".join((at("c0000001"), at("c0000003"))))
    zoho("POST", "Contacts/actions/mass_delete", {"ids": [at(f"c{n:07}") for n in range(501)]})
    zoho("POST", "Contacts/actions/mass_delete", {"ids": [at("c0000004")]})
    zoho("GET", "Contacts/deleted")
    for path in ("Contacts/search", "Contacts/actions/count"):
        zoho("GET", path, word="Anna")
        zoho("GET", path, criteria="(Odd:equals:1)")
    world.set_traits(rich_text=["contacts/name"])
    world.add_rows("contacts", [{"id": "nothing", "fields": {}}])
    zoho("GET", "Contacts/actions/fetch_full_data", fields="Name", ids=at("nothing"))
    term = {"field": {"api_name": "module"}, "comparator": "equal", "value": "Contacts"}
    zoho("DELETE", "settings/recycle_bin", filters=json.dumps(term))
    zoho("GET", "settings/recycle_bin")
    zoho("GET", f"Deals/{at('d0000001')}/Attachments?fields=id")
    zoho("GET", f"Deals/{at('d0000100')}/Attachments?fields=id")


def automation(zoho: Client, world: World) -> None:
    for n in range(3):
        world.add_integration(f"h{n}", name=f"h{n}")
    for _ in range(2):
        zoho("GET", "settings/automation/webhooks")
        zoho("GET", "actions/watch")
        zoho("DELETE", "settings/automation/workflow_rules", ids=at("i5"))
        zoho("DELETE", "settings/automation/webhooks", ids=",".join(at(id) for id in ("i1", "i2", "h0", "h1", "h2")))
        zoho("DELETE", "actions/watch", channel_ids=at("i7"))


def jobs(zoho: Client, world: World) -> None:
    body = {"query": {"module": {"api_name": "Contacts"}, "fields": ["Name"]}}
    job = zoho("POST", f"{BULK}/read", body)[1]["data"][0]["details"]["id"]
    for _ in range(2):
        zoho("GET", f"{BULK}/read/{job}")
    zoho("POST", f"{BULK}/read", {"query": {"module": {"api_name": "Dashboards"}}})
    world.set_traits(bulk_fails=["deals"])
    failing = zoho("POST", f"{BULK}/read", {"query": {"module": {"api_name": "Deals"}}})[1]["data"][0]["details"]["id"]
    for _ in range(2):
        zoho("GET", f"{BULK}/read/{failing}")
    zoho("POST", f"{BULK}/backup")
    zoho("POST", f"{BULK}/backup")
    for path in ("backup", "backup/urls", "backup/history"):
        zoho("GET", f"{BULK}/{path}")
    zoho("POST", "settings/recycle_bin/actions/empty")
    clock.advance(world, "1h")
    zoho("GET", "org")
    zoho("DELETE", "Contacts", ids="1")


def test_every_difference_that_is_allowed_is_met(world: World) -> None:
    zoho_specs.MET.clear()
    zoho = Client(world, "k2")
    for part in (everything, automation, jobs):
        part(zoho, world)

    assert [] == [each for each in zoho_specs.DIFFERENCES if each not in zoho_specs.MET]

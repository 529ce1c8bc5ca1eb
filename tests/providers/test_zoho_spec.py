"""Every request that Zoho's provider sends, against both editions of the vendor's OpenAPI, which lie beside the project and
do not come along. What an edition says against one is a deviation with a reason, or a mistake.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from crmstate.core.failure import Failure
from crmstate.core.provider import Args, Batch, File, Item, Order, Part
from crmstate.core.words import READING, How, Kind, Outcome, Verb
from crmstate.engine.observe import listed_kinds
from crmstate.providers.kit.wire import HANDED_OUT, Gate, Request, Wire
from crmstate.providers.zoho import provider
from crmstate.providers.zoho.addresses import TOKEN
from crmstate.providers.zoho.backup import PLACE
from crmstate.providers.zoho.errors import CODES

from ..contract.stage import Company, Who, rows_of
from ..contract.test_reading import set_scene
from ..contract.zoho_stage import ZohoStage
from .test_zoho import FIRST, MODULES, SECOND, Bin, Module, attachments, users, webhooks
from .test_zoho_jobs import vendor as jobs
from .zoho_openapi import EDITIONS, NOT_DESCRIBED, SPEC, complaints, edition, template
from .zoho_wire import NONE, REFRESHED, Asked, Said, item, org, page, talking

pytestmark = pytest.mark.skipif(
    SPEC is None, reason="the vendors' descriptions (shared/specs) are not beside the project"
)

BIN = "/crm/v8/settings/recycle_bin"
WATCH = "/crm/v8/actions/watch"
READ = "/crm/bulk/v8/read"
DEVIATIONS = {
    ("2026", f"DELETE {BIN}", "does not know ids"): "the documentation accepts ids, and the edition of 2025 has them",
    ("2026", f"DELETE {BIN}", "wants filters"): "the documentation accepts ids instead",
    ("2025", f"DELETE {BIN}", "wants filters"): "the documentation accepts ids instead; the edition demands both",
    ("2026", f"GET {WATCH}", "does not know page"): "the answer has more_records; the edition of 2025 has the parameter",
    ("2026", f"GET {WATCH}", "does not know per_page"): "as above",
    ("2025", "GET /crm/v8/settings/modules", "status: enum"): "the edition of 2026 takes several, separated by commas",
    ("2025", "GET /crm/v8/users", "type: enum"): "the edition of 2026 knows AllUsers",
    ("2025", "GET /crm/v8/users/actions/count", "type: enum"): "the edition of 2026 knows AllUsers, for any module's count",
    ("2025", "GET /crm/v8/{module}/{record_id}/Attachments", "wants ids"): "the edition of 2026 lists all of a record's",
    ("2025", f"POST {READ}", "body: required"): "a real job was taken without view, page, criteria and type (seen)",
    ("2026", f"POST {READ}", "body: additionalProperties"): "the edition of 2025 has page_token",
    (
        "2025",
        "GET /crm/v8/{module_api_name}/actions/count",
        "does not know converted",
    ): "the edition of 2026 has it; without it converted leads would be left out",
    ("2026", "DELETE /crm/v8/{module}", "does not know wf_trigger"): "the edition of 2025 has it",
    ("2026", "GET /crm/v8/{module}", "does not know approved"): "the edition of 2025 has it, and that of 2026 for the count",
    (
        "2025",
        "GET /crm/v8/{module_api_name}/actions/count",
        "does not know approved",
    ): "the edition of 2026 has it; without it records that wait for an approval would be left out",
    (
        "2026",
        "GET /crm/v8/{moduleApiName}/{recordId}/Attachments",
        "does not know page_token",
    ): "the answer names a token; the edition of 2025 has the parameter",
    (
        "2025",
        "POST /crm/bulk/v8/backup",
        "wants a body",
    ): "the documentation: without one the backup is made now; a body is for a schedule",
}  # fmt: skip
"""What an edition says against a request of ours, and why it is sent all the same."""


def vendor() -> Callable[[Asked], Any]:
    """A vendor that has something of everything."""
    module, bin = Module(450, width=120, tokens=400, rich=9), Bin(Leads=60, Deals=1)

    def say(asked: Asked) -> Any:
        place = asked.path.removeprefix("/crm/v8/")
        if asked.path == f"{READ}/77/result":
            return Said(200, b"PK")
        if asked.path.startswith(READ) or (place == "settings/fields" and asked.query["module"] == "Deals"):
            return jobs()(asked)  # no formatted texts, with which a module is never read by jobs
        if asked.path == f"{PLACE}/urls":
            link = "https://download-accl.zoho.eu/v1/backup/78/Data_001.zip"
            return {"urls": {"data_links": [link], "attachment_links": [], "expiry_date": "2026-12-06T10:00:00+01:00"}}
        if asked.path == PLACE and asked.method == "POST":
            return {"backup": {"status": "success", "code": "SUCCESS", "message": "", "details": {"id": "78"}}}
        if asked.path == PLACE:
            return {"backup": {"id": "78", "status": "in progress"}}
        if asked.path == TOKEN:
            return {"access_token": "1000.new-access-token", "expires_in": 3600}
        if asked.method == "PUT" or (asked.method == "DELETE" and place.startswith("users/")):
            return {"users": [item("SUCCESS", FIRST)]}
        if asked.method == "POST" and place.endswith("transfer_and_delete"):
            return {"transfer_and_delete": [item("SUCCESS", FIRST, job_id="77")]}
        if place == "users/actions/transfer_and_delete":
            return {"transfer_and_delete": [{"status": "completed"}]}
        if asked.method == "DELETE" and place in {
            "settings/automation/webhooks",
            "settings/automation/workflow_rules",
            "actions/watch",
        }:
            return {
                place.rpartition("/")[2]: [
                    item("SUCCESS", each) for each in next(iter(asked.query.values())).split(",")
                ]
            }
        if asked.method == "DELETE" and place == "Leads":
            return {"data": [item("SUCCESS", each) for each in asked.query["ids"].split(",")]}
        if place == "settings/modules":
            return {"modules": [*MODULES, {"api_name": "Deals", "api_supported": True}]}
        if place.endswith("/actions/count") and not place.startswith(("users", "settings")):
            return {"count": 3}
        if place.startswith("users"):
            return users(asked)
        if place.endswith(("webhooks", "workflow_rules", "watch")) or "settings/portals" in place:
            return webhooks(asked)
        if "recycle_bin" in place or place.endswith("/deleted"):
            return bin(asked) if "Old" not in place else NONE
        if place.endswith("/Attachments") and "page_token" not in asked.query:
            return page("data", [{"id": "61", "File_Name": "a", "Size": "8"}], more=True, next_page_token="t1")
        if "/Attachments" in place:
            return attachments(asked)
        return org(asked) if place == "org" else module(asked)

    return say


def every_call(session: Any) -> Iterator[Callable[[], Any]]:
    """All that the provider can be asked for, reading and acting."""
    yield session.whoami
    yield session.alive
    for kind in Kind:
        cell = provider.cell(kind, Verb.LIST)
        if cell is not None and cell.how is How.API:
            yield partial(session.list, kind)
    yield partial(session.count, "Leads")
    yield partial(session.fields, "Leads")
    cursor = None
    for _ in range(4):
        found = session.read("Leads", cursor)
        cursor = found.next
        yield partial(session.read, "Leads", cursor)
    yield partial(session.read, "Leads", ids=[f"5{n:018}" for n in range(1, 120)])
    yield partial(session.files, "Leads")
    yield lambda: b"".join(session.fetch(File("61", FIRST, "n", f"/crm/v8/Leads/{FIRST}/Attachments/61", 8)))
    for more in (None, "p2", "tabc"):
        order = Order(Kind.DATASET, "Deals", more)
        yield partial(session.submit, order, None)
    yield partial(session.awaited, order, "77")
    yield lambda: b"".join(session.collect(order, Part("77.zip", f"{READ}/77/result")))
    whole = Order(Kind.ACCOUNT)
    yield partial(session.known, whole)
    yield partial(session.submit, whole, ())
    yield partial(session.awaited, whole, "78")
    rows = tuple(Item(f"5{n:018}") for n in range(1, 51))
    for batch in (
        Batch(Kind.USER, Verb.DEACTIVATE, (Item(FIRST),)),
        Batch(Kind.USER, Verb.RESUME, (Item(FIRST),)),
        Batch(Kind.USER, Verb.DELETE, (Item(FIRST),)),
        Batch(Kind.USER, Verb.DELETE, (Item(FIRST, Args(transfer_to=SECOND)),)),
        Batch(
            Kind.INTEGRATION,
            Verb.DELETE,
            (Item(f"rule/{FIRST}"), Item(f"webhook/{SECOND}"), Item("channel/1000000068002"), Item("portal/x")),
        ),
        Batch(Kind.DATASET, Verb.PURGE, rows, "Leads"),
        Batch(Kind.BIN, Verb.EMPTY, (Item("Leads"),)),
    ):
        yield partial(session.rights, {(batch.kind, batch.verb): [batch.parent or item.id for item in batch.items]})
        yield partial(session.perform, batch)


@pytest.fixture(scope="module")
def asked() -> list[Asked]:
    found: list[Asked] = []
    with talking(vendor(), credential=REFRESHED) as (session, heard, _):
        for call in every_call(session):
            call()
        found += heard
    with talking(Bin(Leads=1200)) as (session, heard, _):
        session.perform(Batch(Kind.BIN, Verb.EMPTY, (Item("Leads"),)))
        found += heard
    return found


def said_against(asked: list[Asked]) -> dict[tuple[str, str, str], Asked]:
    """What the editions say against these requests."""
    found: dict[tuple[str, str, str], Asked] = {}
    for each in asked:
        if str(each) in NOT_DESCRIBED:
            continue
        places = {year: template(year, each.method, each.path) for year in EDITIONS}
        assert any(places.values()), f"no edition describes {each}"
        for year, place in places.items():
            if place is not None:
                for why in complaints(year, each.method, each.path, each.query, each.body):
                    found[year, f"{each.method} {place}", why] = each
    return found


def test_every_request_is_as_the_vendor_describes_it(asked: list[Asked]) -> None:
    found = said_against(asked)

    assert {} == {place: str(each) for place, each in found.items() if place not in DEVIATIONS}


def test_every_request_of_a_run_against_the_simulator_is_as_the_vendor_describes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Asked] = []
    plain = Wire.send

    def send(self: Wire, request: Request, label: str, gate: Gate | None) -> Any:
        sent.append(Asked(request.method, request.path, dict(request.params), request.json, ""))
        return plain(self, request, label, gate)

    monkeypatch.setattr(Wire, "send", send)
    stage = ZohoStage(tmp_path)
    company = Company(stage)
    session = company.writer(Who.REFRESHING, page=3)
    set_scene(stage)
    dataset = stage.attachment(b"contract")
    more, ids = stage.rows(["many"] * 7)
    for kind in listed_kinds(provider):
        assert session.list(kind).complete
    assert (7, 7, 1) == (len(rows_of(session, more)), session.count(more).rows, len(session.files(dataset).files))
    assert ids[:3] == [row.id for row in session.read(more, ids=ids[:3]).rows] and session.fields(more)
    for cell in provider.table.values():
        if cell.how is How.API and cell.verb not in READING:
            batch = stage.batch(cell, 3)
            session.rights({(cell.kind, cell.verb): [batch.parent or item.id for item in batch.items]})
            assert {Outcome.DONE} == {each.outcome for each in session.perform(batch)}
    company.close()
    stage.close()

    assert len(sent) > 40
    assert said_against(sent).keys() <= DEVIATIONS.keys()


def test_every_deviation_still_is_one(asked: list[Asked]) -> None:
    assert DEVIATIONS.keys() == said_against(asked).keys()


def test_every_request_that_a_cell_declares_was_sent(asked: list[Asked]) -> None:
    sent = [str(each) for each in asked]
    for cell in provider.table.values():
        for pattern in cell.requests:
            if pattern != HANDED_OUT:
                assert any(Gate((pattern,)).lets(each) for each in sent), (
                    f"{cell.kind} {cell.verb} never sends {pattern}"
                )


def test_every_cell_of_the_api_was_used(asked: list[Asked]) -> None:
    for cell in provider.table.values():
        if cell.how is How.API:
            first = Gate(cell.requests[:1])
            assert any(first.lets(str(each)) for each in asked), f"{cell.kind} {cell.verb}"
            assert cell.verb in READING or cell.trial, f"{cell.kind} {cell.verb} is not tried"


def test_the_codes_that_mean_more_than_no_are_the_vendors() -> None:
    words = json.dumps([edition(year) for year in EDITIONS])

    assert {code for code in CODES if f'"{code}"' not in words} == set()


def test_what_the_vendor_would_not_take_is_noticed() -> None:
    """The judge judges: a parameter, a value and a body that are wrong."""
    wrong = [
        Asked("GET", "/crm/v8/users", {"type": "Everybody", "size": "1"}, None, ""),
        Asked("PUT", "/crm/v8/users/1", {}, {"users": [{"status": "disabled-by-us"}]}, ""),
        Asked("DELETE", "/crm/v8/Leads", {"ids": "1" * 1025}, None, ""),
    ]

    found = {(place, why) for year, place, why in said_against(wrong) if year == "2026"}

    assert ("GET /crm/v8/users", "does not know size") in found and ("GET /crm/v8/users", "type: enum") in found
    assert ("DELETE /crm/v8/{module}", "ids: maxLength") in found
    assert any(place.startswith("PUT") and why.startswith("body") for place, why in found)


def test_a_failure_is_no_answer() -> None:
    with (
        talking(lambda asked: Said(200, {"users": [item("NO_PERMISSION")]})) as (session, _, _),
        pytest.raises(Failure),
    ):
        session.whoami()

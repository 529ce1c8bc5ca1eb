"""Zoho's bulk read: what is asked for, what a job's answers mean, and which modules are read by pages all the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Job, Order, Part
from crmstate.core.words import JobStatus, Kind
from crmstate.providers.kit.wire import Lost, NotDeclared, Request, Wire

from .zoho_wire import NONE, Asked, Said, item, refused, talking

DEALS = Order(Kind.DATASET, "Deals")
READ = "/crm/bulk/v8/read"


def vendor(
    state: str = "COMPLETED", width: int = 3, refuses: tuple[str, ...] = (), rich: bool = False, **result: Any
) -> Callable[[Asked], Any]:
    def say(asked: Asked) -> Any:
        if asked.path == "/crm/v8/settings/fields":
            text = [{"api_name": "Notes", "data_type": "textarea", "textarea": {"type": "rich_text"}}] if rich else []
            return {"fields": [{"api_name": f"Field_{n}"} for n in range(width)] + text}
        if asked.method == "POST":
            for name in asked.body["query"]["fields"]:
                if name in refuses:
                    return refused("FIELD_NOT_SUPPORTED", api_name=name)
            return Said(201, {"data": [{**item("SUCCESS", "77"), "code": "ADDED_SUCCESSFULLY"}]})
        if asked.path == f"{READ}/77":
            made = {
                "page": 1,
                "count": 9,
                "per_page": 200000,
                "download_url": f"{READ}/77/result",
                "more_records": False,
            }
            return {"data": [{"id": "77", "state": state, "result": {**made, **result}}]}
        return NONE

    return say


def submitted(session: Any, order: Order = DEALS) -> Job | None:
    found: Job | None = session.submit(order, session.known(order))
    return found


def test_a_job_asks_for_every_field_and_goes_on_where_the_last_one_ended() -> None:
    with talking(vendor()) as (session, heard, _):
        for more in (None, "p2", "tabc"):
            assert submitted(session, Order(Kind.DATASET, "Deals", more)) == Job("77", JobStatus.RUNNING)

    queries = [each.body["query"] for each in heard if each.method == "POST"]
    assert {"csv"} == {each.body["file_type"] for each in heard if each.method == "POST"}
    assert [["Field_0", "Field_1", "Field_2"]] * 3 == [query["fields"] for query in queries]
    assert [(None, None), (2, None), (None, "abc")] == [(each.get("page"), each.get("page_token")) for each in queries]


def test_fields_that_bulk_read_refuses_are_left_out_and_said_to_be() -> None:
    with talking(vendor(refuses=("Field_1", "Field_2"))) as (session, heard, _):
        found = submitted(session)

    assert found is not None and found.dropped == ("Field_1", "Field_2")
    assert ["Field_0"] == heard[-1].body["query"]["fields"]


def test_a_refused_field_that_was_not_asked_for_is_no_reason_to_go_on() -> None:
    def say(asked: Asked) -> Any:
        return refused("FIELD_NOT_SUPPORTED", api_name="Other") if asked.method == "POST" else vendor()(asked)

    with talking(say) as (session, _, _), pytest.raises(Failure) as raised:
        submitted(session)

    assert Code.REJECTED is raised.value.code


@pytest.mark.parametrize("word", ["MODULE_NOT_SUPPORTED", "MODULE_NOT_AVAILABLE"])
def test_a_module_that_takes_no_job_is_read_by_pages(word: str) -> None:
    with talking(lambda asked: refused(word) if asked.method == "POST" else vendor()(asked)) as (session, _, _):
        assert submitted(session) is None


@pytest.mark.parametrize(("dataset", "width", "rich"), [("Leads", 3, False), ("Deals", 201, False), ("Deals", 3, True)])
def test_leads_and_modules_of_many_fields_or_formatted_texts_are_read_by_pages(
    dataset: str, width: int, rich: bool
) -> None:
    """A text that a job gives cut would be in the archive without a word: the number of the rows is right all the same."""
    with talking(vendor(width=width, rich=rich)) as (session, heard, _):
        assert submitted(session, Order(Kind.DATASET, dataset)) is None

    assert not [each for each in heard if each.method == "POST"]


@pytest.mark.parametrize(("state", "status"), [("COMPLETED", JobStatus.DONE), ("FAILURE", JobStatus.FAILED)])
def test_a_job_that_is_over_is_done_or_failed(state: str, status: JobStatus) -> None:
    with talking(vendor(state)) as (session, _, _):
        found = session.awaited(DEALS, "77")

    assert (status, 9 if status is JobStatus.DONE else None) == (found.status, found.rows)
    assert bool(found.parts) == (status is JobStatus.DONE)


@pytest.mark.parametrize(
    ("result", "more"),
    [({}, None), ({"more_records": True, "next_page_token": "abc"}, "tabc"), ({"more_records": True}, "p2")],
)
def test_what_follows_is_said_by_token_or_by_page(result: dict[str, Any], more: str | None) -> None:
    with talking(vendor(**result)) as (session, _, _):
        assert more == session.awaited(DEALS, "77").more


def test_a_state_that_nobody_documents_is_no_end() -> None:
    with talking(vendor("DELETED")) as (session, _, _), pytest.raises(Failure) as raised:
        session.awaited(DEALS, "77")

    assert Code.UNAVAILABLE is raised.value.code


def test_a_job_and_a_result_that_are_not_kept_any_more_are_gone() -> None:
    with talking(lambda asked: refused("RESOURCE_NOT_FOUND", 404, resource="77")) as (session, _, _):
        assert JobStatus.GONE is session.awaited(DEALS, "77").status
        with pytest.raises(Failure) as raised:
            b"".join(session.collect(DEALS, Part("77.zip", f"{READ}/77/result")))

    assert Code.EXPIRED is raised.value.code


def test_ten_results_are_fetched_in_any_minute_and_no_more() -> None:
    with talking(lambda asked: Said(200, b"PK")) as (session, heard, clock):
        for _ in range(25):
            b"".join(session.collect(Order(Kind.DATASET, "Deals"), Part("1.zip", f"{READ}/1/result")))
        waited = sum(clock.slept)

    assert (25, 120) == ([str(each) for each in heard].count(f"GET {READ}/1/result"), round(waited))


def test_an_empty_answer_is_no_result() -> None:
    with talking(lambda asked: NONE) as (session, _, _), pytest.raises(Failure) as raised:
        b"".join(session.collect(DEALS, Part("77.zip", f"{READ}/77/result")))

    assert Code.EXPIRED is raised.value.code


def test_a_submission_whose_answer_was_lost_may_be_repeated_and_is_not_sent_again_by_itself() -> None:
    with talking(lambda asked: Said(502, b"<html>") if asked.method == "POST" else vendor()(asked)) as (
        session,
        heard,
        _,
    ):
        with pytest.raises(Failure) as raised:
            submitted(session)
        assert session.found(DEALS, None) is None

    assert (Code.UNAVAILABLE, 1) == (raised.value.code, len([each for each in heard if each.method == "POST"]))


BACKUP = "/crm/bulk/v8/backup"
WHOLE = Order(Kind.ACCOUNT)


def backups(status: str, links: list[str], id: str = "88") -> Callable[[Asked], Any]:
    """A vendor whose last backup is in a state of this name, with these links."""

    def say(asked: Asked) -> Any:
        if asked.path == f"{BACKUP}/urls":
            dates = {"expiry_date": "2026-12-05T10:00:00+00:00"}
            return {"urls": {"data_links": links, "attachment_links": [], **dates}} if links else NONE
        if asked.path == BACKUP and asked.method == "GET":
            return {"backup": {"rrule": None, "id": id, "status": status}}
        return {"backup": item("LIMIT_EXCEEDED", "88")}

    return say


@pytest.mark.parametrize(
    ("status", "links", "means"),
    [
        ("anything at all", ["https://download-accl.zoho.com/v2/crm/1/backup/88/Data_001.zip"], JobStatus.DONE),
        ("FAILED", [], JobStatus.FAILED),
        ("COMPLETED", [], JobStatus.GONE),
    ],
)
def test_a_backup_is_over_when_there_are_links_with_its_id(status: str, links: list[str], means: JobStatus) -> None:
    with talking(backups(status, links)) as (session, _, _):
        job = session.awaited(WHOLE, "88")
    assert (means, ["Data_001.zip"] if links else []) == (job.status, [each.name for each in job.parts])


def test_links_of_another_backup_are_not_ours_and_a_word_that_nobody_knows_is_running() -> None:
    links = ["https://download-accl.zoho.com/v2/crm/1/backup/77/Data_001.zip"]
    with talking(backups("Wird erstellt", links)) as (session, _, _), pytest.raises(Failure) as raised:
        session.awaited(WHOLE, "88")
    assert raised.value.vendor == "kit.running"
    with talking(backups("SCHEDULED", [], "99")) as (session, _, _):
        assert session.awaited(WHOLE, "88").status is JobStatus.GONE


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(
    ("word", "code", "advice"),
    [
        ("LIMIT_EXCEEDED", Code.EXHAUSTED, ""),
        ("BACKUP_ALREADY_SCHEDULED", Code.REJECTED, "cancel it at Zoho"),
        ("INPROGRESS", Code.REJECTED, "once it is over"),
    ],
)
def test_a_backup_that_is_refused_is_asked_for_once_and_its_reason_told(
    status: int, word: str, code: Code, advice: str
) -> None:
    def say(asked: Asked) -> Any:
        return Said(status, {"backup": item(word, "88")}) if asked.method == "POST" else NONE

    with talking(say) as (session, heard, _), pytest.raises(Failure) as raised:
        session.submit(WHOLE, session.known(WHOLE))

    assert (code, word) == (raised.value.code, raised.value.vendor)
    assert word in raised.value.summary and advice in raised.value.summary
    assert [str(each) for each in heard].count(f"POST {BACKUP}") == 1


@pytest.mark.parametrize(
    ("url", "lets"),
    [
        ("https://download-accl.zoho.eu/v2/crm/1/backup/88/Data_001.zip", True),
        ("https://download-accl.zohocloud.ca/v2/crm/1/backup/88/Data_001.zip", True),
        ("https://download-accl.zoho.eu.evil.test/backup/88/Data_001.zip", False),
        ("http://download-accl.zoho.eu/v2/crm/1/backup/88/Data_001.zip", False),
        ("https://download-accl.zoho.evil/backup/88/Data_001.zip", False),
    ],
)
def test_the_token_goes_to_zohos_own_hosts_for_downloads_alone(
    url: str, lets: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, bool]] = []

    def refuse(wire: Wire, request: Request, url: str, encoding: str) -> None:
        asked.append((url, "Authorization" in request.headers))
        raise Lost("no network in a test", sent=False)

    monkeypatch.setattr(Wire, "_open", refuse)
    with talking(backups("", [])) as (session, _, _), pytest.raises((NotDeclared, Failure)):
        list(session.collect(WHOLE, Part("Data_001.zip", url)))
    assert bool(asked) == lets and set(asked) <= {(url, True)}

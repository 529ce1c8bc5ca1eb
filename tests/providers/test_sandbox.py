"""What is particular to the sandbox's provider, each from a sentence of docs/reference/sandbox-api.md."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from crmstate.archive.folder import FolderArchive
from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Args, Batch, Item, Order, Result
from crmstate.core.survey import (
    AccountFacts,
    DatasetFacts,
    IntegrationFacts,
    ModuleFacts,
    Resource,
    SubscriptionFacts,
    UserFacts,
)
from crmstate.core.words import Kind, Outcome, Phase, Verb
from crmstate.providers.kit.connect import vendor_time
from crmstate.providers.kit.wire import Answer
from crmstate.providers.sandbox.data import rows as read_rows
from crmstate.providers.sandbox.listings import users as list_users
from crmstate.providers.sandbox.vendor import classify
from crmstate.sandbox import World

from ..contract.sandbox_stage import SandboxStage
from ..contract.stage import Company, Who


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[SandboxStage]:
    made = SandboxStage(tmp_path)
    yield made
    made.close()


@pytest.fixture
def company(stage: SandboxStage) -> Iterator[Company]:
    made = Company(stage)
    yield made
    made.close()


@pytest.fixture
def world(stage: SandboxStage, tmp_path: Path) -> Iterator[World]:
    with World.open(tmp_path / "world.db") as found:
        yield found


def act(company: Company, kind: Kind, verb: Verb, id: str, **args: str) -> Result:
    (result,) = company.writer().perform(Batch(kind, verb, (Item(id, Args(**args)),)))
    return result


def subscription(company: Company) -> tuple[Phase, SubscriptionFacts]:
    (row,) = company.reader().list(Kind.SUBSCRIPTION).resources
    assert isinstance(row.facts, SubscriptionFacts)
    return row.phase, row.facts


def test_a_cancellation_without_a_date_is_requested_for_the_end_of_the_term(company: Company) -> None:
    result = act(company, Kind.SUBSCRIPTION, Verb.CANCEL, "sub-1", reason="We leave.")

    phase, facts = subscription(company)
    assert (Outcome.REQUESTED, "2027-01-31") == (result.outcome, result.until)
    assert (Phase.PENDING, "cancel", "2027-01-31", False) == (phase, facts.pending, facts.effective, facts.renews)
    assert result.request_id == facts.request_id and facts.request_id


def test_a_cancellation_for_a_date_keeps_the_date_and_a_second_one_finds_it(company: Company) -> None:
    act(company, Kind.SUBSCRIPTION, Verb.CANCEL, "sub-1", effective="2026-12-31")

    again = act(company, Kind.SUBSCRIPTION, Verb.CANCEL, "sub-1", effective="2026-12-31")

    assert (Outcome.REQUESTED, "2026-12-31") == (again.outcome, again.until)


def test_resuming_withdraws_what_is_pending_and_has_nothing_to_do_after_that(company: Company) -> None:
    act(company, Kind.SUBSCRIPTION, Verb.CANCEL, "sub-1")

    results = [act(company, Kind.SUBSCRIPTION, Verb.RESUME, "sub-1") for _ in range(2)]

    assert [Outcome.DONE, Outcome.DONE] == [each.outcome for each in results]
    assert Phase.PRESENT is subscription(company)[0]


def test_a_pause_from_a_later_day_is_requested(company: Company) -> None:
    result = act(company, Kind.SUBSCRIPTION, Verb.PAUSE, "sub-1", starts="2026-12-01", until="2026-12-20")

    assert (Outcome.REQUESTED, "2026-12-01", "pause") == (
        result.outcome,
        result.until,
        subscription(company)[1].pending,
    )


def test_the_phases_of_a_subscription(company: Company, world: World) -> None:
    words = {"active": Phase.PRESENT, "paused": Phase.INACTIVE, "free": Phase.INACTIVE, "cancelled": Phase.ABSENT}
    for word, phase in {**words, "frozen-by-lawyers": Phase.UNKNOWN}.items():
        world.set_subscription(status=word)
        assert phase is subscription(company)[0]


def test_an_account_with_a_running_subscription_does_not_close(company: Company, stage: SandboxStage) -> None:
    result = act(company, Kind.ACCOUNT, Verb.CLOSE, stage.tenant)

    assert (Outcome.FAILED, Code.REJECTED.value) == (result.outcome, result.code)


def test_a_closing_account_is_pending_until_its_day(company: Company, stage: SandboxStage, world: World) -> None:
    world.set_subscription(status="cancelled")

    result = act(company, Kind.ACCOUNT, Verb.CLOSE, stage.tenant)

    (row,) = company.reader().list(Kind.ACCOUNT).resources
    assert (Outcome.REQUESTED, Phase.PENDING) == (result.outcome, row.phase)
    assert AccountFacts("closing", result.until) == row.facts
    assert row.pending_until == result.until == "2026-11-08T08:00:00Z"


@pytest.mark.parametrize("id", ["a-owner", "a-admin"])
@pytest.mark.parametrize("verb", [Verb.DEACTIVATE, Verb.DELETE])
def test_the_owner_and_the_own_user_cannot_be_ended(company: Company, id: str, verb: Verb) -> None:
    result = act(company, Kind.USER, verb, id)

    assert (Outcome.FAILED, Code.REJECTED.value) == (result.outcome, result.code)


def test_only_the_owner_is_protected_whoever_looks(company: Company) -> None:
    rows = company.reader().list(Kind.USER).resources

    assert {"a-owner": True, "a-admin": False, "a-member": False} == {
        row.id: row.facts.protected for row in rows if isinstance(row.facts, UserFacts)
    }


def test_a_key_may_revoke_itself_and_is_dead_at_once(company: Company) -> None:
    session = company.writer()
    own = session.whoami().key
    assert own

    (result,) = session.perform(Batch(Kind.API_KEY, Verb.REVOKE, (Item(own),)))

    assert (Outcome.DONE, False) == (result.outcome, session.alive())
    assert company.reader(Who.REFRESHING).alive() is False


def test_the_rows_of_a_deleted_user_go_to_the_new_owner(company: Company, stage: SandboxStage, world: World) -> None:
    (user,) = stage.put(Kind.USER, ["leaver"])
    dataset, _ = stage.rows([])
    world.add_rows(dataset, [{"id": "r1", "owner_id": user}])

    act(company, Kind.USER, Verb.DELETE, user, transfer_to="a-owner")

    assert ["a-owner"] == [row["owner_id"] for row in world.rows(dataset)]


def test_facts_are_the_vendors_and_addresses_lose_their_secrets(company: Company, world: World) -> None:
    world.add_integration("i1", target="https://hooks.example.com/T0/s3cr3t-of-the-hook")
    world.add_module("m1", data_effect="clears")
    world.add_dataset("closed", exportable=False)
    facts: dict[str, Any] = {
        row.id: row.facts
        for kind in (Kind.INTEGRATION, Kind.MODULE, Kind.DATASET)
        for row in company.reader().list(kind).resources
    }

    assert IntegrationFacts("webhook", "https://hooks.example.com/…") == facts["i1"]
    assert ModuleFacts("clears") == facts["m1"]
    assert DatasetFacts(0, True, 0, False, 0) == facts["closed"]


def test_a_dataset_that_cannot_be_exported_is_counted_and_denied(company: Company, world: World) -> None:
    world.add_dataset("closed", exportable=False)
    session = company.reader()

    with pytest.raises(Failure) as raised:
        session.read("closed")

    assert (Code.DENIED, 0) == (raised.value.code, session.count("closed").rows)


@pytest.mark.parametrize("id", ["a,b", "中文", "a b&limit=1", "../users", "%2e%2e", "a/b?c#d", "'; --"])
def test_ids_of_any_characters_name_one_thing(company: Company, world: World, id: str) -> None:
    world.add_dataset(id)
    world.add_user(id)
    world.add_rows(id, [{"id": "r1"}])
    session = company.writer()

    assert [id] == [row.id for row in session.list(Kind.USER, [id]).resources]
    assert (1, ["r1"]) == (session.count(id).rows, [row.id for row in session.read(id).rows])
    (result,) = session.perform(Batch(Kind.DATASET, Verb.PURGE, (Item("r1"),), parent=id))
    assert (Outcome.DONE, 0) == (result.outcome, session.count(id).rows)


def test_a_row_whose_id_has_a_comma_is_not_asked_for_by_id(company: Company, stage: SandboxStage) -> None:
    dataset, _ = stage.rows(["one"])

    with pytest.raises(Failure):
        company.reader().read(dataset, ids=["a,b"])


def test_the_vendors_clock_is_read_without_a_credential(company: Company, stage: SandboxStage) -> None:
    ask = vendor_time(stage.provider, stage.url, effects=company.effects, clock=company.clock, scrub=str)
    stage.days_pass(2)

    assert datetime(2026, 11, 3, 8, tzinfo=UTC) == ask()


class Said:
    """A Call whose every answer is this body."""

    page, tenant = 100, "t"

    def __init__(self, body: bytes) -> None:
        self._body = body

    def get(self, path: str, params: Any = None, *, into: Any) -> Any:
        return msgspec.json.decode(self._body, type=into)


def test_an_export_of_another_dataset_that_began_meanwhile_is_not_taken_for_ours(
    company: Company, stage: SandboxStage
) -> None:
    (ours, _), (theirs, _) = stage.rows(["one"]), stage.rows(["two"])
    session = company.writer()
    order, other = Order(Kind.DATASET, ours), Order(Kind.DATASET, theirs)
    known = session.known(order)
    job = session.submit(other, session.known(other))

    assert job is not None
    assert (session.found(order, known), session.found(other, known)) == (None, job)


def test_line_breaks_between_tokens_go_and_nothing_else_of_a_row_changes() -> None:
    body = b'{"data": [{\r\n  "id": "r1",\n "fields": {"n": 1.50, "t": "a\\n\\u00e9 b", "e": 1E+2}}], "next": null}'

    (row,) = read_rows(Said(body), "set", None, None).rows

    assert b'{  "id": "r1", "fields": {"n": 1.50, "t": "a\\n\\u00e9 b", "e": 1E+2}}' == row.raw


@pytest.mark.parametrize("row", [b'{"id": ""}', b'{"name": "x"}', b'{"id": 7}', b'{"id": "a", "n": "\xff"}', b"[]"])
def test_a_row_without_a_proper_id_or_text_is_refused(row: bytes) -> None:
    with pytest.raises(Failure) as raised:
        read_rows(Said(b'{"data": [' + row + b'], "next": null}'), "set", None, None)

    assert Code.REJECTED is raised.value.code


def test_a_word_that_the_page_does_not_know_is_unknown_and_never_absent() -> None:
    row = b'{"id": "u1", "email": null, "name": null, "role": "bot", "status": "hibernating"}'

    found = list_users(Said(b'{"data": [' + row + b'], "next": null, "total": 1}'), None)

    assert [Resource(Kind.USER, "u1", "", Phase.UNKNOWN, UserFacts("", "bot"))] == found


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (404, b"<html>Not Found</html>", Code.UNAVAILABLE),
        (401, b"", Code.UNAVAILABLE),
        (429, b"slow down", Code.THROTTLED),
        (500, b'{"error": {"code": "not_found"}}', Code.UNAVAILABLE),
        (400, b'{"error": {"code": "new_word"}}', Code.UNAVAILABLE),
        (302, b"", Code.UNAVAILABLE),
        (410, b'{"error": {"code": "account_closed", "message": "m"}}', Code.EXPIRED),
    ],
)
def test_only_the_vendors_own_words_are_a_refusal(status: int, body: bytes, code: Code) -> None:
    failure = classify(Answer(status, {}, body))

    assert failure and code is failure.code


def test_an_export_whose_cursors_die_goes_on_by_key_and_asks_for_no_row_twice(
    stage: SandboxStage, company: Company, world: World, tmp_path: Path
) -> None:
    dataset, ids = stage.rows(["one"] * 20)
    world.add_fault("dead_cursor", path="/v1/datasets/*/rows", every=2)
    archive = FolderArchive(tmp_path / "archive", company.effects, company.clock, "me")

    archive.archive(company.reader(page=3), Resource(Kind.DATASET, dataset, "rows"), False)

    assert ids == list(archive.ids(dataset))
    targets = [each["target"] for each in world.log() if each["method"] == "GET" and "/rows" in each["target"]]
    refused = [each for each in world.log() if each["fault"] == "dead_cursor" and "cursor=" in each["target"]]
    assert refused and len(targets) == 7 + len(refused), "one request more for each cursor that died"
    assert sum("cursor=" not in each and "after=" not in each for each in targets) == 1, "it never begins again"

"""What is particular to FXiaoke's provider: what it makes of the vendor's answers, and what it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from crmstate.core.failure import Code, Failure
from crmstate.core.goal import PurgeGoal
from crmstate.core.provider import Batch, File, Item, Result
from crmstate.core.survey import DatasetFacts, UserFacts
from crmstate.core.words import READING, How, Kind, Outcome, Phase, Proof, Verb
from crmstate.providers.fxiaoke import classify, provider
from crmstate.providers.fxiaoke.people import NOBODY
from crmstate.providers.fxiaoke.purge import NO_ID, QUIETLY
from crmstate.providers.fxiaoke.vendor import (
    CHOOSE,
    CODES,
    CUSTOM_CHOOSE,
    CUSTOM_DELETE,
    CUSTOM_INVALID,
    CUSTOM_QUERY,
    CUSTOM_RECOVER,
    DELETE,
    DESCRIBE,
    INVALID,
    MEDIA,
    OBJECTS,
    OLD_TOKEN,
    PEOPLE,
    PEOPLE_BY_TIME,
    QUERY,
    RECOVER,
    STOP,
    TOKEN,
    UNLOCK,
)
from crmstate.providers.kit import ATTEMPTS
from crmstate.providers.kit.wire import Answer, NotDeclared

from ..core.test_estimate import estimated
from .fxiaoke_wire import FIELDS, OLDER, PRESENT, Body, Raw, Refused, Say, talking

PRESET, CUSTOM = "AccountObj", "object_8vN1s__c"
TWO = Batch(Kind.USER, Verb.DEACTIVATE, (Item("FSUID_a"), Item("FSUID_b")))


TOLD = {"corpAccessToken": "older-token-of-the-test", "corpId": "FSCID_acme"}
"""What goes along with what is documented in the older style alone, where the credential does not say who it is there."""


def id_of(number: int) -> str:
    return f"{number:024x}"


def row(number: int, **fields: Any) -> Body:
    return {"_id": id_of(number), "name": f"客户 {number}", **fields}


class Table:
    """Objects with rows, a recycle bin that nothing shows, locks and a public pool: the gateway as the sheet has it. `most`: the
    ids that a call may name."""

    def __init__(self, *numbers: int, locked: Sequence[int] = (), pool: Sequence[int] = (), most: int = 1000) -> None:
        self.rows = {id_of(n): row(n) for n in numbers}
        self.bin: set[str] = set()
        self.gone: set[str] = set()
        self.locked = {id_of(n) for n in locked}
        self.pool = {id_of(n) for n in pool}
        self.most = most

    def __call__(self, path: str, body: Body) -> Any:
        if path == OBJECTS:
            return {"data": {"objects": []}}
        if path in {QUERY, CUSTOM_QUERY}:
            return self.query(body["data"])
        if len(body["data"].get("idList", ())) > self.most:
            return Refused(32000)
        if path == UNLOCK:
            self.locked -= set(body["data"]["idList"])
            return {}
        if path in {CHOOSE, CUSTOM_CHOOSE}:
            ids = set(body["data"]["idList"])
            if not ids <= self.pool:
                return Refused(15002)
            self.pool -= ids
            return {}
        if path in {RECOVER, CUSTOM_RECOVER}:
            return self.recover(body["data"]["idList"])
        if path in {INVALID, CUSTOM_INVALID, DELETE, CUSTOM_DELETE}:
            data = body["data"]
            ids = data["idList"] if "idList" in data else [data["object_data_id"]]
            return self.invalid(ids) if path in {INVALID, CUSTOM_INVALID} else self.delete(ids)
        raise KeyError(path)

    def query(self, data: Body) -> Any:
        search = data["search_query_info"]
        after = search["filters"][0]["field_values"][0] if search["filters"] else ""
        found = [self.rows[id] for id in sorted(self.rows) if id > after and id not in self.bin][: search["limit"]]
        total = len(self.rows.keys() - self.bin) if data.get("find_explicit_total_num") else 0
        return {"data": {"dataList": found, "offset": 0, "limit": search["limit"], "total": total}}

    def invalid(self, ids: Sequence[str]) -> Any:
        if any(id not in self.rows or id in self.bin or id in self.locked | self.pool for id in ids):
            return Refused(201112008, "数据已锁定")
        self.bin |= set(ids)
        return {}

    def recover(self, ids: Sequence[str]) -> Any:
        if any(id not in self.bin for id in ids):
            return Refused(201112009, "请先作废数据")
        self.bin -= set(ids)
        return {}

    def delete(self, ids: Sequence[str]) -> Any:
        if any(id not in self.bin for id in ids):
            return Refused(201112009, "请先作废数据")
        self.gone |= set(ids)
        self.bin -= set(ids)
        for id in ids:
            del self.rows[id]
        return {}


def purge(session: Any, dataset: str, *ids: str) -> list[Result]:
    found: list[Result] = session.perform(Batch(Kind.DATASET, Verb.PURGE, tuple(map(Item, ids)), dataset))
    return found


def rows_of(session: Any, dataset: str = PRESET) -> list[Any]:
    found, cursor = [], None
    while True:
        page = session.read(dataset, cursor)
        found += page.rows
        if page.next is None:
            return found
        cursor = page.next


# --- what an answer means


@pytest.mark.parametrize(("code", "meant"), sorted(CODES.items()))
def test_every_code_of_the_manual_is_what_the_table_says(code: int, meant: Code) -> None:
    found = classify(Answer(200, {}, Refused(code).body))

    assert found is not None
    assert (meant, str(code), f"{code} 不行", "T1") == (found.code, found.vendor, found.summary, found.request_id)


@pytest.mark.parametrize(
    ("status", "body", "meant"),
    [
        (200, b'{"errorCode": 201112009}', Code.REJECTED),
        (200, b'{"errorMessage": "OK"}', Code.UNAVAILABLE),
        (200, b"<html>", Code.UNAVAILABLE),
        (200, b"", Code.UNAVAILABLE),
        (204, b'{"errorCode": 0}', Code.UNAVAILABLE),
        (302, b"<html>", Code.REJECTED),
        (403, b"no", Code.DENIED),
        (403, b'{"errorCode": 20016}', Code.EXPIRED),
        (429, b"", Code.THROTTLED),
        (500, b'{"errorCode": 15003}', Code.UNAVAILABLE),
        (500, b'{"errorCode": 0}', Code.UNAVAILABLE),
        (502, b"<html>bad gateway", Code.UNAVAILABLE),
    ],
)
def test_an_answer_without_a_known_code_is_never_more_than_it_says(status: int, body: bytes, meant: Code) -> None:
    found = classify(Answer(status, {}, body))

    assert found is not None and meant is found.code


def test_success_is_the_code_nought_and_a_file_has_none() -> None:
    assert classify(Answer(200, {}, b'{"errorCode": 0, "errorMessage": "whatever"}')) is None
    assert classify(Answer(200, {"content-disposition": "attachment"}, b'{"errorCode": 1}')) is None


# --- signing in


def test_the_present_style_puts_the_token_the_company_and_the_user_into_headers() -> None:
    with talking(Table(), credential={**FIELDS, "user_id": "1000", "open_user_id": "FSUID_own"}) as (session, asked, _):
        found = session.whoami()

    (sign_in, beside), (call,) = asked.sign_ins, asked.all
    assert OLD_TOKEN == beside.path
    assert (TOKEN, "app_secret", "FSAID_1") == (sign_in.path, sign_in.body["grantType"], sign_in.body["appId"])
    assert ("Bearer token-of-the-test", "acme", "1000") == tuple(
        call.headers[name] for name in ("authorization", "x-fs-ea", "x-fs-userid")
    )
    assert {"includeNull": False} == call.body
    assert ("acme", "FSUID_own", "FSAID_1", True, False, True) == (
        found.tenant, found.user, found.key, found.may_write, found.whole_view, found.attestable,
    )  # fmt: skip


def test_the_older_style_puts_them_into_the_body() -> None:
    with talking(Table(), credential=OLDER) as (session, asked, _):
        found = session.whoami()

    assert [OLD_TOKEN] == [each.path for each in asked.sign_ins]
    told = {"corpAccessToken": "older-token-of-the-test", "corpId": "FSCID_acme", "currentOpenUserId": "FSUID_own"}
    assert {**told, "includeNull": False} == asked.all[0].body
    assert not asked.all[0].headers.keys() & {"authorization", "x-fs-ea"}
    assert ("FSCID_acme", "FSUID_own") == (found.tenant, found.user)


def test_where_the_older_style_is_no_more_its_calls_go_in_the_present_one() -> None:
    with talking(lambda path, body: Refused(10006) if path == OLD_TOKEN else {} if path == STOP else {}[path]) as (
        session,
        asked,
        _,
    ):
        session.perform(TWO)

    assert "Bearer token-of-the-test" == asked.all[0].headers["authorization"]
    assert {"openUserIds", "status"} == asked.all[0].body.keys()


def test_neither_token_gets_into_what_is_shown() -> None:
    say = book([person("a", email="older-token-of-the-test"), person("token-of-the-test")])
    with talking(say, attested=True) as (session, _, _):
        assert "token-of-the-test" not in repr(session.list(Kind.USER))


def test_a_credential_that_names_nobody_is_told_so() -> None:
    with talking(Table(), credential=FIELDS) as (session, asked, _), pytest.raises(Failure) as raised:
        session.whoami()

    assert (Code.DENIED, []) == (raised.value.code, asked.sign_ins)
    assert "user_id" in raised.value.summary


def test_every_request_has_a_trace_of_its_own() -> None:
    with talking(Table(1, 2)) as (session, asked, _):
        session.whoami()
        session.read(PRESET)

    traces = [each.query["thirdTraceId"] for each in (*asked.sign_ins, *asked.all)]
    assert len(set(traces)) == 4 and all(UUID(each).version == 4 for each in traces)


@pytest.mark.parametrize("code", [20005, 20016])
def test_a_token_that_ended_is_renewed_once_and_the_call_made_again(code: int) -> None:
    answers = iter([Refused(code), {"data": {"objects": []}}])
    with talking(lambda path, body: next(answers) if path == OBJECTS else {}[path]) as (session, asked, _clock):
        session.whoami()

    assert ([TOKEN, OLD_TOKEN] * 2, 2) == ([each.path for each in asked.sign_ins], len(asked.all))


@pytest.mark.parametrize("code", [20005, 20016, 20021, 20022, 11014])
def test_a_token_that_is_refused_again_is_a_dead_credential(code: int) -> None:
    with talking(lambda path, body: Refused(code) if path == OBJECTS else {}[path]) as (session, asked, _):
        assert session.alive() is False

    assert (2 if code in {20005, 20016} else 1) == len(asked.all)


@pytest.mark.parametrize("code", [10006, 20006, 20015, 11002, 11013])
def test_a_wrong_secret_is_a_dead_credential_and_asked_once(code: int) -> None:
    with talking(lambda path, body: Refused(code) if path == TOKEN else {}[path]) as (session, asked, clock):
        assert session.alive() is False

    assert (1, [], []) == (len(asked.sign_ins), asked.all, clock.slept)


def test_what_says_nothing_of_the_credential_does_not_make_it_dead() -> None:
    for answer in (Refused(10006), Refused(-1), Raw(b"<html>", 502)):
        with talking(lambda path, body, found=answer: found if path == OBJECTS else {}[path]) as (session, _, _):  # type: ignore[misc]
            with pytest.raises(Failure) as raised:
                session.alive()
            assert Code.EXPIRED is not raised.value.code


def test_the_sign_in_is_asked_for_at_most_ten_times_a_minute() -> None:
    answers = iter([Refused(14001)] * 3)
    with talking(
        lambda path, body: next(answers, None) or {}[path] if path == TOKEN else {"data": {"objects": []}}
    ) as (
        session,
        asked,
        clock,
    ):
        session.whoami()

    assert ([TOKEN] * 4 + [OLD_TOKEN], True) == ([each.path for each in asked.sign_ins], sum(clock.slept) >= 17)


def test_a_used_up_quota_ends_at_midnight_of_the_vendors_place() -> None:
    with (
        talking(lambda path, body: Refused(30002) if path == OBJECTS else {}[path]) as (session, asked, _clock),
        pytest.raises(Failure) as raised,
    ):
        session.whoami()

    assert (Code.EXHAUSTED, "2026-11-01T16:00:00Z", 1) == (raised.value.code, raised.value.until, len(asked.all))


def test_a_quota_that_nobody_bought_is_no_quota_that_comes_back() -> None:
    with (
        talking(lambda path, body: Refused(30003) if path == OBJECTS else {}[path]) as (session, _, _),
        pytest.raises(Failure) as raised,
    ):
        session.whoami()

    assert (Code.DENIED, None) == (raised.value.code, raised.value.until)


def test_no_more_than_a_hundred_calls_go_out_in_any_twenty_seconds() -> None:
    times: list[float] = []

    def say(path: str, body: Body) -> Any:
        if path == OBJECTS:
            times.append(clock.monotonic())
            return {"data": {"objects": []}}
        raise KeyError(path)

    with talking(say) as (session, _, clock):
        for _ in range(250):
            session.alive()

    assert max(sum(start <= each < start + 20 for each in times) for start in times) <= 100
    assert times[-1] < 60


# --- people


def person(name: str, stopped: bool = False, **more: Any) -> Body:
    return {"openUserId": f"FSUID_{name}", "name": name, "isStop": stopped, **more}


def book(people: list[Body], nested: bool = False, working: list[Body] | None = None) -> Say:
    """An address book whose first list shows everybody and whose second those who are not stopped."""

    def say(path: str, body: Body) -> Any:
        if path == PEOPLE_BY_TIME:
            first = (body["pageNumber"] - 1) * body["pageSize"]
            found = {"employees": people[first : first + body["pageSize"]]}
            return {"data": found} if nested else found
        if path == PEOPLE:
            return {"userList": [each for each in people if not each["isStop"]] if working is None else working}
        if path == OBJECTS:
            return {"data": {"objects": []}}
        raise KeyError(path)

    return say


@pytest.mark.parametrize("nested", [False, True])
def test_people_who_are_stopped_are_inactive_and_listed(nested: bool) -> None:
    people = [person("a", email="a@example.com"), person("b", True), {"openUserId": "FSUID_c", "isStop": False}]
    with talking(book(people, nested), attested=True) as (session, asked, _):
        found = session.list(Kind.USER)

    assert [
        ("FSUID_a", "a", Phase.PRESENT, UserFacts("a@example.com")),
        ("FSUID_b", "b", Phase.INACTIVE, UserFacts()),
        ("FSUID_c", "FSUID_c", Phase.PRESENT, UserFacts()),
    ] == [(each.id, each.label, each.phase, each.facts) for each in found.resources]
    assert found.complete
    assert {"departmentId": 999999, "fetchChild": True, "showDepartmentIdsDetail": True} == asked.bodies(PEOPLE)[0]
    assert [(0, 1000, 1), (0, 1000, 2)] == [
        (each["startTime"], each["pageSize"], each["pageNumber"]) for each in asked.bodies(PEOPLE_BY_TIME)
    ]


def test_many_people_are_believed_once_they_came_twice_alike() -> None:
    people = [person(f"{n:05}", n % 3 == 0) for n in range(2500)]
    with talking(book(people), attested=True) as (session, asked, _):
        found = session.list(Kind.USER)

    assert (True, 2500, 8) == (found.complete, len(found.resources), len(asked.bodies(PEOPLE_BY_TIME)))


@pytest.mark.parametrize("lost", [person("late"), person("a", True)])
def test_people_whom_the_address_book_has_otherwise_make_the_listing_incomplete(lost: Body) -> None:
    with talking(book([person("a"), person("b")], working=[person("b"), lost]), attested=True) as (session, _, _):
        found = session.list(Kind.USER)

    assert (False, "gap.moving") == (found.complete, found.gap.why)


def test_a_page_of_people_that_comes_again_is_raised() -> None:
    say = book([person("a")])

    def same(path: str, body: Body) -> Any:
        return say(path, {**body, "pageNumber": 1} if path == PEOPLE_BY_TIME else body)

    with talking(same) as (session, _, _), pytest.raises(Failure) as raised:
        session.list(Kind.USER)

    assert Code.UNAVAILABLE is raised.value.code


@pytest.mark.parametrize("broken", [{"openUserId": ""}, {"isStop": "no"}, {"isStop": None}])
def test_a_person_of_another_shape_is_refused_and_not_left_out(broken: Body) -> None:
    with talking(book([{**person("a"), **broken}], working=[])) as (session, _, _), pytest.raises(Failure) as raised:
        session.list(Kind.USER)

    assert Code.REJECTED is raised.value.code


def test_people_are_stopped_in_one_call() -> None:
    with talking(lambda path, body: {} if path == STOP else {}[path]) as (session, asked, _):
        results = session.perform(TWO)

    assert [("FSUID_a", Outcome.DONE), ("FSUID_b", Outcome.DONE)] == [(each.id, each.outcome) for each in results]
    assert [{**TOLD, "openUserIds": ["FSUID_a", "FSUID_b"], "status": 1}] == asked.bodies(STOP)
    assert not asked.all[0].headers.keys() & {"authorization", "x-fs-ea"}
    assert {Proof.ACKNOWLEDGED} == {each.proof for each in results}


@pytest.mark.parametrize("code", [20012, 30027, 11008, 32000])
def test_a_batch_that_is_refused_for_one_person_is_asked_again_for_the_others(code: int) -> None:
    say = book([person("b")])

    def refusing(path: str, body: Body) -> Any:
        if path == STOP:
            return Refused(code) if "FSUID_a" in body["openUserIds"] else {}
        return say(path, body)

    with talking(refusing) as (session, asked, _):
        results = session.perform(TWO)

    assert [(Outcome.FAILED, "missing"), (Outcome.DONE, None)] == [(each.outcome, each.code) for each in results]
    assert [["FSUID_a", "FSUID_b"], ["FSUID_b"]] == [each["openUserIds"] for each in asked.bodies(STOP)]


@pytest.mark.parametrize("answer", [None, Refused(-1), Refused(-2), Refused(50009), Raw(b"<html>"), Raw(b"", 502)])
def test_an_act_whose_answer_is_no_clear_refusal_is_unknown_and_sent_once(answer: Any) -> None:
    for batch in (TWO, Batch(Kind.DATASET, Verb.PURGE, (Item(id_of(1)), Item(id_of(2))), CUSTOM)):
        there = Table(1, 2)

        def say(path: str, body: Body, there: Table = there) -> Any:
            return answer if path in {STOP, CUSTOM_INVALID} else there(path, body)

        with talking(say) as (session, asked, _):
            results = session.perform(batch)

        assert {(Outcome.UNKNOWN, Code.AMBIGUOUS.value)} == {(each.outcome, each.code) for each in results}
        assert 1 == len([path for path in asked.paths if path in {STOP, CUSTOM_INVALID}])


@pytest.mark.parametrize("code", [14001, 30004])
def test_a_rate_is_waited_for_since_nothing_happened(code: int) -> None:
    answers = iter([Refused(code), Refused(code), {}])
    with talking(lambda path, body: next(answers) if path == STOP else {}[path]) as (session, asked, clock):
        results = session.perform(TWO)

    assert ({Outcome.DONE}, 3) == ({each.outcome for each in results}, len(asked.all))
    assert clock.slept


# --- objects and rows


def listed(*names: str, **more: Any) -> Body:
    found = [
        {"describeApiName": each, "describeDisplayName": f"对象 {each}", "defineType": "package"} for each in names
    ]
    return {"data": {"objects": [{**each, "isActive": True, **more} for each in found]}}


def test_objects_are_datasets_with_their_counts_asked_for_by_their_own_paths() -> None:
    there = Table(*range(1, 8))
    with talking(
        lambda path, body: listed(PRESET, CUSTOM, isActive="true") if path == OBJECTS else there(path, body)
    ) as (
        session,
        asked,
        _,
    ):
        found = session.list(Kind.DATASET)

    assert [(PRESET, f"对象 {PRESET}", DatasetFacts(7)), (CUSTOM, f"对象 {CUSTOM}", DatasetFacts(7))] == [
        (each.id, each.label, each.facts) for each in found.resources
    ]
    (preset,), (custom,) = asked.bodies(QUERY), asked.bodies(CUSTOM_QUERY)
    assert (PRESET, CUSTOM, True) == (
        preset["data"]["dataObjectApiName"], custom["data"]["dataObjectApiName"],
        preset["data"]["find_explicit_total_num"],
    )  # fmt: skip


@pytest.mark.parametrize("total", [0, None])
def test_a_total_of_nothing_beside_rows_is_unknown_and_not_nought(total: int | None) -> None:
    answer = {"data": {"dataList": [row(1)], "total": total}}
    with talking(lambda path, body: answer if path == QUERY else {}[path]) as (session, _, _):
        found = session.count(PRESET)

    assert (None, False) == (found.rows, found.exact)


def test_people_as_rows_are_no_dataset_that_could_be_archived_or_purged() -> None:
    with talking(lambda path, body: listed("PersonnelObj") if path == OBJECTS else {}[path]) as (session, asked, _):
        (found,) = session.list(Kind.DATASET).resources

    assert (False, None, []) == (found.facts.exportable, found.facts.rows, asked.bodies(QUERY))


def test_an_object_whose_rows_are_not_to_be_had_is_not_exportable() -> None:
    refusals = {"SecretObj": Refused(20014), "ViewObj": Refused(10006)}

    def say(path: str, body: Body) -> Any:
        if path == OBJECTS:
            return listed(PRESET, "SecretObj", "ViewObj")
        return refusals.get(body["data"]["dataObjectApiName"]) or Table(1)(path, body)

    with talking(say, attested=True) as (session, _, _):
        found = session.list(Kind.DATASET)

    assert [(PRESET, True), ("SecretObj", False), ("ViewObj", False)] == [
        (each.id, each.facts.exportable) for each in found.resources
    ]
    assert found.complete


def test_where_no_object_may_be_read_the_listing_is_denied() -> None:
    with talking(
        lambda path, body: listed(PRESET, CUSTOM, "PersonnelObj") if path == OBJECTS else Refused(15003), attested=True
    ) as (session, _, _):
        found = session.list(Kind.DATASET)

    assert (False, "gap.denied", ()) == (found.complete, found.gap.why, found.resources)


@pytest.mark.parametrize("code", [30002, 20021, 50009])
def test_what_is_no_refusal_of_an_object_is_raised(code: int) -> None:
    with (
        talking(lambda path, body: listed(PRESET) if path == OBJECTS else Refused(code)) as (session, _, _),
        pytest.raises(Failure) as raised,
    ):
        session.list(Kind.DATASET)

    assert CODES[code] is raised.value.code


def test_rows_come_by_the_last_id_in_the_vendors_own_text() -> None:
    there = Table(*range(1, 251))
    with talking(there) as (session, asked, _):
        found = rows_of(session)

    assert list(there.rows) == [each.id for each in found]
    assert "客户 7".encode() in found[6].raw
    searches = [each["data"]["search_query_info"] for each in asked.bodies(QUERY)]
    assert [[], [id_of(100)], [id_of(200)], [id_of(250)]] == [
        each["filters"][0]["field_values"] if each["filters"] else [] for each in searches
    ]
    assert {(100, 0)} == {(each["limit"], each["offset"]) for each in searches}
    assert all(each["orders"] == [{"fieldName": "_id", "isAsc": True}] for each in searches)


@pytest.mark.parametrize("numbers", [[1, 3, 2], [2, 2], [1, 2]])
def test_rows_that_do_not_ascend_beyond_the_cursor_are_refused(numbers: list[int]) -> None:
    page = {"data": {"dataList": [row(n) for n in numbers]}}
    with (
        talking(lambda path, body: page if path == QUERY else {}[path]) as (session, _, _),
        pytest.raises(Failure) as raised,
    ):
        session.read(PRESET, id_of(1))

    assert Code.UNAVAILABLE is raised.value.code


@pytest.mark.parametrize("found", [[{"name": "x"}], [{"_id": ""}], [None], [{"_id": 7}], None])
def test_a_row_of_another_shape_is_refused_and_not_left_out(found: Any) -> None:
    page = {"data": {"dataList": found}}
    with (
        talking(lambda path, body: page if path == QUERY else {}[path]) as (session, _, _),
        pytest.raises(Failure) as raised,
    ):
        session.read(PRESET)

    assert Code.REJECTED is raised.value.code


def test_rows_are_read_by_id_in_as_few_calls_as_they_lie_together() -> None:
    with talking(Table(*range(1, 101), 500, 900)) as (session, asked, _):
        together = session.read(PRESET, ids=[id_of(n) for n in range(1, 101)])
        calls = len(asked.all)
        apart = session.read(PRESET, ids=[id_of(n) for n in (900, 5, 7, 600)])
        none = session.read(PRESET, ids=[id_of(901), "never-was", "z"])

    assert ([id_of(n) for n in range(1, 101)], 1) == ([each.id for each in together.rows], calls)
    assert [id_of(n) for n in (5, 7, 900)] == [each.id for each in apart.rows]
    assert [100, 4] == [each["data"]["search_query_info"]["limit"] for each in asked.bodies(QUERY)[:2]]
    assert ((), None) == (none.rows, none.next)


def test_the_description_of_fields_is_the_vendors_own_text() -> None:
    described = {"api_name": PRESET, "fields": {"name": {"type": "text", "label": "客户名称", "is_required": True}}}
    with talking(lambda path, body: {"data": {"describe": described}} if path == DESCRIBE else {}[path]) as (
        session,
        asked,
        _,
    ):
        found = session.fields(PRESET)

    assert b'"label": "\xe5\xae\xa2' in found and b"traceId" not in found
    assert {"includeDetail": True, "data": {"apiName": PRESET}} == asked.bodies(DESCRIBE)[0]


# --- files


def test_files_and_pictures_are_found_in_fields_and_known_by_their_npath() -> None:
    there = Table(1, 2, 3)
    there.rows[id_of(1)] |= {"attach": [{"name": "合同.pdf", "path": "N_1"}, {"name": "b.pdf", "path": "N_2"}]}
    there.rows[id_of(2)] |= {"path": "not a file", "link": [{"name": "x", "path": "https://shop.test/x"}]}
    there.rows[id_of(3)] |= {
        "photo": [{"ext": "png", "filename": "a.png", "path": "N_3", "size": 8}, {"ext": "png", "path": "N_4"}]
    }
    with talking(there) as (session, _, _):
        page = session.files(PRESET)
        last = session.files(PRESET, page.next)

    assert [
        ("N_1", 1, "合同.pdf", None), ("N_2", 1, "b.pdf", None), ("N_3", 3, "a.png", 8), ("N_4", 3, "N_4", None),
    ] == [(each.id, int(each.row, 16), each.name, each.size) for each in page.files]  # fmt: skip
    assert ((), None) == (last.files, last.next)


@pytest.mark.parametrize("broken", [{"path": None}, {"size": "8"}, {"name": 7}])
def test_a_file_of_another_shape_is_refused_and_not_left_out(broken: Body) -> None:
    there = Table(1)
    there.rows[id_of(1)] |= {"attach": [{"name": "a", "path": "N_1", "size": 8, **broken}]}
    with talking(there) as (session, _, _), pytest.raises(Failure) as raised:
        session.files(PRESET)

    assert Code.REJECTED is raised.value.code


def test_a_file_is_downloaded_by_its_npath_and_may_look_like_an_answer() -> None:
    answers = {
        "N_1": Raw(b'{"errorCode": 1}', 200, 'Content-Disposition: attachment; filename="a.json"'),
        "N_2": Refused(20014),
    }
    with talking(lambda path, body: answers[body["mediaId"]] if path == MEDIA else {}[path]) as (session, asked, _):
        content = b"".join(session.fetch(File("N_1", "r", "a.json", "N_1", 16)))
        with pytest.raises(Failure) as raised:
            b"".join(session.fetch(File("N_2", "r", "b", "N_2")))
        with pytest.raises(NotDeclared):
            b"".join(session.fetch(File("x", "r", "x", "https://open.fxiaoke.com/x")))

    assert (b'{"errorCode": 1}', Code.DENIED) == (content, raised.value.code)
    known = {"mediaTypeDesc": "DOCUMENT", "igonreMediaIdConvert": True, "mediaId": "N_1"}
    assert {**TOLD, **known} == asked.bodies(MEDIA)[0]


def test_a_download_is_asked_for_again_with_a_new_token_and_after_an_outage() -> None:
    answers = iter([Raw(b"", 502), Refused(20016), Raw(b"content", 200, "Content-Disposition: attachment")])
    with talking(lambda path, body: next(answers) if path == MEDIA else {}[path]) as (session, asked, _):
        assert b"content" == b"".join(session.fetch(File("N_1", "r", "a", "N_1", 7)))

    assert (3, [TOKEN, OLD_TOKEN] * 2) == (len(asked.all), [each.path for each in asked.sign_ins])


# --- the purge


def test_preset_rows_are_made_invalid_one_a_call_and_deleted_together() -> None:
    there = Table(*range(1, 101), 200)
    with talking(there) as (session, asked, _):
        results = purge(session, PRESET, *(id_of(n) for n in range(1, 101)))

    assert ({Outcome.DONE}, {id_of(200)}, set()) == ({each.outcome for each in results}, set(there.rows), there.bin)
    assert (1, 100, 1) == tuple(len(asked.bodies(path)) for path in (QUERY, INVALID, DELETE))
    assert provider.table[Kind.DATASET, Verb.PURGE].calls == len(asked.all)
    one = asked.bodies(INVALID)[0]
    assert {**QUIETLY, "data": {"object_data_id": id_of(1), "dataObjectApiName": PRESET}} == one


def test_rows_of_the_companys_own_objects_are_made_invalid_together() -> None:
    there = Table(1, 2, 3)
    with talking(there) as (session, asked, _):
        results = purge(session, CUSTOM, *(id_of(n) for n in (1, 2, 3)))

    assert ({Outcome.DONE}, {}) == ({each.outcome for each in results}, there.rows)
    assert [CUSTOM_QUERY, CUSTOM_INVALID, CUSTOM_DELETE] == asked.paths
    assert {"dataObjectApiName": CUSTOM, "idList": [id_of(n) for n in (1, 2, 3)]} == asked.bodies(CUSTOM_INVALID)[0][
        "data"
    ]


@pytest.mark.parametrize("dataset", [PRESET, CUSTOM])
def test_rows_that_lie_in_the_bin_since_an_answer_was_lost_are_deleted(dataset: str) -> None:
    there = Table(1, 2, 3)
    there.bin = {id_of(2)}
    with talking(there, attested=True) as (session, asked, _):
        results = purge(session, dataset, *(id_of(n) for n in (1, 2, 3)))

    assert ({Outcome.DONE}, {}, {id_of(n) for n in (1, 2, 3)}) == (
        {each.outcome for each in results},
        there.rows,
        there.gone,
    )
    sent = [each["data"] for path in (INVALID, CUSTOM_INVALID) for each in asked.bodies(path)]
    assert id_of(2) not in repr(sent)


@pytest.mark.parametrize("dataset", [PRESET, CUSTOM])
@pytest.mark.parametrize("lost", ["invalid", "delete"])
def test_an_answer_that_is_lost_in_the_middle_ends_the_batch_and_the_next_one_finishes_it(
    dataset: str, lost: str
) -> None:
    there = Table(1, 2, 3)
    left = [1]

    def say(path: str, body: Body) -> Any:
        found = there(path, body)
        if path.endswith(lost) and left:
            left.pop()
            return None
        return found

    ids = [id_of(n) for n in (1, 2, 3)]
    with talking(say, attested=True) as (session, _, _):
        first = purge(session, dataset, *ids)
        half = {*there.bin, *there.gone}
        second = purge(session, dataset, *ids)

    assert {Outcome.UNKNOWN} == {each.outcome for each in first}
    assert half and (({Outcome.DONE}, {}, set())) == ({each.outcome for each in second}, there.rows, there.bin)


@pytest.mark.parametrize("dataset", [PRESET, CUSTOM])
def test_locked_rows_are_unlocked_and_purged(dataset: str) -> None:
    there = Table(1, 2, 3, locked=[2])
    with talking(there) as (session, asked, _):
        results = purge(session, dataset, *(id_of(n) for n in (1, 2, 3)))

    assert ({Outcome.DONE}, {}, 1) == ({each.outcome for each in results}, there.rows, len(asked.bodies(UNLOCK)))


@pytest.mark.parametrize("dataset", [PRESET, CUSTOM])
def test_rows_of_a_public_pool_are_taken_out_of_it_and_purged(dataset: str) -> None:
    there = Table(*range(1, 7), locked=[2, 3], pool=[3, 4])
    with talking(there) as (session, asked, _):
        results = purge(session, dataset, *(id_of(n) for n in range(1, 7)))

    assert ({Outcome.DONE}, {}) == ({each.outcome for each in results}, there.rows)
    chosen = [each["data"]["idList"] for path in (CHOOSE, CUSTOM_CHOOSE) for each in asked.bodies(path)]
    assert [[id_of(3), id_of(4)]] == chosen, "nothing else is taken by whoever deletes it"


@pytest.mark.parametrize("dataset", [PRESET, CUSTOM])
@pytest.mark.parametrize("denied", [UNLOCK, CHOOSE])
def test_an_app_that_may_not_help_leaves_those_rows_alone_and_purges_the_others(dataset: str, denied: str) -> None:
    """Given up as a whole, the others would lie in the recycle bin, where nothing shows them, at every apply anew."""
    there = Table(*range(1, 5), locked=[2] if denied == UNLOCK else [], pool=[2] if denied == CHOOSE else [])
    paths = {denied, CUSTOM_CHOOSE if denied == CHOOSE else denied}
    with talking(lambda path, body: Refused(15003) if path in paths else there(path, body)) as (session, _, _):
        results = {each.id: each for each in purge(session, dataset, *(id_of(n) for n in range(1, 5)))}

    assert (Outcome.FAILED, "rejected") == (results[id_of(2)].outcome, results[id_of(2)].code)
    assert {id_of(2)} == there.rows.keys() and not there.bin
    assert {Outcome.DONE} == {each.outcome for id, each in results.items() if id != id_of(2)}


def test_a_list_that_is_too_long_for_the_vendor_is_asked_for_one_by_one() -> None:
    """How many ids a call may name is documented nowhere."""
    there = Table(*range(1, 8), locked=[5], most=3)
    with talking(there) as (session, asked, _):
        results = purge(session, CUSTOM, *(id_of(n) for n in range(1, 8)))

    assert ({Outcome.DONE}, {}) == ({each.outcome for each in results}, there.rows)
    assert [[id_of(5)]] == [each["data"]["idList"] for each in asked.bodies(UNLOCK)]


@pytest.mark.parametrize("dataset", [PRESET, CUSTOM])
def test_rows_that_stay_locked_are_failed_and_not_deleted(dataset: str) -> None:
    there = Table(1, 2, 3, locked=[2])
    with talking(lambda path, body: Refused(15002) if path == UNLOCK else there(path, body)) as (session, asked, _):
        results = {each.id: each for each in purge(session, dataset, *(id_of(n) for n in (1, 2, 3)))}

    kept = results[id_of(2)]
    assert (Outcome.FAILED, "rejected") == (kept.outcome, kept.code) and "数据已锁定" in kept.summary
    assert id_of(2) in there.rows
    assert id_of(2) not in repr([asked.bodies(path) for path in (DELETE, CUSTOM_DELETE)])


def test_a_row_that_shows_although_it_is_in_the_bin_is_deleted_without_being_made_invalid_again() -> None:
    there = Table(1)
    shown = {"data": {"dataList": [row(1, is_deleted=True)]}}
    there.bin = {id_of(1)}
    with talking(lambda path, body: shown if path == QUERY else there(path, body)) as (session, asked, _):
        results = purge(session, PRESET, id_of(1))

    assert ([Outcome.DONE], {}, []) == ([each.outcome for each in results], there.rows, asked.bodies(INVALID))


def test_a_row_whose_deletion_is_refused_is_failed_although_it_shows_no_more() -> None:
    there = Table(1)
    with talking(lambda path, body: Refused(32000) if path == DELETE else there(path, body), attested=True) as (
        session,
        _,
        _,
    ):
        (result,) = purge(session, PRESET, id_of(1))

    assert (Outcome.FAILED, "rejected", {id_of(1)}) == (result.outcome, result.code, there.bin)


@pytest.mark.parametrize("dataset", [PRESET, CUSTOM])
def test_a_deletion_that_is_refused_again_is_not_called_done_because_the_row_shows_no_more(dataset: str) -> None:
    """Who may make rows invalid and not delete them would have all of them in the bin, and a purge that says done."""
    there = Table(1, 2)
    there.gone = {id_of(3)}

    def say(path: str, body: Body) -> Any:
        return Refused(201112009) if path in {DELETE, CUSTOM_DELETE} else there(path, body)

    ids = [id_of(n) for n in (1, 2, 3)]
    with talking(say, attested=True) as (session, _, _):
        first = purge(session, dataset, *ids)
        second = purge(session, dataset, *ids)

    assert [Outcome.FAILED, Outcome.FAILED, Outcome.DONE] == [each.outcome for each in first]
    assert [Outcome.FAILED, Outcome.FAILED, Outcome.DONE] == [each.outcome for each in second]
    assert {id_of(1), id_of(2)} == there.rows.keys() - there.bin, "what was not deleted shows again"


def test_what_is_used_up_in_the_middle_is_raised_with_its_end() -> None:
    there = Table(1, 2, 3)

    def say(path: str, body: Body) -> Any:
        return Refused(30002) if path == INVALID and there.bin else there(path, body)

    with talking(say) as (session, _, _), pytest.raises(Failure) as raised:
        purge(session, PRESET, *(id_of(n) for n in (1, 2, 3)))

    assert (Code.EXHAUSTED, "2026-11-01T16:00:00Z") == (raised.value.code, raised.value.until)


@pytest.mark.parametrize("code", [15003, 20014, 20020])
def test_a_right_that_lacks_is_told_before_the_first_act(code: int) -> None:
    acts = {(Kind.USER, Verb.DEACTIVATE): ["FSUID_a"]}, {(Kind.DATASET, Verb.PURGE): [PRESET, CUSTOM]}
    for each in acts:
        with talking(lambda path, body: Refused(code)) as (session, asked, _):
            with pytest.raises(Failure) as raised:
                session.rights(each)
            assert Code.DENIED is raised.value.code

    known = {**PRESENT, "open_user_id": "FSUID_own"}
    say = lambda path, body: Refused(20012) if path == STOP else Table()(path, body)  # noqa: E731
    with talking(say, credential=known) as (session, asked, _):
        for each in acts:
            session.rights(each)
    assert [NOBODY] == asked.bodies(STOP)[0]["openUserIds"]
    assert {INVALID: 1, DELETE: 1, CUSTOM_INVALID: 1, CUSTOM_DELETE: 1, STOP: 1} == {
        path: asked.paths.count(path) for path in asked.paths
    }
    assert [NO_ID] == asked.bodies(DELETE)[0]["data"]["idList"]


def test_nobody_is_stopped_by_a_credential_that_does_not_say_who_it_is() -> None:
    """Everybody who is to be stopped may be crmstate's own user: then nothing after it could be done."""
    with talking(Table(), attested=True) as (session, asked, _), pytest.raises(Failure) as raised:
        session.rights({(Kind.USER, Verb.DEACTIVATE): ["FSUID_a"]})

    assert (Code.DENIED, []) == (raised.value.code, asked.bodies(STOP))
    assert "open_user_id" in raised.value.summary


def test_a_session_for_reading_lets_no_act_through_although_everything_is_a_post() -> None:
    acting = [cell for cell in provider.table.values() if cell.how is How.API and cell.verb not in READING]
    reading = {each for cell in provider.table.values() if cell.verb in READING for each in cell.requests}
    with talking(lambda path, body: {}, use="read") as (session, asked, _):
        for each in {request for cell in acting for request in cell.requests} - reading:
            with pytest.raises(NotDeclared):
                session._line.wire.send(_request(each), each, None)

    assert [] == asked.all


def _request(label: str) -> Any:
    from crmstate.providers.kit import Request

    method, path = label.split()
    return Request(method, path, json={})


def test_an_outage_that_stays_is_raised_after_a_few_tries() -> None:
    with (
        talking(lambda path, body: Refused(50009) if path == QUERY else {}[path]) as (session, asked, _),
        pytest.raises(Failure) as raised,
    ):
        session.read(PRESET)

    assert (Code.UNAVAILABLE, ATTEMPTS) == (raised.value.code, len(asked.all))


@pytest.mark.parametrize(("rows", "hours", "days"), [(90_000, (5, 6), 1), (100_000, (24, 25), 2)])
def test_a_plan_says_how_long_preset_rows_take_and_how_many_days_of_calls(
    rows: int, hours: tuple[int, int], days: int
) -> None:
    """One row a call and five calls a second; a pack of 100,000 calls a day is not enough for as many rows."""
    found = estimated(rows, provider, purge=PurgeGoal(), attachments=0)

    assert hours[0] < found.seconds / 3600 < hours[1]
    assert (days, rows // 100 * 102 + 3) == (found.days_of_quota, found.of["purge"])


def test_every_runbook_and_reason_is_said_in_both_languages() -> None:
    said = {
        text for cell in provider.table.values() for text in (cell.runbook, cell.why, cell.note, cell.elsewhere)
    } - {None}

    assert set(provider.words["en"]) == set(provider.words["zh-CN"]) == said

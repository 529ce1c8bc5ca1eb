"""What is particular to Jiandaoyun's provider: what it makes of the vendor's answers, and what it asks for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Batch, File, Item, Result
from crmstate.core.survey import AccountFacts, DatasetFacts, UserFacts
from crmstate.core.words import READING, How, Kind, Outcome, Phase, Proof, Verb
from crmstate.providers.jiandaoyun import classify, provider
from crmstate.providers.jiandaoyun.vendor import (
    APPS,
    CODES,
    DELETE_ROWS,
    DELETE_USERS,
    FORMS,
    ROW,
    ROWS,
    USERS,
)
from crmstate.providers.kit import ATTEMPTS
from crmstate.providers.kit.wire import Answer, NotDeclared

from .jiandaoyun_wire import APP, DATASET, FORM, Body, Refused, Say, talking

TWO = Batch(Kind.USER, Verb.DELETE, (Item("zhangsan"), Item("lisi")))


def paged(rows: list[Any], body: Body) -> list[Any]:
    return rows[body["skip"] :][: body["limit"]]


def apps(*names: str) -> list[Body]:
    return [{"app_id": f"{place:024x}", "name": name} for place, name in enumerate(names, 1)]


def corp(seen: list[Body], forms: dict[str, list[Body]] | None = None, refuse: dict[str, int] | None = None) -> Say:
    """A corp with these apps and their forms; `refuse`: forms that answer with a code."""

    def say(path: str, body: Body) -> Any:
        if path == APPS:
            return {"apps": paged(seen, body)}
        if path == FORMS:
            return {"forms": paged((forms or {}).get(body["app_id"], []), body)}
        if path == ROWS:
            code = (refuse or {}).get(body["entry_id"])
            return Refused(code) if code else {"data": []}
        raise AssertionError(path)

    return say


def form(app: str, number: int, name: str = "客户") -> Body:
    return {"app_id": app, "entry_id": f"{number:024x}", "name": name}


def row(number: int, **fields: Any) -> Body:
    return {"_id": f"{number:024x}", "appId": APP, "entryId": FORM, **fields}


def rows_of(session: Any) -> list[Any]:
    found, cursor = [], None
    while True:
        page = session.read(DATASET, cursor)
        found += page.rows
        if page.next is None:
            return found
        cursor = page.next


def table(rows: list[Body]) -> Say:
    """A form with these rows, that deletes and gives them as the manual says."""

    def say(path: str, body: Body) -> Any:
        if path == ROWS:
            after = [each for each in rows if each["_id"] > body.get("data_id", "")]
            return {"data": after[: body.get("limit", 10)]}
        if path == ROW:
            found = [each for each in rows if each["_id"] == body["data_id"]]
            return {"data": found[0]} if found else Refused(4001)
        if path == DELETE_ROWS:
            gone = [each for each in rows if each["_id"] in body["data_ids"]]
            rows[:] = [each for each in rows if each not in gone]
            return {"status": "success", "success_count": len(gone)}
        raise AssertionError(path)

    return say


@pytest.mark.parametrize(("code", "meant"), sorted(CODES.items()))
def test_every_code_of_the_manual_is_what_the_table_says(code: int, meant: Code) -> None:
    found = classify(Answer(400, {}, json.dumps({"code": code, "msg": "不行"}).encode()))

    assert found is not None
    assert (meant, str(code), f"{code} 不行") == (found.code, found.vendor, found.summary)


@pytest.mark.parametrize(
    ("status", "body", "meant"),
    [
        (400, b'{"code": 99999, "msg": "?"}', Code.REJECTED),
        (400, b"<html>", Code.UNAVAILABLE),
        (401, b"", Code.UNAVAILABLE),
        (403, b"edition", Code.DENIED),
        (403, b'{"code": 17054}', Code.DENIED),
        (429, b"", Code.THROTTLED),
        (500, b'{"code": 8301}', Code.UNAVAILABLE),
        (502, b"<html>bad gateway", Code.UNAVAILABLE),
        (579, b"", Code.UNAVAILABLE),
        (302, b"", Code.UNAVAILABLE),
    ],
)
def test_an_answer_without_a_known_code_is_never_more_than_it_says(status: int, body: bytes, meant: Code) -> None:
    found = classify(Answer(status, {}, body))

    assert found is not None and meant is found.code


def test_the_tenant_is_the_app_that_the_key_is_known_by() -> None:
    seen = [*apps(*["other"] * 150), {"app_id": APP, "name": "进销存"}]
    with talking(corp(seen)) as (session, asked, _):
        found = session.whoami()

    assert (APP, "进销存", True, False, True) == (
        found.tenant, found.tenant_name, found.may_write, found.whole_view, found.attestable,
    )  # fmt: skip
    assert [(0, 100), (99, 100), (150, 100)] == [(body["skip"], body["limit"]) for body in asked.bodies(APPS)]
    assert all("authorization: bearer key-of-the-test" in heard for _, _, heard in asked.all)


@pytest.mark.parametrize(("seen", "tenant"), [(apps("Vertrieb"), f"{1:024x}"), ([], "-")])
def test_a_key_that_does_not_see_the_corps_app_is_another_tenants(seen: list[Body], tenant: str) -> None:
    with talking(corp(seen)) as (session, _, _):
        assert tenant == session.whoami().tenant


@pytest.mark.parametrize(("code", "alive"), [(8301, False), (17017, False), (17018, False), (8017, False)])
def test_a_dead_key_is_known_by_the_vendors_own_word(code: int, alive: bool) -> None:
    with talking(lambda path, body: Refused(code)) as (session, asked, clock):
        assert alive == session.alive()

    assert (1, []) == (len(asked.all), clock.slept)


@pytest.mark.parametrize("status", [401, 500, 502])
def test_a_key_is_not_called_dead_by_anybody_else(status: int) -> None:
    with talking(lambda path, body: Refused(0, status, b"?")) as (session, _, _), pytest.raises(Failure) as raised:
        session.alive()

    assert Code.UNAVAILABLE is raised.value.code


def test_a_closed_corp_is_absent_and_an_open_one_present() -> None:
    with talking(lambda path, body: Refused(8017)) as (session, _, _):
        closed = session.list(Kind.ACCOUNT)
    with talking(corp(apps("a"))) as (session, _, _):
        (there,) = session.list(Kind.ACCOUNT).resources

    assert [(APP, Phase.ABSENT, AccountFacts("closed"))] == [(r.id, r.phase, r.facts) for r in closed.resources]
    assert (closed.complete, there.id, there.phase) == (True, APP, Phase.PRESENT)


def test_members_are_who_joined_or_was_invited_and_directories_keep_theirs() -> None:
    people = [
        {"username": "a", "name": "小简", "departments": [1], "type": 0, "status": 1},
        {"username": "b", "name": "王", "departments": [], "type": 2, "status": 0, "integrate_id": ""},
        {"username": "c", "name": "", "departments": [1], "type": 0, "status": 1, "integrate_id": "wx-1"},
        {"username": "d", "name": "D", "departments": [1], "type": 0, "status": -1},
        {"username": "e", "name": "E", "departments": [1], "type": 7, "status": 5},
    ]
    with talking(lambda path, body: {"users": people} if path == USERS else {"apps": []}) as (session, asked, _):
        found = session.list(Kind.USER)

    assert [
        ("a", "小简", Phase.PRESENT, UserFacts("", "member", False)),
        ("b", "王", Phase.PRESENT, UserFacts("", "external", False)),
        ("c", "c", Phase.PRESENT, UserFacts("", "member", True)),
        ("d", "D", Phase.ABSENT, UserFacts("", "member", False)),
        ("e", "E", Phase.UNKNOWN, UserFacts("", "type 7", False)),
    ] == [(r.id, r.label, r.phase, r.facts) for r in found.resources]
    assert [{"dept_no": 1, "has_child": True}] == asked.bodies(USERS)
    assert (found.complete, found.gap.why) == (False, "gap.unproved")


@pytest.mark.parametrize("code", [8302, 17052, 17053, 17054, 1058])
def test_what_the_key_may_not_see_is_a_gap_and_not_an_empty_listing(code: int) -> None:
    with talking(lambda path, body: Refused(code)) as (session, _, _):
        found = session.list(Kind.DATASET)

    assert ((), False, "gap.denied") == (found.resources, found.complete, found.gap.why)


def test_forms_are_datasets_of_their_app_and_preset_ones_cannot_be_exported() -> None:
    seen = apps("进销存", "CRM")
    first, second = (each["app_id"] for each in seen)
    forms = {first: [form(first, n, f"F{n}") for n in range(1, 131)], second: [form(second, 777, "线索")]}
    with talking(corp(seen, forms, {f"{777:024x}": 30002})) as (session, asked, _):
        found = session.list(Kind.DATASET)

    assert [(f"{first}/{n:024x}", f"进销存 / F{n}", True) for n in range(1, 131)] + [
        (f"{second}/{777:024x}", "CRM / 线索", False)
    ] == [(r.id, r.label, r.facts.exportable) for r in found.resources]
    assert all(r.facts == DatasetFacts(exportable=r.facts.exportable) and r.facts.rows is None for r in found.resources)
    assert {1} == {body["limit"] for body in asked.bodies(ROWS)}


def test_one_form_is_looked_at_without_asking_all_others() -> None:
    seen = apps("a", "b")
    first, second = (each["app_id"] for each in seen)
    forms = {first: [form(first, 1)], second: [form(second, 2), form(second, 3)]}
    with talking(corp(seen, forms)) as (session, asked, _):
        found = session.list(Kind.DATASET, [f"{second}/{3:024x}", "never-was", f"{second}/never", "never/was"])

    assert [f"{second}/{3:024x}"] == [r.id for r in found.resources]
    assert ({second}, 1) == ({body["app_id"] for body in asked.bodies(FORMS)}, len(asked.bodies(ROWS)))


def test_a_form_that_may_not_be_read_is_a_gap() -> None:
    seen = apps("a")
    place = seen[0]["app_id"]
    with talking(corp(seen, {place: [form(place, 1)]}, {f"{1:024x}": 17054})) as (session, _, _):
        assert session.list(Kind.DATASET).gap.why == "gap.denied"


@pytest.mark.parametrize("change", ["insert", "remove"])
@pytest.mark.parametrize("times", [1, 99])
def test_apps_that_move_between_two_pages_are_read_again_or_said_to_move(change: str, times: int) -> None:
    seen = apps(*["x"] * 250)
    left = [times]

    def say(path: str, body: Body) -> Any:
        if path == APPS:
            found = {"apps": paged(seen, body)}
            if body["skip"] == 0 and left[0]:
                left[0] -= 1
                seen.insert(0, {"app_id": f"new{left[0]}", "name": "new"}) if change == "insert" else seen.pop(0)
            return found
        return {"forms": [form(body["app_id"], 1)]} if path == FORMS else {"data": []}

    with talking(say) as (session, _, _):
        found = session.list(Kind.DATASET)

    if times == 1:
        assert {each["app_id"] for each in seen} == {r.id.partition("/")[0] for r in found.resources}
    else:
        assert (False, "gap.moving") == (found.complete, found.gap.why)


def test_a_page_of_apps_that_comes_for_ever_is_raised() -> None:
    page = apps("a", "b", "c")
    with talking(lambda path, body: {"apps": page}) as (session, _, _), pytest.raises(Failure) as raised:
        session.whoami()

    assert Code.UNAVAILABLE is raised.value.code


def test_rows_come_by_the_last_id_in_the_vendors_own_text() -> None:
    there = [row(n, name="简道云" if n % 2 else "é") for n in range(1, 251)]
    with talking(table(there)) as (session, asked, _):
        found = rows_of(session)

    assert [each["_id"] for each in there] == [each.id for each in found]
    assert [json.dumps(each, ensure_ascii=False).encode() for each in there] == [each.raw for each in found]
    assert [None, f"{100:024x}", f"{200:024x}", f"{250:024x}"] == [b.get("data_id") for b in asked.bodies(ROWS)]
    assert {(APP, FORM, 100)} == {(b["app_id"], b["entry_id"], b["limit"]) for b in asked.bodies(ROWS)}


@pytest.mark.parametrize("numbers", [[1, 3, 2], [2, 2], [1, 2]])
def test_rows_that_do_not_ascend_beyond_the_cursor_are_refused(numbers: list[int]) -> None:
    with (
        talking(lambda path, body: {"data": [row(n) for n in numbers]}) as (session, _, _),
        pytest.raises(Failure) as raised,
    ):
        session.read(DATASET, f"{1:024x}")

    assert Code.UNAVAILABLE is raised.value.code


@pytest.mark.parametrize("data", ['[{"x": 1}]', '[{"_id": ""}]', "[null]", '[{"_id": 7}]', "null"])
def test_a_row_of_another_shape_is_refused_and_not_left_out(data: str) -> None:
    body = b'{"data": ' + data.encode() + b"}"
    with talking(lambda path, given: body) as (session, _, _), pytest.raises(Failure) as raised:
        session.read(DATASET)

    assert Code.REJECTED is raised.value.code


def test_rows_are_read_by_id_one_by_one_and_missing_ones_left_out() -> None:
    with talking(table([row(1), row(2)])) as (session, asked, _):
        page = session.read(DATASET, ids=[f"{2:024x}", "never-was", f"{1:024x}"])

    assert ([f"{1:024x}", f"{2:024x}"], None) == ([each.id for each in page.rows], page.next)
    assert 3 == len(asked.bodies(ROW))


@pytest.mark.parametrize("code", [3000, 2004, 17053])
def test_a_form_that_is_gone_is_no_proof_that_its_rows_are(code: int) -> None:
    with talking(lambda path, body: Refused(code)) as (session, _, _), pytest.raises(Failure):
        session.read(DATASET, ids=["a"])


def upload(url: str, size: int | None = 8) -> Body:
    return {"name": "合同.pdf", "size": size, "mime": "application/pdf", "url": url}


def test_files_are_found_in_fields_and_subforms_and_known_by_where_they_lie() -> None:
    signed = "https://files.jiandaoyun.com/{}?attname=a&e=1800000000&token=signed-by-vendor"
    there = [
        row(1, _widget_1=[upload(signed.format("k1")), upload(signed.format("k2"), size=None)], note="no file"),
        row(2, note='{"mime": 1, "name": 2, "size": 3}', list=[{"url": "https://shop.test/?id=5", "name": "x"}]),
        row(3, sub=[{"_id": "s1", "_widget_2": [upload(signed.format("k3"))]}], sign=upload(signed.format("k4"))),
    ]
    with talking(table(there)) as (session, _, _):
        page = session.files(DATASET)
        last = session.files(DATASET, page.next)
        rows = rows_of(session)

    assert [(1, "/k1"), (1, "/k2"), (3, "/k3"), (3, "/k4")] == [(int(f.row, 16), f.id) for f in page.files]
    assert File("/k1", f"{1:024x}", "合同.pdf", signed.format("k1"), 8, "application/pdf") == page.files[0]
    assert ((), None) == (last.files, last.next)
    assert b"signed-by-vendor" not in b"".join(each.raw for each in rows)
    assert b"https://files.jiandaoyun.com/k3" in rows[2].raw
    assert json.dumps(there[1], ensure_ascii=False).encode() == rows[1].raw


@pytest.mark.parametrize("broken", [{"url": None}, {"size": "8"}, {"name": None}])
def test_a_file_of_another_shape_is_refused_and_not_left_out(broken: Body) -> None:
    with (
        talking(table([row(1, a=[{**upload("https://files.jiandaoyun.com/k"), **broken}])])) as (session, _, _),
        pytest.raises(Failure) as raised,
    ):
        session.files(DATASET)

    assert Code.REJECTED is raised.value.code


def test_a_file_is_fetched_without_the_key_and_an_ended_address_is_expired() -> None:
    answers: dict[str, Any] = {"/files/a": b"contents", "/files/b": Refused(0, 403, b"gone")}
    with talking(lambda path, body: answers[path]) as (session, asked, _):
        content = b"".join(session.fetch(File("a", "r", "n", f"{asked.url}/files/a", 8)))  # type: ignore[attr-defined]
        with pytest.raises(Failure) as raised:
            b"".join(session.fetch(File("b", "r", "n", f"{asked.url}/files/b")))  # type: ignore[attr-defined]
        with pytest.raises(NotDeclared):
            b"".join(session.fetch(File("c", "r", "n", "https://files.jiandaoyun.com.evil.test/c")))

    assert (b"contents", Code.EXPIRED) == (content, raised.value.code)
    assert not any("authorization" in heard or "key-of-the-test" in heard for _, _, heard in asked.all)


def purge(session: Any, *ids: str) -> list[Result]:
    found: list[Result] = session.perform(Batch(Kind.DATASET, Verb.PURGE, tuple(map(Item, ids)), DATASET))
    return found


def test_rows_are_deleted_a_hundred_at_a_time_and_counted() -> None:
    there = [row(n) for n in range(1, 101)]
    with talking(table(there)) as (session, asked, _):
        results = purge(session, *[each["_id"] for each in list(there)])

    assert ({Outcome.DONE}, []) == ({each.outcome for each in results}, there)
    (body,) = asked.bodies(DELETE_ROWS)
    assert ({"app_id", "entry_id", "data_ids"}, 100) == (set(body), len(body["data_ids"]))


def test_where_fewer_were_deleted_each_is_looked_for() -> None:
    real = table([row(1), row(2), row(3)])

    def say(path: str, body: Body) -> Any:
        if path == DELETE_ROWS:
            return real(path, {**body, "data_ids": body["data_ids"][:1]})
        return real(path, body)

    with talking(say) as (session, asked, _):
        results = purge(session, *(f"{n:024x}" for n in (1, 2, 3)))

    assert [Outcome.DONE, Outcome.FAILED, Outcome.FAILED] == [each.outcome for each in results]
    assert [DELETE_ROWS, ROW, ROW, ROW] == asked.paths


def test_where_looking_fails_as_well_nobody_knows() -> None:
    answers = {DELETE_ROWS: {"status": "success", "success_count": 1}, ROW: Refused(0, 502, b"")}
    with talking(lambda path, body: answers[path]) as (session, asked, _):
        results = purge(session, "a", "b")

    assert [(Outcome.UNKNOWN, Proof.NONE)] * 2 == [(each.outcome, each.proof) for each in results]
    assert (1, ATTEMPTS) == (asked.paths.count(DELETE_ROWS), asked.paths.count(ROW))


@pytest.mark.parametrize("code", [4001, 4042])
def test_a_deletion_that_is_refused_for_a_row_shows_which_are_gone(code: int) -> None:
    real = table([row(2)])
    with talking(lambda path, body: Refused(code) if path == DELETE_ROWS else real(path, body)) as (session, _, _):
        results = purge(session, f"{1:024x}", f"{2:024x}")

    assert [Outcome.DONE, Outcome.FAILED] == [each.outcome for each in results]


@pytest.mark.parametrize("body", [b"", b'{"status": "success"}', b'{"status": "failed", "success_count": 2}', b"{"])
def test_an_answer_to_a_deletion_that_does_not_say_how_many_is_unknown(body: bytes) -> None:
    with talking(lambda path, given: body) as (session, asked, _):
        results = purge(session, "a", "b")

    assert ({Outcome.UNKNOWN}, 1) == ({each.outcome for each in results}, len(asked.all))


@pytest.mark.parametrize("act", [TWO, Batch(Kind.DATASET, Verb.PURGE, (Item("a"),), DATASET)])
@pytest.mark.parametrize("answer", [None, Refused(0, 502, b"<html>"), Refused(8303, 500), Refused(0, 400, b"<html>")])
def test_an_act_whose_answer_is_no_word_of_the_vendors_is_unknown_and_sent_once(act: Batch, answer: Any) -> None:
    with talking(lambda path, body: answer) as (session, asked, _):
        results = session.perform(act)

    assert ({Outcome.UNKNOWN}, 1) == ({each.outcome for each in results}, len(asked.all))


@pytest.mark.parametrize("code", [8303, 8304, 9007, 4012])
def test_what_passes_by_itself_is_asked_again_since_nothing_happened(code: int) -> None:
    answers = iter([Refused(code), Refused(code), {"status": "success"}])
    with talking(lambda path, body: next(answers)) as (session, asked, clock):
        results = session.perform(TWO)

    assert ({Outcome.DONE}, 3, 2) == ({each.outcome for each in results}, len(asked.all), len(clock.slept))


@pytest.mark.parametrize(
    ("code", "meant"),
    [(8301, Code.EXPIRED), (17017, Code.EXPIRED), (8302, Code.DENIED), (17052, Code.DENIED), (17054, Code.DENIED),
     (7103, Code.EXHAUSTED), (7206, Code.EXHAUSTED), (7212, Code.EXHAUSTED)],
)  # fmt: skip
def test_what_needs_somebody_is_raised_at_once(code: int, meant: Code) -> None:
    with talking(lambda path, body: Refused(code)) as (session, asked, clock), pytest.raises(Failure) as raised:
        session.perform(TWO)

    assert (meant, 1, []) == (raised.value.code, len(asked.all), clock.slept)


def test_members_leave_in_one_call() -> None:
    with talking(lambda path, body: {"status": "success"}) as (session, asked, _):
        results = session.perform(TWO)

    assert [("zhangsan", Outcome.DONE), ("lisi", Outcome.DONE)] == [(each.id, each.outcome) for each in results]
    assert [(DELETE_USERS, {"usernames": ["zhangsan", "lisi"]})] == [(path, body) for path, body, _ in asked.all]


def member(name: str) -> Body:
    return {"username": name, "name": name, "departments": [1], "type": 0, "status": 1}


def test_a_batch_that_is_refused_for_one_member_is_asked_again_for_the_others() -> None:
    def say(path: str, body: Body) -> Any:
        if path == USERS:
            return {"users": [member("lisi")]}
        return Refused(1010) if "zhangsan" in body["usernames"] else {"status": "success"}

    with talking(lambda path, body: {"apps": []} if path == APPS else say(path, body)) as (session, asked, _):
        results = session.perform(TWO)

    assert [(Outcome.FAILED, "missing"), (Outcome.DONE, None)] == [(each.outcome, each.code) for each in results]
    assert [["zhangsan", "lisi"], ["lisi"]] == [body["usernames"] for body in asked.bodies(DELETE_USERS)]


def test_a_refusal_that_the_vendors_own_list_contradicts_stays_a_refusal() -> None:
    answers = {USERS: {"users": [member("zhangsan"), member("lisi")]}, DELETE_USERS: Refused(1010), APPS: {"apps": []}}
    with talking(lambda path, body: answers[path]) as (session, asked, _):
        results = session.perform(TWO)

    assert {(Outcome.FAILED, "conflict")} == {(each.outcome, each.code) for each in results}
    assert 1 == len(asked.bodies(DELETE_USERS))


def test_a_session_for_reading_lets_no_deletion_through_although_everything_is_a_post() -> None:
    acting = [cell for cell in provider.table.values() if cell.how is How.API and cell.verb not in READING]
    with talking(lambda path, body: {}, use="read") as (session, asked, _):
        for cell in acting:
            with pytest.raises(NotDeclared):
                session._line.wire.send(_request(cell.requests[0]), cell.requests[0], None)

    assert ([], {DELETE_ROWS, DELETE_USERS}) == (asked.all, {cell.requests[0].split()[1] for cell in acting})


def _request(label: str) -> Any:
    from crmstate.providers.kit import Request

    method, path = label.split()
    return Request(method, path, json={})


def test_every_runbook_and_reason_is_said_in_both_languages() -> None:
    said = {text for cell in provider.table.values() for text in (cell.runbook, cell.why, cell.note)} - {None}

    assert set(provider.words["en"]) == set(provider.words["zh-CN"]) == said

"""Tryton's provider against answers as a real server was seen to give them: what an error means, what a gate lets
through, what a view proves, and what is never asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Batch, File, Item, Result
from crmstate.core.secret import Scrubber, Secret
from crmstate.core.words import READING, Kind, Outcome, Phase, Verb
from crmstate.providers.kit import Answer
from crmstate.providers.kit.connect import connect
from crmstate.providers.kit.wire import Gate, NotDeclared
from crmstate.providers.tryton import provider
from crmstate.providers.tryton.data import columns, model_of
from crmstate.providers.tryton.purge import by_halves
from crmstate.providers.tryton.vendor import DOOR, body, classify
from crmstate.providers.tryton.view import _FieldAccess as Access
from crmstate.providers.tryton.view import _Rule as Rule
from crmstate.providers.tryton.view import _RuleGroup as RuleGroup
from crmstate.providers.tryton.view import hidden_fields, hidden_rows

from .vendor import Patience, Straight, Toy, ok

KEY = "7a05328568ee45ecbfcb36785ee8567ade5c33d540b342f398ccfe922638e894ea7b9442bc784869b2dab9aa8da448cf"
PAGE = "<!doctype html>\n<html lang=en>\n<title>{0}</title>\n<h1>{0}</h1>\n<p>{1}</p>\n"
OWN = '[["company", "in", {"__class__": "Eval", "d": [], "v": "companies"}]]'
Say = Callable[[str, list[Any]], Any]


def user_error(text: str) -> list[Any]:
    return ["UserError", [text, "", None]]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (
            user_error("For logging purposes users cannot be deleted, instead they should be deactivated."),
            Code.REJECTED,
        ),
        (user_error('To delete opportunity "1", you must cancel it.'), Code.REJECTED),
        (user_error('You are not allowed to access "User".'), Code.DENIED),
        (user_error('You are trying to read records "3" of "Party" that don\'t exist.'), Code.CONFLICT),
        (user_error('You can not call "cancel" on "1" of "Sale Opportunity".'), Code.CONFLICT),
        (["UserWarning", ["a.name", "Are you sure?", "more"]], Code.REJECTED),
        (["ConcurrencyException", "Records have been modified in the meanwhile"], Code.CONFLICT),
        (["LoginException", ["password", "Password for admin", "password"]], Code.DENIED),
        (["'nofield'", ""], Code.UNAVAILABLE),
        ([], Code.UNAVAILABLE),
        ("?", Code.UNAVAILABLE),
    ],
)
def test_an_error_inside_an_answer_that_says_200_is_a_failure(error: object, code: Code) -> None:
    failure = classify(Answer(200, {}, json.dumps({"id": 1, "error": error}).encode()))

    assert failure is not None and code is failure.code


@pytest.mark.parametrize(
    ("status", "text", "code"),
    [
        (400, "Unable to get RPC method", Code.REJECTED),
        (401, "The server could not verify that you are authorized", Code.EXPIRED),
        (403, "You don&#39;t have the permission to access", Code.DENIED),
        (404, "The requested URL was not found", Code.DENIED),
        (416, "Requested range not satisfiable", Code.MISSING),
        (422, "Duplicate records", Code.REJECTED),
        (429, "slow down", Code.THROTTLED),
        (503, "Database &#39;/srv/no.sqlite&#39; doesn&#39;t exist!", Code.DENIED),
        (503, "database is locked", Code.UNAVAILABLE),
        (504, "", Code.UNAVAILABLE),
        (302, "", Code.UNAVAILABLE),
    ],
)
def test_a_page_is_read_by_its_status_and_its_sentence(status: int, text: str, code: Code) -> None:
    failure = classify(Answer(status, {}, PAGE.format(status, text).encode()))

    assert failure is not None and code is failure.code
    assert "<" not in failure.summary and "/srv" not in failure.summary


def test_an_answer_is_no_failure_whatever_its_rows_say() -> None:
    rows = json.dumps({"id": 1, "result": [{"id": 1, "error": ["UserError", ["x"]]}]})
    assert classify(Answer(200, {}, rows.encode())) is None


def test_somebody_locked_out_is_not_asked_for_again_and_again() -> None:
    text = "This user has exceeded an allotted request count. Try again later."
    failure = classify(Answer(429, {}, PAGE.format("429 Too Many Requests", text).encode()))

    assert failure is not None and failure.retry_after is not None and failure.retry_after > 300


def test_a_refusal_that_quotes_the_key_it_is_about_does_not_pass_it_on() -> None:
    error = user_error(f'You can not call "cancel" on "{KEY}" of "User Application".')
    failure = classify(Answer(200, {}, json.dumps({"id": 1, "error": error}).encode()))

    assert failure is not None and KEY[:32] not in failure.summary + str(failure)


@contextmanager
def talking(say: Say, use: Any = "write") -> Iterator[tuple[Any, list[str]]]:
    """A session with a server that answers a method and its params; a Failure's place is taken by `{"error": ...}`."""
    heard: list[str] = []

    def answer(text: str) -> bytes:
        asked = json.loads(text.partition("\r\n\r\n")[2] or text.rpartition("\n")[2])
        assert set(asked) == {"id", "method", "params"}
        heard.append(asked["method"])
        if asked["method"] == "common.db.login":
            return ok(b'{"id":1,"result":[1,"' + b"5e" * 32 + b'",null]}')
        found = say(asked["method"].removeprefix("model."), asked["params"])
        if isinstance(found, bytes):
            return found
        said = found if isinstance(found, dict) and "error" in found else {"result": found}
        return ok(json.dumps({"id": 1, **said}).encode())

    toy, scrubber = Toy(answer), Scrubber()
    credential = {"login": Secret("admin"), "password": Secret("a pass phrase")}
    session: Any = connect(
        provider,
        f"{toy.url}/crm",
        credential,
        use,
        effects=Straight(),
        clock=Patience(),
        learn=scrubber.learn,
        scrub=scrubber.scrub,
    )
    try:
        yield session, heard
    finally:
        session.close()
        toy.close()


def test_no_reading_session_sends_a_method_that_writes() -> None:
    with talking(lambda method, params: None, "read") as (session, heard):
        line = session._line
        for method in ("model.res.user.write", "model.party.party.delete", "model.res.user.application.cancel"):
            with pytest.raises(NotDeclared):
                line.wire.send(_request(method), line.dialect.name(_request(method)), None)
    assert heard == []


def test_reading_cells_declare_nothing_that_writes() -> None:
    words = {"search_read", "search_count", "fields_get", "get_preferences", "get_id", "get_access", "listMethods"}
    for cell in provider.table.values():
        if cell.verb in READING:
            assert {request.rpartition(".")[2] for request in cell.requests} <= words
            assert all(request.startswith("POST /*/rpc/#") for request in cell.requests)


def test_a_method_that_the_gate_lets_through_is_known_by_its_last_word() -> None:
    gate = Gate(["POST /*/rpc/#model.*.search_read"])
    name = provider.dialect.name
    assert gate.lets(name(_request("model.party.contact_mechanism.search_read")))
    for method in ("model.party.party.delete", "model.party.party.search_read.delete", "", "common.db.login"):
        assert not gate.lets(name(_request(method)))


def _request(method: str) -> Any:
    from crmstate.providers.kit import Request

    return Request("POST", DOOR, json=body(method, {}))


def test_a_session_that_ended_is_opened_anew() -> None:
    ended = iter([True, False])

    def say(method: str, params: list[Any]) -> Any:
        return ok(b"", "401 UNAUTHORIZED") if next(ended, False) else {"groups": []}

    with talking(say, "read") as (session, heard):
        assert session.alive()
    assert 2 == heard.count("common.db.login")


@pytest.mark.parametrize("answer", ["401 UNAUTHORIZED"])
def test_a_login_that_is_refused_is_dead_and_asked_for_once(answer: str) -> None:
    toy = Toy(lambda heard: ok(b"", answer))
    credential = {"login": Secret("admin"), "password": Secret("wrong")}
    session = connect(
        provider,
        f"{toy.url}/crm",
        credential,
        effects=Straight(),
        clock=Patience(),
        learn=lambda secret: None,
        scrub=str,
    )
    assert (False, 1) == (session.alive(), len(toy.heard))
    session.close()
    toy.close()


def test_keys_are_listed_without_what_they_are() -> None:
    asked: list[str] = []

    def say(method: str, params: list[Any]) -> Any:
        if method.endswith("search_count"):
            return 3
        if method.startswith("res.user.application"):
            asked.extend(params[4])
            if any(term[:2] == ["id", ">"] for term in params[0]):
                return []
            states = ("requested", "validated", "cancelled")
            return [{"id": n, "user": 7, "application": "rest", "state": each} for n, each in enumerate(states, 1)]
        return {"error": user_error("You are not allowed to access this.")}

    with talking(say, "read") as (session, _):
        cell = provider.table[Kind.API_KEY, Verb.LIST]
        found = session._run(cell, None)

    assert [Phase.PRESENT, Phase.PRESENT, Phase.ABSENT] == [row.phase for row in found]
    assert {"user", "application", "state"} == set(asked)


def test_a_revocation_leaves_out_what_is_cancelled_and_names_what_is_not_there() -> None:
    cancelled: list[list[int]] = []

    def say(method: str, params: list[Any]) -> Any:
        if method.endswith("cancel"):
            cancelled.append(params[0])
            return None
        alive = ["state", "!=", "cancelled"] in params[0]
        return [{"id": each} for each in ((1,) if alive else (1, 2))]

    with talking(say) as (session, _):
        cell = provider.table[Kind.API_KEY, Verb.REVOKE]
        results = session._run(cell, Batch(Kind.API_KEY, Verb.REVOKE, tuple(map(Item, ("1", "2", "9", "x")))))

    assert [[1]] == cancelled
    assert ["done", "done", "failed", "failed"] == [each.outcome.value for each in results]
    assert {Code.MISSING.value} == {each.code for each in results[2:]}


def test_nobody_who_is_switched_off_is_let_in_again_by_signing_them_out() -> None:
    written: list[list[int]] = []

    def say(method: str, params: list[Any]) -> Any:
        if method.endswith("write"):
            written.append(params[0])
            return None
        active = ["active", "=", True] in params[0]
        return [{"id": each} for each in ((1,) if active else (1, 2))]

    with talking(say) as (session, _):
        cell = provider.table[Kind.SESSION, Verb.SIGN_OUT]
        results = session._run(cell, Batch(Kind.SESSION, Verb.SIGN_OUT, (Item("1"), Item("2"))))

    assert ([[1]], {"done"}) == (written, {each.outcome.value for each in results})


def test_a_dataset_that_may_not_be_read_makes_the_listing_incomplete() -> None:
    models = ("party.party", "sale.sale")
    methods = [f"model.{model}.{each}" for model in models for each in ("search_read", "search_count", "delete")]

    def say(method: str, params: list[Any]) -> Any:
        if method == "system.listMethods":
            return methods
        if method == "ir.model.access.get_access":
            return {"party.party": {"read": True, "delete": True}, "sale.sale": {"read": False}}
        return [] if method.endswith("search_read") else 1

    with talking(say, "read") as (session, _):
        found = session.list(Kind.DATASET)

    assert (["party.party"], False) == ([row.id for row in found.resources], found.complete)
    assert ("gap.denied", "sale.sale") == (found.gap.why, found.gap.detail)


@pytest.mark.parametrize(
    "name", ["res.user", "res.user.application", "ir.model", "ir.session", "", "party", "../x", "a b.c"]
)
def test_a_table_that_is_no_dataset_cannot_be_read_under_that_name(name: str) -> None:
    with pytest.raises(Failure):
        model_of(name)


def test_columns_are_what_a_record_keeps_without_secrets_and_contents() -> None:
    fields = {
        "name": {"type": "char"},
        "lines": {"type": "one2many", "sortable": False},
        "payable": {"type": "numeric", "sortable": False},
        "full_name": {"type": "char", "searchable": False},
        "logo": {"type": "binary", "searchable": False},
        "api_token": {"type": "char"},
    }
    with talking(lambda method, params: fields, "read") as (session, _):
        call: Any = _Through(session)
        assert (["lines", "logo", "name"], ["api_token"]) == columns(call, "company.company")
        fields["data"] = {"type": "binary", "searchable": False}
        assert "data" not in columns(call, "ir.attachment")[0]


def test_what_is_not_asked_for_because_it_is_secret_is_seen_in_the_row() -> None:
    asked: list[Any] = []

    def say(method: str, params: list[Any]) -> Any:
        if method.endswith("fields_get"):
            return {"name": {"type": "char"}, "api_token": {"type": "char"}, "password_hash": {"type": "char"}}
        asked.append(params[4])
        return [{"id": 1, "name": "Ann"}]

    with talking(say, "read") as (session, _):
        (row,) = session.read("web.user").rows
        (again,) = session.read("web.user", ids=["1"]).rows
    assert asked == [["name"], ["name"]]
    assert json.loads(row.raw) == {"id": 1, "name": "Ann", "api_token": "$redacted", "password_hash": "$redacted"}
    assert row == again


class _Through:
    """A Call of the cell that reads rows."""

    def __init__(self, session: Any) -> None:
        from crmstate.providers.kit import call_for

        self._call = call_for(session._line, provider.table[Kind.DATASET, Verb.READ])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)


def test_rows_keep_their_text_and_end_with_a_page_without_rows() -> None:
    raw = '{"amount":{"__class__":"Decimal","decimal":"1.50"},"id":%d,"name":"Zo\\u00eb"}'

    def say(method: str, params: list[Any]) -> Any:
        if method.endswith("fields_get"):
            return {"name": {"type": "char"}, "amount": {"type": "numeric"}}
        after = next((term[2] for term in params[0] if term[:2] == ["id", ">"]), 0)
        assert (params[2], params[3], params[5]) == (500, [["id", "ASC"]], {"active_test": False})
        rows = [raw % each for each in range(after + 1, min(after + 2, 3) + 1)]
        return ok(('{"id":1,"result":[' + ",".join(rows) + "]}").encode())

    with talking(say, "read") as (session, _):
        first = session.read("party.party")
        second = session.read("party.party", first.next)
        third = session.read("party.party", second.next)

    assert [("1", raw % 1), ("2", raw % 2), ("3", raw % 3)] == [
        (row.id, row.raw.decode()) for row in (*first.rows, *second.rows, *third.rows)
    ]
    assert ("2", "3", None) == (first.next, second.next, third.next)


def test_an_attachment_is_fetched_by_its_number_and_an_address_never() -> None:
    def say(method: str, params: list[Any]) -> Any:
        return [{"id": 5, "data": {"__class__": "bytes", "base64": "JVBERi0x\\nLjQ=\n".replace("\\n", "\n")}}]

    with talking(say, "read") as (session, _):
        assert b"%PDF-1.4" == b"".join(session.fetch(File("5", "1", "a.pdf", "ir.attachment,5", 8)))
        with pytest.raises(NotDeclared):
            b"".join(session.fetch(File("5", "1", "a.pdf", "http://127.0.0.1:1/x")))


def test_opportunities_are_cancelled_before_they_are_deleted_and_lost_ones_reopened_first() -> None:
    acts: list[tuple[str, list[int]]] = []
    states = {1: "lead", 2: "cancelled", 3: "lost", 4: "opportunity"}

    def say(method: str, params: list[Any]) -> Any:
        if method.endswith("search_read"):
            return [{"id": each, "state": state} for each, state in states.items()]
        acts.append((method.rpartition(".")[2], params[0]))
        return None

    batch = Batch(Kind.DATASET, Verb.PURGE, tuple(map(Item, "12349")), "sale.opportunity")
    with talking(say) as (session, _):
        results = session._run(provider.table[Kind.DATASET, Verb.PURGE], batch)

    assert [("lead", [3]), ("cancel", [1, 3, 4]), ("delete", [1, 2, 3, 4])] == acts
    assert ["done"] * 4 + ["failed"] == [each.outcome.value for each in results]
    assert ("9", Code.MISSING.value) == (results[4].id, results[4].code)


def _deleting(bad: dict[int, Code], gone: list[int]) -> Callable[[list[int]], None]:
    def delete(ids: list[int]) -> None:
        for each in ids:
            if each in bad:
                raise Failure(bad[each], f"no {each}")
        gone.extend(ids)

    return delete


def _codes(results: list[Result]) -> list[str | None]:
    return [each.code for each in results]


def test_one_row_that_is_refused_keeps_no_other() -> None:
    gone: list[int] = []
    results = by_halves(list(range(1, 101)), _deleting({37: Code.REJECTED}, gone))

    assert set(range(1, 101)) - {37} == set(gone)
    assert ["rejected"] == [each.code for each in results if each.outcome is Outcome.FAILED]
    assert [str(each) for each in range(1, 101)] == [each.id for each in results]


def test_after_a_lost_answer_nothing_more_is_sent() -> None:
    gone: list[int] = []
    results = by_halves([1, 2, 3, 4], _deleting({1: Code.REJECTED, 2: Code.AMBIGUOUS}, gone))

    assert [] == gone
    assert (["rejected", "ambiguous", "unavailable", "unavailable"], Outcome.UNKNOWN) == (
        _codes(results),
        results[1].outcome,
    )


def test_a_failure_before_anything_happened_is_raised() -> None:
    with pytest.raises(Failure):
        by_halves([1, 2], _deleting({1: Code.EXPIRED}, []))
    assert [] == by_halves([], _deleting({}, []))


@pytest.mark.parametrize(
    ("domain", "companies", "whole"),
    [("[]", 1, True), ('[["active", "=", true]]', 1, False), ("[]", 2, False)],
    ids=["sees everything", "a rule hides rows", "a company is not selected"],
)
def test_an_administrators_view_is_whole_only_where_nothing_is_hidden_from_it(
    domain: str, companies: int, whole: bool
) -> None:
    born = {"__class__": "datetime", "year": 2026, "month": 1, "day": 1, "hour": 1, "minute": 1, "second": 1}
    answers: dict[str, Any] = {
        "res.user.get_preferences": {"groups": [1], "company_filter": "one", "company": 1, "companies": [1]},
        "res.user.search_read": [{"id": each, "login": "x", "create_date": born, "email": None} for each in (0, 1)],
        "res.group.search_read": [{"id": 1, "name": "Administration", "parent": None}],
        "ir.model.data.get_id": 1,
        "ir.model.access.get_access": {each: {"write": True} for each in ("res.user", "res.user.application")},
        "company.company.search_read": [{"id": 1, "rec_name": "Acme"}],
        "company.company.search_count": companies,
        "ir.rule.group.search_read": [
            {
                "id": 1,
                "model": "party.party",
                "global_p": True,
                "default_p": False,
                "groups": [],
                "rules.": [{"id": 1, "domain": domain}],
            }
        ],
        "ir.model.field.access.search_read": [],
    }

    with talking(lambda method, params: answers[method], "read") as (session, _):
        assert session.whoami().whole_view is whole


def rule(
    model: str, domain: str, *, everybody: bool = False, default: bool = False, groups: tuple[int, ...] = ()
) -> Any:
    return RuleGroup(model, everybody, default, list(groups), [Rule(domain)])


@pytest.mark.parametrize(
    ("rules", "hidden"),
    [
        ([rule("sale.sale", OWN, everybody=True)], set()),
        ([rule("sale.sale", '[["employee", "=", 3]]', everybody=True)], {"sale.sale"}),
        ([rule("res.user.application", '[["user", "=", 1]]', default=True)], {"res.user.application"}),
        ([rule("party.party", '[["a", "=", 1]]', default=True), rule("party.party", "[]", groups=(1,))], set()),
        (
            [rule("party.party", '[["a", "=", 1]]', default=True), rule("party.party", "[]", groups=(2,))],
            {"party.party"},
        ),
        ([rule("ir.ui.menu", '[["groups", "=", null]]', everybody=True)], set()),
        ([rule("party.party", "not json", everybody=True)], {"party.party"}),
    ],
)
def test_a_rule_that_may_hide_rows_leaves_the_view_unproved(rules: list[Any], hidden: set[str]) -> None:
    assert hidden == hidden_rows(rules, {1})


def test_a_field_kept_from_us_leaves_the_view_unproved() -> None:
    access = [Access("party.party", "name", None, False), Access("party.party", "name", 2, True)]
    assert ({"party.party.name"}, set()) == (hidden_fields(access, {1}), hidden_fields(access, {2}))

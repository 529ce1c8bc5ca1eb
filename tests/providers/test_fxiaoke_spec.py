"""Every request that FXiaoke's provider can send, and every reply and code that is documented, against the examples beside the
project. They are data to test against and do not come along.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Batch, Item
from crmstate.core.words import How, Kind, Outcome, Phase, Verb
from crmstate.providers.fxiaoke import classify, provider
from crmstate.providers.fxiaoke.purge import QUIETLY
from crmstate.providers.fxiaoke.vendor import CODES, RENEWED
from crmstate.providers.kit.wire import Answer

from .fxiaoke_wire import FIELDS, OLDER, PRESENT, Asked, Body, Raw, talking

ROOT = Path(__file__).parents[2]
PLACES = [ROOT.parent / "shared", Path(os.environ.get("CRMSTATE_SHARED", ROOT.parent / "shared"))]
SPEC = next((each / "specs" / "fxiaoke" for each in PLACES if (each / "specs" / "fxiaoke").is_dir()), None)

pytestmark = pytest.mark.skipif(SPEC is None, reason="the vendors' examples (shared/specs) are not beside the project")

PRESET, CUSTOM = "AccountObj", "object_8vN1s__c"
EXAMPLES = {
    "/oauth2.0/token": "token_new",
    "/cgi/corpAccessToken/get/V2": "token_legacy",
    "/cgi/crm/v2/object/list": "object_list",
    "/cgi/crm/v2/object/describe": "object_describe",
    "/cgi/crm/v2/data/query": "data_query_first_page",
    "/cgi/crm/custom/v2/data/query": "data_query_next_page",
    "/cgi/crm/v2/data/invalid": "data_invalid_preset",
    "/cgi/crm/custom/data/invalid": "data_invalid_custom_batch",
    "/cgi/crm/v2/data/delete": "data_delete",
    "/cgi/crm/v2/data/recover": "data_recover",
    "/cgi/user/list": "user_list_legacy",
    "/cgi/user/get/batchByUpdTime": "user_batch_by_update_time",
    "/media/download": "media_download_legacy",
}
"""Every path that the provider asks for and that has an example."""

WITHOUT_EXAMPLE = {
    "/cgi/crm/custom/v2/data/delete": "data_delete, at the path of the company's own objects",
    "/cgi/crm/custom/v2/data/recover": "data_recover, at the path of the company's own objects",
    "/cgi/user/batchSetStatus": "the note of user_set_status_legacy: openUserIds[] in the place of openUserId",
    "/cgi/crm/v2/object/unlock": "the sheet names the path alone",
    "/cgi/crm/v2/data/choose": "the sheet names the path alone",
    "/cgi/crm/custom/v2/data/choose": "the same, at the path of the company's own objects",
}
"""Paths that the sheet names, and where their form is from."""

OF_THE_STYLE = {"corpAccessToken", "corpId", "currentOpenUserId"}
NUMBERS = {"retry_with_backoff": {Code.THROTTLED, Code.UNAVAILABLE}, "refresh_token_then_retry": {Code.EXPIRED}}
NUMBERS |= {"stop_until_midnight": {Code.EXHAUSTED}, "fatal": {Code.DENIED, Code.EXPIRED}}


def example(name: str) -> Any:
    assert SPEC is not None
    return json.loads((SPEC / "examples" / f"{name}.json").read_text(encoding="utf-8"))


def yaml_of(name: str) -> str:
    assert SPEC is not None
    return (SPEC / "api-evangelist" / f"{name}.yml").read_text(encoding="utf-8")


def reply(path: str, body: Body) -> Any:
    """The example's reply, and nothing after the first page of it."""
    if path not in EXAMPLES:
        return {}
    found = example(EXAMPLES[path])["response"]["body"]
    if path == "/media/download":
        return Raw(b"content", 200, "Content-Disposition: attachment; filename=a.pdf")
    if path == "/cgi/crm/v2/data/query" and body["data"]["search_query_info"]["filters"]:
        (values,) = (each["field_values"] for each in body["data"]["search_query_info"]["filters"])
        rows = [each for each in found["data"]["dataList"] if each["_id"] > values[0]]
        return {**found, "data": {**found["data"], "dataList": rows}}
    if body.get("pageNumber", 1) > 1:
        return {**found, "employees": []}
    return found


def every_call(session: Any) -> Iterator[Callable[[], Any]]:
    """All that the provider can be asked for, reading and acting."""
    row = "5f1e6a0b2c3d4e0001a2b3c4"
    yield session.whoami
    yield session.alive
    for kind in Kind:
        cell = provider.cell(kind, Verb.LIST)
        if cell is not None and cell.how is How.API:
            yield partial(session.list, kind)
            yield partial(session.list, kind, [PRESET, "FSUID_x", "never-was"])
    for dataset in (PRESET, CUSTOM):
        yield partial(session.read, dataset)
        yield partial(session.read, dataset, row)
        yield partial(session.read, dataset, ids=[row, "never-was"])
        yield partial(session.files, dataset)
        yield partial(session.count, dataset)
        yield partial(session.fields, dataset)
        yield partial(session.perform, Batch(Kind.DATASET, Verb.PURGE, (Item(row), Item("f" * 24)), dataset))
        yield partial(session.rights, {(Kind.DATASET, Verb.PURGE): [dataset]})
    yield lambda: b"".join(session.fetch(_file()))
    yield partial(session.rights, {(Kind.USER, Verb.DEACTIVATE): ["FSUID_x"]})
    yield partial(session.perform, Batch(Kind.USER, Verb.DEACTIVATE, tuple(Item(f"FSUID_{n}") for n in range(50))))


def _file() -> Any:
    from crmstate.core.provider import File

    return File("N_1", "r", "a.pdf", "N_1", 7)


def locked(path: str, body: Body) -> Any:
    """A row that is there, of whatever object, and that nobody may make invalid."""
    from .fxiaoke_wire import Refused

    return (
        Refused(15002)
        if path.endswith("/invalid")
        else reply(path.replace("custom/v2/data/query", "v2/data/query"), body)
    )


def undeletable(path: str, body: Body) -> Any:
    """A row that may lie in the bin, and that nobody may delete."""
    from .fxiaoke_wire import Refused

    return Refused(15002) if path.endswith("/delete") else reply(path, body)


@pytest.fixture(scope="module")
def asked() -> Asked:
    found = Asked()
    for credential in ({**PRESENT, "open_user_id": "FSUID_own"}, OLDER):
        with talking(reply, credential=credential) as (session, heard, _):
            for call in every_call(session):
                call()
            found.all += heard.all
            found.sign_ins += heard.sign_ins
    with talking(locked) as (session, heard, _):
        for dataset in (PRESET, CUSTOM):
            session.perform(Batch(Kind.DATASET, Verb.PURGE, (Item("5f1e6a0b2c3d4e0001a2b3c4"),), dataset))
        found.all += heard.all
    with talking(undeletable) as (session, heard, _):
        for dataset in (PRESET, CUSTOM):
            session.perform(Batch(Kind.DATASET, Verb.PURGE, (Item("f" * 24),), dataset))
        found.all += heard.all
    return found


def test_every_request_that_a_cell_declares_was_sent_and_no_other(asked: Asked) -> None:
    declared = {each for cell in provider.table.values() for each in cell.requests}

    assert declared == {f"POST {path}" for path in asked.paths}
    sign_in = {each.path for each in asked.sign_ins}
    assert set(provider.dialect.login_requests) == {f"POST {path}" for path in sign_in}
    assert set(asked.paths) | sign_in == set(EXAMPLES) | set(WITHOUT_EXAMPLE)


def test_every_request_is_of_its_examples_shape_in_both_styles(asked: Asked) -> None:
    for heard in (*asked.all, *asked.sign_ins):
        assert heard.headers["content-type"] == "application/json"
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", heard.query["thirdTraceId"])
        if heard in asked.sign_ins:
            assert heard.body.keys() == example(EXAMPLES[heard.path])["request"]["body"].keys()
            continue
        older = "corpAccessToken" in heard.body
        assert older != ("authorization" in heard.headers)
        assert older or {"x-fs-ea", "x-fs-userid"} <= heard.headers.keys()
        body = {name: value for name, value in heard.body.items() if name not in {*OF_THE_STYLE, *QUIETLY}}
        if heard.path in EXAMPLES:
            request = example(EXAMPLES[heard.path])["request"]
            assert urlsplit(request["url"]).path == heard.path
            _same_shape({k: v for k, v in request["body"].items() if k not in OF_THE_STYLE}, body, heard.path)


def _same_shape(known: Any, sent: Any, place: str) -> None:
    """Names and types of what is sent are the example's; what may be left out is the count that nobody asks for."""
    assert type(known) is type(sent), place
    if isinstance(known, dict):
        extra = {"find_explicit_total_num"}
        assert sent.keys() - extra == known.keys() - extra, (place, sent)
        for name in sent.keys() & known.keys():
            _same_shape(known[name], sent[name], f"{place} {name}")
    if isinstance(known, list) and known and sent:
        for each in sent:
            _same_shape(known[0], each, place)


def test_the_switches_of_approvals_and_workflows_go_along_with_every_act_on_rows(asked: Asked) -> None:
    acts = [
        heard.body
        for heard in asked.all
        if heard.path.endswith(("/invalid", "/delete", "/recover", "/unlock", "/choose"))
    ]

    assert acts and all(QUIETLY.items() <= body.items() for body in acts)


def test_every_host_of_the_vendors_clouds_is_the_providers_and_no_other() -> None:
    hosts = re.findall(r"^  - (open[\w.-]+)$", yaml_of("fxiaoke-lifecycle"), re.M)
    examples = {urlsplit(example(name)["request"]["url"]).hostname for name in EXAMPLES.values()}

    assert tuple(hosts) == provider.hosts
    assert {urlsplit(provider.url).hostname} == examples


def test_the_limits_are_the_manuals(asked: Asked) -> None:
    text = yaml_of("fxiaoke-rate-limits")
    limits = {each: int(n) for each, n in re.findall(r"- id: ([\w-]+)\n.*?limit: (\d+)\n", text, re.S)}
    rates = provider.limits.per_request

    assert (100, 100_000, 10, 10_000) == tuple(limits.values())
    assert provider.limits.per_day == limits["daily-quota"]
    sign_in = {each: rates[each] for each in provider.dialect.login_requests}
    assert {limits["token-grant"] / 60} == set(sign_in.values())
    calls = {name: rate for name, rate in rates.items() if name not in sign_in}
    assert all(rate + 20 * rate <= limits["per-operation-burst"] + 1e-6 for rate in calls.values())
    assert calls.keys() == {each for cell in provider.table.values() for each in cell.requests}
    searches = [heard.body["data"]["search_query_info"] for heard in asked.all if heard.path.endswith("/query")]
    assert {0} == {each["offset"] for each in searches} and max(each["limit"] for each in searches) == 100
    assert max(heard.body["pageSize"] for heard in asked.all if "pageSize" in heard.body) <= 1000
    assert {1} == {len(each["filters"]) for each in searches if each["filters"]}
    assert {"GT"} == {each["operator"] for search in searches for each in search["filters"]}


def test_every_documented_code_is_classified_and_no_other_is_made_up() -> None:
    known = yaml_of("fxiaoke-problem-types").partition("client_side_codes:")[0]
    codes = dict(re.findall(r"^- code: (-?\d+)\n.*?class: ([\w-]+)$", known, re.M | re.S))

    assert {int(each) for each in codes} == {0, *CODES}
    kinds = {
        "server": {Code.UNAVAILABLE},
        "request": {Code.REJECTED, Code.EXPIRED},
        "auth": {Code.EXPIRED, Code.REJECTED},
        "authz": {Code.DENIED, Code.EXPIRED},
        "rate-limit": {Code.THROTTLED, Code.EXHAUSTED},
        "commercial": {Code.DENIED},
        "not-found": {Code.MISSING, Code.DENIED},
    }
    for code, kind in codes.items():
        assert code == "0" or CODES[int(code)] in kinds[kind], (code, kind)


def test_what_is_suggested_for_each_code_is_what_is_done() -> None:
    suggested = example("errors")["retry_suggestion"]

    assert NUMBERS.keys() == suggested.keys()
    for name, codes in suggested.items():
        assert {CODES[code] for code in codes} <= NUMBERS[name], name
    assert {str(each) for each in suggested["refresh_token_then_retry"]} == RENEWED


def test_the_documented_refusals_are_understood() -> None:
    meant = {
        "no credentials": Code.DENIED,
        "expired or unknown token": Code.EXPIRED,
        "unknown path": Code.REJECTED,
        "per-second limit": Code.THROTTLED,
        "daily quota used": Code.EXHAUSTED,
        "no quota purchased": Code.DENIED,
        "offset over 10000": Code.REJECTED,
    }
    for each in example("errors")["examples"]:
        found = classify(Answer(200, {}, json.dumps(each["body"], ensure_ascii=False).encode()))
        assert found is not None and meant[each["case"]] is found.code


def test_the_documented_replies_are_understood() -> None:
    with talking(reply) as (session, _, _):
        identity = session.whoami()
        people = session.list(Kind.USER).resources
        datasets = session.list(Kind.DATASET).resources
        (row,) = session.read(PRESET).rows
        described = json.loads(session.fields(PRESET))
        gone = session.perform(Batch(Kind.DATASET, Verb.PURGE, (Item("f" * 24),), PRESET))

    assert example("token_new")["response"]["body"]["ea"] == identity.tenant
    assert [("FSUID_x", "张三", Phase.INACTIVE)] == [(each.id, each.label, each.phase) for each in people]
    assert [(PRESET, "客户", 1), (CUSTOM, "自定义对象", 0)] == [
        (each.id, each.label, each.facts.rows) for each in datasets
    ]
    assert example("data_query_first_page")["response"]["body"]["data"]["dataList"] == [json.loads(row.raw)]
    assert example("object_describe")["response"]["body"]["data"]["describe"] == described
    assert [Outcome.DONE] == [each.outcome for each in gone]


def test_a_documented_reply_with_a_wrong_field_is_refused() -> None:
    """Each documented field that the provider relies on, under another name."""
    relied = {
        "/oauth2.0/token": ["accessToken", "ea", "errorCode"],
        "/cgi/crm/v2/object/list": ["data", "objects", "describeApiName", "errorCode"],
        "/cgi/crm/v2/object/describe": ["data", "describe"],
        "/cgi/crm/v2/data/query": ["data", "dataList", "_id"],
        "/cgi/user/list": ["userList", "openUserId", "isStop"],
        "/cgi/user/get/batchByUpdTime": ["employees", "openUserId", "isStop"],
        "/cgi/crm/v2/data/invalid": ["errorCode"],
        "/cgi/crm/v2/data/delete": ["errorCode"],
    }
    for path, fields in relied.items():
        for field in fields:
            with talking(partial(_spoiled, path, field), credential={**FIELDS, "user_id": "1"}) as (session, _, _):
                assert _refused(session), (path, field)


def _spoiled(spoiled: str, field: str, path: str, body: Body) -> Any:
    found = reply(path, body)
    if path != spoiled:
        return found
    envelope = {"traceId": "T0", "errorMessage": "OK", "errorCode": 0, **found}
    return Raw(json.dumps(envelope).replace(f'"{field}":', f'"{field}_":').encode())


def _refused(session: Any) -> bool:
    """Whether something of all that can be asked for fails, or is unknown."""
    for call in every_call(session):
        try:
            found = call()
        except Failure as failure:
            assert failure.code in {Code.REJECTED, Code.UNAVAILABLE}
            return True
        if isinstance(found, list) and {each.outcome for each in found} == {Outcome.UNKNOWN}:
            return True
    return False

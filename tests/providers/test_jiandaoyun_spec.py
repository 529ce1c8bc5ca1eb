"""Every request that Jiandaoyun's provider can send, and every reply and code that the vendor documents, against the
examples beside the project. They are data to test against and do not come along.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Batch, Item
from crmstate.core.words import How, Kind, Outcome, Phase, Verb
from crmstate.providers.jiandaoyun import classify, provider
from crmstate.providers.jiandaoyun.vendor import CODES
from crmstate.providers.kit.wire import HANDED_OUT, Answer

from .jiandaoyun_wire import APP, DATASET, Asked, Body, Refused, talking

ROOT = Path(__file__).parents[2]
PLACES = [ROOT.parent / "shared", Path(os.environ.get("CRMSTATE_SHARED", ROOT.parent / "shared"))]
SPEC = next((each / "specs" / "jiandaoyun" for each in PLACES if (each / "specs" / "jiandaoyun").is_dir()), None)

pytestmark = pytest.mark.skipif(SPEC is None, reason="the vendors' examples (shared/specs) are not beside the project")

EXAMPLES = {
    "/api/v5/app/list": "app_list",
    "/api/v5/app/entry/list": "entry_list",
    "/api/v5/app/entry/widget/list": "widget_list",
    "/api/v5/app/entry/data/list": "data_list",
    "/api/v5/app/entry/data/batch_delete": "data_batch_delete",
    "/api/v5/corp/department/user/list": "dept_user_list",
    "/api/v5/corp/user/batch_delete": "user_batch_delete",
}
"""Every path that the provider asks for, and its example. `data/get` has none: only its form is known, from the sheet."""

WITHOUT_EXAMPLE = {"/api/v5/app/entry/data/get": {"app_id": str, "entry_id": str, "data_id": str}}
NOT_SENT = {"filter"}
"""Documented fields that the provider never sends."""


def load(name: str) -> Any:
    assert SPEC is not None
    return json.loads((SPEC / name).read_text(encoding="utf-8"))


def example(path: str) -> Any:
    return load(f"examples/{EXAMPLES[path]}.json")


def reply(path: str, body: Body) -> Any:
    """The example's reply, and nothing more after the first page of it."""
    if path in WITHOUT_EXAMPLE:
        (found,) = load("examples/data_list.json")["response"]["body"]["data"]
        return {"data": found} if found["_id"] == body["data_id"] else Refused(4001)
    found = example(path)["response"]["body"]
    name = next(iter(found))
    if body.get("skip", 0) > 0 or "data_id" in body:
        return {name: found[name] if body.get("skip") == 0 else []}
    return found


def every_call(session: Any, who: str) -> Iterator[Callable[[], Any]]:
    """All that the provider can be asked for, reading and acting."""
    rows = [f"{n:024x}" for n in range(100)]
    yield session.whoami
    yield session.alive
    for kind in Kind:
        cell = provider.cell(kind, Verb.LIST)
        if cell is not None and cell.how is How.API:
            yield partial(session.list, kind)
            yield partial(session.list, kind, [DATASET, who, "never-was"])
    yield partial(session.read, DATASET)
    yield partial(session.read, DATASET, "59e9a2fe283ffa7c11b1ddbf")
    yield partial(session.read, DATASET, ids=["59e9a2fe283ffa7c11b1ddc0", "59e9a2fe283ffa7c11b1ddbf"])
    yield partial(session.fields, DATASET)
    yield partial(session.files, DATASET)
    yield partial(session.files, DATASET, "59e9a2fe283ffa7c11b1ddbf")
    names = [f"u{n}" for n in range(50)]
    yield partial(session.perform, Batch(Kind.USER, Verb.DELETE, tuple(map(Item, names))))
    yield partial(session.perform, Batch(Kind.DATASET, Verb.PURGE, tuple(map(Item, rows)), DATASET))


@pytest.fixture(scope="module")
def asked() -> Asked:
    with talking(reply) as (session, found, _):
        for call in every_call(session, "jiandaoyun"):
            call()
    return found


def test_every_request_that_a_cell_declares_was_sent_and_no_other(asked: Asked) -> None:
    declared = {each for cell in provider.table.values() for each in cell.requests} - {HANDED_OUT}

    assert declared == {f"POST {path}" for path in asked.paths}
    assert set(asked.paths) == set(EXAMPLES) | set(WITHOUT_EXAMPLE)


def test_every_request_is_of_its_examples_shape(asked: Asked) -> None:
    for path, body, heard in asked.all:
        if path in WITHOUT_EXAMPLE:
            assert WITHOUT_EXAMPLE[path] == {name: type(value) for name, value in body.items()}
            continue
        request = example(path)["request"]
        fields = {name: value for name, value in request["body"].items() if name not in NOT_SENT}
        assert urlsplit(request["url"]).path == path
        assert body.keys() <= fields.keys(), (path, body)
        assert fields.keys() - body.keys() <= {"data_id"}, (path, body)
        assert {name: type(fields[name]) for name in body} == {name: type(value) for name, value in body.items()}
        assert all(isinstance(each, str) for value in body.values() if isinstance(value, list) for each in value)
        assert "authorization: bearer key-of-the-test" in heard
        assert "content-type: application/json" in heard


def test_every_example_asks_a_host_that_is_the_vendors(asked: Asked) -> None:
    hosts = {urlsplit(example(path)["request"]["url"]).hostname for path in EXAMPLES}

    assert hosts == set(provider.hosts)


def test_no_request_asks_for_more_than_the_manual_allows(asked: Asked) -> None:
    most = load("rate_limits.json")["batch_max"]["data_ids"]

    assert {1 <= body["limit"] <= 100 for _, body, _ in asked.all if "limit" in body} == {True}
    assert max(len(body["data_ids"]) for _, body, _ in asked.all if "data_ids" in body) == most
    purge, leave = provider.table[Kind.DATASET, Verb.PURGE], provider.table[Kind.USER, Verb.DELETE]
    assert (most, 50) == (purge.batch, leave.batch)


def test_the_limits_are_the_manuals() -> None:
    limits = load("rate_limits.json")
    known = {f"POST /api/{path}": rate for path, rate in limits["per_endpoint_per_second"].items()}

    assert provider.limits.per_second == limits["global_per_corp_per_second"]
    assert dict(provider.limits.per_request) == {name: known[name] for name in provider.limits.per_request}
    declared = {each for cell in provider.table.values() for each in cell.requests} - {HANDED_OUT}
    assert declared == set(provider.limits.per_request)


def test_every_documented_code_is_classified_and_no_other_is_made_up() -> None:
    codes = {each["code"]: each for each in load("error_codes.json")["codes"]}

    assert codes.keys() == CODES.keys()
    for code, each in codes.items():
        found = classify(Answer(400, {}, json.dumps({"code": code, "msg": each["msg_zh"] or ""}).encode()))
        assert found is not None and found.vendor == str(code)
        assert each["retryable_suggestion"] == (found.code is Code.THROTTLED), each
        assert found.code not in {Code.UNAVAILABLE, Code.AMBIGUOUS}


def test_the_documented_refusal_of_a_rate_is_waited_for() -> None:
    refusal = load("examples/error_rate_limit.json")["response"]

    found = classify(Answer(refusal["status"], {}, json.dumps(refusal["body"], ensure_ascii=False).encode()))

    assert found is not None and (Code.THROTTLED, "8303 超出请求频率限制") == (found.code, found.summary)


def test_the_documented_replies_are_understood() -> None:
    with talking(reply) as (session, _, _):
        identity = session.whoami()
        (user,) = session.list(Kind.USER).resources
        (form,) = session.list(Kind.DATASET).resources
        (row,) = session.read(DATASET).rows
        (file,) = session.files(DATASET).files
        left = session.perform(Batch(Kind.USER, Verb.DELETE, (Item("zhangsan"), Item("lisi"))))
        ids = load("examples/data_batch_delete.json")["request"]["body"]["data_ids"]
        gone = session.perform(Batch(Kind.DATASET, Verb.PURGE, tuple(map(Item, ids)), DATASET))

    (sent,) = load("examples/data_list.json")["response"]["body"]["data"]
    (upload,) = sent["_widget_1432728651500"]
    kept = {**sent, "_widget_1432728651500": [{**upload, "url": upload["url"].partition("?")[0] + "?$redacted"}]}
    assert (APP, "进销存") == (identity.tenant, identity.tenant_name)
    assert ("jiandaoyun", "小简", Phase.PRESENT, True) == (user.id, user.label, user.phase, bool(user.facts.elsewhere))
    assert (DATASET, "进销存 / 客户", True) == (form.id, form.label, form.facts.exportable)
    assert (sent["_id"], kept) == (row.id, json.loads(row.raw))
    assert ("a.png", 262144, "image/png", upload["url"]) == (file.name, file.size, file.mime, file.url)
    assert [Outcome.DONE] * 5 == [each.outcome for each in (*left, *gone)]


def test_a_documented_reply_with_a_wrong_field_is_refused() -> None:
    """Each documented field that the provider relies on, under another name."""
    relied = {
        "app_list": ["apps", "app_id"],
        "entry_list": ["forms", "app_id", "entry_id"],
        "data_list": ["data", "_id"],
        "widget_list": ["widgets", "name", "type"],
        "dept_user_list": ["users", "username", "type", "status"],
        "data_batch_delete": ["success_count", "status"],
        "user_batch_delete": ["status"],
    }
    for name, fields in relied.items():
        for field in fields:
            with talking(partial(_spoiled, name, field)) as (session, _, _):
                assert _refused(session), (name, field)


def _spoiled(name: str, field: str, path: str, body: Body) -> Any:
    found = reply(path, body)
    if EXAMPLES.get(path) != name:
        return found
    return json.loads(json.dumps(found).replace(f'"{field}":', f'"{field}_":'))


def _refused(session: Any) -> bool:
    """Whether something of all that can be asked for fails, or is unknown."""
    for call in every_call(session, "jiandaoyun"):
        try:
            found = call()
        except Failure as failure:
            assert failure.code in {Code.REJECTED, Code.UNAVAILABLE}
            return True
        if isinstance(found, list) and {each.outcome for each in found} == {Outcome.UNKNOWN}:
            return True
    return False

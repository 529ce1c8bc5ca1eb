"""The records of a module: pages by number up to the 2,000th and by token after that, one record, and deleting them.

`fields` has to be given, at most 50 of them.
"""

from __future__ import annotations

from typing import Any

from ... import acts
from ...exchange import Call
from ...wire import Refused, Reply
from ...world import World
from . import errors, ids, layout, pages, rows, tokens

BY_NUMBER, BY_TOKEN, FIELDS = 2000, 100_000, 50
MOST_DELETED, LONGEST_IDS = 100, 1024
SORTS = {"id": "id", "Created_Time": "created_at", "Modified_Time": "modified_at"}
STATES = {"true", "false", "both"}


def record_list(call: Call, name: str) -> Reply:
    module, given = layout.module(call.world, name, resource_path_index=0), pages.parameters(call)
    shape, wanted = rows.Shape(call.world, module.dataset), _fields(given)
    if "ids" in given:
        return _by_ids(call, module, given, shape, wanted)
    asked = _Asked(call, module, given)
    found = asked.rows()
    window = asked.window
    shown, more = found[: window.size], len(found) > window.step
    info: dict[str, Any] = {**window.info(len(shown), more), "page": asked.page}
    info |= {"sort_by": given.get("sort_by", "id"), "sort_order": asked.order}
    if more or window.stuck:
        last, served = asked.last, asked.served
        if not window.stuck:
            last, served = ids.written(found[window.step - 1][0]), asked.start + window.step
        token, ends = tokens.written(call.world, last, served, asked.bound)
        info |= {"next_page_token": token, "page_token_expiry": pages.moment(ends)}
    reply = pages.listing(call, "data", [shape.json(row, wanted) for row in shown], info)
    pages.shift(call, "row", module.dataset, asked.page == 1, [row[0] for row in shown])
    return reply


class _Asked:
    """Which page of which order is asked for, by number or by token."""

    def __init__(self, call: Call, module: layout.Module, given: dict[str, str]) -> None:
        if "cvid" in given and given["cvid"] != layout.view_id(module):
            raise errors.refusal("INVALID_DATA", errors.INVALID_ID, param_name="cvid")
        column, order = SORTS.get(given.get("sort_by", "id")), given.get("sort_order", "asc").lower()
        if column is None or order not in ("asc", "desc"):
            raise errors.refusal("INVALID_DATA", param_name="sort_by")
        self._world, self._dataset, self._column = call.world, module.dataset, column
        self._viewer, self.order, self._states = pages.caller(call).viewer, order, states(given)
        self.window = window = pages.Window(call, given)
        self._by_token, self.served = "page_token" in given, 0
        self.last: str | None = None
        kept = sorted((name, value) for name, value in given.items() if name not in ("page", "page_token"))
        self.bound = tokens.bound(pages.caller(call).user_id, module.dataset, kept)
        if self._by_token:
            self._read_token(call, given)
        elif window.page * window.per_page > BY_NUMBER:
            text = f"only the first {BY_NUMBER} records come by page; go on with page_token"
            raise errors.refusal("DISCRETE_PAGINATION_LIMIT_EXCEEDED", text, limit=BY_NUMBER)
        self.start = self.served if self._by_token else window.start
        self.page = self.served // window.per_page + 1 if self._by_token else window.page

    def _read_token(self, call: Call, given: dict[str, str]) -> None:
        if "page" in given:
            raise errors.refusal("AMBIGUITY_DURING_PROCESSING", "either page or page_token is to be given")
        if "dead_cursor" in call.fired:
            raise errors.refusal("EXPIRED_VALUE", "the page token has expired", param_name="page_token")
        self.last, self.served = tokens.read(self._world, given["page_token"], self.bound)
        if self.served >= BY_TOKEN:
            text = f"only the first {BY_TOKEN} records come by token"
            raise errors.refusal("PAGINATION_LIMIT_EXCEEDED", text, limit=BY_TOKEN)

    def _after(self, last: str | None, most: int, backwards: bool) -> list[rows.Row]:
        return rows.after(
            self._world,
            self._dataset,
            last,
            most,
            self._viewer,
            backwards=backwards,
            states=self._states,
        )

    def rows(self) -> list[rows.Row]:
        """One row more than the page has, where there is one."""
        most, backwards = self.window.step + 1, self.order == "desc"
        if self._column != "id":
            found = rows.by_time(
                self._world,
                self._dataset,
                self._column,
                self.start,
                most,
                self._viewer,
                self.order,
                self._states,
            )
        elif self._by_token:
            last = None if self.last is None else rows.read(self._world, self._dataset, self.last)
            found = self._after(last, most, backwards)
        else:
            ahead = self.start + most
            found = self._after(None, ahead, backwards)[self.start :]
        return found


def states(given: dict[str, str]) -> rows.States:
    """Which of the records that hide are wanted. Who does not say gets neither converted leads nor what waits for an
    approval."""
    found = rows.States(given.get("converted", "false"), given.get("approved", "true"))
    for name in ("converted", "approved"):
        if getattr(found, name) not in STATES:
            raise errors.refusal("INVALID_DATA", param_name=name)
    return found


def _fields(given: dict[str, str]) -> set[str]:
    wanted = [each for each in given.get("fields", "").split(",") if each]
    if not wanted:
        raise errors.refusal("REQUIRED_PARAM_MISSING", param_name="fields")
    if len(wanted) > FIELDS:
        raise errors.refusal("LIMIT_EXCEEDED", param_name="fields", limit=FIELDS)
    return set(wanted)


def _by_ids(call: Call, module: layout.Module, given: dict[str, str], shape: rows.Shape, wanted: set[str]) -> Reply:
    named = _named(call.world, module.dataset, given["ids"])
    soft = "soft_delete" in call.fired or bool(call.world.traits.get("soft_delete"))
    known = [id for _, id in named if id is not None]
    viewer, shown = pages.caller(call).viewer, states(given)
    found = rows.named(call.world, module.dataset, known, viewer, with_bin=soft, states=shown) if known else []
    if not found:
        return errors.nothing()
    info = {"per_page": pages.MOST, "count": len(found), "page": 1, "more_records": False}
    return errors.json({"data": [shape.json(row, wanted) for row in found], "info": info})


def _named(world: World, dataset: str, text: str) -> list[tuple[str, str | None]]:
    """The ids of a query, each with the World's id behind it."""
    if len(text) > LONGEST_IDS:
        raise errors.refusal("INVALID_DATA", f"ids is longer than {LONGEST_IDS} characters", param_name="ids")
    numbers = [each for each in text.split(",") if each]
    if len(numbers) > MOST_DELETED:
        raise errors.refusal("INVALID_DATA", f"more than {MOST_DELETED} ids", param_name="ids")
    return [(number, rows.read(world, dataset, number)) for number in numbers]


def record_get(call: Call, name: str, number: str) -> Reply:
    module = layout.module(call.world, name, resource_path_index=0)
    id, soft = rows.read(call.world, module.dataset, number), bool(call.world.traits.get("soft_delete"))
    viewer = pages.caller(call).viewer
    with_bin = soft or "soft_delete" in call.fired
    found = rows.named(call.world, module.dataset, [id], viewer, with_bin=with_bin) if id is not None else []
    if not found:
        return errors.nothing()
    return errors.json({"data": [rows.Shape(call.world, module.dataset).json(found[0])]})


# Deleting


def record_delete(call: Call, name: str, number: str) -> Reply:
    module = layout.module(call.world, name, resource_path_index=0)
    call.ids = [rows.read(call.world, module.dataset, number) or number]
    found = delete(call, module.dataset, call.ids[0], number, 1, "record deleted")
    if found["status"] == "error":
        raise errors.refusal(found["code"], found["message"], id=number)
    return errors.json({"data": [found]})


def record_delete_many(call: Call, name: str) -> Reply:
    """200 when all were deleted, and also when none was; 207 for a part of them."""
    module, text = layout.module(call.world, name), pages.parameters(call).get("ids")
    if not text:
        raise errors.refusal("REQUIRED_PARAM_MISSING", param_name="ids")
    named = _named(call.world, module.dataset, text)
    call.ids = [id or number for number, id in named]
    found = [
        delete(call, module.dataset, id, number, n, "record deleted")
        for n, (number, id) in enumerate(zip((number for number, _ in named), call.ids, strict=True), 1)
    ]
    return errors.json({"data": found}, partly(found))


def partly(found: list[dict[str, Any]], none: int = 200) -> int:
    """The status of a batch: 207 where only a part was done; `none` where nothing was."""
    states = {each["status"] for each in found}
    return 207 if len(states) > 1 else none if states == {"error"} else 200


def delete(call: Call, dataset: str, id: str, number: str, n: int, done: str) -> dict[str, Any]:
    """The n-th record of a call goes to the bin; how it went."""
    partial = call.fired.get("partial")
    if partial and n % partial["item"] == 0:
        code, message = errors.ITEMS[partial["code"]]
        return errors.item(code, message, id=number)
    try:
        acts.perform(call.world, pages.caller(call), "row", "delete", id, {"dataset": dataset})
    except Refused:
        return errors.item("INVALID_DATA", errors.INVALID_ID, id=number)
    return errors.done(done, id=number)

"""What Zoho CRM answers: rows under a name, nothing at all with 204, and one result for each item of an act."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Result
from crmstate.core.words import Outcome, Proof
from crmstate.providers.kit import Call, Reply, decoder
from crmstate.providers.zoho.errors import ITEMS, NOT_THERE, TROUBLES, Head, Trouble, refusal, said

T = TypeVar("T")
SCHEDULED = "SCHEDULED"
"""What a success says that is none yet: it has become a job."""


class Info(msgspec.Struct):
    """What stands below a page."""

    more_records: bool | None = False
    next_page_token: str | None = None


_INFOS = msgspec.json.Decoder(Info)
_LISTS = msgspec.json.Decoder(list[msgspec.Raw])
_TROUBLE = msgspec.json.Decoder(Head)
Listed: Any = dict[str, msgspec.Raw] | None
"""An answer with a list of rows, or 204 for none."""


def look(call: Call, path: str, params: Mapping[str, str | int | None], name: str) -> tuple[list[msgspec.Raw], Info]:
    """The rows of one page, under their name, and what stands below them; none for an empty answer."""
    return rows_in(call, call.get(path, params, into=Listed), name)


def rows_in(call: Call, found: Any, name: str) -> tuple[list[msgspec.Raw], Info]:
    """The rows of an answer, none of which is a refusal."""
    if found is None:
        return [], Info()
    try:
        rows = _LISTS.decode(found[name])
        info = _INFOS.decode(found["info"]) if "info" in found else Info()
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        why = f"an answer of another shape than documented: {type(error).__name__}"
        raise Failure(Code.REJECTED, why, vendor="kit.malformed") from None
    for raw in rows:
        if b'"error"' in bytes(raw):
            _raise_where_refused(call, bytes(raw))
    return rows, info


def _raise_where_refused(call: Call, raw: bytes) -> None:
    """A row that is none: records have ids, refusals have a code instead."""
    try:
        head, fields = _TROUBLE.decode(raw), ITEMS.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    if head.code and head.status == "error" and "id" not in fields:
        raise call.cleaned(refusal(Trouble(head.code, head.status, head.message)))


def converted(into: type[T], raw: msgspec.Raw) -> T:
    """A row in its type. Raises Failure where it is of another shape."""
    try:
        found: T = decoder(into).decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Failure(Code.REJECTED, f"{type(error).__name__} in a row", vendor="kit.malformed") from None
    return found


def settle(reply: Reply[Any], name: str, ids: Sequence[str], aim: frozenset[str] = frozenset()) -> list[Result]:
    """One result an id, from the answer's own words for each. `aim`: codes that say that it was so already. Results are
    found by the id that they name; one that names none counts by its place, where there are as many as were asked
    for."""
    try:
        found = TROUBLES.decode(reply.value[name])
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError):
        return [unknown(each, "an answer of another shape than documented") for each in ids]
    named = {place: each for each in found if (place := _named(each)) is not None}
    if len(found) == len(ids):
        for id, each in zip(ids, found, strict=True):
            if _named(each) is None:
                named.setdefault(id, each)
    return [_settled(each, named.get(each), aim) for each in ids]


def _named(trouble: Trouble) -> str | None:
    if not isinstance(trouble.details, dict):
        return None
    found = trouble.details.get("id") or trouble.details.get("channel_id")
    return str(found) if found is not None else None


def _settled(id: str, found: Trouble | None, aim: frozenset[str]) -> Result:
    if found is None:
        return unknown(id, "the answer does not name it")
    if found.status == "success" and found.code == SCHEDULED:
        return Result(id, Outcome.REQUESTED)
    if found.status == "success" or found.code in aim:
        return Result(id, Outcome.DONE, summary="" if found.status == "success" else said(found.code, found.message))
    failure = refusal(found)
    code = Code.MISSING if found.code == NOT_THERE else failure.code
    return Result(id, Outcome.FAILED, code.value, failure.summary)


def tried(call: Call, method: str, path: str, name: str, **asked: Any) -> None:
    """The trial of an act, on something that is not there. Raises Failure(DENIED) also where the refusal for want of a
    right stands in the item."""
    reply = call.send(method, path, into=Listed, **asked)
    for result in settle(reply, name, ["trial"]):
        if result.code == Code.DENIED.value:
            raise call.cleaned(Failure(Code.DENIED, result.summary))


def unknown(id: str, why: str) -> Result:
    """What an answer does not tell."""
    return Result(id, Outcome.UNKNOWN, Code.AMBIGUOUS.value, why, proof=Proof.NONE)


def numeric(ids: Sequence[str]) -> list[str]:
    """The ids that can be ids of this vendor's at all."""
    return [each for each in ids if re.fullmatch(r"[0-9]{1,20}", each)]

"""Wreck: what can still be read in chunks that prove nothing. Names steps and holds; never says how a step came out.

A step reference proves itself, because its id is the digest of the rest. So references are found in any bytes, torn or
flipped ones too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from crmstate.core.event import AnyEvent, Created, Held, StepRef
from crmstate.core.record import Entry, step_id
from crmstate.store.surgery import ref

_REF = re.compile(r'\{"id":"[0-9a-f]{16}"')
_ENTRY = re.compile(r'"([0-9a-f]{16})":(?=\{)')
_ID = re.compile(r'"([0-9a-f]{16})"')
_json = json.JSONDecoder()
_events: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


class Mentions(NamedTuple):
    """What damaged bytes speak of. `ids`: everything that looks like a step's id."""

    refs: dict[str, StepRef]
    ids: set[str]
    holds: list[Held]
    created: Created | None


def mentions(pieces: list[bytes]) -> Mentions:
    """Everything that can be had from these bytes."""
    found = Mentions({}, set(), [], None)
    for data in pieces:
        text = data.decode("utf-8", "replace")
        found.ids.update(_ID.findall(text))
        for place in _REF.finditer(text):
            for one in _as(StepRef, text, place.start()):
                if _genuine(one.id, one):
                    found.refs[one.id] = one
        for event in _whole(data):
            if isinstance(event, Held):
                found.holds.append(event)
            elif isinstance(event, Created) and found.created is None:
                found = found._replace(created=event)
    return found


def entries(data: bytes) -> dict[str, StepRef]:
    """The steps of a damaged snapshot."""
    text = data.decode("utf-8", "replace")
    found = {}
    for place in _ENTRY.finditer(text):
        for one in _as(Entry, text, place.end()):
            if _genuine(place[1], one):
                found[place[1]] = ref(place[1], one)
    return found


def _genuine(key: str, one: StepRef | Entry) -> bool:
    return key == step_id(one.address, one.verb, one.occurrence)


def _as(kind: type[Any], text: str, start: int) -> Iterator[Any]:
    """The object that begins at `start`, or nothing."""
    try:
        yield msgspec.convert(_json.raw_decode(text, start)[0], kind)
    except (ValueError, RecursionError):
        return


def _whole(data: bytes) -> Iterator[AnyEvent]:
    for line in data.split(b"\n"):
        try:
            yield _events.decode(line)
        except (msgspec.MsgspecError, ValueError):
            continue

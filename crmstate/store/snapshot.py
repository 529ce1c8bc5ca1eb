"""Snapshot: `state.json`, a cache of the fold, bound to the journal by the number and digest of the chunk that it
reaches.

One JSON object on one line; its last member is the digest of everything before it. It proves nothing by itself and may
be deleted at any time: it is made again from the journal. Only surgery, where the journal lost chunks, builds on an
intact one.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec

from crmstate.core.record import FIRST, FORMAT, State
from crmstate.store import upgrade
from crmstate.store.chunk import Damaged

_TODAY = tuple(f'{{"format":{each},'.encode() for each in range(FIRST, FORMAT + 1))
_FOOT = len(',"sha256":""}\n') + 64


class Head(msgspec.Struct, frozen=True):
    """The chunk that a snapshot reaches: its number and the digest of its bytes."""

    seq: int
    sha256: str


class Snapshot(msgspec.Struct, frozen=True):
    """What `state.json` (and a repair's base) holds."""

    format: int
    head: Head
    state: State


class _Stamp(msgspec.Struct):
    format: int


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Snapshot)


def encode(state: State, head: Head) -> bytes:
    """The file's bytes."""
    top = _encoder.encode(Snapshot(state.format, head, state))[:-1]
    return top + f',"sha256":"{hashlib.sha256(top).hexdigest()}"}}\n'.encode()


def decode(data: bytes, file: str) -> Snapshot:
    """The snapshot that these bytes are. Raises Damaged; Problem on what only a newer version knows."""
    top = memoryview(data)[:-_FOOT]
    if data[-_FOOT:] != f',"sha256":"{hashlib.sha256(top).hexdigest()}"}}\n'.encode():
        raise Damaged("CRM-S018")
    try:
        if data.startswith(_TODAY):
            return _decoder.decode(data)
        found = _format(data)
        raw = json.loads(data)
        del raw["sha256"]
        raw = upgrade.upgrade(upgrade.SNAPSHOTS, found, raw, file)
        return msgspec.convert(raw | {"format": FORMAT}, Snapshot)
    except msgspec.ValidationError as error:
        raise upgrade.newer(_format(data), file) from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise Damaged("CRM-S018") from error


def _format(data: bytes) -> int:
    try:
        return msgspec.json.decode(data, type=_Stamp).format
    except msgspec.MsgspecError as error:
        raise Damaged("CRM-S018") from error


def state_schema() -> dict[str, Any]:
    """The JSON Schema of a State, as `schemas/state.schema.json` publishes it."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(State)}

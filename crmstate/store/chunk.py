"""Chunk: one append of the journal as bytes, and the proof that these bytes are what was written.

First line a header, then one event a line, last line the digest of everything before it. The digest of the whole file
stands in the next chunk's header. This module reads and writes bytes, never files, and trusts nothing that its digest
does not cover.
"""

from __future__ import annotations

import hashlib
import json
from typing import NamedTuple

import msgspec

from crmstate.core.event import AnyEvent
from crmstate.core.record import FIRST, FORMAT
from crmstate.store import upgrade

_FOOT = len('{"sha256":""}\n') + 64
_RESTORED = b'"event":"restored"'


class Header(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Who wrote the chunk, and where it belongs. `prev`: digest of the chunk before, as bytes on disk; empty for the
    first.

    `base`: only after a repair: digest of the file with the state that this chunk and all later ones stand on.
    """

    format: int
    seq: int
    prev: str
    lineage: str
    by: str
    host: str
    pid: int
    tool: str
    at: str
    events: int
    base: str = ""


class Chunk(NamedTuple):
    """A chunk whose digest was checked. `body`: the lines of its events; `sha256`: of the whole file."""

    header: Header
    body: bytes
    sha256: str

    @property
    def restores(self) -> bool:
        """Whether a `Restored` event is in it (the text cannot stand inside a JSON string)."""
        return _RESTORED in self.body


class Damaged(Exception):
    """These bytes are not what was written, or not under this number: the catalogue's code says which."""

    def __init__(self, code: str, said: int = 0) -> None:
        super().__init__(code)
        self.code = code
        self.said = said


_encoder = msgspec.json.Encoder()
_headers = msgspec.json.Decoder(Header)
_events: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


class _Stamp(msgspec.Struct):
    format: int


def encode(header: Header, lines: list[bytes]) -> tuple[bytes, str]:
    """The chunk's bytes, and their digest."""
    top = b"\n".join([_encoder.encode(header), *lines, b""])
    digest = hashlib.sha256(top)
    foot = f'{{"sha256":"{digest.hexdigest()}"}}\n'.encode()
    digest.update(foot)
    return top + foot, digest.hexdigest()


def decode(data: bytes, seq: int, file: str) -> Chunk:
    """The chunk that these bytes, found under the number `seq`, are. Raises Damaged; Problem on a newer format."""
    view = memoryview(data)
    digest = hashlib.sha256(view[:-_FOOT])
    foot = bytes(view[-_FOOT:])
    if foot != f'{{"sha256":"{digest.hexdigest()}"}}\n'.encode():
        raise Damaged("CRM-S010")
    digest.update(foot)
    end = data.index(b"\n") + 1
    header = _header(data[:end], file)
    if header.seq != seq:
        raise Damaged("CRM-S012", header.seq)
    return Chunk(header, data[end:-_FOOT], digest.hexdigest())


def events(chunk: Chunk, file: str) -> list[AnyEvent]:
    """The chunk's events, upgraded. Raises Damaged where they are not what the header says; Problem where they are
    written as they were meant, which the digest proves, and say what this version does not know."""
    try:
        found = _old(chunk, file) if chunk.header.format < FIRST else _events.decode_lines(chunk.body)
    except msgspec.ValidationError as error:
        raise upgrade.newer(chunk.header.format, file) from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise Damaged("CRM-S010") from error
    if len(found) != chunk.header.events:
        raise Damaged("CRM-S010")
    return found


def _header(line: bytes, file: str) -> Header:
    try:
        stamp = msgspec.json.decode(line, type=_Stamp)
        if not FIRST <= stamp.format <= FORMAT:
            raw = upgrade.upgrade(upgrade.CHUNKS, stamp.format, {"header": json.loads(line), "events": []}, file)
            return msgspec.convert(raw["header"] | {"format": stamp.format}, Header)
        return _headers.decode(line)
    except (msgspec.MsgspecError, ValueError) as error:
        raise Damaged("CRM-S010") from error


def _old(chunk: Chunk, file: str) -> list[AnyEvent]:
    raw = {
        "header": msgspec.to_builtins(chunk.header),
        "events": [json.loads(line) for line in chunk.body.splitlines()],
    }
    raw = upgrade.upgrade(upgrade.CHUNKS, chunk.header.format, raw, file)
    return [msgspec.convert(one, AnyEvent) for one in raw["events"]]

"""Bytes of JSON that are harmless even on a terminal: characters that could command or deceive a reader are written as `\\uXXXX`."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from crmstate.views.escape import BAD

_LOUD = re.compile(
    rb"\x7f|\xc2[\x80-\x9f\xad]|\xcd\x8f|\xd8\x9c|\xe1\xa0\x8e|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]|\xef\xbb\xbf|\xef\xbf[\xb9-\xbb]|\xf3\xa0[\x80-\x81][\x80-\xbf]"
)


def encode(value: Any) -> bytes:
    """The value as one line of JSON in UTF-8, without a line break at its end. Halves of characters come out as `�`."""
    try:
        found = msgspec.json.encode(value)
    except UnicodeEncodeError:
        found = msgspec.json.encode(_whole(msgspec.to_builtins(value)))
    return _LOUD.sub(_quiet, found)


def _quiet(hit: re.Match[bytes]) -> bytes:
    units = hit[0].decode().encode("utf-16-be")
    return b"".join(b"\\u%04x" % int.from_bytes(units[place : place + 2], "big") for place in range(0, len(units), 2))


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return re.sub("[\ud800-\udfff]", BAD, value)
    if isinstance(value, dict):
        return {_whole(key): _whole(inside) for key, inside in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(inside) for inside in value]
    return value

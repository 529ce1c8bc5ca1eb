"""Bytes of JSON that are harmless even on a terminal: characters that could command or deceive a reader are written as
`\\uXXXX`."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from crmstate.views.escape import BAD

_LOUD = re.compile(
    rb"""
      \x7f | \xc2[\x80-\x9f\xad] | \xcd\x8f                                          # delete, C1, soft hyphen, joiner
    | \xd8[\x80-\x85\x9c] | \xdb\x9d | \xdc\x8f | \xe0\xa2[\x90\x91] | \xe0\xa3\xa2  # Arabic and Syriac signs and marks
    | \xe1\x85[\x9f\xa0] | \xe1\x9e[\xb4\xb5] | \xe1\xa0\x8e                        # fillers and vowels that show nothing
    | \xe2\x80[\x8b-\x8f\xa8-\xae] | \xe2\x81[\xa0-\xaf] | \xe2\xa0\x80            # zero width, line ends, bidirectional, blank
    | \xe3\x85\xa4 | \xef\xbb\xbf | \xef\xbe\xa0 | \xef\xbf[\xb9-\xbb]              # filler, byte order mark, annotations
    | \xf0\x91\x82\xbd | \xf0\x91\x83\x8d | \xf0\x93\x90[\xb0-\xbf]                # number signs, joiners of hieroglyphs
    | \xf0\x9b\xb2[\xa0-\xa3] | \xf0\x9d\x85[\xb3-\xba] | \xf3\xa0[\x80-\x81][\x80-\xbf]  # shorthand, music, tags
    """,
    re.VERBOSE,
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

"""Fields: a record's fields as slices of its own text, so that nothing is spelt anew: large numbers, trailing zeros and
the order of keys stay as the vendor wrote them."""

from __future__ import annotations

import json

import msgspec

_FAST = msgspec.json.Decoder(dict[str, msgspec.Raw])
"""Built while one thread is there: msgspec 0.22 crashes the interpreter where two meet a type for the first time."""
_SLOW = json.JSONDecoder()
_SPACE = " \t\n\r"


def fields(raw: bytes) -> dict[str, bytes] | None:
    """The JSON of each field of a record; None where the record is no object."""
    try:
        return {name: bytes(value) for name, value in _FAST.decode(raw).items()}
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        return _slices(raw.decode())  # half of a surrogate pair, and numbers that the fast reader refuses
    except (ValueError, IndexError, RecursionError):
        return None


def _slices(text: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    place = _after(text, 0, "{")
    if text[place] == "}":
        return _alone(text, place, found)
    while True:
        name, place = _SLOW.raw_decode(text, place)
        if not isinstance(name, str):
            raise ValueError("not a name")
        start = _space(text, _after(text, _space(text, place), ":"))
        _, end = _SLOW.raw_decode(text, start)
        found[name] = text[start:end].encode()
        place = _space(text, end)
        if text[place] == "}":
            return _alone(text, place, found)
        place = _space(text, _after(text, place, ","))


def _alone(text: str, end: int, found: dict[str, bytes]) -> dict[str, bytes]:
    """What was found in a record that ends here: nothing may follow it."""
    if text[end + 1 :].strip(_SPACE):
        raise ValueError("something behind the object")
    return found


def _after(text: str, place: int, char: str) -> int:
    """Behind one character, which must be there after blanks, and the blanks that follow it."""
    place = _space(text, place)
    if text[place] != char:
        raise ValueError("not an object")
    return _space(text, place + 1)


def _space(text: str, place: int) -> int:
    while text[place] in _SPACE:
        place += 1
    return place

"""Ids of 24 hexadecimal digits, as vendors over MongoDB have them, for what the World calls by short texts, and the way
back.

A plain id (up to 15 of the usual characters) is written in them so that the order stays the same and the id can be read
back. Any other is a digest, found again by looking; those come after all plain ones. `PLAIN` tells SQL which is which,
so that a listing pages by key.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

_LETTERS = "-./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
_PLACES = {letter: place for place, letter in enumerate(_LETTERS, 1)}
_BASE, _LONGEST = len(_LETTERS) + 1, 15
_SHORT = re.compile(rf"[-./0-9A-Z_a-z]{{1,{_LONGEST}}}")
_HEX = re.compile(r"[0-9a-f]{24}")
_PLAIN_MARK, _OTHER_MARK = "5", "6"

PLAIN = f"(length(id) BETWEEN 1 AND {_LONGEST} AND id NOT GLOB '*[^-./0-9A-Z_a-z]*')"
"""SQL: this id is a plain one."""


def is_plain(id: str) -> bool:
    return _SHORT.fullmatch(id) is not None


def written(id: str) -> str:
    """The vendor's id of a World's id."""
    if not is_plain(id):
        return _OTHER_MARK + hashlib.blake2b(id.encode(), digest_size=12, person=b"jiandaoyun").hexdigest()[:23]
    number = 0
    for index in range(_LONGEST):
        number = number * _BASE + (_PLACES[id[index]] if index < len(id) else 0)
    return f"{_PLAIN_MARK}{number:023x}"


def place(id: str) -> tuple[bool, str]:
    """What sorts the World's ids as their written forms sort, and costs less."""
    return (False, id) if is_plain(id) else (True, written(id))


def read(hex_id: str, others: Iterable[str]) -> str | None:
    """The World's id behind one of the vendor's; `others` are the ids to look through when it is no plain one. None
    where no id is written like that."""
    if not _HEX.fullmatch(hex_id):
        return None
    if hex_id[0] == _OTHER_MARK:
        return next((id for id in others if written(id) == hex_id), None)
    number, letters = int(hex_id[1:], 16), []
    for _ in range(_LONGEST):
        number, digit = divmod(number, _BASE)
        if digit:
            letters.append(_LETTERS[digit - 1])
    found = "".join(reversed(letters))
    return found if hex_id[0] == _PLAIN_MARK and found and written(found) == hex_id else None


def is_other(hex_id: str) -> bool:
    """Whether it stands for an id that has to be looked for."""
    return hex_id[:1] == _OTHER_MARK

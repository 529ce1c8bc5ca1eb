"""The vendor's ids: numbers of 19 digits for what the World calls by short texts, and the way back; and the API names of
modules and fields.

A plain id (up to 10 of the usual characters) is written so that the order stays the same and the id can be read back.
Any other is a digest, found again by looking; those come after all plain ones. `PLAIN` tells SQL which is which.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

_LETTERS = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
_PLACES = {letter: place for place, letter in enumerate(_LETTERS, 1)}
_BASE, _LONGEST = len(_LETTERS) + 1, 10
_SHORT = re.compile(rf"[-0-9A-Z_a-z]{{1,{_LONGEST}}}")
_NUMBER = re.compile(r"[1-9][0-9]{18}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")
_DATASET = re.compile(r"[a-z][A-Za-z0-9_]{0,49}")
_FIRST, _OTHER = 10**18, 4 * 10**18

PLAIN = (
    f"(length(id) BETWEEN 1 AND {_LONGEST} AND id NOT GLOB '*[^-0-9A-Z_a-z]*' AND instr(CAST(id AS BLOB), x'00') = 0)"
)
"""SQL: this id is a plain one."""


def is_plain(id: str) -> bool:
    return _SHORT.fullmatch(id) is not None


def digits(text: str, below: int) -> int:
    """A number that follows from a text."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8, person=b"zoho").digest()) % below


def written(id: str) -> str:
    """The vendor's id of a World's id."""
    if not is_plain(id):
        return str(_OTHER + digits(id, 10**18))
    number = 0
    for index in range(_LONGEST):
        number = number * _BASE + (_PLACES[id[index]] if index < len(id) else 0)
    return str(_FIRST + number)


def read(number: str, others: Iterable[str]) -> str | None:
    """The World's id behind one of the vendor's; `others` are the ids to look through when it is no plain one. None
    where no id is written like that."""
    if not _NUMBER.fullmatch(number):
        return None
    if int(number) >= _OTHER:
        return next((id for id in others if not is_plain(id) and written(id) == number), None)
    rest, letters = int(number) - _FIRST, []
    for _ in range(_LONGEST):
        rest, digit = divmod(rest, _BASE)
        if digit:
            letters.append(_LETTERS[digit - 1])
    found = "".join(reversed(letters))
    return found if found and is_plain(found) and written(found) == number else None


def is_other(number: str) -> bool:
    """Whether it stands for an id that has to be looked for."""
    return _NUMBER.fullmatch(number) is not None and int(number) >= _OTHER


def module_name(dataset: str) -> str:
    """The API name of a dataset as a module: `contacts` is Contacts."""
    if _DATASET.fullmatch(dataset):
        return dataset[0].upper() + dataset[1:]
    return f"CustomModule{digits(dataset, 10**12)}"


def dataset_id(module: str) -> str:
    """A dataset that has this API name as a module, as far as there can be one."""
    return module[:1].lower() + module[1:]


def field_name(field: str) -> str:
    """The API name of a field: `closes_on` is Closes_On."""
    if _NAME.fullmatch(field):
        return "_".join(part[:1].upper() + part[1:] for part in field.split("_"))
    return f"Field{digits(field, 10**12)}"

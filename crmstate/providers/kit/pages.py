"""Paging: all rows of a listing, or a Failure, or rows that are said to be incomplete; never silently fewer.

It refuses cursors that loop, pages that repeat themselves, empty pages without end, and asks again when the vendor's
total says that rows slipped through while the listing moved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Page
from crmstate.core.survey import Gap, Listing, Resource
from crmstate.core.words import Kind

EMPTY_PAGES = 3
ROUNDS = 3

T = TypeVar("T")
Resources = Listing | list[Resource]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One page of a listing. `next` None is the end; `total` is the vendor's count of the whole listing, where it
    gives one."""

    resources: list[Resource]
    next: str | None
    total: int | None = None


def gather(kind: Kind, ask: Callable[[str | None], Leaf]) -> Resources:
    """Every row. Where the listing moves while it is read, it is read again, `ROUNDS` times at most; what is still
    short after that comes back as an incomplete Listing (`gap.moving`)."""
    found: dict[str, Resource] = {}
    for _ in range(ROUNDS):
        found, total = _walk(ask)
        if total is None or len(found) >= total:
            return list(found.values())
    return Listing(kind, tuple(found.values()), complete=False, gap=Gap(kind, "gap.moving"))


def by_last_id(
    kind: Kind,
    ask: Callable[[str | None], Sequence[T]],
    key: Callable[[T], str],
    convert: Callable[[T], Resource],
    count: Callable[[], int],
) -> Resources:
    """Every row of a vendor whose pages go on after an id, until one has none; then `count` says how many there should
    be. `ask(None)` is the first page."""

    def leaf(cursor: str | None) -> Leaf:
        rows = ask(cursor)
        if rows:
            return Leaf([convert(row) for row in rows], key(rows[-1]))
        return Leaf([], None, count())

    return gather(kind, leaf)


def _walk(ask: Callable[[str | None], Leaf]) -> tuple[dict[str, Resource], int | None]:
    found: dict[str, Resource] = {}
    seen: set[str] = set()
    cursor: str | None = None
    empty = 0
    while True:
        leaf = ask(cursor)
        before = len(found)
        found.update((each.id, each) for each in leaf.resources)
        if len(found) - before != len(leaf.resources):
            raise _loop("a page of the listing repeats rows")
        if leaf.next is None:
            return found, leaf.total
        empty = 0 if leaf.resources else empty + 1
        if leaf.next in seen or leaf.next == "" or empty > EMPTY_PAGES:
            raise _loop("the listing does not end")
        seen.add(leaf.next)
        cursor = leaf.next


def by_skip(ask: Callable[[int], Sequence[T]], key: Callable[[T], str]) -> tuple[list[T], bool]:
    """Every row of a listing that is paged by how many to skip, without a total; and whether it stood still meanwhile.

    Each page is asked for with the last row of the one before as its first, so that rows which came or went in between
    show; and the end is believed only where nothing follows the last row. So pages of one row lead nowhere.
    """
    found: list[T] = []
    before: list[str] = []
    while True:
        page = list(ask(max(0, len(found) - 1)))
        ids = [key(row) for row in page]
        if len(ids) > 1 and ids == before:
            raise _loop("the listing gives the same page again")
        if found and ids[:1] != [key(found[-1])]:
            return found, False
        fresh = page[1:] if found else page
        if not fresh:
            return found, True
        found.extend(fresh)
        before = ids
        if len({key(row) for row in found}) != len(found):
            return found, False


@dataclass(frozen=True, slots=True)
class Sheet(Generic[T]):
    """One page of a listing that is asked for by its number. `more`: the vendor says that others follow."""

    rows: Sequence[T]
    more: bool


def by_number(
    ask: Callable[[int], Sheet[T]],
    key: Callable[[T], str],
    size: int,
    total: Callable[[], int | None] | None = None,
) -> tuple[list[T], bool]:
    """Every row of a listing that is paged by numbers, `size` rows a page; and whether it is known to be whole.

    Nothing in such a page shows whether rows came or went before it. So more than one page counts as whole only where
    two readings of it agree, no page but the last is short, and the vendor's `total`, where it gives one (None: it does not), is reached.
    """
    before: list[str] | None = None
    found: list[T] = []
    for _ in range(ROUNDS):
        found, still, pages = _sheets(ask, key, size)
        ids = [key(row) for row in found]
        counted = total() if still and total else None
        if still and (counted is None or len(found) >= counted) and (pages == 1 or ids == before):
            return found, True
        before = ids if still else None
    return found, False


def _sheets(ask: Callable[[int], Sheet[T]], key: Callable[[T], str], size: int) -> tuple[list[T], bool, int]:
    """One reading: its rows, whether nothing in it moved, and how many pages it had."""
    found: list[T] = []
    before: list[str] = []
    number, empty, short = 1, 0, False
    while True:
        sheet = ask(number)
        ids = [key(row) for row in sheet.rows]
        if ids and ids == before:
            raise _loop("the listing gives the same page again")
        found.extend(sheet.rows)
        if len({key(row) for row in found}) != len(found):
            return found, False, number
        if not sheet.more:
            return found, not short, number
        empty = 0 if ids else empty + 1
        if empty > EMPTY_PAGES:
            raise _loop("the listing does not end")
        short = short or len(ids) < size
        number, before = number + 1, ids


def listing_of(kind: Kind, rows: Sequence[Resource], whole: bool) -> Resources:
    """Rows as an answer: incomplete (`gap.moving`) where they are not known to be all."""
    return list(rows) if whole else Listing(kind, tuple(rows), complete=False, gap=Gap(kind, "gap.moving"))


def page_of_rows(ask: Callable[[str | None], Page], cursor: str | None) -> Page:
    """One page that has rows, or the last one. Raises Failure(UNAVAILABLE) where the vendor's cursor leads nowhere."""
    for _ in range(EMPTY_PAGES + 1):
        page = ask(cursor)
        if page.next is not None and page.next in {"", cursor}:
            break
        if len({row.id for row in page.rows}) != len(page.rows):
            raise _loop("a page repeats rows")
        if page.rows or page.next is None:
            return page
        cursor = page.next
    raise _loop("the listing does not end")


def texts(found: Sequence[msgspec.Raw], ids: msgspec.json.Decoder[list[T]]) -> tuple[list[bytes], list[T]]:
    """The rows of a page in the vendor's own text, each on one line, and what `ids` reads of them, all at once. Line
    breaks can only stand between a row's tokens (JSON allows none within), and are taken out. Raises Failure(REJECTED)
    where one is no JSON, no Unicode, or not what `ids` reads."""
    raws = [bytes(each) for each in found]
    edged = list(raws)
    if raws:
        edged[0] = b"[" + edged[0]
        edged[-1] += b"]"
    whole = b",".join(edged) or b"[]"
    if b"\n" in whole or b"\r" in whole:
        raws = [raw.replace(b"\r", b"").replace(b"\n", b"") for raw in raws]
    try:
        if not whole.isascii():
            whole.decode()
        return raws, ids.decode(whole)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Failure(Code.REJECTED, type(error).__name__ + " in a row", vendor="kit.malformed") from None


def chunks(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """The ids in parts of at most `size`."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def joined(kind: Kind, parts: Iterable[Resources]) -> Resources:
    """Several answers as one; incomplete as soon as one of them is."""
    rows: list[Resource] = []
    gap: Gap | None = None
    for part in parts:
        if isinstance(part, Listing):
            gap = gap or part.gap
            rows.extend(part.resources)
        else:
            rows.extend(part)
    return Listing(kind, tuple(rows), complete=False, gap=gap) if gap else rows


def _loop(why: str) -> Failure:
    return Failure(Code.UNAVAILABLE, why, vendor="kit.loop")

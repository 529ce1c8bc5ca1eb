"""Views: copies of a sealed dataset for people, as CSV (`sheet`), in `views/<form>/` of the archive. They are made from the
rows of the archive alone, may be thrown away, and are no part of the seal: nothing relies on one, and what a view says is
never believed. It is compared byte for byte with what the rows give now, and made again where it is anything else.

Of an encrypted archive a view is encrypted to the same recipients, and none is made or looked into without their key.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from crmstate.archive import sheet
from crmstate.archive.layout import LOCKED, VIEW_FILE, VIEW_FORMS, VIEWS, Place
from crmstate.archive.manifest import Found
from crmstate.archive.marks import Measured
from crmstate.archive.reading import texts
from crmstate.archive.seal import Seal
from crmstate.archive.store import TEMPORARY, ReadStore, Store
from crmstate.archive.verify import Wrong
from crmstate.core.diagnostic import Problem, problem
from crmstate.core.event import Check
from crmstate.core.words import Exit, Kind

SPREADSHEET = "csv-spreadsheet"
METHOD = "views"


@dataclass(frozen=True)
class View:
    """What a view has to be: its two files by the names that they have without encryption; size and SHA-256 of the table,
    and the text beside it."""

    table: str
    beside: str
    made: sheet.Sheet
    size: int
    sha256: str
    said: bytes


def derived(store: Store, place: Place, seal: Seal, wanted: Sequence[str]) -> tuple[Check, ...]:
    """Makes the wanted views of a dataset, and those that are there already, as far as they are not what its rows give;
    what was done. One at a time in an archive. Raises Problem: CRM-A033 where a view has other rows than the seal says,
    CRM-A110 where the store does not give back what it was given."""
    forms = [form for form in VIEW_FORMS if form in wanted or _there(store, place, form)]
    if not forms or seal.dataset.kind is Kind.ACCOUNT:
        return ()
    if not place.wrap.reads_rows:
        return (Check(METHOD, "not_read", names=tuple(forms)),)
    made, size = False, 0
    for form in forms:
        _cleared(store, form)
        view = _view(place, seal, form)
        if _same(place, view.table, view.size, view.sha256) is None:
            _write(store, place, seal, view)
            made = True
        if _said(place, view) is None:
            store.put(dict([place.put(view.beside, view.said)]))
            made = True
        size += _read_back(place, view)
    return (Check(METHOD, "derived" if made else "equal", seal.last.rows, 2 * len(forms), size, names=tuple(forms)),)


def compared(place: Place, seal: Seal, wrong: Wrong) -> tuple[Check, ...]:
    """Compares the views of a dataset that are there with its rows; adds those that are anything else."""
    forms, size = [form for form in VIEW_FORMS if _there(place.store, place, form)], 0
    if not forms or seal.dataset.kind is Kind.ACCOUNT:
        return ()
    if not place.wrap.reads_rows:
        return (Check(METHOD, "not_read", names=tuple(forms)),)
    for form in forms:
        view = _view(place, seal, form)
        table, beside = _same(place, view.table, view.size, view.sha256), _said(place, view)
        for name, found in ((view.table, table), (view.beside, beside)):
            if found is None:
                wrong.add("CRM-A110", file=place.wrap.name(name))
        size += (table or 0) + (beside or 0)
    return (Check(METHOD, "equal", seal.last.rows, 2 * len(forms), size, names=tuple(forms)),)


def strays(store: ReadStore, found: Found, wrong: Wrong) -> None:
    """Adds whatever lies among the views and is none of a sealed dataset: one in plain text beside an encrypted archive,
    too."""
    slugs, locked = {seal.slug for seal in found.manifest.datasets}, found.manifest.lock is not None
    for form in store.names(VIEWS):
        if form not in VIEW_FORMS:
            wrong.add("CRM-A003", file=f"{VIEWS}/{form}")
            continue
        for name in store.names(f"{VIEWS}/{form}"):
            if _slug(name, locked) not in slugs:
                wrong.add("CRM-A003", file=f"{VIEWS}/{form}/{name}")


def sizes(store: ReadStore, locked: bool) -> dict[str, int]:
    """The bytes of all views of a dataset that lie there, by its slug; nothing is read. `locked`: the archive is encrypted."""
    found: Counter[str] = Counter()
    for form in VIEW_FORMS:
        for name, size in store.sizes(f"{VIEWS}/{form}").items():
            if (slug := _slug(name, locked)) is not None:
                found[slug] += size
    return found


def _slug(name: str, locked: bool) -> str | None:
    """Whose view a file is; None where it is none."""
    match = VIEW_FILE.fullmatch(name)
    return match[1] if match is not None and name.endswith(LOCKED) is locked else None


def _files(place: Place, form: str) -> tuple[str, str]:
    table = f"{VIEWS}/{form}/{place.slug}.csv"
    return table, table + ".json"


def _there(store: ReadStore, place: Place, form: str) -> bool:
    """Whether anything of a view is there."""
    names = store.names(f"{VIEWS}/{form}") if form in store.names(VIEWS) else []
    return any(place.wrap.name(file).rpartition("/")[2] in names for file in _files(place, form))


def _view(place: Place, seal: Seal, form: str) -> View:
    """What a view has to be, from the rows; nothing of it is held but its columns."""
    made = sheet.Sheet(form == SPREADSHEET)
    for final in (False, False, True):
        if final:
            made.survey(texts(place, seal))
        measured = Measured()
        with suppress(sheet.Late):
            for _ in measured.passing(made.pieces(texts(place, seal))):
                pass
            break
    if made.rows != seal.last.rows:
        raise problem(Exit.ERROR, "CRM-A033", dataset=place.dataset, what="rows", said=seal.last.rows, found=made.rows)
    digest = measured.digest.hexdigest()
    return View(*_files(place, form), made, measured.size, digest, made.said(seal, bytes=measured.size, sha256=digest))


def _write(store: Store, place: Place, seal: Seal, view: View) -> None:
    """Puts the table under its name, whole, in flat memory; its columns are all known by now."""
    folder = view.table.rpartition("/")[0]
    store.folders([VIEWS, folder])
    incoming = store.receive(place.wrap.streamed(view.table, view.made.pieces(texts(place, seal))), folder)
    incoming.keep(place.wrap.name(view.table))
    store.flush([folder])


def _read_back(place: Place, view: View) -> int:
    """The bytes of both files as they lie there. Raises Problem CRM-A110 where they are not what was put there."""
    table, beside = _same(place, view.table, view.size, view.sha256), _said(place, view)
    for name, found in ((view.table, table), (view.beside, beside)):
        if found is None:
            raise problem(Exit.ERROR, "CRM-A110", file=place.wrap.name(name))
    return (table or 0) + (beside or 0)


def _said(place: Place, view: View) -> int | None:
    return _same(place, view.beside, len(view.said), hashlib.sha256(view.said).hexdigest())


def _same(place: Place, plain: str, size: int, sha256: str) -> int | None:
    """The bytes of a file as it lies there, where it holds just this; else None."""
    name, outside, within = place.wrap.name(plain), Measured(), Measured()
    try:
        for _ in within.passing(place.wrap.off(name, outside.passing(_pieces(place, name)))):
            if within.size > size:
                return None
    except (FileNotFoundError, ValueError):
        return None
    except Problem as refused:
        if refused.diagnostics[0].code != "CRM-A081":  # encrypted to somebody else
            raise
        return None
    return outside.size if (within.size, within.digest.hexdigest()) == (size, sha256) else None


def _pieces(place: Place, name: str) -> Iterator[bytes]:
    yield from place.store.pieces(name)


def _cleared(store: Store, form: str) -> None:
    """Takes away what an interrupted run left beside the views."""
    folder = f"{VIEWS}/{form}"
    for name in store.names(folder) if form in store.names(VIEWS) else []:
        if name.endswith(TEMPORARY):
            store.remove(f"{folder}/{name}")

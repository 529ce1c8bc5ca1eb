"""Opening: an archive found anywhere, without the state, without a vendor. It reads and writes nothing there."""

from __future__ import annotations

from collections.abc import Sequence

from crmstate.archive import backup, checks, locked, manifest, typed, verify, views
from crmstate.archive.layout import MANIFEST, README, README_FORMER, Place
from crmstate.archive.manifest import Found
from crmstate.archive.seal import Seal
from crmstate.archive.store import ReadStore
from crmstate.archive.wrap import PLAIN, Wrap
from crmstate.core.diagnostic import Problem, problem
from crmstate.core.event import Check
from crmstate.core.holdings import HeldDataset, Holdings, Verified
from crmstate.core.secret import Secret
from crmstate.core.words import Exit, Kind


def find(store: ReadStore) -> list[ReadStore]:
    """The archives at a place: itself, or the folders in it. Raises Problem CRM-A034 where there is none."""
    if _is_archive(store):
        return [store]
    found = [store.within(name) for name in store.names("") if _is_archive_in(store, name)]
    if not found:
        raise problem(Exit.ERROR, "CRM-A034", file=store.where)
    return found


def opened(store: ReadStore) -> tuple[ReadStore, Found]:
    """The one archive at a place, and its manifest. Raises Problem: CRM-A034 where there is none, CRM-A036 where there
    are several."""
    roots = find(store)
    if len(roots) > 1:
        names = ", ".join(each.where.rpartition("/")[2] for each in roots)
        raise problem(Exit.USAGE, "CRM-A036", file=store.where, names=names)
    found = manifest.load(roots[0])
    if found is None:
        raise problem(Exit.ERROR, "CRM-A034", file=store.where)
    return roots[0], found


def holdings(store: ReadStore) -> Holdings:
    """What an archive says of itself; nothing is checked but the manifest."""
    found = manifest.load(store)
    if found is None:
        raise problem(Exit.ERROR, "CRM-A034", file=store.where)
    made = found.manifest
    missing = tuple((each.dataset, each.status, each.why) for each in made.coverage if each.status != "exported")
    held = tuple(map(_held, made.datasets))
    whom = locked.recipients(store, made.lock)
    return Holdings(store.where, made.format, made.content, made.root, made.sealed_at, held, missing, whom)


def unwrapped(store: ReadStore, found: Found, identity: Secret | None) -> Wrap:
    """What takes off the encryption of an archive, as far as the identity does."""
    return locked.found(store, identity, found.manifest.lock)


def chosen(found: Found, names: Sequence[str]) -> list[Seal]:
    """The datasets of these ids, labels or folders; all for none. Raises Problem CRM-A037 for one that is not held."""
    seals = list(found.manifest.datasets)
    if not names:
        return seals
    picked = []
    for name in names:
        hits = [each for each in seals if name == each.dataset.id]
        hits = hits or [each for each in seals if name in (each.dataset.label, each.slug)]
        if len(hits) != 1:
            raise problem(
                Exit.USAGE, "CRM-A037", dataset=name, names=", ".join(each.dataset.id for each in seals) or "-"
            )
        picked += hits
    return picked


def expect(seals: Sequence[Seal], content: str | None) -> None:
    """Raises Problem: CRM-A007 where the one dataset has not the content on record, CRM-A038 where it is not one."""
    if content is None:
        return
    if len(seals) != 1:
        raise problem(Exit.USAGE, "CRM-A038", names=", ".join(each.dataset.id for each in seals) or "-")
    if seals[0].last.content != content.lower():
        raise problem(Exit.ERROR, "CRM-A007", file=MANIFEST, found=seals[0].last.content, expected=content)


def checked(
    store: ReadStore,
    found: Found,
    seals: Sequence[Seal],
    restore_test: bool,
    wrap: Wrap = PLAIN,
    *,
    copies: bool = False,
) -> list[Verified]:
    """Reads everything back: the files beside the manifest, and these datasets; `copies`: the views beside them as well,
    which nothing else relies on. Raises Problem with everything that is
    wrong, work that was begun and not sealed included; CRM-A080 where a restore is asked for without the key to it."""
    if restore_test and not wrap.reads_rows:
        raise problem(Exit.CREDENTIALS, "CRM-A080", file=store.where)
    wrong, results = verify.Wrong(), []
    compared: dict[str, tuple[Check, ...]] = {}
    verify.top(store, found, wrong, verify.Read())
    for name in verify.pending(store, found):
        wrong.add("CRM-A028", file=name)
    verify.foreign(store, found, wrong)
    for seal in seals:
        read, place, before = verify.Read(), Place(store, seal.dataset.id, wrap), wrong.count
        verify.check(place, found, seal, wrong, read)
        results.append((seal, read))
        if copies and wrong.count == before:
            compared[seal.slug] = views.compared(place, seal, wrong)
    if copies:
        views.strays(store, found, wrong)
    wrong.refuse()
    if not results:
        raise problem(Exit.ERROR, "CRM-A030", dataset="-", read=0, said=0)
    return [
        Verified(
            s.dataset.id,
            s.dataset.label,
            s.last.content,
            (*_checks(Place(store, s.dataset.id, wrap), s, r, restore_test), *compared.get(s.slug, ())),
        )
        for s, r in results
    ]


def _checks(place: Place, seal: Seal, read: verify.Read, restore_test: bool) -> tuple[Check, ...]:
    first = verify.said(place, seal, read)
    done = (first, checks.restored(place, seal)) if restore_test else (first,)
    if not place.wrap.reads_rows:
        return done
    within = backup.checked(place, seal) if seal.dataset.kind is Kind.ACCOUNT else ()
    return (*done, *typed.checked(place, seal), *within)


def _is_archive(store: ReadStore) -> bool:
    if not store.is_folder(""):
        return False
    readme = store.read(README) or b""
    return store.size(MANIFEST) is not None or readme.startswith(README_FORMER)


def _is_archive_in(store: ReadStore, name: str) -> bool:
    """Whether a folder in it is one; a file, or a link, is none."""
    try:
        return store.is_folder(name) and _is_archive(store.within(name))
    except Problem as refused:
        if refused.diagnostics[0].code != "CRM-A004":
            raise
        return False


def _held(seal: Seal) -> HeldDataset:
    last = seal.last
    return HeldDataset(
        dataset=seal.dataset.id,
        label=seal.dataset.label,
        folder=seal.slug,
        rows=last.rows,
        attachments=last.attachments,
        complete=last.complete,
        bytes=seal.bytes,
        generations=len(seal.generations),
        content=last.content,
        sealed_at=last.sealed_at,
        by=last.by,
        attachments_given_up=last.left_out,
    )

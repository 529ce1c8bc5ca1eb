"""Opening: an archive found anywhere, without the state, without a vendor. It reads and writes nothing there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from crmstate.archive import checks, disk, manifest, verify
from crmstate.archive.layout import MANIFEST, README, README_FORMER, Place
from crmstate.archive.manifest import Found
from crmstate.archive.seal import Seal
from crmstate.core.diagnostic import problem
from crmstate.core.event import Check
from crmstate.core.holdings import HeldDataset, Holdings, Verified
from crmstate.core.words import Exit


def find(path: Path) -> list[Path]:
    """The archives at a path: itself, or the folders in it. Raises Problem CRM-A034 where there is none."""
    if _is_archive(path):
        return [path]
    found = [path / name for name in disk.names(path) if (path / name).is_dir() and _is_archive(path / name)]
    if not found:
        raise problem(Exit.ERROR, "CRM-A034", file=str(path))
    return found


def opened(path: Path) -> Found:
    """The manifest of the one archive at a path. Raises Problem: CRM-A034 where there is none, CRM-A036 where there are
    several."""
    roots = find(path)
    if len(roots) > 1:
        raise problem(Exit.USAGE, "CRM-A036", file=str(path), names=", ".join(each.name for each in roots))
    found = manifest.load(roots[0])
    if found is None:
        raise problem(Exit.ERROR, "CRM-A034", file=str(path))
    return found


def root_of(path: Path) -> Path:
    """The folder of the one archive at a path."""
    return find(path)[0]


def holdings(root: Path) -> Holdings:
    """What the archive at `root` says of itself; nothing is checked but the manifest."""
    found = manifest.load(root)
    if found is None:
        raise problem(Exit.ERROR, "CRM-A034", file=str(root))
    made = found.manifest
    missing = tuple((each.dataset, each.status, each.why) for each in made.coverage if each.status != "exported")
    return Holdings(
        str(root), made.format, made.content, made.root, made.sealed_at, tuple(map(_held, made.datasets)), missing
    )


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


def checked(root: Path, found: Found, seals: Sequence[Seal], restore_test: bool) -> list[Verified]:
    """Reads everything back: the files beside the manifest, and these datasets. Raises Problem with everything that is
    wrong, work that was begun and not sealed included."""
    wrong, results = verify.Wrong(), []
    verify.top(root, found, wrong, verify.Read())
    for name in verify.pending(root, found):
        wrong.add("CRM-A028", file=name)
    verify.foreign(root, found, wrong)
    for seal in seals:
        read = verify.Read()
        verify.check(Place(root, seal.dataset.id), found, seal, wrong, read)
        results.append((seal, read))
    wrong.refuse()
    if not results:
        raise problem(Exit.ERROR, "CRM-A030", dataset="-", read=0, said=0)
    return [
        Verified(s.dataset.id, s.dataset.label, s.last.content, _checks(root, s, r, restore_test)) for s, r in results
    ]


def _checks(root: Path, seal: Seal, read: verify.Read, restore_test: bool) -> tuple[Check, ...]:
    place = Place(root, seal.dataset.id)
    first = verify.said(place, seal, read)
    return (first, checks.restored(place, seal)) if restore_test else (first,)


def _is_archive(path: Path) -> bool:
    if not disk.is_folder(path):
        return False
    readme = disk.read(path / README) or b""
    return disk.size(path / MANIFEST) is not None or readme.startswith(README_FORMER)


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
    )

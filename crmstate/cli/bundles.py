"""Bundles: what the store knows and the views show of a bundle of evidence, brought together: once when it is written, and
once more, from its own files, when it is verified."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from crmstate import __version__
from crmstate.cli.compose import House, learn_keys
from crmstate.core.diagnostic import Diagnostic, Problem, diagnostic, problem
from crmstate.core.goal import ArchiveGoal
from crmstate.core.holdings import Holdings
from crmstate.core.plan import Plan
from crmstate.core.record import State
from crmstate.core.words import Exit, Severity
from crmstate.store.bundle import ARCHIVE, LARGEST, MANIFEST, PLAN, SUMMARY, Listed, Sheet
from crmstate.store.papers import Paper, Told

if TYPE_CHECKING:
    from crmstate.store.bundling import Record
    from crmstate.store.unbundling import Unbundled
    from crmstate.views.catalogue import Catalogue
    from crmstate.views.summary import Facts

TAGS = ("manifest.json", "coverage.json", "SHA256SUMS", "bag-info.txt", "encryption.json", "README.txt")
"""What an archive says of itself, apart from records."""


def learn(house: House) -> None:
    """Makes every secret that the manifest refers to known to the scrubber, as far as it is at hand."""
    from crmstate.manifest.credentials import read_credential

    learn_keys(house.scrubber, house.environ)
    section = house.loaded.model.provider.credentials
    for use in ("read", "write") if section is not None else ():
        with suppress(Problem):
            found = read_credential(house.loaded, use, house.environ, house.operator, house.provider.env)
            for name, secret in found.items():
                if name not in house.provider.plain:
                    house.scrubber.learn(secret)


def archive(house: House) -> tuple[dict[str, bytes], list[Diagnostic]]:
    """What the archive says that it holds, and its own list of files; nothing where none is declared or on record."""
    from crmstate.archive import opening, places

    goal = house.desired.archive
    if not isinstance(goal, ArchiveGoal) or goal.unsupported or not _archived(house.state()):
        return {}, []
    learn_keys(house.scrubber, house.environ)
    try:
        root = places.glance(goal.to, house.folder, house.desired.name, house.environ)
        held = opening.holdings(root)
        files = {f"archive/{name}": data for name in TAGS if (data := root.read(name)) is not None}
    except Problem as unseen:
        return {}, [diagnostic("CRM-S081", Severity.WARNING, why=unseen.diagnostics[0].code)]
    return {ARCHIVE: msgspec.json.format(msgspec.json.encode(held), indent=1) + b"\n", **files}, []


def _archived(state: State) -> bool:
    return any(address.address.startswith("archive/") for address in state.entries.values())


def plans(paths: Sequence[Path], name: str) -> dict[str, bytes]:
    """Plans that somebody saved, by their ids. Raises Problem for what is no plan, or one of another end."""
    from crmstate.store import planfile
    from crmstate.views.plan_json import decode_plan

    found = {}
    for path in paths:
        data = planfile.load(path)
        made = decode_plan(data, str(path))
        if made.name != name:
            raise problem(Exit.USAGE, "CRM-S082", file=str(path), other=made.name, name=name)
        found[f"plans/{made.plan_id}.json"] = data
    return found


def contents(
    house: House, record: Record, plan: Plan | None, others: dict[str, bytes], words: Catalogue, at: str
) -> dict[str, bytes | Path]:
    """Every file of a bundle but those that the store adds: its list and its README."""
    from crmstate.store import files
    from crmstate.views.plan_json import encode_plan

    whole: dict[str, bytes | Path] = {**record.contents(), **others}
    whole[MANIFEST] = files.read(house.loaded.path.resolve(), LARGEST) or b""
    if plan is not None:
        whole[PLAN] = encode_plan(plan, words)
    sizes = {paper.path: (record.home.path / paper.path).stat().st_size for paper in record.papers}
    facts = _facts(
        record.loaded.state,
        record.loaded.sha256,
        others.get(ARCHIVE),
        plan,
        record.happened,
        record.papers,
        sizes,
        at,
        house.desired.mask_people,
        __version__,
        house.desired.digest,
    )
    whole[SUMMARY] = _summary(facts, words)
    return whole


def sheet(record: Record, manifest: str, at: str, lang: str, masked: bool, files: tuple[Listed, ...]) -> Sheet:
    """What `bundle.json` says."""
    from crmstate.store.bundle import FORMAT

    state = record.loaded.state
    return Sheet(
        format=FORMAT,
        name=record.home.name,
        provider=state.provider,
        tenant=state.tenant,
        lineage=record.loaded.lineage,
        serial=record.loaded.seq,
        head=record.loaded.sha256,
        manifest=manifest,
        at=at,
        lang=lang,
        masked=masked,
        tool=__version__,
        files=files,
    )


def compared(found: Unbundled) -> str:
    """Makes a bundle's summary again from its files: `equal`, `differs`, or `other` where another version wrote it, or the
    journal cannot be read."""
    if found.state is None or SUMMARY not in found.texts or found.sheet.tool != __version__:
        return "other"
    try:
        return "equal" if _again(found) == found.texts[SUMMARY] else "differs"
    except Exception:
        return "differs"  # others wrote what it is made from: nothing of that may end this with a bug


def other_manifest(found: Unbundled) -> bool:
    """Whether the manifest of a bundle says something else than the bundle says that it does. One that this machine cannot
    read (a vendor's package is missing, another version wrote it) is not judged."""
    from crmstate import providers
    from crmstate.manifest.load import parse

    data = found.texts.get(MANIFEST)
    if data is None or found.sheet.tool != __version__:
        return False
    with suppress(Problem):
        return parse(data, Path(MANIFEST), providers.names()).digest != found.sheet.manifest
    return False


def _again(found: Unbundled) -> bytes:
    from crmstate.views.catalogue import Catalogue
    from crmstate.views.plan_json import decode_plan

    assert found.state is not None
    plan = decode_plan(found.texts[PLAN], PLAN) if PLAN in found.texts else None
    sizes = {each.path: each.bytes for each in found.sheet.files}
    sheet, texts = found.sheet, found.texts
    facts = _facts(
        found.state,
        sheet.head,
        texts.get(ARCHIVE),
        plan,
        found.happened,
        found.papers,
        sizes,
        sheet.at,
        sheet.masked,
        sheet.tool,
        sheet.manifest,
    )
    return _summary(facts, Catalogue(sheet.lang))


def _summary(facts: Facts, words: Catalogue) -> bytes:
    from crmstate.views.summary import summary

    return summary(facts, words)


def _facts(
    state: State,
    head: str,
    archive: bytes | None,
    plan: Plan | None,
    happened: Sequence[Told],
    papers: Sequence[Paper],
    sizes: dict[str, int],
    at: str,
    masked: bool,
    tool: str,
    manifest: str,
) -> Facts:
    from crmstate.views.summary import Document, Facts

    documents = tuple(
        Document(
            path=each.path,
            label=each.label,
            bytes=sizes.get(each.path, 0),
            about=tuple(dict.fromkeys(one.address for one in each.mentions if one.address)),
            by=tuple(dict.fromkeys(one.by for one in each.mentions if one.by)),
            proof=next((one.proof for one in each.mentions if one.proof), ""),
            at=each.mentions[0].at if each.mentions else "",
        )
        for each in papers
    )
    holdings = msgspec.json.decode(archive, type=Holdings) if archive is not None else None
    return Facts(
        state, head, plan, tuple(each.event for each in happened), documents, holdings, at, masked, tool, manifest
    )

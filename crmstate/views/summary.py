"""Summary: the page of a bundle of evidence: each condition of the end with its proof, what happened when, which document
says so. It is made from what lies in the bundle and nothing else, so that whoever verifies the bundle makes it again and
compares."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from crmstate.core.address import kind_of
from crmstate.core.event import AnyEvent, Started
from crmstate.core.holdings import Holdings
from crmstate.core.plan import Plan
from crmstate.core.record import Entry, State
from crmstate.core.words import Kind, Outcome, Proof, weakest
from crmstate.views import escape
from crmstate.views import page_parts as parts
from crmstate.views.catalogue import Catalogue
from crmstate.views.dates import shown
from crmstate.views.mask import masking
from crmstate.views.moments import Moment, moments
from crmstate.views.page import Cell, Page, Section, html
from crmstate.views.standing import From, latest, standing
from crmstate.views.status_text import overtaken
from crmstate.views.watching import said as looks

SINGLY = frozenset({Kind.HUMAN_STEP, Kind.CERTIFICATE, Kind.NOTICE, Kind.SUBSCRIPTION, Kind.ACCOUNT})
"""Kinds of which every condition has a line of its own."""
LONGEST = 400


class Document(msgspec.Struct, frozen=True):
    """A file of the bundle that an event refers to. `about`: addresses; `by`: who brought it."""

    path: str
    label: str
    bytes: int
    about: tuple[str, ...]
    by: tuple[str, ...]
    proof: str
    at: str


class Facts(msgspec.Struct, frozen=True):
    """Everything that a summary is made from. `head`: the digest of the journal's last chunk; `now`: the time as of which it
    speaks; `manifest`: the digest of what the manifest says."""

    state: State
    head: str
    plan: Plan | None
    happened: tuple[AnyEvent, ...]
    documents: tuple[Document, ...]
    holdings: Holdings | None
    now: str
    masked: bool
    tool: str
    manifest: str


def summary(facts: Facts, words: Catalogue) -> bytes:
    """The page's bytes: the same for the same facts and language."""
    state, plan, words = facts.state, facts.plan, words.escaping(escape.page)
    if facts.masked:
        words = words.scrubbing(lambda scrub: masking(state, plan, facts.happened, scrub))
    found = standing(state, plan, plan.deadlines if plan is not None else ())
    past = moments(facts.happened, state, words)
    notes = [words.text_of("page.evidence")]
    applied = [event.manifest for event in facts.happened if isinstance(event, Started)]
    if applied:
        notes.append(words.text_of("page.applied" if applied[-1] == facts.manifest else "page.not_applied"))
    notes += [] if found.planned else [words.text_of("status.offline")]
    notes += [looks(found.watch, words)] if found.watch is not None else []
    notes += overtaken(found, words)
    notes += [words.text_of("page.masked")] if facts.masked else []
    page = Page(
        lang=words.lang,
        title=words.safe(found.name),
        about=parts.about(found, facts.now, words),
        claim=parts.claimed(found, words),
        tone=parts.tone_of(found),
        tiles=parts.tiles(found, facts.now, words),
        notes=tuple(notes),
        sections=parts.some(
            _conditions(facts, words),
            parts.timeline(found, past, facts.now, words),
            *(parts.waits(found, source, facts.now, words) for source in From),
            *parts.contract(found.life, plan.cost if plan is not None else None, words),
            _history(past, words),
            parts.protections(found, words),
            _documents(facts.documents, words),
            _holdings(facts.holdings, words),
        ),
        foot=_foot(facts, words),
    )
    return html(page)


def _conditions(facts: Facts, words: Catalogue) -> Section | None:
    """One line for each condition of the end: how many of how many are done, and the weakest proof among them."""
    groups: dict[tuple[Kind, str, str], list[Entry]] = {}
    for entry in latest(facts.state).values():
        kind = kind_of(entry.address)
        groups.setdefault((kind, entry.verb.value, entry.address if kind in SINGLY else ""), []).append(entry)
    missing: dict[tuple[Kind, str, str], int] = {}
    known = latest(facts.state)
    for step in facts.plan.steps if facts.plan is not None else ():
        if step.id in known and known[step.id].outcome is Outcome.DONE:
            continue
        key = step.kind, step.verb.value, step.address if step.kind in SINGLY else ""
        missing[key] = missing.get(key, 0) + (step.id not in known)
        groups.setdefault(key, [])
    for gate in facts.plan.blocked if facts.plan is not None else ():
        head = gate.address.partition("/")[0]
        if head in set(Kind):
            key = Kind(head), gate.verb.value, gate.address if Kind(head) in SINGLY else ""
            missing[key] = missing.get(key, 0) + 1
            groups.setdefault(key, [])
    order = list(Kind)
    rows = [
        _condition(key, groups[key], missing.get(key, 0), words)
        for key in sorted(groups, key=lambda each: (order.index(each[0]), each[1], each[2]))
    ]
    if not rows:
        return None
    total = [entry.proof if entry.outcome is Outcome.DONE else Proof.NONE for entry in known.values()]
    if sum(missing.values()):
        total.append(Proof.NONE)
    whole = weakest(total)
    rows.append(
        (
            Cell(words.text_of("page.whole"), "whole"),
            Cell("", "number nothing"),
            Cell(words.word("proof", whole.value), whole.value),
            Cell("", "when nothing"),
        )
    )
    columns = tuple(words.text_of(f"page.column.{name}") for name in ("condition", "count", "proof", "last"))
    text = words.text_of("page.rule")
    return Section("conditions", words.text_of("page.conditions"), text, columns=columns, rows=tuple(rows))


def _condition(key: tuple[Kind, str, str], same: list[Entry], missing: int, words: Catalogue) -> tuple[Cell, ...]:
    kind, verb, place = key
    done = [entry for entry in same if entry.outcome is Outcome.DONE]
    total = len(same) + missing
    proof = weakest([entry.proof for entry in done]) if done and len(done) == total else Proof.NONE
    name = words.text_of("page.condition", verb=verb, kind=kind.value)
    if place:
        name = parts.thing(verb, place, same[0].label if same else "", words)
    said = words.word("proof", proof.value) if proof is not Proof.NONE else words.text_of("page.open")
    last = max((entry.at for entry in done), default="")
    return (
        Cell(name),
        Cell(f"{len(done):,} / {total:,}", "number"),
        Cell(said, proof.value),
        Cell(shown(last, words), "when"),
    )


def _history(past: Sequence[Moment], words: Catalogue) -> Section | None:
    """What happened, a line for equal things of one day."""
    rows = []
    for each in past[:LONGEST]:
        text = words.text_of("page.times", text=each.text, n=each.n) if each.n > 1 else each.text
        proof = (
            Cell(words.word("proof", each.proof.value), each.proof.value)
            if each.proof is not None
            else Cell("", "nothing")
        )
        rows.append(
            (Cell(shown(each.at, words), "when"), Cell(text), Cell(each.by, "" if each.by else "nothing"), proof)
        )
    columns = tuple(words.text_of(f"column.{name}") for name in ("at", "happened", "by", "proof"))
    more = words.text_of("fold.more", n=len(past) - LONGEST) if len(past) > LONGEST else ""
    return (
        Section("history", words.text_of("page.history"), columns=columns, rows=tuple(rows), more=more)
        if rows
        else None
    )


def _documents(found: Sequence[Document], words: Catalogue) -> Section | None:
    rows = []
    for each in found[:LONGEST]:
        proof = Cell(words.word("proof", each.proof), each.proof) if each.proof else Cell("")
        name = words.plain(each.label) or words.safe(each.path)
        about = words.text_of("join.list").join(words.safe(one) for one in each.about)
        by = words.text_of("join.list").join(words.safe(one) for one in each.by)
        cells = (
            Cell(name),
            Cell(about),
            Cell(by),
            proof,
            Cell(shown(each.at, words), "when"),
            Cell(words.safe(each.path), "code"),
        )
        rows.append(cells)
    columns = tuple(
        words.text_of(f"page.column.{name}") for name in ("document", "about", "from", "proof", "at", "file")
    )
    more = words.text_of("fold.more", n=len(found) - LONGEST) if len(found) > LONGEST else ""
    if not rows:
        return None
    return Section("documents", words.text_of("page.documents"), columns=columns, rows=tuple(rows), more=more)


def _holdings(found: Holdings | None, words: Catalogue) -> Section | None:
    if found is None:
        return None
    rows = tuple(
        (
            Cell(words.plain(each.label) or words.safe(each.dataset)),
            Cell(f"{each.rows:,}", "number"),
            Cell(f"{each.attachments:,}", "number"),
            Cell(words.safe(each.content), "code"),
        )
        for each in found.datasets
    )
    items = tuple(
        words.text_of("page.not_archived", dataset=dataset, status=status, why=f"archive.{why}" if why else "-")
        for dataset, status, why in found.missing
    ) + tuple(
        words.text_of(
            "archive.given_up",
            dataset=each.dataset,
            who=each.attachments_given_up.by,
            text=each.attachments_given_up.why,
        )
        for each in found.datasets
        if each.attachments_given_up is not None
    )
    columns = tuple(words.text_of(f"column.{name}") for name in ("dataset", "rows", "attachments"))
    text = words.text_of("page.archive_at", path=found.path, at=shown(found.sealed_at, words))
    return Section(
        "archive",
        words.text_of("page.archive"),
        text,
        columns=(*columns, words.text_of("page.column.content")),
        rows=rows,
        items=items,
    )


def _foot(facts: Facts, words: Catalogue) -> tuple[str, ...]:
    state = facts.state
    return (
        words.text_of("page.chain", serial=state.serial, head=facts.head, lineage=state.lineage),
        words.text_of("page.check"),
        words.text_of("page.foot", tool=facts.tool, serial=state.serial),
        words.text_of("page.no_advice"),
    )

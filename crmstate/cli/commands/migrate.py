"""crmstate migrate: counts and filled fields of the new system beside those of the archive."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crmstate.cli.compose import House
from crmstate.cli.masking import masked
from crmstate.cli.opening import open_house, opened
from crmstate.cli.options import HERE, ByOption, Format, FormatOption, LangOption, ManifestArgument, QuietOption
from crmstate.cli.recording import Paper, recording, start
from crmstate.cli.screen import Screen
from crmstate.core import migration
from crmstate.core.around import Migrated, ReplacementGoal
from crmstate.core.diagnostic import problem
from crmstate.core.event import AnyEvent, Compared, Confirmed, Evidence, Filled, StepRef
from crmstate.core.goal import ArchiveGoal
from crmstate.core.record import State, step_id
from crmstate.core.words import Exit, Kind, Outcome, Proof, Undo, Verb

if TYPE_CHECKING:
    from crmstate.people.counts import Counted

app = typer.Typer(help="Show that what moved to the new system is all there.", no_args_is_help=True)


@app.command()
def check(
    counts: Annotated[Path, typer.Argument(help="A CSV file: dataset,field,count; no field: the records.")],
    manifest: ManifestArgument = HERE,
    identity: Annotated[
        Path | None,
        typer.Option(
            "--identity", help="A file with the key of an encrypted archive; or its text in CRMSTATE_IDENTITY."
        ),
    ] = None,
    by: ByOption = None,
    format: FormatOption = Format.text,
    lang: LangOption = None,
    quiet: QuietOption = False,
) -> int:
    """Compare the new system's counts with the archive. What is equal is recorded as done."""
    from crmstate.people.counts import read
    from crmstate.views.proving import migration_shown

    screen = Screen(format.value, lang, quiet)
    house = open_house(manifest, screen)
    goal = house.desired.replacement
    if goal is None or goal.decision != "adopted" or not goal.migrate:
        raise problem(Exit.REFUSED, "CRM-F028", dataset="-", known="-")
    paper = Paper(counts)
    said = read(paper.data, str(counts))
    with recording(house, by) as (store, at, name):
        pairs = [(_goal(goal, each), each) for each in said]
        made = [_compared(house, store.state, one, said[each], identity, at, name) for one, each in pairs]
        start(store, house)
        kept = paper.keep(store, house, Proof.ATTESTED, at, name)
        events: list[AnyEvent] = []
        shown = []
        for one, (found, label) in zip([one for one, _ in pairs], made, strict=True):
            found = Compared(at, found.dataset, found.ours, found.theirs, found.content, name, kept, found.fields)
            wrong = migration.gaps(one, found)
            shown.append((found, wrong))
            events += [found, *([] if wrong else [_confirmed(store.state, one, found, label)])]
        store.append(events)
        masked(house, store.state, screen)
    screen.out(migration_shown(shown, screen.catalogue, screen.format))
    return int(Exit.ERROR if any(wrong for _, wrong in shown) else Exit.OK)


@app.command()
def show(manifest: ManifestArgument = HERE, format: FormatOption = Format.text, lang: LangOption = None) -> int:
    """The last comparison of each dataset."""
    from crmstate.views.proving import migration_shown

    screen = Screen(format.value, lang)
    house, state = opened(manifest, screen)
    goal = house.desired.replacement
    goals = goal.migrate if goal is not None else ()
    found = []
    for each in goals:
        last = state.compared.get(_dataset(state, each) or each.dataset)
        found += [(last, migration.gaps(each, last))] if last is not None else []
    screen.out(migration_shown(found, screen.catalogue, screen.format))
    return 0


def _goal(goal: ReplacementGoal, name: str) -> Migrated:
    found = migration.named(goal, name)
    if found is None:
        known = ", ".join(each.dataset for each in goal.migrate)
        raise problem(Exit.USAGE, "CRM-F028", dataset=name[:80], known=known)
    return found


def _dataset(state: State, goal: Migrated) -> str | None:
    """The id of the dataset as it is archived."""
    from crmstate.core.address import id_of, kind_of

    held = [
        entry
        for entry in state.entries.values()
        if entry.verb is Verb.ARCHIVE and kind_of(entry.address) is Kind.ARCHIVE and entry.outcome is Outcome.DONE
    ]
    return next((id_of(each.address) for each in held if goal.dataset in (id_of(each.address), each.label)), None)


def _compared(
    house: House, state: State, goal: Migrated, said: dict[str, Counted], identity: Path | None, at: str, by: str
) -> tuple[Compared, str]:
    """One dataset of the new system beside its archive. Raises Problem where there is no archive to compare with."""
    dataset = _dataset(state, goal)
    proof = state.proved(dataset) if dataset is not None else None
    if dataset is None or proof is None or proof.rows is None:
        raise problem(Exit.REFUSED, "CRM-F027", dataset=goal.dataset)
    names = [field for field in said if field]
    ours = _filled(house, dataset, proof.evidence[0].sha256, names, identity) if names else {}
    for name in names:
        if name not in ours:
            known = ", ".join(sorted(ours)[:20]) or "-"
            raise problem(Exit.USAGE, "CRM-F029", said[name].span, dataset=goal.dataset, field=name[:80], known=known)
    fields = tuple(Filled(name, ours[name], said[name].count) for name in names)
    nothing = Evidence("file", Proof.ATTESTED, at, by)
    made = Compared(at, dataset, proof.rows, said[""].count, proof.evidence[0].sha256, by, nothing, fields)
    return made, proof.label


def _filled(house: House, dataset: str, content: str, names: list[str], identity: Path | None) -> dict[str, int]:
    """In how many records of the archive something stands in each field; every byte of it is compared with its
    checksums first."""
    from crmstate.archive import opening, places
    from crmstate.archive.filled import filled
    from crmstate.archive.layout import Place
    from crmstate.cli.commands.archive import _identity
    from crmstate.cli.compose import learn_keys

    goal = house.desired.archive
    if not isinstance(goal, ArchiveGoal):
        raise problem(Exit.REFUSED, "CRM-F027", dataset=dataset)
    learn_keys(house.scrubber, os.environ)
    root, found = opening.opened(places.glance(goal.to, house.folder, house.desired.name, house.environ))
    seals = opening.chosen(found, [dataset])
    opening.expect(seals, content)
    wrap = opening.unwrapped(root, found, _identity(identity))
    if not wrap.reads_rows:
        raise problem(Exit.CREDENTIALS, "CRM-A080", file=root.where)
    opening.checked(root, found, seals, False, wrap)
    return filled(Place(root, dataset, wrap), seals[0], names)


def _confirmed(state: State, goal: Migrated, found: Compared, label: str) -> Confirmed:
    """The step of a dataset is done: by the word of whoever counted, with their file and the archive that it was compared
    with."""
    place = migration.place(goal)
    number = migration.occurrence(state, place)
    ref = StepRef(step_id(place, Verb.CONFIRM, number), place, Verb.CONFIRM, Undo.FREE, label or goal.dataset, number)
    against = Evidence(migration.METHOD, Proof.ATTESTED, found.at, found.by, sha256=found.content, rows=found.theirs)
    return Confirmed(found.at, ref, found.by, Proof.ATTESTED, "", (against, found.counts))

"""crmstate rehearse: plays the whole plan on the vendor's simulator, with as much in it as the vendor shows. Holds no session
of the vendor's that can write."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crmstate.cli import embedded
from crmstate.cli.compose import House
from crmstate.cli.masking import masked
from crmstate.cli.opening import open_house
from crmstate.cli.options import HERE, ColorOption, Format, FormatOption, LangOption, ManifestArgument, QuietOption
from crmstate.cli.screen import Screen
from crmstate.cli.survey import observed
from crmstate.core.diagnostic import problem
from crmstate.core.record import State
from crmstate.core.rehearsed import Rehearsed
from crmstate.core.survey import Gap, Survey
from crmstate.core.words import Exit
from crmstate.engine.observe import listed_kinds, stamp

if TYPE_CHECKING:
    from crmstate.cli.playing import Play
    from crmstate.cli.rehearsal import Rehearsal
    from crmstate.core.plan import Plan

MOST = 500


def rehearse(
    manifest: ManifestArgument = HERE,
    rows: Annotated[
        int, typer.Option("--rows", min=1, max=1_000_000, help="The most rows of a dataset that are played.")
    ] = MOST,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="FOLDER", help="Leave manifest, archive and state in this folder.")
    ] = None,
    format: FormatOption = Format.text,
    lang: LangOption = None,
    quiet: QuietOption = False,
    no_color: ColorOption = False,
) -> int:
    """Play the whole plan on a simulator of the vendor, seeded from what the vendor shows. Nothing is done to the vendor."""
    from crmstate.cli.rehearsal import simulated

    screen = Screen(format.value, lang, quiet, no_color)
    house = open_house(manifest, screen)
    simulated(house)
    folder = _empty(keep)
    try:
        said = _rehearsed(house, folder, screen, rows)
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    masked(house, house.state(), screen, said)
    _show(said, screen, keep)
    return int(Exit.OK if said.finished else Exit.REFUSED)


def _empty(keep: Path | None) -> Path:
    """An empty folder to play in."""
    if keep is None:
        return Path(tempfile.mkdtemp(prefix="crmstate-rehearsal-"))
    try:
        keep.mkdir(parents=True, exist_ok=True)
        if any(keep.iterdir()):
            raise problem(Exit.USAGE, "CRM-C061", path=keep)
    except OSError as error:
        raise problem(Exit.ERROR, "CRM-C021", path=keep, why=error.strerror or type(error).__name__) from None
    return keep.resolve()


def _rehearsed(house: House, folder: Path, screen: Screen, rows: int) -> Rehearsed:
    from crmstate.cli.playing import Play
    from crmstate.cli.rehearsal import stage
    from crmstate.core.planning.planner import plan

    found = observed(house)
    real = plan(house.desired, found, State(house.desired.name), house.provider, manifest=str(house.loaded.path))
    on = stage(house, found, folder, screen, rows)
    began, play = stamp(on.clock.now()), Play(on)
    try:
        play.go()
        return _told(house, on, play, real, began, rows, _unseen(house, found))
    finally:
        embedded.stop(on.data)


def _unseen(house: House, found: Survey) -> tuple[Gap, ...]:
    """What the vendor lists and did not show whole. The simulator shows all that it has: it plays what was seen as if that were
    everything."""
    known = {each.kind: each for each in found.gaps}
    short = (kind for kind in listed_kinds(house.provider) if kind not in found.complete)
    return tuple(known.get(kind, Gap(kind, "gap.unknown")) for kind in short)


def _told(
    house: House, on: Rehearsal, play: Play, real: Plan, began: str, rows: int, unseen: tuple[Gap, ...]
) -> Rehearsed:
    return Rehearsed(
        name=house.desired.name,
        provider=house.provider.name,
        tenant=real.tenant,
        began=began,
        ended=stamp(on.clock.now()),
        finished=play.finished,
        scenes=tuple(play.scenes),
        estimate=real.estimate,
        waited=round(on.clock.waited),
        approvals=play.approvals,
        most=rows,
        scaled=on.scaled,
        evidence=tuple(play.evidence()),
        blocked=play.plan.blocked if play.plan is not None and not play.finished else (),
        left=play.left(),
        found=tuple(play.found),
        unseen=unseen,
    )


def _show(said: Rehearsed, screen: Screen, keep: Path | None) -> None:
    from crmstate.views.rehearsal import rehearsal_markdown, rehearsal_text
    from crmstate.views.rehearsal_json import rehearsal_json

    if screen.json:
        screen.out(rehearsal_json(said, screen.catalogue))
    elif screen.format == "markdown":
        screen.out(rehearsal_markdown(said, screen.catalogue))
    else:
        screen.out(rehearsal_text(said, screen.catalogue, color=screen.color))
    if keep is not None:
        screen.say("rehearse.kept", path=keep)

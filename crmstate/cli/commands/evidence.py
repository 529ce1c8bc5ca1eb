"""crmstate evidence: everything that proves an end, in one folder or zip that anybody can check; and that check, which
needs neither manifest nor state nor network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crmstate.cli.options import (
    HERE,
    AsOfOption,
    ColorOption,
    Format,
    FormatOption,
    LangOption,
    ManifestArgument,
    QuietOption,
)
from crmstate.cli.screen import Screen
from crmstate.core.diagnostic import Problem, diagnostic, problem
from crmstate.core.words import Exit, Severity
from crmstate.engine.observe import stamp

app = typer.Typer(help="Bundle what proves the end, and verify such a bundle.", no_args_is_help=True)


@app.command()
def bundle(
    out: Annotated[Path, typer.Option("--out", help="A new folder, or a new file that ends in .zip.")],
    manifest: ManifestArgument = HERE,
    plan: Annotated[
        list[Path] | None,
        typer.Option("--plan", help="A saved plan to add, such as the approved one; may be repeated."),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="From the record alone, without asking the vendor.")
    ] = False,
    as_of: AsOfOption = None,
    format: FormatOption = Format.text,
    lang: LangOption = None,
    quiet: QuietOption = False,
) -> int:
    """Write journal, evidence, approvals, plan and a summary as one bundle."""
    from crmstate.cli import bundles
    from crmstate.cli.opening import open_house
    from crmstate.cli.survey import planned
    from crmstate.store import bundling
    from crmstate.views.bundle_text import bundled
    from crmstate.views.mask import clear

    screen = Screen(format.value, lang, quiet)
    house = open_house(manifest, screen, as_of)
    house.state()  # refuses a state that does not lie here
    _outside_archive(out, house.folder, house.desired.archive)
    record = bundling.Record(house.folder, house.desired.name)
    bundles.learn(house)
    made = None if offline else planned(house, record.loaded.state)
    at = stamp(house.now())
    others, unseen = bundles.archive(house)
    others |= bundles.plans(plan or (), house.desired.name)
    words, masked = screen.catalogue, house.desired.mask_people
    whole = bundles.contents(house, record, made, others, words, at)
    digest = bundling.write(
        out,
        house.desired.name,
        whole,
        lambda files: bundles.sheet(record, house.desired.digest, at, words.lang, masked, files),
        house.effects,
        house.scrubber.scrub,
    )
    if masked and (named := clear(record.loaded.state)):
        unseen.append(diagnostic("CRM-S073", Severity.WARNING, n=named))
    screen.show(unseen if not screen.json else ())
    screen.out(bundled(str(out), digest, len(whole) + 3, unseen, words, screen.format))
    return 0


@app.command()
def verify(
    path: Annotated[Path, typer.Argument(help="The bundle: its folder, or the zip.")],
    digest: Annotated[
        str | None,
        typer.Option("--digest", help="The digest that was noted when it was written (64 hexadecimal digits)."),
    ] = None,
    format: FormatOption = Format.text,
    lang: LangOption = None,
    quiet: QuietOption = False,
    no_color: ColorOption = False,
) -> int:
    """Check a bundle: every byte, the journal's chain, and the summary. Exit 1 says what is wrong, and where."""
    from crmstate import __version__
    from crmstate.cli import bundles
    from crmstate.store.unbundling import findings, unbundled
    from crmstate.views.bundle_text import verified

    screen = Screen(format.value, lang, quiet, no_color)
    if digest is not None and (len(digest) != 64 or not set(digest.lower()) <= set("0123456789abcdef")):
        raise problem(Exit.USAGE, "CRM-C001", text="--digest: 64 hexadecimal digits")
    found = unbundled(path, digest)
    said = bundles.compared(found)
    if said == "differs":
        found.wrong.append(diagnostic("CRM-S067", file="summary.html"))
    if bundles.other_manifest(found):
        found.wrong.append(diagnostic("CRM-S067", file="manifest.yaml"))
    wrong = findings(found)
    notes = []
    if said == "other" and not wrong:
        notes.append(diagnostic("CRM-S072", Severity.NOTE, wrote=found.sheet.tool, here=__version__))
    if not screen.json:
        screen.show([*wrong, *notes])
    screen.out(
        verified(str(path), found.sheet, found.digest, wrong, notes, said, digest, screen.catalogue, screen.format)
    )
    return int(Exit.ERROR if wrong else Exit.OK)


def _outside_archive(out: Path, folder: Path, goal: object) -> None:
    """Raises Problem where the bundle would lie in the archive, which nothing may be added to."""
    from crmstate.archive import location
    from crmstate.core.goal import ArchiveGoal

    if not isinstance(goal, ArchiveGoal) or goal.unsupported or goal.to.startswith("s3://"):
        return
    try:
        place = location.resolve(goal.to, folder).resolve()
    except Problem:
        return
    target = out.absolute().parent.resolve() / out.name
    if place in (target, *target.parents):
        raise problem(Exit.REFUSED, "CRM-S077", file=str(out))

"""crmstate contact: the log of every talk with the vendor. It only grows: a correction is a new entry."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crmstate.cli.clock import moment
from crmstate.cli.masking import masked
from crmstate.cli.opening import open_house, opened
from crmstate.cli.options import (
    HERE,
    ByOption,
    ColorOption,
    Format,
    FormatOption,
    LangOption,
    ManifestArgument,
    QuietOption,
)
from crmstate.cli.recording import recording
from crmstate.cli.screen import Screen
from crmstate.cli.survey import begin, owed
from crmstate.core.address import Address, parse
from crmstate.core.contacts import standing
from crmstate.core.diagnostic import diagnostic, problem
from crmstate.core.event import Evidence
from crmstate.core.words import Channel, Contacting, Exit, Proof, Severity
from crmstate.engine.contact import contact, known, unknown
from crmstate.engine.observe import stamp

if TYPE_CHECKING:
    from crmstate.cli.compose import House
    from crmstate.core.event import Contacted

app = typer.Typer(help="Log what was said with the vendor, and look it up.", no_args_is_help=True)
StepOption = Annotated[
    list[str] | None,
    typer.Option("--step", metavar="ADDRESS", help="The step that it is about, as the plan names it; may be repeated."),
]


@app.command("add")
def add(
    manifest: ManifestArgument = HERE,
    kind: Annotated[Contacting | None, typer.Option("--kind", help="What it was.")] = None,
    channel: Annotated[Channel | None, typer.Option("--channel", help="By which way.")] = None,
    person: Annotated[str | None, typer.Option("--person", help="Whom at the vendor.")] = None,
    outcome: Annotated[str | None, typer.Option("--outcome", help="What came of it, in a sentence.")] = None,
    time: Annotated[
        str | None, typer.Option("--time", metavar="TIME", help="When it was: 2026-12-15T18:00+01:00; now if left out.")
    ] = None,
    step: StepOption = None,
    attach: Annotated[
        list[Path] | None, typer.Option("--attach", metavar="FILE", help="A mail (.eml), a PDF; may be repeated.")
    ] = None,
    corrects: Annotated[
        str,
        typer.Option(
            "--corrects", metavar="ID", help="The entry that this one stands for; what is left out is taken over."
        ),
    ] = "",
    by: ByOption = None,
    format: FormatOption = Format.text,
    lang: LangOption = None,
    quiet: QuietOption = False,
) -> int:
    """Log a talk with the vendor. Prints the entry's id."""
    from crmstate.store.evidence import look
    from crmstate.store.evidence import store as keep

    screen = Screen(format.value, lang, quiet)
    steps = _addresses(step) if step is not None else None
    when = stamp(moment(time)) if time is not None else None
    house = open_house(manifest, screen)
    with recording(house, by) as (store, at, name):

        def entry(number: int, files: tuple[Evidence, ...]) -> Contacted:
            return contact(
                store.state, id=f"c{number}", at=at, by=name, when=when, channel=channel, kind=kind, person=person,
                outcome=outcome, steps=steps, attachments=files, corrects=corrects,
            )  # fmt: skip

        entry(max(store.head, 1) + 1, ())  # everything is looked at before anything is kept
        lost = unknown(steps or (), known(house.desired, store.state, owed(house, store.state)))
        found = look(attach or ())
        begin(store, house, house.tenant)
        level = Proof.ACKNOWLEDGED if kind is Contacting.ACKNOWLEDGEMENT else Proof.ATTESTED
        files = tuple(keep(each, store.home, house.effects, proof=level, at=at, by=name) for each in found)
        made = entry(store.head + 1, files)
        store.append([made])
        log = dict(store.state.contacts)
        masked(house, store.state, screen)
    if not screen.json:
        screen.show([diagnostic("CRM-C080", Severity.WARNING, None, place, id=made.id) for place in lost])
        screen.say("contact.recorded", id=made.id, kind=made.kind.value, channel=made.channel.value)
        screen.out(f"{made.id}\n")
    else:
        _show(house, screen, [made], log)
    return 0


@app.command("list")
def list_(
    manifest: ManifestArgument = HERE,
    step: StepOption = None,
    kind: Annotated[Contacting | None, typer.Option("--kind", help="Only these.")] = None,
    all: Annotated[bool, typer.Option("--all", help="Also those that were corrected.")] = False,
    format: FormatOption = Format.text,
    lang: LangOption = None,
    no_color: ColorOption = False,
) -> int:
    """List the log, by the time of the talks."""
    screen = Screen(format.value, lang, no_color=no_color)
    house, state = opened(manifest, screen)
    log = state.contacts
    rows = sorted(log.values(), key=lambda each: (each.when, each.at)) if all else standing(log)
    places = set(_addresses(step or ()))
    found = [each for each in rows if kind in (None, each.kind) and (not places or places & set(each.steps))]
    _show(house, screen, found, log)
    return 0


@app.command("show")
def show(
    id: Annotated[str, typer.Argument(metavar="ID", help="The entry, as `contact list` names it.")],
    manifest: ManifestArgument = HERE,
    format: FormatOption = Format.text,
    lang: LangOption = None,
    no_color: ColorOption = False,
) -> int:
    """Show one entry whole, and what corrected it."""
    screen = Screen(format.value, lang, no_color=no_color)
    house, state = opened(manifest, screen)
    log = state.contacts
    if id not in log:
        raise problem(Exit.USAGE, "CRM-C074", id=id, known=", ".join(list(log)[-5:]) or "-")
    _show(house, screen, [log[id]], log, whole=True)
    return 0


def _show(
    house: House, screen: Screen, found: Sequence[Contacted], log: dict[str, Contacted], *, whole: bool = False
) -> None:
    """Entries, in the format that was asked for. `whole`: it is one, and all that it says."""
    from crmstate.views import contact_text as view

    mask = house.desired.mask_people
    if screen.json:
        screen.out(view.contacts_json(found, log, mask))
    elif screen.format == "markdown":
        screen.out(view.contacts_markdown(found, log, screen.catalogue, house.desired.name, mask))
    elif whole:
        screen.out(view.contact_whole(found[0], log, screen.catalogue, mask))
    else:
        screen.out(view.contacts_text(found, log, screen.catalogue, mask))


def _addresses(texts: Sequence[str]) -> list[Address]:
    found = []
    for text in texts:
        try:
            found.append(parse(text))
        except ValueError:
            raise problem(
                Exit.USAGE, "CRM-C079", address=Address(text), near="human_step/..., subscription/..."
            ) from None
    return found

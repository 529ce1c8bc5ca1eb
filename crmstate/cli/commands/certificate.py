"""crmstate certificate: the vendor's destruction document, checked field by field against what was purged."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crmstate.cli.masking import masked
from crmstate.cli.opening import open_house
from crmstate.cli.options import HERE, ByOption, Format, FormatOption, LangOption, ManifestArgument
from crmstate.cli.recording import Paper, recording, start
from crmstate.cli.screen import Screen
from crmstate.core import certificate
from crmstate.core.diagnostic import diagnostic, problem
from crmstate.core.event import Examined
from crmstate.core.words import Exit, Proof, Severity
from crmstate.engine.observe import stamp

app = typer.Typer(help="Check the vendor's certificate of destruction.", no_args_is_help=True)
FIELDS = "tenant, datasets, backups, sub_processors, date, signatory"
BESIDE = (".yaml", ".yml", ".json")


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="The vendor's document.")],
    manifest: ManifestArgument = HERE,
    said: Annotated[
        Path | None,
        typer.Option("--said", help="What it says, written down as YAML or JSON; FILE.yaml beside it if left out."),
    ] = None,
    field: Annotated[
        list[str] | None,
        typer.Option("--field", help="The same, field by field: tenant=t-1, datasets.Contacts=7; may be repeated."),
    ] = None,
    by: ByOption = None,
    format: FormatOption = Format.text,
    lang: LangOption = None,
) -> int:
    """Record what the document says, and list what is missing in it or differs from the record."""
    from crmstate.people import transcript
    from crmstate.views.proving import certificate_shown

    screen = Screen(format.value, lang)
    house = open_house(manifest, screen)
    paper, notes = Paper(file), _beside(file, said, bool(field))
    found = transcript.parse(notes.data, str(notes.path)) if notes is not None else {}
    where = transcript.places(notes.data, str(notes.path)) if notes is not None else {}
    meant = transcript.destruction({**found, **transcript.given(field or [])}, where)
    with recording(house, by) as (store, at, name):
        start(store, house)
        kept = paper.keep(store, house, Proof.ACKNOWLEDGED, at, name)
        copy = notes.keep(store, house, Proof.ATTESTED, at, name) if notes is not None else None
        event = Examined(at, name, meant, kept, copy)
        store.append([event])
        faults, ours = certificate.faults(meant, store.state, at), certificate.purged(store.state)
        masked(house, store.state, screen)
    if meant.expiry is not None and meant.day is not None and meant.expiry < meant.day:
        screen.show(
            [diagnostic("CRM-F042", Severity.WARNING, address=certificate.PLACE, day=meant.expiry, said=meant.day)]
        )
    screen.out(certificate_shown(event, faults, ours, screen.catalogue, screen.format))
    return int(Exit.ERROR if faults else Exit.OK)


@app.command()
def show(manifest: ManifestArgument = HERE, format: FormatOption = Format.text, lang: LangOption = None) -> int:
    """The last document that was checked, against the record as it is now."""
    from crmstate.views.proving import certificate_shown

    screen = Screen(format.value, lang)
    house = open_house(manifest, screen)
    state = house.state()
    masked(house, state, screen)
    found = certificate.examined(state, stamp(house.clock.now()))
    if found is None:
        raise problem(Exit.ERROR, "CRM-F010", address=certificate.PLACE)
    last, faults = found
    screen.out(certificate_shown(last, faults, certificate.purged(state), screen.catalogue, screen.format))
    return int(Exit.ERROR if faults else Exit.OK)


def _beside(file: Path, said: Path | None, fields: bool) -> Paper | None:
    """What was written down of a document: where somebody says, else beside it."""
    if said is not None:
        return Paper(said)
    near = next((each for end in BESIDE if (each := file.with_name(file.name + end)).exists()), None)
    if near is None and not fields:
        raise problem(Exit.USAGE, "CRM-F040", file=file, said=file.with_name(file.name + BESIDE[0]), fields=FIELDS)
    return Paper(near) if near is not None else None

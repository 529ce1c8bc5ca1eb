"""crmstate import: observes a vendor account and writes the manifest that leaves it as it is. Holds sessions that cannot write,
and never writes over a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from crmstate.cli.compose import House
from crmstate.cli.opening import trusted
from crmstate.cli.options import HERE, LangOption, QuietOption
from crmstate.cli.screen import Screen
from crmstate.cli.survey import observed
from crmstate.core.address import kind_of
from crmstate.core.diagnostic import problem
from crmstate.core.plan import Plan
from crmstate.core.record import State
from crmstate.core.survey import Survey
from crmstate.core.words import Exit, Kind
from crmstate.manifest.imported import Source


def import_(
    provider: Annotated[
        str, typer.Option("--provider", metavar="NAME", help="The vendor, as `crmstate providers` names it.")
    ] = ...,  # type: ignore[assignment]
    out: Annotated[Path, typer.Option("--out", help="The manifest to write.")] = HERE,
    tenant: Annotated[str, typer.Option("--tenant", help="The tenant's id; any other is refused.")] = "",
    url: Annotated[str, typer.Option("--url", help="The vendor's address, where it has several.")] = "",
    credential: Annotated[
        list[str] | None,
        typer.Option(
            "--credential",
            metavar="FIELD=NAME",
            help="The variable of a credential's field, or file:PATH; may be repeated.",
        ),
    ] = None,
    embedded: Annotated[str, typer.Option("--embedded", metavar="FILE", help="A simulated vendor in this file.")] = "",
    exports: Annotated[str, typer.Option("--exports", metavar="FOLDER", help="Of a vendor without an API.")] = "",
    coverage: Annotated[
        str,
        typer.Option(
            "--coverage", metavar="WHY", help="Why the credential sees everything, where no API can prove it."
        ),
    ] = "",
    owner: Annotated[str, typer.Option("--owner", help="Who answers for the whole.")] = "owner@example.com",
    name: Annotated[str, typer.Option("--name", help="The manifest's name; NAME-exit if left out.")] = "",
    mask_people: Annotated[
        bool, typer.Option("--mask-people", help="Name nobody; `privacy.mask_people` is set.")
    ] = False,
    lang: LangOption = None,
    quiet: QuietOption = False,
) -> int:
    """Observe a vendor account and write a manifest that leaves it as it is."""
    from crmstate import providers

    screen = Screen(lang=lang, quiet=quiet)
    if provider not in providers.names():
        raise problem(Exit.USAGE, "CRM-C010", name=provider, hint=", ".join(providers.names()))
    if out.exists() or out.is_symlink():
        raise problem(Exit.ERROR, "CRM-C012", path=out)
    options = {"tenant": tenant, "url": url, "embedded": embedded, "exports": exports}
    section: dict[str, Any] = {"name": provider, **{key: said for key, said in options.items() if said}}
    section |= {"coverage": {"by": owner, "why": coverage}} if coverage else {}
    section |= _credentials(provider, credential or [], bool(embedded))
    text, found = _observed(Source(section, name or f"{provider}-exit", owner, "", mask_people), out, screen)
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise problem(Exit.ERROR, "CRM-C021", path=out, why=error.strerror or type(error).__name__) from None
    screen.say("import.written", path=out, n=len(found.resources))
    return 0


def _credentials(provider: str, said: list[str], embedded: bool) -> dict[str, Any]:
    from crmstate import providers
    from crmstate.manifest.imported import reference

    found = providers.load(provider)
    if embedded or not found.credential:
        return {}
    try:
        read = reference(said, found.credential, found.env[0] if found.env else "CRMSTATE_")
    except ValueError as wrong:
        fields = ", ".join(found.credential)
        raise problem(Exit.USAGE, "CRM-C140", text=str(wrong), fields=fields) from None
    return {"credentials": {"read": read}}


def _observed(source: Source, out: Path, screen: Screen) -> tuple[str, Survey]:
    """The manifest's text in canonical form; kinds that it would change are left out of it."""
    from dataclasses import replace

    from crmstate.manifest.canonical import canonical
    from crmstate.manifest.imported import head, imported

    house = _house(head(source), out, screen)
    source = replace(source, title=house.provider.title)
    nothing = State(source.name)
    found = observed(house, nothing)
    for _ in range(2):
        raw = imported(source, found)
        if not raw:
            raise problem(Exit.ERROR, "CRM-C142", name=source.title)
        text = canonical(raw.encode("utf-8"), out)
        made = _planned(_house(text, out, screen), found, nothing)
        doing = {each.address for each in made.steps if each.kind is not Kind.FREEZE}
        doing |= {each.address for each in made.blocked}
        if not doing:
            return text, found
        source = replace(source, left_out=frozenset(kind_of(each) for each in doing))
    raise problem(Exit.ERROR, "CRM-C141", what=", ".join(sorted(doing)[:5]))


def _house(text: str, out: Path, screen: Screen) -> House:
    from crmstate import providers
    from crmstate.manifest.load import parse

    return trusted(House(parse(text.encode("utf-8"), out, providers.names()), screen.scrubber))


def _planned(house: House, found: Survey, nothing: State) -> Plan:
    from crmstate.core.planning.planner import plan

    return plan(house.desired, found, nothing, house.provider, manifest=str(house.loaded.path))

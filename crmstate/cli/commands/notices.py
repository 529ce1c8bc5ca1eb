"""crmstate notices: writes every message as it would be sent, to a file. Sends nothing and records nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from crmstate.cli.opening import open_house
from crmstate.cli.options import HERE, LangOption, ManifestArgument, QuietOption
from crmstate.cli.screen import Screen
from crmstate.core.diagnostic import Problem, diagnostic, problem
from crmstate.core.survey import Resource
from crmstate.core.words import Exit, Kind, Severity

LARGEST = 1024 * 1024 * 1024
MARK = re.compile(rb'\{"notice":"[^"\\]*","channel":"')


def notices(
    manifest: ManifestArgument = HERE,
    out: Annotated[
        Path,
        typer.Option(
            "--out", help="The file: one JSON object a message; an earlier one is replaced. Others cannot read it."
        ),
    ] = Path("notices.jsonl"),
    notice: Annotated[
        list[str] | None, typer.Option("--notice", metavar="ID", help="Only this one; may be repeated.")
    ] = None,
    lang: LangOption = None,
    quiet: QuietOption = False,
) -> int:
    """Write every message that notices would send to a file, and send nothing."""
    from crmstate.store import files
    from crmstate.store.home import refuse_inside

    screen = Screen(lang=lang, quiet=quiet)
    house = open_house(manifest, screen)
    refuse_inside(out)
    old = files.read(out, LARGEST)
    if old and not MARK.match(old):
        raise problem(Exit.REFUSED, "CRM-N059", path=out)
    goals = [each for each in house.desired.notices if each.told]
    for name in notice or ():
        if name not in {each.id for each in goals}:
            raise problem(Exit.USAGE, "CRM-N026", name=name, known=", ".join(each.id for each in goals) or "-")
    messenger = house.messenger(house.state())
    listed: list[Resource] = []

    def users() -> list[Resource]:
        if not listed:
            listed.extend(house.readers()[0].list(Kind.USER).resources)
        return listed

    wanted = [each for each in goals if not notice or each.id in notice]
    try:
        rows = [row for each in wanted if messenger is not None for row in messenger.messages(each, users)]
    except Problem as found:
        if old is None:
            raise
        raise Problem(found.exit, *found.diagnostics, diagnostic("CRM-N063", Severity.WARNING, path=out)) from None
    files.Disk(house.effects).replace(out, b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    screen.say("notices.written", n=len(rows), file=out)
    return 0

"""crmstate bounced: records that mails of a notice came back, so that nobody counts as told who was not."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from crmstate.cli.opening import open_house
from crmstate.cli.options import HERE, ByOption, LangOption, ManifestArgument, QuietOption
from crmstate.cli.screen import Screen
from crmstate.core.address import id_of
from crmstate.core.diagnostic import Problem, problem
from crmstate.core.event import Bounced
from crmstate.core.words import Exit, Fate
from crmstate.engine.observe import stamp


def bounced(
    file: Annotated[Path, typer.Argument(help="A server's report (.eml), or a list of addresses (.csv).")],
    manifest: ManifestArgument = HERE,
    notice: Annotated[str, typer.Option("--notice", metavar="ID", help="Which notice came back.")] = "",
    by: ByOption = None,
    lang: LangOption = None,
    quiet: QuietOption = False,
) -> int:
    """Record mails that came back. The file is read and not kept: it holds addresses."""
    from crmstate.cli.telling import key
    from crmstate.people.bounces import read, returned
    from crmstate.store.evidence import take

    screen = Screen(lang=lang, quiet=quiet)
    house = open_house(manifest, screen)
    try:
        data = take(file)
    except Problem as refused:
        said = refused.diagnostics[0].params
        raise problem(refused.exit, "CRM-N057", path=said["path"], why=said["why"]) from None
    found = read(data, file)
    nobody = problem(Exit.USAGE, "CRM-N051", file=file.name, n=len(found), name=house.desired.name)
    if not house.state().told:
        raise nobody
    with house.store() as store:
        told = store.state.told
        if notice and notice not in {id_of(place) for place in told}:
            known = ", ".join(id_of(place) for place in told) or "-"
            raise problem(Exit.USAGE, "CRM-N026", name=notice, known=known)
        digest = hashlib.sha256(data).hexdigest()
        if any(digest in record.reports for record in told.values()):
            screen.say("bounced.on_record", file=file.name)
            return 0
        back = returned(found, told, key(house, True), notice, file.name)
        if back.unclear and not back.to:
            raise problem(Exit.USAGE, "CRM-N054", file=file.name, n=back.unclear)
        if not back.to and not back.known:
            raise nobody
        at = stamp(house.clock.now())
        store.append(
            [
                Bounced(at, notice=place, to=marks, sha256=digest, by=by or house.by)
                for place, marks in sorted(back.to.items())
            ]
        )
        for place, marks in sorted(back.to.items()):
            delivered = store.state.told[place].number(Fate.DELIVERED)
            screen.say("bounced.recorded", n=len(marks), notice=id_of(place), delivered=delivered)
    if back.known:
        screen.say("bounced.known", n=back.known)
    if back.strangers:
        screen.say("bounced.strangers", n=back.strangers)
    if back.unclear:
        screen.say("bounced.unclear", n=back.unclear)
    return 0

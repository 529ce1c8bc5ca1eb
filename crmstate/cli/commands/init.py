"""crmstate init: writes a commented manifest to start from. Refuses to write over a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crmstate.cli.options import HERE, LangOption, QuietOption
from crmstate.cli.screen import Screen
from crmstate.core.diagnostic import problem
from crmstate.core.words import Exit


def init(
    provider: Annotated[str, typer.Argument(help="The vendor, as `crmstate providers` names it.")],
    out: Annotated[Path, typer.Option("--out", help="Where to write it.")] = HERE,
    lang: LangOption = None,
    quiet: QuietOption = False,
) -> int:
    """Write a commented manifest for a vendor."""
    from crmstate import providers
    from crmstate.manifest.starter import starter
    from crmstate.providers.kit.connect import LOOPBACK

    screen = Screen(lang=lang, quiet=quiet)
    if provider not in providers.names():
        raise problem(Exit.USAGE, "CRM-C010", name=provider, hint=", ".join(providers.names()))
    found = providers.load(provider)
    if out.exists() or out.is_symlink():
        raise problem(Exit.ERROR, "CRM-C012", path=out)
    try:
        with out.open("x", encoding="utf-8") as file:
            about = {"url": found.url, "address": found.address, "tenant": found.tenant}
            own = all(host in LOOPBACK for host in found.hosts)
            file.write(starter(provider, found.credential, found.env, **about, anywhere=own))
    except OSError as error:
        raise problem(Exit.ERROR, "CRM-C021", path=out, why=error.strerror or type(error).__name__) from None
    screen.say("init.written", path=out)
    return 0

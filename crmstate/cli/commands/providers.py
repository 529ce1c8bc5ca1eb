"""crmstate providers: what each vendor's API can do, what people must do, and where each claim comes from."""

from __future__ import annotations

from typing import Annotated

import typer

from crmstate.cli.options import ColorOption, Format, FormatOption, LangOption
from crmstate.cli.screen import Screen
from crmstate.core.diagnostic import problem
from crmstate.core.words import Exit

app = typer.Typer(help="What each vendor can do.", invoke_without_command=True)


@app.callback()
def every(
    context: typer.Context, format: FormatOption = Format.text, lang: LangOption = None, no_color: ColorOption = False
) -> int:
    """The capability matrix of all vendors."""
    if context.invoked_subcommand is not None:
        return 0
    from crmstate import providers

    return _show(list(providers.names()), Screen(format.value, lang, no_color=no_color))


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="The vendor.")],
    format: FormatOption = Format.text,
    lang: LangOption = None,
    no_color: ColorOption = False,
) -> int:
    """One vendor's cells with their sources."""
    from crmstate import providers

    if name not in providers.names():
        raise problem(Exit.USAGE, "CRM-C010", name=name, hint=", ".join(providers.names()))
    return _show([name], Screen(format.value, lang, no_color=no_color))


def _show(names: list[str], screen: Screen) -> int:
    import crmstate.views.providers_text as view
    from crmstate.cli import vendors

    tables = [vendors.load(name) for name in names]
    renders = {"json": view.providers_json, "markdown": view.providers_markdown, "text": view.providers_text}
    screen.out(renders[screen.format](tables, screen.catalogue))
    return 0

"""The options that several commands share, written once."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from crmstate.core.diagnostic import problem
from crmstate.core.words import Exit

NAME = 200


class Format(str, Enum):  # noqa: UP042  typer shows the values of str enums
    """Output formats."""

    text = "text"
    json = "json"
    markdown = "markdown"


FormatOption = Annotated[Format, typer.Option("--format", help="text, json or markdown.")]


def _language(chosen: str | None) -> str | None:
    """Refuses a language that is not spoken here, which the environment may well name."""
    if chosen is not None and chosen.casefold().partition("-")[0].partition("_")[0] not in ("en", "zh"):
        raise typer.BadParameter("en or zh-CN")
    return chosen


LangOption = Annotated[
    str | None, typer.Option("--lang", callback=_language, help="en or zh-CN; else CRMSTATE_LANG, LC_ALL, LANG.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", help="Say only what was asked for.")]
BriefOption = Annotated[
    bool, typer.Option("--quiet", help="Text: one line, and below it only what somebody must act on.")
]
ColorOption = Annotated[bool, typer.Option("--no-color", help="No colours (also: NO_COLOR).")]
ManifestArgument = Annotated[
    Path, typer.Argument(metavar="[MANIFEST]", help="The manifest; crmstate.yaml if left out.")
]
TargetOption = Annotated[
    list[str] | None,
    typer.Option("--target", metavar="ADDRESS", help="Only this address (a pattern), and what must come before it."),
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="ADDRESS", help="Not this address (a pattern), nor what needs it."),
]
OfflineOption = Annotated[
    bool,
    typer.Option("--offline", help="Without the vendor and its credentials: only what the archive asks for."),
]
AsOfOption = Annotated[
    str | None,
    typer.Option("--as-of", metavar="TIME", help="As if it were this time; a plan made so cannot be applied."),
]


def named(by: str | None) -> str | None:
    """Who says so, as it goes on record: one line that hides nothing. Written and empty it is nobody, and never somebody else.
    Raises Problem (CRM-C084)."""
    if by is None:
        return None
    from crmstate.people.addresses import Injection, clean

    try:
        found = clean(by.encode("utf-8", "replace").decode("utf-8"))  # what is no text is no reason to refuse it
    except Injection:
        raise problem(Exit.USAGE, "CRM-C084", why="name.control") from None
    if not found or len(found) > NAME:
        raise problem(Exit.USAGE, "CRM-C084", why="name.long" if found else "name.empty")
    return found


ByOption = Annotated[
    str | None,
    typer.Option("--by", callback=named, help="Who says so; CRMSTATE_BY or the user's name if left out."),
]
HERE = Path("crmstate.yaml")

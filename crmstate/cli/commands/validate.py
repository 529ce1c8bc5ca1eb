"""crmstate validate: offline check of one or many manifests, all problems at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crmstate.cli.masking import early
from crmstate.cli.opening import refuse_link
from crmstate.cli.options import HERE, ColorOption, Format, FormatOption, LangOption, QuietOption
from crmstate.cli.screen import Screen
from crmstate.core.diagnostic import Diagnostic, Problem, diagnostic
from crmstate.core.words import Exit, Severity, worst

if TYPE_CHECKING:
    from crmstate.manifest.load import Loaded


def _untold(loaded: Loaded) -> Iterator[Diagnostic]:
    """Notices whose template is in no folder, neither ours nor the manifest's: nothing could be sent by them."""
    for number, goal in enumerate(loaded.model.notices or ()):
        if (goal.decision is not None and not goal.decision.told) or (goal.language or goal.template) is None:
            continue
        from crmstate.people.wording import DEFAULTS, wording

        key = "language" if goal.template is None else "template"
        try:
            wording(
                loaded.path.parent, goal.language or "en", goal.template or DEFAULTS[goal.to],
                loaded.tree.span("notices", number, key),
            )  # fmt: skip
        except Problem as found:
            yield from found.diagnostics


def validate(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[MANIFEST]...", help="Manifests; crmstate.yaml if left out.")
    ] = None,
    format: FormatOption = Format.text,
    lang: LangOption = None,
    quiet: QuietOption = False,
    no_color: ColorOption = False,
) -> int:
    """Check manifests offline and report all problems at once."""
    from crmstate import providers
    from crmstate.manifest.load import load

    screen = Screen(format.value, lang, quiet, no_color)
    exits: list[Exit] = []
    found: list[Diagnostic] = []
    for path in paths or [HERE]:
        if not path.exists():
            found.append(diagnostic("CRM-C002", path=path))
            exits.append(Exit.USAGE)
            continue
        try:
            refuse_link(path)
            loaded = load(path, known_providers=providers.names())
            untold = list(_untold(loaded))
            if untold:
                raise Problem(Exit.INVALID, *loaded.diagnostics, *untold)
            warnings = loaded.diagnostics
        except Problem as wrong:
            found += wrong.diagnostics
            exits.append(wrong.exit)
        else:
            found += warnings
            if not screen.json:
                screen.say("validate.ok", path=path)
    early([path for path in paths or [HERE] if found and path.is_file() and not path.is_symlink()], screen)
    if screen.json:
        from crmstate.views import diagnostics

        screen.out(diagnostics.as_json(found, screen.catalogue))
    else:
        screen.show(found)
        errors = sum(each.severity is Severity.ERROR for each in found)
        if errors:
            screen.say("validate.errors", count=errors)
    return int(worst(exits))

"""crmstate validate: offline check of one or many manifests, all problems at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crmstate.cli.masking import early
from crmstate.cli.opening import refuse_link
from crmstate.cli.options import HERE, ColorOption, Format, FormatOption, LangOption, QuietOption
from crmstate.cli.screen import Screen
from crmstate.core.diagnostic import Diagnostic, Problem, diagnostic
from crmstate.core.words import Exit, Severity, worst


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
            warnings = load(path, known_providers=providers.names()).diagnostics
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

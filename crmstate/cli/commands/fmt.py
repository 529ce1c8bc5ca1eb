"""crmstate fmt: writes manifests as everybody writes them, and nothing else about them. A file is replaced whole, or left as
it was."""

from __future__ import annotations

import difflib
import os
import stat
from pathlib import Path
from typing import Annotated

import typer

from crmstate.cli.effects import Straight
from crmstate.cli.opening import refuse_link
from crmstate.cli.options import HERE, ColorOption, LangOption, QuietOption
from crmstate.cli.screen import Screen
from crmstate.core.diagnostic import Problem, problem
from crmstate.core.words import Exit, worst


def fmt(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[MANIFEST]...", help="Manifests; crmstate.yaml if left out.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; name the files that are written otherwise, and end with 2.")
    ] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Write nothing; show what would change.")] = False,
    lang: LangOption = None,
    quiet: QuietOption = False,
    no_color: ColorOption = False,
) -> int:
    """Write manifests in their canonical form. Comments stay, and what they say stays the same."""
    screen = Screen(lang=lang, quiet=quiet, no_color=no_color)
    exits: list[Exit] = []
    for path in paths or [HERE]:
        try:
            exits.append(_one(path, screen, check, diff))
        except Problem as wrong:
            screen.show(wrong.diagnostics)
            exits.append(wrong.exit)
    return int(worst(exits))


def _one(path: Path, screen: Screen, check: bool, diff: bool) -> Exit:
    from crmstate.manifest.canonical import canonical
    from crmstate.manifest.source import contents

    if not path.exists():
        raise problem(Exit.USAGE, "CRM-C002", path=path)
    refuse_link(path)
    if path.suffix.casefold() == ".json":
        raise problem(Exit.USAGE, "CRM-C110", path=path)
    target = path.resolve()
    before = contents(path)
    after = _ended_alike(canonical(before, path).encode("utf-8"), before)
    if after == before:
        return Exit.OK
    if diff:
        screen.out(_difference(before, after, path))
    if check:
        screen.out(f"{path}\n" if not diff else "")
    elif not diff:
        _replace(target, before, after)
        screen.say("fmt.written", path=path)
    return Exit.CHANGES if check else Exit.OK


def _ended_alike(after: bytes, before: bytes) -> bytes:
    """With the line ends of the file as it was, which are its first one's: an editor's choice, not one of form."""
    return after.replace(b"\n", b"\r\n") if before.partition(b"\n")[0].endswith(b"\r") else after


def _replace(target: Path, before: bytes, after: bytes) -> None:
    """The new text in place of the old one; not where somebody else has written meanwhile, where its owner may not write,
    or where the file has other names, which would keep the old text."""
    from crmstate.store import files

    facts = target.stat()
    mode = stat.S_IMODE(facts.st_mode)
    if not mode & stat.S_IWUSR or not os.access(target, os.W_OK):
        raise problem(Exit.ERROR, "CRM-C113", path=target)
    if facts.st_nlink > 1:
        raise problem(Exit.ERROR, "CRM-C114", path=target, others=facts.st_nlink - 1)
    if files.read(target) != before:
        raise problem(Exit.ERROR, "CRM-C112", path=target)
    files.Disk(Straight()).replace(target, after, mode)


def _difference(before: bytes, after: bytes, path: Path) -> str:
    """As `diff -u` shows it, and `patch` takes it."""
    old, new = (each.decode("utf-8").splitlines(keepends=True) for each in (before, after))
    lines = difflib.unified_diff(old, new, str(path), str(path))
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)

"""crmstate state: surgery without an editor. Every operation that changes anything leaves an audit event."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crmstate.cli import masking
from crmstate.cli.clock import RealClock
from crmstate.cli.compose import actor
from crmstate.cli.effects import Straight
from crmstate.cli.options import ByOption, ColorOption, Format, FormatOption, LangOption, QuietOption
from crmstate.cli.screen import Screen
from crmstate.core.diagnostic import problem
from crmstate.core.event import Released
from crmstate.core.words import Exit
from crmstate.engine.observe import stamp

app = typer.Typer(help="Look into the state, restore it, repair it.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The manifest's name.")]
Folder = Annotated[Path, typer.Option("--folder", help="Where the manifest lies.")]
HERE = Path()


def _screen(format: Format, lang: str | None, no_color: bool = False, quiet: bool = False) -> Screen:
    return Screen(format.value, lang, quiet, no_color)


def _by(by: str | None) -> str:
    import os

    return by or actor(dict(os.environ))


def _known(folder: Path, name: str) -> None:
    from crmstate.store.home import states

    if name not in states(folder):
        raise problem(Exit.ERROR, "CRM-C013", name=name, known=", ".join(states(folder)) or "-")


@app.command("list")
def list_(folder: Folder = HERE, format: FormatOption = Format.text, lang: LangOption = None) -> int:
    """The states in a folder."""
    from crmstate.store.home import states
    from crmstate.store.load import read
    from crmstate.views.state_text import state_list

    screen = _screen(format, lang)
    found = [read(folder, name).state for name in states(folder)]
    screen.out(state_list(found, screen.catalogue, screen.format))
    return 0


@app.command()
def show(
    name: Name,
    folder: Folder = HERE,
    serial: Annotated[int | None, typer.Option("--serial", help="As it was then.")] = None,
    format: FormatOption = Format.text,
    lang: LangOption = None,
    no_color: ColorOption = False,
) -> int:
    """Every step on record."""
    from crmstate.store import surgery
    from crmstate.store.load import read
    from crmstate.views.state_text import state_show

    screen = _screen(format, lang, no_color)
    _known(folder, name)
    loaded = read(folder, name)
    screen.show(loaded.notes if not screen.json else ())
    state = loaded.state if serial is None else surgery.state_at(folder, name, serial)
    mask = masking.mask(state, screen) if masking.wanted(folder, name) else None
    screen.out(state_show(state, screen.catalogue, screen.format, mask))
    return 0


@app.command()
def history(name: Name, folder: Folder = HERE, format: FormatOption = Format.text, lang: LangOption = None) -> int:
    """What happened, in order."""
    from crmstate.store import surgery
    from crmstate.store.load import read
    from crmstate.views.state_text import state_history

    screen = _screen(format, lang)
    _known(folder, name)
    found, mask = surgery.history(folder, name), None
    if masking.wanted(folder, name):
        mask = masking.mask(read(folder, name).state, screen, tuple({"by": each.by} for each in found))
    screen.out(state_history(found, screen.catalogue, screen.format, mask))
    return 0


@app.command()
def restore(
    name: Name,
    serial: Annotated[int, typer.Option("--serial", help="The number to go back to, from `state history`.")],
    folder: Folder = HERE,
    by: ByOption = None,
    lang: LangOption = None,
    quiet: QuietOption = False,
) -> int:
    """Set the record back to an earlier number. What came later stays in the journal."""
    from crmstate.store import surgery
    from crmstate.store.store import Store

    _known(folder, name)
    with Store.open(folder, name, Straight(), RealClock(), _by(by)) as store:
        surgery.restore(store, serial)
    _screen(Format.text, lang, quiet=quiet).say("state.restored", name=name, serial=serial)
    return 0


@app.command()
def unlock(
    name: Name, folder: Folder = HERE, by: ByOption = None, lang: LangOption = None, quiet: QuietOption = False
) -> int:
    """Take away a lock that nobody holds any more; says who held it."""
    from crmstate.store import surgery

    _known(folder, name)
    holder = surgery.unlock(folder, name, Straight(), RealClock(), _by(by))
    _screen(Format.text, lang, quiet=quiet).say("state.unlocked", name=name, holder=holder or "-")
    return 0


@app.command()
def repair(
    name: Name, folder: Folder = HERE, by: ByOption = None, lang: LangOption = None, quiet: QuietOption = False
) -> int:
    """Mend a damaged journal: nothing is rewritten, and what cannot be proved becomes unknown."""
    from crmstate.store.mend import repair as mend

    screen = _screen(Format.text, lang, quiet=quiet)
    _known(folder, name)
    done = mend(folder, name, Straight(), RealClock(), _by(by))
    if not done.what:
        screen.say("state.whole", name=name, serial=done.serial)
    else:
        screen.say("state.repaired", name=name, kept=done.kept, lost=len(done.lost), unknown=len(done.unknown))
    return 0


@app.command()
def release(
    name: Name,
    dataset: Annotated[str, typer.Argument(help="The dataset whose hold ends.")],
    why: Annotated[str, typer.Option("--why", help="Who decided that, and where it is written.")],
    folder: Folder = HERE,
    by: ByOption = None,
    lang: LangOption = None,
    quiet: QuietOption = False,
) -> int:
    """Lift a recorded legal hold; a manifest can never do that by leaving it out."""
    from crmstate.store.store import Store

    _known(folder, name)
    clock = RealClock()
    with Store.open(folder, name, Straight(), clock, _by(by)) as store:
        if dataset not in store.state.holds:
            raise problem(Exit.USAGE, "CRM-C023", dataset=dataset, known=", ".join(store.state.holds) or "-")
        store.append([Released(stamp(clock.now()), dataset, _by(by), why)])
    _screen(Format.text, lang, quiet=quiet).say("state.released", dataset=dataset)
    return 0

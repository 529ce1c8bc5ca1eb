"""The typer application, and what every ending becomes: an exit code, a sentence, never a traceback for what a user
can cause."""

from __future__ import annotations

import os
import sys
import traceback
from importlib import import_module
from keyword import iskeyword
from pathlib import Path

import typer
from typer.exceptions import Abort, TyperException
from typer.exceptions import Exit as TyperExit

from crmstate.cli.screen import WORN, Screen
from crmstate.core.diagnostic import Problem, diagnostic
from crmstate.core.failure import Failure
from crmstate.core.words import Exit

COMMANDS = (
    "init", "validate", "plan", "apply", "approve", "confirm", "remind", "status", "report", "deadlines", "letter", "notices",
    "bounced", "rehearse", "schema", "fmt", "graph", "drift", "watch", "import",
)  # fmt: skip
GROUPS = (
    "archive",
    "evidence",
    "contact",
    "settle",
    "certificate",
    "migrate",
    "evaluate",
    "providers",
    "state",
    "sandbox",
)
CTRL_C = 130
"""What typer makes of a KeyboardInterrupt."""


def build(argv: list[str]) -> typer.Typer:
    """The application with the commands that these arguments can need: help needs all of them, `plan` only its own."""
    app = typer.Typer(
        name="crmstate",
        help="Takes a company out of its CRM: safely, on time, and with proof.",
        no_args_is_help=True,
        add_completion=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def top() -> None:
        """Takes a company out of its CRM: safely, on time, and with proof."""

    first = next((word for word in argv if not word.startswith("-")), "")
    for name in (first,) if first in COMMANDS + GROUPS else COMMANDS + GROUPS:
        word = f"{name}_" if iskeyword(name) else name
        module = import_module(f"crmstate.cli.commands.{word}")
        if name in GROUPS:
            app.add_typer(module.app, name=name)
        else:
            app.command(name)(getattr(module, word))
    return app


def run(argv: list[str], screen: Screen | None = None) -> int:
    """Runs one command line and returns its exit code."""
    shown = screen or Screen(format=_format(argv), lang=_value(argv, "--lang"), no_color="--no-color" in argv)
    WORN.clear()
    try:
        result = typer.main.get_command(build(argv))(args=argv, prog_name="crmstate", standalone_mode=False)
        if result == CTRL_C:
            return _interrupted(shown)
        return int(result) if isinstance(result, int) else 0
    except Problem as found:
        _naming_nobody(shown).show(found.diagnostics)
        return int(found.exit)
    except Failure as failure:
        return _failed(shown, failure)
    except TyperExit as done:
        return int(Exit.USAGE) if done.exit_code == 2 else done.exit_code
    except TyperException as wrong:
        if said := wrong.format_message():  # empty where only the help was wanted, which is printed by now
            shown.show([diagnostic("CRM-C001", text=said)])
        return int(Exit.USAGE)
    except (Abort, KeyboardInterrupt):
        return _interrupted(shown)
    except BrokenPipeError:
        _quiet_pipe()
        return int(Exit.OK)
    except Exception as bug:
        return _interrupted(shown) if _of_a_signal(bug) else _bug(shown, bug)


def _naming_nobody(screen: Screen) -> Screen:
    """The screen that shows how a command ended: it names nobody, where the command's own does not."""
    for mask in WORN[-1:]:
        screen.wear(mask)
    return screen


def _interrupted(screen: Screen) -> int:
    screen.show([diagnostic("CRM-E013")])
    return int(Exit.INTERRUPTED)


def _of_a_signal(found: BaseException) -> bool:
    """Whether an error is a Ctrl-C that met Python inside a `__set_name__`, which older ones turn into a RuntimeError
    (every pydantic model is made by some)."""
    return isinstance(found, RuntimeError) and isinstance(found.__cause__, KeyboardInterrupt)


def _failed(screen: Screen, failure: Failure) -> int:
    """The vendor did not answer, where no command had its own word for it. What it said is its own, and may name people."""
    from crmstate.providers.kit.explain import exit_of, explain

    _naming_nobody(screen).show([explain(failure)])
    return int(exit_of(failure))


_PACKAGE = Path(__file__).parents[1]
"""Where our own files lie, whatever the folder is called that holds them."""


def _bug(screen: Screen, bug: Exception) -> int:
    """A bug of ours: where it happened, without values; the traceback only where CRMSTATE_DEBUG asks for it,
    scrubbed."""
    frames = traceback.extract_tb(bug.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(_PACKAGE)] or list(frames)
    where = f"{type(bug).__name__} at {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else type(bug).__name__
    if os.environ.get("CRMSTATE_DEBUG"):
        sys.stderr.write(screen.scrubber.scrub(_traces(bug)))
    screen.show([diagnostic("CRM-C011", where=where)])
    return int(Exit.BUG)


def _traces(bug: BaseException) -> str:
    """The frames of a bug and of what led to it. Not their messages: those may quote a customer's record."""
    before = bug.__cause__ or (None if bug.__suppress_context__ else bug.__context__)
    earlier = _traces(before) + "\n" if before is not None else ""
    return earlier + "".join(traceback.format_tb(bug.__traceback__)) + f"{type(bug).__name__}\n"


def _quiet_pipe() -> None:
    """The reader of our output has gone: say nothing more, also not at exit."""
    with Path(os.devnull).open("w") as nothing:
        os.dup2(nothing.fileno(), sys.stdout.fileno())


def _value(argv: list[str], option: str) -> str | None:
    for place, word in enumerate(argv):
        if word == option and place + 1 < len(argv):
            return argv[place + 1]
        if word.startswith(option + "="):
            return word.partition("=")[2]
    return None


def _format(argv: list[str]) -> str:
    """The format that was asked for, known even where the rest of the command line is wrong."""
    found = _value(argv, "--format")
    return found if found in ("json", "markdown") else "text"

"""crmstate sandbox: the simulated vendor to learn and to test with: serve, seed, look at the truth, move its clock,
break it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from crmstate.cli.screen import Screen
from crmstate.core.diagnostic import problem
from crmstate.core.words import Exit

app = typer.Typer(help="A simulated CRM to learn and test with.", no_args_is_help=True)
Data = Annotated[Path, typer.Option("--data", metavar="FILE", help="The simulated world's file.")]
Dialect = Annotated[str, typer.Option("--dialect", metavar="NAME", help="The vendor that a new world speaks like.")]
WORLD = Path("sandbox.db")


@app.command()
def serve(
    data: Data = WORLD,
    port: Annotated[int, typer.Option("--port", help="0: any free one.")] = 0,
    dialect: Dialect = "native",
) -> int:
    """Serve a world on this machine until it is stopped; one that is not there is seeded small."""
    from crmstate.sandbox import commands

    try:
        commands.serve(data, port=port, dialect=dialect)
    except commands.AlreadyServed:
        raise problem(Exit.LOCKED, "CRM-C022", data=data) from None
    except (OSError, ValueError) as error:
        raise problem(Exit.ERROR, "CRM-C021", path=data, why=error) from None
    return 0


@app.command()
def seed(
    data: Data = WORLD,
    size: Annotated[str, typer.Option("--size", help="small or large.")] = "small",
    contacts: Annotated[int | None, typer.Option("--contacts", min=0, help="Rows of Contacts.")] = None,
    users: Annotated[int | None, typer.Option("--users", min=0, help="Users.")] = None,
    number: Annotated[int, typer.Option("--seed", help="The same number gives the same world.")] = 1,
    hostile: Annotated[bool, typer.Option("--hostile", help="Names that try to do harm.")] = False,
    soft_delete: Annotated[bool, typer.Option("--soft-delete", help="Deleted rows still answer by id.")] = False,
    dialect: Dialect = "native",
    replace: Annotated[bool, typer.Option("--replace", help="Put it in the place of an existing world.")] = False,
) -> int:
    """Fill a new world."""
    from crmstate.sandbox import commands

    if size not in ("small", "large"):
        raise problem(Exit.USAGE, "CRM-C001", text=f"--size {size}")
    facts: dict[str, Any] = {"contacts": contacts, "users": users, "hostile": hostile, "soft_delete": soft_delete}
    facts["dialect"] = dialect
    _call(data, lambda: commands.seed(data, size, seed=number, replace=replace, **facts))
    Screen().say("sandbox.seeded", data=data)
    return 0


@app.command()
def advance(by: Annotated[str, typer.Argument(help="30d, 12h, 2w, or a date.")], data: Data = WORLD) -> int:
    """Move the world's clock; terms end and accepted requests complete on the way."""
    from crmstate.sandbox import commands

    Screen().out(f"{_call(data, lambda: commands.advance(data, by))}\n")
    return 0


@app.command()
def world(
    data: Data = WORLD,
    log: Annotated[bool, typer.Option("--log", help="With every request received.")] = False,
    format: Annotated[str, typer.Option("--format", help="json.")] = "json",
) -> int:
    """Print the truth, which no API shows."""
    from crmstate.sandbox import commands

    found = _call(data, lambda: commands.world_truth(data, log=log))
    Screen(format="json").out(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    return 0


@app.command()
def stop(data: Data = WORLD) -> int:
    """Stop the server that runs over a world, where one does."""
    from crmstate.cli.embedded import stop as end

    end(data)
    return 0


@app.command()
def fault(
    action: Annotated[str, typer.Argument(help="What goes wrong; `list` shows what can.")],
    data: Data = WORLD,
    path: Annotated[str, typer.Option("--path", help="Requests for this path (a pattern).")] = "*",
    method: Annotated[str, typer.Option("--method", help="GET, POST or *.")] = "*",
    first: Annotated[int | None, typer.Option("--first", help="The first so many.")] = None,
    every: Annotated[int | None, typer.Option("--every", help="Every so many.")] = None,
    rate: Annotated[float | None, typer.Option("--rate", help="This share of them.")] = None,
    set: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=JSON", help="A parameter of the action.")
    ] = None,
) -> int:
    """Add a rule of what goes wrong; `list` shows the kinds, `clear` removes all rules."""
    from crmstate.sandbox import commands

    screen = Screen()
    if action == "list":
        screen.out("".join(f"{name:20} {line}\n" for name, line in commands.fault_kinds().items()))
    elif action == "clear":
        _call(data, lambda: commands.clear_faults(data))
    else:
        rule = {"path": path, "method": method, "first": first, "every": every, "rate": rate}
        rule = {name: value for name, value in rule.items() if value is not None}
        _call(data, lambda: commands.add_fault(data, action, **rule, **_params(set or ())))
    return 0


def _params(given: Iterable[str]) -> dict[str, Any]:
    """`NAME=JSON` -> a name and its value. Raises ValueError for what is none."""
    found = {}
    for each in given:
        name, _, text = each.partition("=")
        try:
            found[name] = json.loads(text)
        except ValueError:
            raise ValueError(f"--set {each}: NAME=JSON, such as seconds=5 or word='\"text\"'") from None
    return found


def _call(data: Path, work: Any) -> Any:
    """Runs work on a world's file; what a person got wrong is said, not traced."""
    import sqlite3

    try:
        return work()
    except FileNotFoundError:
        raise problem(Exit.USAGE, "CRM-C002", path=data) from None
    except FileExistsError:
        raise problem(Exit.ERROR, "CRM-C026", path=data) from None
    except ValueError as error:
        raise problem(Exit.USAGE, "CRM-C001", text=error) from None
    except (OSError, sqlite3.Error) as error:
        raise problem(Exit.ERROR, "CRM-C021", path=data, why=error) from None

"""`python -m crmstate.sandbox`: the sandbox as a process of its own, without the rest of crmstate."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from . import commands


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m crmstate.sandbox", description="A CRM that exists to be ended.")
    does = top.add_subparsers(dest="command", required=True)

    def command(name: str, about: str) -> argparse.ArgumentParser:
        made = does.add_parser(name, help=about, description=about)
        made.add_argument("--data", required=True, metavar="FILE", help="the world's file")
        return made

    serve = command("serve", "Serve a world on loopback until SIGTERM; an absent file is seeded small.")
    serve.add_argument("--port", type=int, default=0)
    serve.add_argument("--ready-file", default=None)
    serve.add_argument("--dialect", default="native", help="what a world that is seeded now speaks")
    seed = command("seed", "Fill a new world.")
    seed.add_argument("--size", choices=["small", "large"], default="small")
    seed.add_argument("--contacts", type=int)
    seed.add_argument("--users", type=int)
    seed.add_argument("--seed", type=int, default=1)
    seed.add_argument("--hostile", action="store_true", help="names that try to do harm")
    seed.add_argument("--soft-delete", action="store_true", help="deleted rows still answer by id")
    seed.add_argument("--dialect", default="native", help="the vendor that it speaks like")
    seed.add_argument("--replace", action="store_true", help="put it in the place of an existing world")
    command("advance", "Move the sandbox's clock.").add_argument("by", help="30d, 12h, 15m, 2w, or a date or time")
    command("world", "The truth, as JSON.").add_argument(
        "--log", action="store_true", help="with every request received"
    )
    _fault(command("fault", "Rules of what goes wrong."))
    return top


def _fault(fault: argparse.ArgumentParser) -> None:
    does = fault.add_subparsers(dest="fault", required=True)
    does.add_parser("list", help="the rules there are")
    does.add_parser("kinds", help="every fault, with a line about it")
    clear = does.add_parser("clear", help="remove one rule, or all")
    clear.add_argument("id", type=int, nargs="?")
    add = does.add_parser("add", help="add a rule")
    add.add_argument("action")
    add.add_argument("--path", default="*", help="glob over the path, without the query")
    add.add_argument("--method", default="*")
    add.add_argument("--key", help="only requests of this key (its id)")
    add.add_argument(
        "--nth", type=lambda text: [int(each) for each in text.split(",")], help="fire on these matching requests: 1,3"
    )
    add.add_argument("--every", type=int)
    add.add_argument("--rate", type=float)
    add.add_argument("--first", type=int)
    add.add_argument("--times", type=int)
    add.add_argument("--seed", type=int, default=1)
    add.add_argument("--set", action="append", default=[], metavar="NAME=JSON", help="a parameter of the action")


def _edit_faults(given: argparse.Namespace) -> Any:
    if given.fault == "list":
        return commands.list_faults(given.data)
    if given.fault == "kinds":
        return commands.fault_kinds()
    if given.fault == "clear":
        commands.clear_faults(given.data, given.id)
        return {"cleared": given.id or "all"}
    params = dict(_parameter(text) for text in given.set)
    rule = {
        name: getattr(given, name)
        for name in ("path", "method", "key", "nth", "every", "rate", "first", "times", "seed")
    }
    return {"id": commands.add_fault(given.data, given.action, **rule, **params)}


def _parameter(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _run(given: argparse.Namespace) -> Any:
    match given.command:
        case "serve":
            return commands.serve(given.data, given.port, given.ready_file, given.dialect)
        case "seed":
            options = {
                name: getattr(given, name)
                for name in ("contacts", "users", "seed", "hostile", "soft_delete", "dialect", "replace")
            }
            commands.seed(given.data, given.size, **options)
            return {"data": given.data, "keys": f"{given.data}.keys.json"}
        case "advance":
            return {"now": commands.advance(given.data, given.by)}
        case "world":
            return commands.world_truth(given.data, log=given.log)
        case _:
            return _edit_faults(given)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0, or 1 with a line on standard error."""
    given = parser().parse_args(arguments)
    try:
        answer = _run(given)
    except (OSError, ValueError, OverflowError, commands.AlreadyServed) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    if answer is not None:
        print(json.dumps(answer, ensure_ascii=True, indent=2))  # escaped: names may hold what a terminal obeys
    return 0


if __name__ == "__main__":
    sys.exit(main())

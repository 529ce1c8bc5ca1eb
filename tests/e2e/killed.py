"""Runs one command again and again, each time killed (SIGKILL) before, in the middle of, or after another of its effects:
`python -m tests.e2e.killed FOLDER EVERY ARGS...`, at each EVERYth point. In a process without threads, which has run the
command once, in FOLDER-whole; each other run is a copy of it, in FOLDER-N-MODE. Prints how many were killed.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from crmstate.cli.app import run
from crmstate.cli.effects import Straight

Effect = Callable[..., Any]


def killing(at: int, mode: str, seen: list[bool]) -> Effect:
    """The effects as they are, until the one number `at`. `seen`: of each, whether it can be half done."""

    def do(_: Straight, kind: str, what: str, act: Callable[[], Any], torn: Callable[[], object] | None = None) -> Any:
        seen.append(torn is not None)
        if len(seen) - 1 != at:
            return act()
        if mode == "after":
            act()
        elif mode == "torn" and torn is not None:
            torn()
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("dead")

    return do


def once(folder: Path, args: list[str], effect: Effect) -> int:
    os.chdir(folder)
    setattr(Straight, "do", effect)  # noqa: B010
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return run(args)


def main(folder: Path, every: int, args: list[str]) -> int:
    def copy(name: str) -> Path:
        return shutil.copytree(folder, folder.with_name(f"{folder.name}-{name}"))

    seen: list[bool] = []
    code = once(copy("whole"), args, killing(-1, "", seen))
    points = [
        (at, mode) for at, torn in enumerate(seen) for mode in ("before", "torn", "after") if mode != "torn" or torn
    ]
    for at, mode in points[::every]:
        here = copy(f"{at}-{mode}")
        child = os.fork()
        if not child:
            os._exit(once(here, args, killing(at, mode, [])))
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), (at, mode)
    print(len(points[::every]))
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))

"""The console script. `--version` answers before anything else is imported."""

from __future__ import annotations

import os
import sys

INTERRUPTED = 8


def main() -> None:
    """Runs the command line and exits with its code."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from crmstate import __version__

        sys.stdout.write(f"crmstate {__version__}\n")
        return
    import signal

    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        _hear_every_signal()
        _open_streams()
        _without_a_second_command_line()
        from crmstate.cli.app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = INTERRUPTED
    except RuntimeError as found:  # what older Pythons make of one that meets them inside a `__set_name__`
        if not isinstance(found.__cause__, KeyboardInterrupt):
            raise
        code = INTERRUPTED
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(each, signal.SIG_IGN)
    _leave(code)


def _hear_every_signal() -> None:
    """A Ctrl-C that meets Python inside a destructor is printed and forgotten there: a moment later it is given again."""
    import signal

    def again(number: int, frame: object) -> None:
        handler = signal.getsignal(signal.SIGINT)
        if callable(handler):
            handler(signal.SIGINT, None)

    def lost(found: sys.UnraisableHookArgs) -> None:
        if issubclass(found.exc_type, Exception):
            sys.__unraisablehook__(found)
        else:
            signal.setitimer(signal.ITIMER_REAL, 0.005)

    signal.signal(signal.SIGALRM, again)
    sys.unraisablehook = lost


def _without_a_second_command_line() -> None:
    """httpx imports its own command line where it can, and with it click, pygments and more of rich: a sixth of the time
    that a command takes to start. What is None here cannot be imported, which httpx is prepared for."""
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]


def _open_streams() -> None:
    """Streams that somebody closed lead nowhere: the next file that is opened must not take their numbers."""
    if None not in (sys.stdin, sys.stdout, sys.stderr):
        return
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)


def _leave(code: int) -> None:
    """Ends the process. Calls that were abandoned are not waited for, and what a full disk did not take is not offered
    again. After a Ctrl-C that met Python inside an `exec` (every dataclass is made by one) Python would end itself by
    SIGINT, although it was caught: the exit code is ours to give."""
    import threading

    waiting = threading.active_count() > 1 or code == INTERRUPTED
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            waiting = True
    if waiting:
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()

"""The console script. `--version` answers before anything else is imported."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line and exits with its code."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from crmstate import __version__

        sys.stdout.write(f"crmstate {__version__}\n")
        return
    from crmstate.cli.app import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()

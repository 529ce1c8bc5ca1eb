"""Run by the server's Python in place of its `trytond` command: the same, and it ends with whoever started it, however
that one ended (its standard input closes)."""

import os
import sys
import threading
from pathlib import Path


def with_my_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=with_my_parent, daemon=True).start()
    command = Path(sys.executable).with_name("trytond")
    sys.argv[0] = str(command)
    exec(compile(command.read_text(), str(command), "exec"))

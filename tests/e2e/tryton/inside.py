"""Run by the server's Python before its own commands and our seeds: `inside.py PROGRAM ARGUMENTS`. It ends with
whoever started it, however that one ended (its standard input closes), and makes passwords cheap to check: a fifth of
a second for every login of some hundred tests would be most of their time.
"""

import os
import runpy
import sys
import threading

from pwdlib.hashers import argon2


class Cheap(argon2.Argon2Hasher):
    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)


def with_my_parent() -> None:
    while os.read(0, 1024):
        pass
    os._exit(0)


if __name__ == "__main__":
    argon2.Argon2Hasher = Cheap
    if not sys.stdin.isatty():
        threading.Thread(target=with_my_parent, daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")

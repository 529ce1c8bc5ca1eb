"""Run by any Python (`guard.py SIGNAL FOLDER SCRIPT COMMAND...`): a command that ends with whoever started it, however that
one ended (our standard input closes), by a signal of its own; its folder goes with it, where one is named. It reads a
script, where one is named, or nothing."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path


def main(number: int, folder: str, script: str, command: list[str]) -> int:
    with Path(script or os.devnull).open() as given:
        child = subprocess.Popen(command, stdin=given, start_new_session=True)

    def ends_with_my_parent() -> None:
        while os.read(0, 1024):
            pass
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(number)

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=ends_with_my_parent, daemon=True).start()
    code = child.wait()
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), *sys.argv[2:4], sys.argv[4:]))

"""Every console block of every page is run, page by page, in a folder of its own; what it prints must be what the page
shows.

In a ```console block a line that starts with `$ ` is a command; what follows is its output, in which `...` stands for
anything. An output line that is only `...` stands for any number of lines. `# exit N` behind a command says with which
code it ends. Pages share nothing.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)
FILE = re.compile(r"^```(?:yaml|toml|python) title=(\S+)\n(.*?)^```$", re.M | re.S)
EXIT = re.compile(r"\s+# exit (\d+)$")


def _commands(text: str) -> list[tuple[str, int, str]]:
    """(command, exit code, expected output) of a block."""
    found: list[tuple[str, int, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            code = EXIT.search(line)
            found.append((EXIT.sub("", line[2:]), int(code[1]) if code else 0, []))
        elif found:
            found[-1][2].append(line)
    return [(command, code, "\n".join(lines).strip("\n")) for command, code, lines in found]


def _pattern(expected: str) -> re.Pattern[str]:
    rows = []
    for line in expected.splitlines():
        if line.strip() == "...":
            rows.append(r"(?:.*\n)*?")
        else:
            rows.append(re.escape(line.rstrip()).replace(re.escape("..."), ".*") + r"[ ]*\n")
    return re.compile("".join(rows) + r"\s*\Z")


def _steps(page: Path) -> list[tuple[str, str, int, str]]:
    """What a page does, in order: files to write and commands to run."""
    text = page.read_text(encoding="utf-8")
    steps: list[tuple[int, tuple[str, str, int, str]]] = []
    for match in FILE.finditer(text):
        steps.append((match.start(), ("file", match[1], 0, match[2])))
    for match in BLOCK.finditer(text):
        for number, (command, code, expected) in enumerate(_commands(match[1])):
            steps.append((match.start() + number, ("run", command, code, expected)))
    return [step for _, step in sorted(steps, key=lambda each: each[0])]


WITH_STEPS = [page for page in PAGES if _steps(page)]


def _weighed(page: Path) -> Any:
    """What a newcomer reads first is run by `make test`, every how-to page by `make test-deep`."""
    marks = [pytest.mark.deep] if page.parent.name == "how-to" else []
    return pytest.param(page, marks=marks, id=str(page.relative_to(ROOT)))


@pytest.mark.parametrize("page", [_weighed(page) for page in WITH_STEPS])
def test_what_a_page_shows_is_what_happens(page: Path, tmp_path: Path) -> None:
    steps = _steps(page)
    if shutil.which("zstd") is None and any("zstd " in text for what, text, _, _ in steps if what == "run"):
        pytest.skip("the page uses the zstd command, which is not installed")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "schemas").symlink_to(ROOT / "schemas")
    env = {key: value for key, value in os.environ.items() if not key.startswith(("CRMSTATE", "LC_", "GITHUB"))}
    env |= {
        "PATH": f"{Path(sys.executable).parent}:{env['PATH']}",
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "COLUMNS": "120",
        "USER": "you",
    }
    try:
        for what, text, code, expected in steps:
            if what == "file":
                target = tmp_path / text
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(expected, encoding="utf-8")
            elif not text.startswith(("make ", "git clone", "cd crmstate")):
                _run(text, code, expected, tmp_path, env)
    finally:
        for ready in tmp_path.rglob("*.server.json"):
            data = ready.with_name(ready.name.removesuffix(".server.json"))
            subprocess.run(["crmstate", "sandbox", "stop", "--data", str(data)], env=env, check=False, timeout=60)


def _run(command: str, code: int, expected: str, folder: Path, env: dict[str, str]) -> None:
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    shown = "\n".join(line.rstrip() for line in done.stdout.splitlines()).strip("\n") + "\n"
    assert done.returncode == code, f"$ {command}\nended with {done.returncode}\n{shown}"
    if expected and not _pattern(expected).match(shown.lstrip("\n")):
        pytest.fail(f"$ {command}\n--- the page says\n{expected}\n--- it printed\n{shown}")

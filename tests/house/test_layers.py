"""The import rule: everything may import core; siblings never import each other; only cli imports everything; sandbox
imports nothing of ours."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "crmstate"
WINGS = sorted(path.name for path in ROOT.iterdir() if path.is_dir() and path.name != "__pycache__")
ALLOWED = {wing: {wing, "core"} for wing in WINGS} | {"core": {"core"}, "sandbox": {"sandbox"}, "cli": set(WINGS)}
IMPURE = {
    "os",
    "socket",
    "subprocess",
    "threading",
    "random",
    "secrets",
    "tempfile",
    "shutil",
    "httpx",
    "sqlite3",
    "asyncio",
}
READS_CLOCK = {("datetime", "now"), ("datetime", "utcnow"), ("date", "today"), ("time", "time"), ("time", "monotonic")}


def _imports(path: Path) -> set[str]:
    """Every module that a file imports, relative imports resolved."""
    package = ["crmstate", *path.relative_to(ROOT).parts[:-1]]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, node.module] if node.module else base)
            found |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return found


def _files(wing: str) -> list[Path]:
    return sorted((ROOT / wing).rglob("*.py"))


def test_the_wings_are_found_by_their_folders() -> None:
    assert {"core", "manifest", "providers", "archive", "people", "engine", "store", "views", "cli"} <= set(WINGS)


@pytest.mark.parametrize("wing", WINGS)
def test_a_wing_imports_only_itself_and_core(wing: str) -> None:
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in _files(wing)
        for name in _imports(path)
        if name.startswith("crmstate.") and name.split(".")[1] in WINGS and name.split(".")[1] not in ALLOWED[wing]
    }
    assert wrong == set()


def test_core_touches_no_disk_no_network_no_clock_and_no_chance() -> None:
    wrong: set[str] = set()
    for path in _files("core"):
        wrong |= {
            f"{path.name} imports {name}"
            for name in _imports(path)
            if name.split(".")[0] in IMPURE | {"time", "pathlib"}
        }
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and (node.value.id, node.attr) in READS_CLOCK
            ):
                wrong.add(f"{path.name}:{node.lineno} reads the clock")
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("open", "print", "input")
            ):
                wrong.add(f"{path.name}:{node.lineno} calls {node.func.id}")
    assert wrong == set()


def test_only_the_pool_of_the_engine_knows_threads() -> None:
    threads = {"threading", "concurrent.futures", "multiprocessing"}
    wrong = {
        path.name for path in _files("engine") for name in _imports(path) if path.name != "pool.py" and name in threads
    }
    assert wrong - {"walk.py"} == set()


def test_no_name_hides_what_a_thing_is() -> None:
    banned = ("Manager", "Handler", "Helper", "Util", "Base")
    wrong = {
        f"{path.relative_to(ROOT)}: {node.name}"
        for wing in WINGS
        for path in _files(wing)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and node.name.endswith(banned) and node.name != "Base"
    }
    assert wrong == set()


def test_every_module_says_what_it_is_for() -> None:
    silent = {
        str(path.relative_to(ROOT))
        for wing in WINGS
        for path in _files(wing)
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        and path.read_text(encoding="utf-8").strip()
    }
    assert silent == set()


def test_no_package_registry_is_named_anywhere() -> None:
    import re
    import subprocess

    top = ROOT.parent
    tracked = (
        subprocess.run(["git", "ls-files", "-z"], cwd=top, capture_output=True, check=True).stdout.decode().split("\0")
    )
    needle = re.compile(
        "|".join(["files.python" + "hosted", "py" + r"pi\.org", "--index" + "-url", "registry.npm" + "js"])
    )
    wrong = {
        name
        for name in tracked
        if name and (top / name).is_file() and needle.search((top / name).read_text(encoding="utf-8", errors="ignore"))
    }
    assert wrong - {"Makefile"} == set()

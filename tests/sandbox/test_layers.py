"""What the sandbox may import: nothing of ours, and nothing at all before it is needed."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import crmstate.sandbox

HOME = Path(crmstate.sandbox.__file__).parent
ALLOWED = {"msgspec"}


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            inside = len(path.relative_to(HOME).parents) - node.level
            found.add((node.module or "").partition(".")[0] if node.level == 0 else "." * -inside)
    return found - {""}


def test_the_sandbox_imports_only_the_standard_library_and_msgspec() -> None:
    strangers = {
        str(path.relative_to(HOME)): imported(path) - set(sys.stdlib_module_names) - ALLOWED
        for path in HOME.rglob("*.py")
    }
    assert {name: names for name, names in strangers.items() if names} == {}


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, crmstate.sandbox; print([name for name in ('sqlite3', 'msgspec', 'socket') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_every_public_name_is_there() -> None:
    assert [name for name in crmstate.sandbox.__all__ if not callable(getattr(crmstate.sandbox, name))] == []


def test_no_file_and_no_function_is_too_long() -> None:
    files = {
        str(path.relative_to(HOME)): len(path.read_text(encoding="utf-8").splitlines()) for path in HOME.rglob("*.py")
    }
    assert {name: lines for name, lines in files.items() if lines > 450} == {}
    long = [
        (str(path.relative_to(HOME)), node.name)
        for path in HOME.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno > 50
    ]
    assert long == []

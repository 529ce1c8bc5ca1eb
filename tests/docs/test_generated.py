"""What is generated and committed is fresh: schemas, commands, fields, the capability matrix, exit codes, errors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_generated_file_is_fresh() -> None:
    program = "from tests.generated import pages\nprint(*[p for p, t in pages().items() if not p.exists() or p.read_text('utf-8') != t])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "", "run `make generated`"


def test_every_page_is_reached_by_a_link() -> None:
    import re

    pages = {
        path.resolve()
        for path in (ROOT / "docs").rglob("*.md")
        if "changes" not in path.parts and "decisions" not in path.parts
    }
    texts = {path: path.read_text(encoding="utf-8") for path in [*pages, ROOT / "README.md"]}
    linked = {
        (path.parent / target).resolve()
        for path, text in texts.items()
        for target in re.findall(r"\]\(([^)#]+)\)", text)
    }
    folders = {path for path in linked if path.is_dir()}
    lost = {str(path.relative_to(ROOT)) for path in pages if path not in linked and path.parent not in folders}
    assert lost == set()


def test_no_link_leads_nowhere() -> None:
    import re

    wrong = set()
    for path in [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"]:
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            if "://" not in target and not (path.parent / target).exists():
                wrong.add(f"{path.relative_to(ROOT)} -> {target}")
    assert wrong == set()

"""The corpus: manifests in `bad/` that name, in their first line, the code, line and column of every mistake; and
right ones in `good/`."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
BAD = sorted((HERE / "bad").glob("*.yaml"))
GOOD = sorted((HERE / "good").glob("*.*"))
PROVIDERS = frozenset({"sandbox", "zoho"})


def expected(path: Path) -> list[str]:
    """What the first line says: `# expect: CRM-M005 7:1, CRM-M030 9:3`."""
    first = path.read_bytes().split(b"\n", 1)[0].decode()
    assert first.startswith("# expect: CRM-"), path.name
    return first.removeprefix("# expect: ").strip().split(", ")

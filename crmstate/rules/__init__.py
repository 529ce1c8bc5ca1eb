"""Rules of law as dated data: one YAML file per regime, each row with its source, the day when it was last compared, and
the days between which it holds. Nothing here is a default of a contract, and nothing is legal advice."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from crmstate.core.law import Law, LawBook

HERE = Path(__file__).parent


@lru_cache(maxsize=1)
def laws() -> tuple[Law, ...]:
    """Every rule, in the order of the files."""
    return tuple(law for path in sorted(HERE.glob("*.yaml")) for law in read(path).rules)


def laws_of(regimes: Collection[str]) -> tuple[Law, ...]:
    """The rules of some regimes; reads nothing where there is none."""
    return tuple(law for law in laws() if law.regime in regimes) if regimes else ()


def read(path: Path) -> LawBook:
    """One file. Raises msgspec.ValidationError where it is not of the schema."""
    from ruamel.yaml import YAML

    return msgspec.convert(YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8")), LawBook)


def rules_schema() -> dict[str, Any]:
    """The JSON Schema of such a file, generated from the types."""
    (top,), parts = msgspec.json.schema_components((LawBook,), ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://crmstate.dev/schemas/rules.schema.json",
        "title": "crmstate rules of law",
        **top,
        "$defs": dict(sorted(parts.items())),
    }

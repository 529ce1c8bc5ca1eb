"""Operator: what the person who runs crmstate allows a manifest to reach. Written outside the repository, so that a
pull request cannot.

The file is TOML, named by `CRMSTATE_OPERATOR` or by the caller:

    allow_env = ["ZOHO_*", "WECOM_ROBOT"]      # names of environment variables; * stands for anything
    allow_files = ["/srv/secrets"]             # files, and folders with all that is in them
    allow_hosts = ["crm.example.com", "s3://acme-archives"]
    allow_commands = ["pass show crm/zoho"]    # whole command lines that may be started to print a secret
    allow_keyring = ["crmstate/*"]
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path as FilePath

from crmstate.core.diagnostic import Problem, Span, problem
from crmstate.core.words import Exit
from crmstate.manifest import codes

VARIABLE = "CRMSTATE_OPERATOR"
_LARGEST = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Operator:
    """Allowances as patterns. The default allows nothing beyond what every manifest may do."""

    allow_env: tuple[str, ...] = ()
    allow_files: tuple[str, ...] = ()
    allow_hosts: tuple[str, ...] = ()
    allow_commands: tuple[str, ...] = ()
    allow_keyring: tuple[str, ...] = ()
    source: str = ""
    """The file that these were read from; empty where there was none."""


def load_operator(path: FilePath | None, environ: Mapping[str, str] | None = None) -> Operator:
    """The operator's allowances from a file; from the one that the environment names where `path` is None; none where
    neither is.

    Raises Problem (exit 3) where the file is named and cannot be understood: allowances are never guessed.
    """
    named = (environ or {}).get(VARIABLE)
    where = path or (FilePath(named) if named else None)
    if where is None:
        return Operator()
    try:
        raw = where.read_bytes()[:_LARGEST]
        return _operator(tomllib.loads(raw.decode("utf-8")), str(where))
    except (OSError, ValueError) as error:
        raise _invalid(str(where), getattr(error, "strerror", None) or type(error).__name__) from None


def _operator(table: dict[str, object], source: str) -> Operator:
    known = [field.name for field in fields(Operator) if field.name != "source"]
    given: dict[str, tuple[str, ...]] = {}
    for key, value in table.items():
        if key not in known or not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            raise _invalid(source, key)
        given[key] = tuple(value)
    return Operator(**given, source=source)


def _invalid(source: str, reason: str) -> Problem:
    return problem(Exit.REFUSED, codes.OPERATOR_INVALID, Span(source, 1, 1), file=source, reason=reason[:80])

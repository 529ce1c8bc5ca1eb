"""Diagnostic: something a reader must know, with its place; Problem: the exception that carries them to the exit code.

A diagnostic has a stable code (`CRM-M012`). Its words (summary, detail, hint) stand in the catalogues under that code.
Letters: M manifest, P plan, V vendor and credentials, S state and lock, A archive, E apply, C command line.
"""

from __future__ import annotations

from typing import Any

import msgspec

from crmstate.core.address import Address
from crmstate.core.message import Param, plain
from crmstate.core.words import Exit, Severity


class Span(msgspec.Struct, frozen=True, gc=False):
    """A place in a file: line and column count from 1; `text` is the offending line, shortened, where it may be
    shown."""

    file: str
    line: int
    column: int
    text: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Diagnostic(msgspec.Struct, frozen=True, omit_defaults=True):
    """One finding. `params` fill the catalogue's sentences; no secret and no record value may be among them."""

    code: str
    severity: Severity = Severity.ERROR
    params: dict[str, Param] = {}
    span: Span | None = None
    address: Address | None = None


def diagnostic(
    code: str,
    severity: Severity = Severity.ERROR,
    span: Span | None = None,
    address: Address | None = None,
    **params: Any,
) -> Diagnostic:
    """A Diagnostic with every parameter as text or whole number."""
    return Diagnostic(code, severity, plain(params), span, address)


class Problem(Exception):
    """A user-facing refusal or failure: diagnostics and the exit code that they mean. Never a traceback."""

    def __init__(self, exit: Exit, *diagnostics: Diagnostic) -> None:
        super().__init__(", ".join(found.code for found in diagnostics))
        self.exit = exit
        self.diagnostics = diagnostics


def problem(exit: Exit, code: str, span: Span | None = None, address: Address | None = None, **params: Any) -> Problem:
    """A Problem of one error: `raise problem(Exit.LOCKED, "CRM-S004", pid=12)`."""
    return Problem(exit, diagnostic(code, Severity.ERROR, span, address, **params))

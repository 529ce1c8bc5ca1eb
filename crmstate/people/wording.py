"""Wording: what a notice says. A template is a file: a line `Subject: ...`, an empty line, the text.

Templates of the user's own are untrusted as a manifest is: of jinja2 they may use text, the fields below, conditions and
a few filters, and nothing that calls, loops, multiplies or reaches into a value. An unknown field is an error with its
line, before anything is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from crmstate.core.diagnostic import Diagnostic, Problem, Span, diagnostic, problem
from crmstate.core.words import Exit
from crmstate.people.addresses import Injection, clean
from crmstate.people.nesting import nodes, too_deep

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.sandbox import SandboxedEnvironment

HERE = Path(__file__).parent / "notices"
OWN = "templates"
"""The folder beside the manifest in which templates of one's own lie, by language."""
DEFAULTS = {"staff": "staff-announcement", "partners": "partner-notice", "customers": "customer-notice"}
FIELDS = ("name", "system", "freeze", "reason", "owner", "feedback", "replacement", "project")
FILTERS = frozenset({"trim", "upper", "lower", "capitalize", "title", "default", "d"})
TESTS = frozenset({"defined", "undefined"})
LARGEST = 64 * 1024
SUBJECT = 200
LONGEST = 10**100
"""No number in a template is larger: the longest cannot even be written out."""
_SUBJECT = re.compile(r"(?i)^(?:subject|主题|标题)[ \t]*[:：][ \t]*(.*)$")
_ALONE = re.compile(r"(?m)^[ \t]*(\{%[^%\n]*%\})[ \t]*\n")
"""A line that holds a condition alone leaves no empty line."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,4}){0,2}", re.ASCII)
_NODES = frozenset(
    {"Template", "Output", "TemplateData", "Name", "Const", "If", "CondExpr", "Compare", "Operand", "And", "Or", "Not",
     "Filter", "Test", "Concat"}
)  # fmt: skip


@dataclass(frozen=True)
class Said:
    """A notice as one person reads it."""

    subject: str
    text: str


@dataclass(frozen=True)
class Wording:
    """A template that was found right."""

    shown: str
    source: str
    subject: str
    body: str

    @cached_property
    def _compiled(self) -> tuple[Template, Template]:
        environment = _environment()
        return environment.from_string(self.subject), environment.from_string(_ALONE.sub(r"\1", self.body))

    def said(self, fields: Mapping[str, str]) -> Said:
        """The notice with its fields filled in. Raises Problem where that makes more, or another, subject than a
        header can hold."""
        subject, text = (each.render(fields) for each in self._compiled)
        try:
            subject = clean(subject)
        except Injection:
            raise problem(Exit.INVALID, "CRM-N012", Span(self.shown, 1, 1), file=self.shown) from None
        if not subject or len(subject) > SUBJECT or not text.strip() or len(text) > LARGEST:
            raise problem(Exit.INVALID, "CRM-N011", Span(self.shown, 1, 1), file=self.shown, most=SUBJECT)
        return Said(subject, text.strip() + "\n")


def wording(folder: Path, language: str, name: str, span: Span | None = None) -> Wording:
    """The template of a name in a language: the user's own, else ours. `span`: where it is named. Raises Problem."""
    if not _NAME.fullmatch(name) or not _LANGUAGE.fullmatch(language):
        raise problem(Exit.INVALID, "CRM-N010", span, name=name[:80], language=language[:20], known=_known(language))
    own = folder / OWN / language / f"{name}.txt"
    if own.exists() or own.is_symlink():
        return _read(own, f"{OWN}/{language}/{name}.txt", folder)
    path = HERE / language / f"{name}.txt"
    if not path.is_file():
        raise problem(Exit.INVALID, "CRM-N010", span, name=name, language=language, known=_known(language))
    return _read(path, f"{language}/{name}.txt", HERE)


def languages() -> list[str]:
    """The languages in which there are templates."""
    return sorted(path.name for path in HERE.iterdir() if any(path.glob("*.txt")))


def _known(language: str) -> str:
    """The templates of a language; where there is none, what there is in others."""
    found = sorted(path.stem for path in (HERE / language).glob("*.txt")) if _LANGUAGE.fullmatch(language) else []
    return ", ".join(
        found or (f"{each}/{path.stem}" for each in languages() for path in sorted((HERE / each).glob("*.txt")))
    )


def _read(path: Path, shown: str, root: Path) -> Wording:
    """A template's file: inside its folder, of a fair size, UTF-8, with a subject and a text that say what they may."""
    span = Span(shown, 1, 1)
    try:
        if not path.resolve().is_relative_to(root.resolve()) or not path.is_file():
            raise problem(Exit.REFUSED, "CRM-N013", span, file=shown)
        with path.open("rb") as opened:
            raw = opened.read(LARGEST + 1)
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError):
        raise problem(Exit.INVALID, "CRM-N014", span, file=shown) from None
    head, _, body = text.partition("\n")
    found = _SUBJECT.match(head)
    if len(raw) > LARGEST or found is None or not found[1].strip() or not body.strip():
        raise problem(Exit.INVALID, "CRM-N014", span, file=shown)
    wrong = _once([*_wrong(found[1], shown, 0), *_wrong(body, shown, 1)])
    if wrong:
        raise Problem(Exit.INVALID, *wrong)
    return Wording(shown, text, found[1].strip(), body.strip("\n") + "\n")


def _once(found: list[Diagnostic]) -> list[Diagnostic]:
    return [each for number, each in enumerate(found) if each not in found[:number]]


def _environment() -> SandboxedEnvironment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    return SandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)


def _wrong(text: str, shown: str, before: int) -> Iterator[Diagnostic]:
    """What a part of a template must not hold, with its lines; `before`: lines above it."""
    from jinja2 import TemplateSyntaxError
    from jinja2.nodes import Const, Filter, Name, Test

    try:
        tree = _environment().parse(text)
    except TemplateSyntaxError as error:
        yield diagnostic("CRM-N015", span=Span(shown, before + error.lineno, 1), file=shown)
        return
    except (RecursionError, ValueError):  # nested deeper, or a number longer, than anybody means
        yield diagnostic("CRM-N015", span=Span(shown, before + 1, 1), file=shown)
        return
    if (line := too_deep(tree)) is not None:
        yield diagnostic("CRM-N015", span=Span(shown, before + line, 1), file=shown)
        return
    for node, _ in nodes(tree):
        span = Span(shown, before + max(1, getattr(node, "lineno", 1) or 1), 1)
        if isinstance(node, Name) and node.name not in FIELDS:
            yield diagnostic("CRM-N016", span=span, field=node.name[:60], known=", ".join(FIELDS))
        elif isinstance(node, Const) and isinstance(node.value, int) and abs(node.value) > LONGEST:
            yield diagnostic("CRM-N015", span=span, file=shown)
        elif (
            type(node).__name__ not in _NODES
            or (isinstance(node, Name) and node.ctx != "load")
            or (isinstance(node, Filter) and node.name not in FILTERS)
            or (isinstance(node, Test) and node.name not in TESTS)
        ):
            yield diagnostic("CRM-N017", span=span, file=shown)

"""Writing: a template and the facts become a letter. The template is code of somebody else's: it runs in a sandbox without
files, functions or chance, and prints nothing but texts of the closed list of facts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateNotFound, TemplateSyntaxError, Undefined, UndefinedError
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from crmstate.core.diagnostic import Problem, problem
from crmstate.core.words import Exit
from crmstate.people.facts import FIELDS, Fact, Gap, Group
from crmstate.people.prose import escaped, subject, tidy
from crmstate.people.shelf import ENDING, HERE, Shelf, place, read

LONGEST = 400_000
_FILTERS = frozenset(
    {
        "capitalize", "count", "d", "default", "first", "join", "last", "length", "list", "lower", "reject",
        "rejectattr", "select", "selectattr", "sort", "trim", "truncate", "unique", "upper",
    }
)  # fmt: skip
_TESTS = frozenset(
    {
        "defined", "undefined", "eq", "equalto", "ne", "in", "none", "string", "number", "sequence", "true", "false",
        "odd", "even", "gt", "ge", "lt", "le",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Written:
    """A letter. `markdown`: its whole text; `subject`: one line; `used`: every fact that it says; `missing`: the fields
    that it would say and nobody wrote, in the order of the text; `template`: what it was made from, and its digest."""

    kind: str
    lang: str
    subject: str
    markdown: str
    used: tuple[Fact, ...]
    missing: tuple[str, ...]
    template: Path
    template_sha256: str


class _Ready(str):
    """Text that is Markdown already."""

    __slots__ = ()


@dataclass
class _Pen:
    """What puts facts on paper, and remembers which. `clean` makes other people's text one harmless line without secrets;
    `mark` is what stands in the place of a missing field."""

    clean: Callable[[str], str]
    mark: Callable[[str], str]
    used: dict[str, Fact] = field(default_factory=dict)
    missing: dict[str, None] = field(default_factory=dict)

    def put(self, value: Any) -> str:
        """A value as Markdown: jinja asks for every one that a template prints."""
        if isinstance(value, _Ready):
            return value
        if isinstance(value, Gap):
            return _Ready(escaped(str(value)))
        if isinstance(value, Fact):
            self.used[value.field] = value
        if isinstance(value, str):
            return _Ready(escaped(self.clean(value)))
        if isinstance(value, int) and not isinstance(value, bool):
            return _Ready(value)
        if isinstance(value, Undefined):
            return str(value)  # raises, with what is not there
        raise SecurityError(f"printing {type(value).__name__}")

    def gap(self, name: str) -> str:
        """The mark of a missing field, which is remembered."""
        self.missing[name] = None
        return self.mark(name)

    def hold(self, facts: dict[str, Group]) -> None:
        """From here on every gap among the facts leaves its mark through this pen."""
        for group in facts.values():
            for value in group.values():
                if isinstance(value, Gap):
                    value._say = self.gap

    def lines(self, value: Any) -> str:
        """A text of several lines, such as an address: each on a line of its own."""
        if not isinstance(value, str) or isinstance(value, _Ready):
            return self.put(value)
        if isinstance(value, Fact):
            self.used[value.field] = value
        rows = [escaped(self.clean(row)) for row in value.splitlines() if row.strip()]
        return _Ready("\\\n".join(rows))


class _Paper(ImmutableSandboxedEnvironment):
    """The sandbox: no globals, few filters, no arithmetic that fills the memory."""

    intercepted_binops = frozenset({"*", "**", "%", "+"})

    def __init__(self, shelf: Shelf, pen: _Pen) -> None:
        super().__init__(
            loader=shelf, undefined=StrictUndefined, finalize=pen.put, trim_blocks=True, lstrip_blocks=True,
            autoescape=False, cache_size=0, extensions=[],
        )  # fmt: skip
        self.globals.clear()
        self.filters = {name: run for name, run in self.filters.items() if name in _FILTERS}
        self.tests = {name: run for name, run in self.tests.items() if name in _TESTS}
        self.filters["lines"] = pen.lines

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """No methods of texts and lists: some make long texts out of short ones."""
        mine = isinstance(obj, str | int | bytes | list | tuple | dict)
        return not mine and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """`format` is a method of texts like any other."""

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Sums of whole numbers, and nothing that makes long texts out of short ones."""
        if operator == "+" and all(isinstance(each, int) for each in (left, right)):
            return left + right
        raise SecurityError(f"the operator {operator}")


def write(
    kind: str,
    lang: str,
    facts: dict[str, Group],
    clean: Callable[[str], str],
    mark: Callable[[str], str],
    own: Path | None = None,
) -> Written:
    """The letter. Raises Problem: exit 65 for a template that is wrong, 3 for one that may not be read or does what it may
    not do."""
    shelf, pen = Shelf(lang, own), _Pen(clean, mark)
    pen.hold(facts)
    paper = _Paper(shelf, pen)
    try:
        template = paper.get_template(kind + ENDING)
        taken = shelf.taken[0]
        context = template.new_context(facts)
        about = subject("".join(template.blocks["subject"](context))) if "subject" in template.blocks else ""
        text = _bounded(template.generate(facts), taken)
    except Problem:
        raise
    except Exception as wrong:  # a template is somebody else's program: whatever it does is its mistake
        raise _mistake(wrong, shelf) from None
    source = read(taken) or ""
    return Written(
        kind, lang, about or kind, tidy(text), tuple(pen.used.values()), tuple(_in_order(pen.missing)), taken,
        hashlib.sha256(source.encode()).hexdigest(),
    )  # fmt: skip


def source(kind: str, lang: str) -> str:
    """The template that comes along, to start from."""
    return read(HERE / lang / (kind + ENDING)) or ""


def _in_order(missing: dict[str, None]) -> list[str]:
    """The missing fields as the list of all fields has them."""
    order = list(FIELDS)
    return sorted(missing, key=lambda each: order.index(each) if each in order else len(order))


def _bounded(pieces: Any, path: Path) -> str:
    """The text, unless it is longer than any letter."""
    out: list[str] = []
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > LONGEST:
            raise problem(Exit.REFUSED, "CRM-L003", path=path, why="too_large")
        out.append(piece)
    return "".join(out)


def _mistake(wrong: Exception, shelf: Shelf) -> Problem:
    """What a template did wrong, at its line."""
    path, number = _where(wrong, shelf)
    lines = (read(path) or "").splitlines() if path.is_file() and not path.is_symlink() else []
    span = place(path, number, lines)
    if isinstance(wrong, TemplateNotFound):
        return problem(Exit.INVALID, "CRM-L005", span=span, name=str(wrong.name)[:80])
    if isinstance(wrong, UndefinedError):
        return problem(
            Exit.INVALID, "CRM-L002", span=span, field=str(wrong.message)[:200], known=", ".join(sorted(FIELDS))
        )
    if isinstance(wrong, SecurityError):
        return problem(Exit.REFUSED, "CRM-L004", span=span, why=str(wrong)[:200])
    said = str(wrong.message)[:200] if isinstance(wrong, TemplateError) else type(wrong).__name__
    return problem(Exit.INVALID, "CRM-L006", span=span, why=said)


def _where(wrong: Exception, shelf: Shelf) -> tuple[Path, int]:
    """The file and the line: jinja names its templates in tracebacks as if they were code."""
    if isinstance(wrong, TemplateSyntaxError) and wrong.filename:
        return Path(wrong.filename), wrong.lineno
    known = {str(path) for path in shelf.taken}
    found = (shelf.taken[-1] if shelf.taken else HERE, 1)
    trace = wrong.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename in known:
            found = (Path(trace.tb_frame.f_code.co_filename), trace.tb_lineno)
        trace = trace.tb_next
    return found

"""Shelf: where templates lie. A user's own folder stands before the ones that come along; nothing outside of the two is
ever read, no link is followed, and a template is looked through before it is used: what asks for a field that there is not
is refused with its place."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from jinja2 import BaseLoader, Environment, TemplateNotFound, nodes

from crmstate.core.diagnostic import Problem, Span, problem
from crmstate.core.words import Exit
from crmstate.people.facts import FIELDS, ITEM, LISTS
from crmstate.people.nesting import DEEPEST, too_deep

HERE = Path(__file__).parent / "templates"
ENDING = ".j2"
LARGEST = 256 * 1024
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,60}\.j2", re.ASCII)
_ALWAYS = frozenset({"loop", "super", "self", "caller", "varargs", "kwargs"})
_GROUPS = {field.partition(".")[0] for field in FIELDS}


class Shelf(BaseLoader):
    """Loads `non-renewal.j2` of one language: from `own/en/`, from `own/`, or from what comes along. `taken`: the files that
    were read, in order."""

    def __init__(self, lang: str, own: Path | None = None) -> None:
        self._lang = lang
        self._own = own
        self.taken: list[Path] = []

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, None]:
        """Jinja's way in. Raises Problem for what may not be read or asks for unknown fields."""
        if not _NAME.fullmatch(template):
            raise problem(Exit.REFUSED, "CRM-L003", path=template[:80], why="name")
        for path in self._places(template):
            text = read(path, self._own)
            if text is not None:
                self.taken.append(path)
                try:
                    tree = environment.parse(text, template, str(path))
                except RecursionError:
                    span = place(path, 1, text.splitlines())
                    raise problem(Exit.INVALID, "CRM-L015", span=span, most=DEEPEST) from None
                examine(tree, path, text)
                return text, str(path), None
        raise TemplateNotFound(template)

    def _places(self, name: str) -> Iterator[Path]:
        if self._own is not None:
            yield self._own / self._lang / name
            yield self._own / name
        yield HERE / self._lang / name


def read(path: Path, root: Path | None = None) -> str | None:
    """A template's text; None where there is none. Raises Problem for a link, a folder, a device, what is too large and
    what is no text. `root`: the folder that must hold it, without links on the way."""
    if root is not None and path.is_relative_to(root) and path.parent != root and path.parent.is_symlink():
        raise _refused(path.parent, "link")
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _refused(path, "link" if path.is_symlink() else (error.strerror or "unreadable")) from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise _refused(path, "not_a_file")
    with os.fdopen(handle, "rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise _refused(path, "too_large")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refused(path, "not_text") from None


def _refused(path: Path, why: str) -> Problem:
    return problem(Exit.REFUSED, "CRM-L003", path=path, why=why)


def examine(tree: nodes.Template, path: Path, text: str) -> None:
    """Raises Problem (exit 65) with every unknown field that a template names, each at its line."""
    lines = text.splitlines()
    if (line := too_deep(tree)) is not None:
        raise problem(Exit.INVALID, "CRM-L015", span=place(path, line, lines), most=DEEPEST)
    found = [
        problem(Exit.INVALID, "CRM-L002", span=place(path, number, lines, field), field=field, known=known)
        for number, field, known in sorted(set(_unknown(tree)))
    ]
    if found:
        raise Problem(Exit.INVALID, *(each.diagnostics[0] for each in found))


def place(path: Path, number: int, lines: list[str], field: str = "") -> Span:
    """A line of a template, with its text where it has any; the column of a field where it is found in it."""
    text = lines[number - 1].rstrip()[:160] if 0 < number <= len(lines) else ""
    return Span(str(path), number, max(text.find(field), 0) + 1, text)


def _unknown(tree: nodes.Template) -> Iterator[tuple[int, str, str]]:
    """Line, field and the known ones of each name that nobody gave."""
    items = {
        each.target.name: _path(each.iter) for each in tree.find_all(nodes.For) if isinstance(each.target, nodes.Name)
    }
    given = {each.name for each in tree.find_all(nodes.Name) if each.ctx in ("store", "param")}
    given |= {each.name for each in tree.find_all(nodes.Macro)}
    given |= {each.target for each in tree.find_all(nodes.Import)}
    for imported in tree.find_all(nodes.FromImport):
        given |= {name if isinstance(name, str) else name[1] for name in imported.names}
    for name in tree.find_all(nodes.Name):
        if name.ctx == "load" and name.name not in given | _GROUPS | _ALWAYS:
            yield name.lineno, name.name, ", ".join(sorted(FIELDS))
    for part in tree.find_all((nodes.Getattr, nodes.Getitem)):
        field = _path(part)
        group, _, rest = field.partition(".")
        if group in _GROUPS - given and rest and "." not in rest and field not in FIELDS:
            yield part.lineno, field, ", ".join(sorted(each for each in FIELDS if each.startswith(group + ".")))
        elif items.get(group) in LISTS and rest and "." not in rest and rest not in ITEM:
            yield part.lineno, field, ", ".join(f"{group}.{name}" for name in ITEM)


def _path(node: nodes.Node) -> str:
    """`vendor.name` for what a template writes so, or as `vendor["name"]`; empty for anything else."""
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr):
        before = _path(node.node)
        return f"{before}.{node.attr}" if before else ""
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        before = _path(node.node)
        return f"{before}.{node.arg.value}" if before else ""
    return ""

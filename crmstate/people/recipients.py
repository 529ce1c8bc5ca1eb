"""Recipients: who is told, out of a CSV file, the vendor's active users, or a field of an archived dataset.

A file that somebody wrote is refused where a row is no address or comes again, unless the manifest says to leave such rows
out. What the vendor's own rows hold nobody can mend here: there it is counted and named, and is not told, and what comes again is
told once. Who opted out is not told. A break in a name or an address always stops the whole: somebody wrote it on purpose.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crmstate.core.audience import SHOWN, Turned
from crmstate.core.diagnostic import Diagnostic, Problem, Span, diagnostic, problem
from crmstate.core.survey import Resource, UserFacts
from crmstate.core.words import Exit, Phase
from crmstate.people.addresses import Injection, NoAddress, Person, address, clean

LARGEST = 64 * 1024 * 1024
DEEPEST = 3
ADDRESS = frozenset({"email", "e-mail", "mail", "address", "email address", "邮箱", "电子邮箱", "邮件", "邮箱地址"})
NAME = frozenset({"name", "full name", "display name", "姓名", "名字", "名称"})


@dataclass
class Found:
    """Everybody of one source, each once. `strict`: a row that is no address, or that comes again, is a fault."""

    strict: bool = False
    people: dict[str, Person] = field(default_factory=dict)
    turned: list[Turned] = field(default_factory=list)
    rejected: int = 0
    repeated: int = 0
    opted_out: int = 0
    faults: list[Diagnostic] = field(default_factory=list)
    first: dict[str, int] = field(default_factory=dict)

    def take(self, line: int, text: str, name: str, out: frozenset[str], span: Span) -> None:
        """One row. A fault where it would write a header of its own."""
        try:
            person = Person(address(text), clean(name))
        except Injection:
            self._fault("CRM-N001", span)
            return
        except NoAddress as found:
            self.rejected += 1
            if len(self.turned) < SHOWN:
                self.turned.append(Turned(line, str(found)))
            if self.strict:
                self._fault("CRM-N061", span, why=str(found))
            return
        if person.same in self.people:
            self.repeated += 1
            if self.strict:
                self._fault("CRM-N062", span, first=self.first[person.same])
        elif person.same in out:
            self.opted_out += 1
        else:
            self.people[person.same] = person
            if self.strict:
                self.first[person.same] = line

    def _fault(self, code: str, span: Span, **more: Any) -> None:
        """What stops the whole; the first of them are named."""
        if len(self.faults) < SHOWN:
            self.faults.append(diagnostic(code, span=span, file=span.file, line=span.line, **more))


def from_file(path: Path, shown: str, out: frozenset[str] = frozenset(), *, strict: bool = True) -> Found:
    """The people of a CSV file: a column with addresses, perhaps one with names; or a plain list of addresses. `shown`:
    how the file is called. Raises Problem."""
    found = Found(strict)
    for line, text, name in listed(path, shown):
        found.take(line, text, name, out, Span(shown, line, 1))
    if not (found.people or found.rejected or found.opted_out or found.faults):
        raise problem(Exit.INVALID, "CRM-N003", Span(shown, 1, 1), file=shown)
    return found


def opted_out(path: Path, shown: str) -> frozenset[str]:
    """Who wants no mail. Raises Problem; one that cannot be read right is worse than none, so that a line which is no
    address is an error here."""
    found, wrong = set[str](), list[Diagnostic]()
    for line, text, _ in listed(path, shown):
        try:
            found.add(address(text).casefold())
        except (Injection, NoAddress):
            wrong.append(diagnostic("CRM-N004", span=Span(shown, line, 1), file=shown, line=line))
    if wrong:
        raise Problem(Exit.INVALID, *wrong[:SHOWN])
    return frozenset(found)


def from_users(users: Iterable[Resource], out: frozenset[str]) -> Found:
    """The people who can sign in at the vendor."""
    found = Found()
    for number, row in enumerate(users, 1):
        if isinstance(row.facts, UserFacts) and row.phase is Phase.PRESENT:
            found.take(number, row.facts.email, row.label, out, Span(row.address, number, 1))
    return found


def from_records(raws: Iterable[bytes], wanted: str, dataset: str, out: frozenset[str]) -> Found:
    """The people in a field of an archive's records: by its name, or by its path (`contact.email`), at the top or below.
    Records where it is empty are nobody's; where no record has it, it is a slip. Raises Problem."""
    found, known, rows = Found(), False, 0
    for rows, raw in enumerate(raws, 1):
        try:
            record = json.loads(raw)
        except ValueError:
            continue
        for value in _values(record, wanted.split("."), DEEPEST):
            known = True
            for text in _texts(value):
                found.take(rows, text, "", out, Span(dataset, rows, 1))
    if rows and not known:
        raise problem(Exit.INVALID, "CRM-N005", field=wanted[:80], dataset=dataset[:80])
    return found


def _values(record: Any, path: Sequence[str], depth: int) -> Iterator[Any]:
    """The value of a field wherever the vendor puts its fields: at the top, or in a group of them."""
    if not isinstance(record, dict):
        return
    here: Any = record
    for part in path:
        here = here.get(part, _NONE) if isinstance(here, dict) else _NONE
    if here is not _NONE:
        yield here
    elif depth > 1:
        for below in record.values():
            yield from _values(below, path, depth - 1)


_NONE = object()


def _texts(value: Any) -> Iterator[str]:
    """The texts in a value: itself, each of a list, or what a list of groups calls its value."""
    if isinstance(value, str):
        if value.strip():
            yield value
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, dict):
        for key in ("value", "email", "address"):
            if isinstance(value.get(key), str):
                yield from _texts(value[key])
                return


def listed(path: Path, shown: str) -> Iterator[tuple[int, str, str]]:
    """Line, address and name of each row that is not empty."""
    for line, mail, beside in rows(path, shown, NAME):
        yield line, mail, beside[0] if beside else ""


def rows(path: Path, shown: str, wanted: frozenset[str]) -> Iterator[tuple[int, str, list[str]]]:
    """Line and address of each row that is not empty, and what stands in the columns that are called as `wanted`."""
    text = _text(path, shown)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=_delimiter(text))
    columns: tuple[int, list[int]] | None = None
    line = 1
    try:
        for row in reader:
            begins, line = line, reader.line_num + 1
            if not any(cell.strip() for cell in row):
                continue
            if columns is None:
                columns, heads = _columns(row, shown, wanted)
                if heads:
                    continue
            mail, others = columns
            yield begins, _cell(row, mail), [_cell(row, each) for each in others]
    except csv.Error:
        raise problem(Exit.INVALID, "CRM-N002", Span(shown, line, 1), file=shown, why="recipients.not_csv") from None


def _cell(row: Sequence[str], place: int) -> str:
    return row[place] if place < len(row) else ""


def _columns(row: Sequence[str], shown: str, wanted: frozenset[str]) -> tuple[tuple[int, list[int]], bool]:
    """Where addresses and what is wanted beside them stand, and whether this row says so."""
    heads = [cell.strip().casefold() for cell in row]
    mail = next((place for place, head in enumerate(heads) if head in ADDRESS), None)
    if mail is not None:
        return (mail, [place for place, head in enumerate(heads) if head in wanted]), True
    if len(row) == 1 and "@" in row[0]:
        return (0, []), False
    raise problem(Exit.INVALID, "CRM-N006", Span(shown, 1, 1), file=shown)


def _delimiter(text: str) -> str:
    head = text.partition("\n")[0]
    return max(",;\t", key=head.count) if any(each in head for each in ",;\t") else ","


def _text(path: Path, shown: str) -> str:
    """The file's text. Raises Problem: links that lead away have been refused before; here devices, size, and what is not
    UTF-8."""
    try:
        if not path.is_file():
            raise problem(Exit.INVALID, "CRM-N002", Span(shown, 1, 1), file=shown, why="recipients.no_file")
        with path.open("rb") as opened:
            raw = opened.read(LARGEST + 1)
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise problem(Exit.INVALID, "CRM-N002", Span(shown, 1, 1), file=shown, why="recipients.not_utf8") from None
    except OSError:
        raise problem(Exit.INVALID, "CRM-N002", Span(shown, 1, 1), file=shown, why="recipients.unreadable") from None
    if len(raw) > LARGEST:
        raise problem(Exit.INVALID, "CRM-N002", Span(shown, 1, 1), file=shown, why="recipients.too_large")
    if not text.strip():
        raise problem(Exit.INVALID, "CRM-N003", Span(shown, 1, 1), file=shown)
    if "\0" in text:
        raise problem(Exit.INVALID, "CRM-N002", Span(shown, 1, 1), file=shown, why="recipients.not_csv")
    return text

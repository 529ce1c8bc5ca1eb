"""Lines of an evaluation out of a sheet: cost, measures, feedback, lessons, the verdict."""

from __future__ import annotations

from crmstate.core.diagnostic import Diagnostic, Problem, diagnostic
from crmstate.core.evaluation import faulty, review
from crmstate.core.event import Remark, Remarked
from crmstate.core.words import Exit
from crmstate.people import sheet
from crmstate.people.addresses import Injection, clean

COLUMNS = ("kind", "name", "side", "value", "unit", "per", "text", "who")


def read(data: bytes, file: str, known: tuple[Remarked, ...]) -> tuple[Remark, ...]:
    """Every line of a sheet, if all of them can be taken. Raises Problem with everything that is wrong, each with its
    line."""
    found: list[Remark] = []
    wrong: list[Diagnostic] = []
    for span, row in sheet.rows(data, file, COLUMNS, ("kind",)):
        line = Remark(**{name: row.get(name, "") for name in COLUMNS})
        fault = refused(line, (*known, Remarked("", "", tuple(found))))
        if fault is not None:
            wrong.append(Diagnostic(fault.code, fault.severity, fault.params, span, fault.address))
        found.append(line) if fault is None else None
    if wrong:
        raise Problem(Exit.USAGE, *wrong)
    if not found:
        raise sheet.wrong(file, 1, "nothing")
    return tuple(found)


def refused(line: Remark, known: tuple[Remarked, ...]) -> Diagnostic | None:
    """Why a line may not be entered after what is known, or None."""
    for field in ("name", "unit", "who"):
        try:
            clean(getattr(line, field))
        except Injection:
            return diagnostic("CRM-F035", field=field, kind=line.kind)
    return faulty(line, review(known))

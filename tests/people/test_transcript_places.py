"""What is wrong in a file that somebody wrote of the vendor's document is said with its line."""

from __future__ import annotations

import pytest

from crmstate.core.diagnostic import Problem
from crmstate.core.event import Remark
from crmstate.people import transcript
from crmstate.people.remarks import refused


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("tenant: t\ndatasets:\n  contacts: 7\n  deals: -5\n", 4, 3),
        ("tenant: t\ndate: 2026-02-30\n", 2, 1),
        ("tenant: t\nday: 2026-02-03\n", 2, 1),
        ('tenant: t\nsignatory: "Ann\\nBcc: x"\n', 2, 1),
        ('{"tenant": "t", "backups": {"expire": "soon"}}', 1, 29),
    ],
)
def test_a_field_that_does_not_say_what_it_must_is_refused_with_its_place(text: str, line: int, column: int) -> None:
    data = text.encode()
    with pytest.raises(Problem) as found:
        transcript.destruction(transcript.parse(data, "paper.yaml"), transcript.places(data, "paper.yaml"))
    (told,) = found.value.diagnostics
    assert told.code == "CRM-F011" and told.span is not None
    assert (told.span.file, told.span.line, told.span.column) == ("paper.yaml", line, column)


@pytest.mark.parametrize("text", ["? [a, b]\n: x\ntenant: t\n", "tenant: t\ndatasets:\n  ? [a]\n  : x\n"])
def test_a_field_whose_name_is_a_list_is_refused_like_any_that_is_not_known(text: str) -> None:
    data = text.encode()
    with pytest.raises(Problem) as found:
        transcript.destruction(transcript.parse(data, "paper.yaml"), transcript.places(data, "paper.yaml"))
    assert [each.code for each in found.value.diagnostics] == ["CRM-F011"]


@pytest.mark.parametrize("field", ["name", "unit", "who"])
def test_a_line_of_an_evaluation_holds_no_line_break_in_a_name(field: str) -> None:
    fine = {"kind": "measure", "name": "speed", "side": "before", "value": "5", "unit": "s", "who": "Ann"}
    assert refused(Remark(**fine), ()) is None
    found = refused(Remark(**{**fine, field: "Ann\nBcc: x"}), ())
    assert found is not None and (found.code, found.params["field"]) == ("CRM-F035", field)

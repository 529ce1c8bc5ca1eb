"""Who is taken out of a sentence: also where a script has no blanks between its words."""

from __future__ import annotations

from crmstate.core.record import State
from crmstate.views.mask import masking


def test_a_name_is_found_in_a_sentence_without_blanks_and_not_inside_of_another_word() -> None:
    people = ({"by": "Ann Li"}, {"by": "HR"}, {"by": "张三丰"}, {"by": "李雷"})
    mask = masking(State("exit"), None, people, str)
    assert mask("由张三丰签字，李雷复核；经Ann Li确认") == "由P3签字，P4复核；经P1确认"
    assert mask("Ann Link and THREE stay") == "Ann Link and THREE stay"
    assert [mask(name) for name in ("李雷", "HR")] == ["P4", "P2"]

"""Meaning is weighed together with structure; one mistake makes one finding; doubts are warnings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from crmstate.core.diagnostic import Problem
from crmstate.core.words import Severity
from crmstate.manifest.load import Loaded, check

from .conftest import Write

Load = Callable[..., Loaded]


def codes(path: Path) -> list[str]:
    return [each.code for each in check(path)]


def test_structure_and_meaning_are_told_at_once(write: Write) -> None:
    path = write("colour: blue\nend_state: {users: {status: removed}}\n")
    assert codes(path) == ["CRM-M031", "CRM-M073"]


def test_a_misspelt_freeze_is_not_also_a_missing_one(write: Write) -> None:
    assert codes(write("cutover: {freez: now}\nend_state: {users: {status: removed}}\n")) == ["CRM-M030"]


def test_a_misspelt_status_still_needs_its_freeze(write: Write) -> None:
    assert codes(write("end_state: {users: {status: removd}}\n")) == ["CRM-M073", "CRM-M033"]


def test_a_freeze_at_the_top_is_told_its_place_and_is_not_also_missing(write: Write) -> None:
    path = write("freeze: now\nend_state: {users: {status: removed}}\n")
    (found,) = check(path)
    assert (found.code, found.params["home"]) == ("CRM-M032", "cutover.freeze")


def test_now_must_be_written_and_is_enough(loaded: Load) -> None:
    assert loaded("cutover: {freeze: now}\nend_state: {users: {status: removed}}\n").desired.freeze == "now"


def test_taking_back_needs_no_freeze(loaded: Load) -> None:
    assert loaded("end_state: {users: {status: active}, account: {status: active}}\n").diagnostics == ()


def test_keep_with_nobody_in_it_says_that_nobody_is_needed(loaded: Load) -> None:
    loaded(
        """\
        cutover: {freeze: now}
        end_state:
          subscription: {status: cancelled, effective: immediately}
          users: {status: removed, keep: []}
          account: {status: deleted}
        """
    )


def test_a_written_decision_is_enough_to_purge(loaded: Load) -> None:
    loaded(
        """\
        cutover: {freeze: now}
        end_state:
          data:
            discard: [{dataset: Deals, why: rebuilt, by: head@example.com}]
            purge: {status: purged}
        """
    )


def test_parts_of_a_dataset_that_is_archived_may_be_given_up(loaded: Load) -> None:
    """Its attachments, and its columns, each by a decision of its own."""
    made = loaded(
        """\
        cutover: {freeze: now}
        end_state:
          data:
            archive: {to: ./a, datasets: [Deals]}
            discard:
              - {dataset: Deals, attachments: all, why: scans of letters, by: head@example.com}
              - {dataset: Deals, fields: [Fax], why: empty, by: head@example.com}
            purge: {status: purged}
        """
    )
    assert [(True, ()), (False, ("Fax",))] == [(each.attachments, each.fields) for each in made.desired.discard]


WARNINGS = {
    "CRM-M110": "cutover: {freeze: 2026-12-15T18:00}\nend_state: {}\n",
    "CRM-M111": "contract: {calendar: {zone: Europe/Berlin}}\ncutover: {freeze: 2026-10-25T02:30}\nend_state: {}\n",
    "CRM-M113": "contract: {term: {start: 2026-01-01, length: 12 months}}\nend_state: {}\n",
    "CRM-M114": "cutover: {freeze: now}\nend_state: {account: {status: deleted}}\n",
    "CRM-M115": "cutover: {freeze: now}\nend_state: {users: {status: removed, transfer_records_to: a@example.com}}\n",
}


@pytest.mark.parametrize("code", WARNINGS)
def test_a_doubt_is_a_warning_and_the_manifest_is_loaded(code: str, loaded: Load) -> None:
    (found,) = loaded(WARNINGS[code]).diagnostics
    assert (code, Severity.WARNING) == (found.code, found.severity)


def test_nobody_answering_for_a_purge_is_a_doubt(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(
        "apiVersion: crmstate/v1\nkind: Decommission\nname: x\nprovider: {name: sandbox, embedded: s.db}\n"
        "cutover: {freeze: now}\nend_state: {data: {archive: {to: ./a}, purge: {status: purged}}}\n"
    )
    assert codes(path) == ["CRM-M112"]


def test_two_circles_are_both_told_with_both_lines(write: Write) -> None:
    path = write(
        """\
        end_state: {}
        people:
          - {id: a, title: A, owner: a@example.com, after: b}
          - {id: b, title: B, owner: a@example.com, after: a}
          - {id: c, title: C, owner: a@example.com, after: d}
          - {id: d, title: D, owner: a@example.com, after: c}
        """
    )
    found = check(path)
    assert [(each.code, each.span.line if each.span else 0, each.params["other_line"]) for each in found] == [
        ("CRM-M072", 8, "9"),
        ("CRM-M072", 10, "11"),
    ]


def test_a_chain_of_three_thousand_people_is_no_circle_and_takes_no_time(write: Write) -> None:
    people = "".join(f"  - {{id: p{n}, title: T, owner: a@example.com, after: p{n - 1}}}\n" for n in range(1, 3000))
    path = write("end_state: {}\npeople:\n  - {id: p0, title: T, owner: a@example.com}\n" + people)
    assert check(path) == []


def test_a_notice_as_long_as_the_term_is_just_possible(loaded: Load) -> None:
    loaded(
        """\
        contract:
          term: {start: 2026-01-01, length: 1 year, end: inclusive}
          notice: {period: 12 months, before: term_end}
        end_state: {}
        """
    )


def test_a_place_that_only_passes_the_states_folder_is_not_inside_it(loaded: Load) -> None:
    """It is refused all the same: no place leads up."""
    with pytest.raises(Problem) as found:
        loaded("end_state: {data: {archive: {to: .crmstate/../archive}}}\n")
    assert [each.code for each in found.value.diagnostics] == ["CRM-M062"]

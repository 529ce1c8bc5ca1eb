"""Rules of law: every row has a source and its dates, everything that it runs from exists, and it never touches a contract."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from crmstate.core.contract import Calendar, ContractGoal
from crmstate.core.deadline import Dated, Unknown
from crmstate.core.law import EVENTS, Law, apply_laws
from crmstate.core.planning.timeline import all_dates, legal, timeline
from crmstate.core.record import State
from crmstate.rules import HERE, laws, laws_of
from crmstate.views.catalogue import LANGUAGES, load

from .scenes import NOW, wish

ROOT = Path(__file__).parents[2]
BERLIN = Calendar("Europe/Berlin", "DE")
TODAY = date(2026, 11, 28)


def dates(events: dict[str, Dated | Unknown | date], *regimes: str, today: date = TODAY) -> dict[str, str | None]:
    found = apply_laws(laws(), regimes, events, BERLIN, today)
    return {each.law.id: each.date.day if isinstance(each.date, Dated) else None for each in found}


@pytest.mark.parametrize("law", laws(), ids=lambda law: law.id)
def test_a_row_has_a_source_its_dates_and_words(law: Law) -> None:
    assert law.source
    assert law.article
    assert date.fromisoformat(law.checked_on) <= TODAY
    assert date.fromisoformat(law.valid_from) < date.fromisoformat(law.valid_to or "9999-12-31")
    assert law.bound in ("at_most", "at_least", "duty", "once", "none")
    assert (law.bound in ("at_most", "at_least")) == (law.period is not None)
    assert law.period is None or law.period.split()[1] in ("days", "working_days", "months")
    assert law.since is None or law.since in EVENTS or law.since in {each.id for each in laws()}
    assert law.roll == "none" or (law.roll == "later" and law.cited)
    codes = {f"law.{law.id}", f"bound.{law.bound}", *({f"occasion.{law.since}"} if law.since else ())}
    assert all(codes <= set(load(lang)) for lang in LANGUAGES)


def test_no_id_stands_twice_and_every_regime_of_the_manifest_but_one_has_rows() -> None:
    ids = [law.id for law in laws()]
    assert len(ids) == len(set(ids))
    assert {law.regime for law in laws()} == {"gdpr", "ccpa", "pipl", "eu-data-act"}
    assert laws_of(["uk-gdpr"]) == ()


@pytest.mark.parametrize("path", sorted(HERE.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_file_is_of_the_published_schema(path: Path) -> None:
    schema = json.loads((ROOT / "schemas" / "rules.schema.json").read_text("utf-8"))
    written = YAML(typ="safe", pure=True).load(path.read_text("utf-8"))
    jsonschema.validate(written, schema)
    for row in written["rules"]:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"rules": [{key: row[key] for key in row if key != "source"}]}, schema)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"rules": [{key: row[key] for key in row if key != "checked_on"}]}, schema)


def test_the_switching_of_providers_by_the_data_act() -> None:
    found = dates({"switching_request": date(2026, 12, 31)}, "eu-data-act")
    assert {name.partition(".")[2]: day for name, day in found.items()} == {
        "notice": "2027-03-01", "transition": "2027-03-30", "unfeasible": "2027-01-21", "unfeasible_transition": "2027-09-28",
        "extension": None, "retrieval": "2027-04-29", "erasure": "2027-04-29", "erase_only": "2027-02-28",
        "charges": "2027-01-12",
    }  # fmt: skip


def test_an_answer_to_a_person_by_the_gdpr() -> None:
    found = dates({"subject_request": date(2027, 1, 31), "contract_end": date(2026, 12, 31)}, "gdpr")
    assert found == {"gdpr.return": "2026-12-31", "gdpr.answer": "2027-03-01", "gdpr.answer_extended": "2027-04-30"}


def test_a_rule_applies_on_the_day_that_it_runs_from() -> None:
    assert "eu-data-act.notice" not in dates({"switching_request": date(2025, 9, 11)}, "eu-data-act")
    assert "eu-data-act.notice" in dates(
        {"switching_request": date(2025, 9, 12)}, "eu-data-act", today=date(2020, 1, 1)
    )
    assert dates({}, "pipl", today=date(2021, 10, 31)) == {}


def test_rules_that_refer_to_each_other_have_no_date() -> None:
    first = Law("a", "x", "a", "s", "2026-01-01", "2020-01-01", "at_most", "b", "1 months")
    second = Law("b", "x", "b", "s", "2026-01-01", "2020-01-01", "at_most", "a", "1 months")
    assert [
        each.date for each in apply_laws([first, second], ["x"], {}, BERLIN, TODAY) if isinstance(each.date, Dated)
    ] == []


def test_no_rule_changes_a_date_of_the_contract() -> None:
    desired = wish(contract=ContractGoal(regimes=("gdpr", "eu-data-act", "pipl", "ccpa"), calendar=BERLIN))
    plain = timeline(desired, State("exit"), NOW)
    lawful = timeline(desired, State("exit"), NOW, laws())
    assert [each for each in lawful.dates if each.what != "law"] == list(plain.dates)
    assert lawful.unknown == plain.unknown
    assert all_dates(desired, State("exit"), NOW, legal(desired, State("exit"), "", laws())) == plain.dates

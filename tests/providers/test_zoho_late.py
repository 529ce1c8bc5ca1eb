"""Zoho's provider beside the simulator where that is late or lies apart, as the vendor says it is: counts that lag, a bin that
ends much in jobs, texts and files that have calls of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crmstate.core.provider import Batch, Count, Item
from crmstate.core.words import Kind, Outcome, Verb
from crmstate.sandbox import World

from ..contract.stage import Company, Who
from ..contract.zoho_stage import ZohoStage


@pytest.fixture
def here(tmp_path: Path) -> Iterator[tuple[ZohoStage, Any]]:
    stage = ZohoStage(tmp_path)
    company = Company(stage)
    try:
        yield stage, company.writer(Who.REFRESHING)
    finally:
        company.close()
        stage.close()


def truth(stage: ZohoStage) -> World:
    return stage._world


def test_a_count_that_lags_behind_a_purge_of_ours_is_not_believed_and_one_that_shows_rows_is(here: Any) -> None:
    stage, session = here
    truth(stage).set_traits(lag=10)
    dataset, ids = stage.rows(["gone"] * 4)
    truth(stage).run("UPDATE rows SET created_at = '2026-01-01T00:00:00Z', modified_at = '2026-01-01T00:00:00Z'")
    some, last = ids[:3], ids[3:]

    assert Count(4) == session.count(dataset)
    for part, expected in ((some, Count(4)), (last, Count(None, exact=False))):
        done = session.perform(Batch(Kind.DATASET, Verb.PURGE, tuple(Item(id) for id in part), parent=dataset))
        assert {Outcome.DONE} == {each.outcome for each in done}
        assert expected == session.count(dataset)
    assert () == session.read(dataset, None).rows


def test_a_bin_that_ends_records_in_jobs_is_emptied_and_nothing_else_with_it(here: Any) -> None:
    stage, session = here
    truth(stage).set_traits(delete_at_once=2, job_polls=2)
    ours, others = stage.put(Kind.BIN, ["ours", "others"])
    module = next(each["id"] for each in truth(stage).truth()["datasets"] if each["name"] == "ours")
    truth(stage).add_rows(module, [{"id": f"r{n}", "binned": True} for n in range(5)])

    (found,) = session.perform(Batch(Kind.BIN, Verb.EMPTY, (Item(ours),)))

    assert Outcome.DONE is found.outcome
    assert {others: 1} == {each.id: each.facts.rows for each in session.list(Kind.BIN).resources}
    assert truth(stage).all("SELECT 1 FROM meta WHERE name LIKE 'zoho/job/take/%'")


def test_formatted_texts_are_read_whole_page_by_page_and_by_their_ids(here: Any) -> None:
    stage, session = here
    whole = f"<p>{'long ' * 300}</p>"
    dataset, ids = stage.rows([whole, "short", whole])
    module = next(each["id"] for each in truth(stage).truth()["datasets"] if each["name"] == "rows")
    truth(stage).run(
        "UPDATE datasets SET fields = ? WHERE id = ?", '[{"name":"name","type":"text","label":"Name"}]', module
    )
    truth(stage).set_traits(rich_text=[f"{module}/name"])

    read = session.read(dataset, None).rows

    assert [True, False, True] == [whole.encode() in row.raw for row in read]
    assert [read[2].raw] == [row.raw for row in session.read(dataset, ids=ids[2:]).rows]


def test_files_in_fields_are_found_and_fetched(here: Any) -> None:
    stage, session = here
    dataset = stage.attachment(b"signed by both")
    (module,) = (each["id"] for each in truth(stage).truth()["datasets"] if each["name"] == "rows")
    truth(stage).set_traits(file_fields={f"{module}/f1": "contract"})

    (found,) = session.files(dataset).files

    assert ("Verträge/合同.pdf", b"signed by both") == (found.name, b"".join(session.fetch(found)))


def test_photos_are_found_and_fetched(here: Any) -> None:
    stage, session = here
    dataset = stage.attachment(b"a face")
    (module,) = (each["id"] for each in truth(stage).truth()["datasets"] if each["name"] == "rows")
    truth(stage).set_traits(photos=[f"{module}/f1"])

    (found,) = session.files(dataset).files

    assert (f"photo{found.row}", b"a face") == (found.id, b"".join(session.fetch(found)))

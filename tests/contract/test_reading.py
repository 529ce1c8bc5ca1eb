"""Reading from every vendor: what comes back is whole, or says that it is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from crmstate.core.diagnostic import Problem
from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Cell
from crmstate.core.record import State
from crmstate.core.words import Exit, How, Kind, Phase, Verb
from crmstate.engine.observe import observe
from crmstate.providers.kit import ATTEMPTS

from .stage import Company, Stage, Trouble, Who, look, request_of, rows_of, secrets

PASSING = [
    Trouble.THROTTLED_FOR_SECONDS,
    Trouble.THROTTLED_WITHOUT_A_WORD,
    Trouble.OUTAGE_500,
    Trouble.OUTAGE_502,
    Trouble.OUTAGE_503,
    Trouble.RESET_AT_ONCE,
    Trouble.CUT_BEFORE_THE_EFFECT,
    Trouble.CUT_AFTER_THE_EFFECT,
    Trouble.TORN_BODY,
    Trouble.MALFORMED_BODY,
    Trouble.CUT_GZIP,
    Trouble.ECHO_IN_ERROR,
    Trouble.ECHO_IN_HTML,
]
NAMES = ["王小明", "Zoë Groß", "عمر", "O'Neil <b>", "𝕬 🚀", "a\u202eb", "tab\tname", 'quote"back\\slash', "e\u0301"]


def set_scene(stage: Stage) -> str:
    """Something of everything; the id of a dataset with rows."""
    for kind in (Kind.USER, Kind.SESSION, Kind.API_KEY, Kind.INTEGRATION, Kind.MODULE, Kind.SETTING, Kind.BIN):
        stage.put(kind, ["one", "two", "three"])
    return stage.rows(["first", "second", "third"])[0]


@pytest.mark.parametrize("trouble", PASSING)
def test_trouble_that_passes_does_not_change_what_is_read(
    stage: Stage, company: Company, reading: Cell, trouble: Trouble
) -> None:
    dataset = set_scene(stage)
    expected = look(company.reader(), reading, dataset)
    stage.trouble(trouble, request_of(reading), times=2)

    assert expected == look(company.reader(), reading, dataset)
    assert company.clock.slept


def test_a_wait_that_the_vendor_asks_for_is_kept(stage: Stage, company: Company, reading: Cell) -> None:
    dataset = set_scene(stage)
    stage.trouble(Trouble.THROTTLED_FOR_SECONDS, request_of(reading))

    look(company.reader(), reading, dataset)

    assert sum(company.clock.slept) == pytest.approx(7, abs=0.5)


def test_an_outage_that_stays_is_raised_after_a_few_tries(stage: Stage, company: Company, reading: Cell) -> None:
    dataset = set_scene(stage)
    stage.trouble(Trouble.OUTAGE_503, request_of(reading), times=None)
    before = len(stage.truth.received())

    with pytest.raises(Failure) as raised:
        look(company.reader(), reading, dataset)

    asked = stage.truth.received()[before:]
    assert Code.UNAVAILABLE is raised.value.code
    assert asked[-ATTEMPTS:] == [asked[-1]] * asked.count(asked[-1])


def test_a_used_up_quota_is_raised_at_once_with_its_end(stage: Stage, company: Company, reading: Cell) -> None:
    dataset = set_scene(stage)
    stage.trouble(Trouble.QUOTA_USED_UP, request_of(reading))

    with pytest.raises(Failure) as raised:
        look(company.reader(), reading, dataset)

    assert (raised.value.code, company.clock.slept) == (Code.EXHAUSTED, [])
    assert raised.value.until and raised.value.until.endswith(stage.midnight)


def test_a_slow_answer_is_asked_for_again(stage: Stage, company: Company, reading: Cell) -> None:
    dataset = set_scene(stage)
    expected = look(company.reader(), reading, dataset)
    stage.trouble(Trouble.SLOW_BEFORE_THE_EFFECT, request_of(reading))

    assert expected == look(company.reader(timeout=stage.late), reading, dataset)


def test_a_token_that_ends_midway_is_renewed_unseen(stage: Stage, company: Company, reading: Cell) -> None:
    dataset = set_scene(stage)
    expected = look(company.reader(Who.REFRESHING), reading, dataset)
    session = company.reader(Who.REFRESHING)
    session.whoami()
    stage.trouble(Trouble.TOKEN_EXPIRED, request_of(reading))

    assert expected == look(session, reading, dataset)


def test_a_dead_credential_is_raised_as_expired_or_is_the_answer(stage: Stage, company: Company, reading: Cell) -> None:
    dataset = set_scene(stage)
    session = company.reader(Who.DEAD)

    if reading.verb is Verb.PROBE:
        assert look(session, reading, dataset) is False
        return
    with pytest.raises(Failure) as raised:
        look(session, reading, dataset)
    assert Code.EXPIRED is raised.value.code


def test_whoami_names_the_tenant_and_the_rights(stage: Stage, company: Company) -> None:
    found = company.reader().whoami()

    assert (stage.tenant, "read", True) == (found.tenant, found.use, found.may_write)
    assert found.rights


def test_a_credential_of_another_tenant_is_told_before_anything_is_listed(stage: Stage, company: Company) -> None:
    session = company.reader(tenant="another")

    with pytest.raises(Problem) as raised:
        observe([session], company.clock, "another", State("exit"))

    assert (Exit.CREDENTIALS, "CRM-V001") == (raised.value.exit, str(raised.value))
    assert session.whoami().tenant != "another"


def test_whoami_names_the_user_and_the_key(stage: Stage, company: Company) -> None:
    found = company.reader().whoami()

    assert found.user and (found.key or found.keyless)


def test_a_whole_view_is_proved_by_the_vendor_or_left_to_a_persons_word(stage: Stage, company: Company) -> None:
    strong, weak = company.reader().whoami(), company.reader(Who.WEAK).whoami()

    assert strong.whole_view != strong.attestable, "either the vendor proves it, or a person has to vouch for it"
    assert (False, strong.attestable) == (weak.whole_view, weak.attestable)


def test_a_listing_is_the_truth(stage: Stage, company: Company, listing: Cell) -> None:
    set_scene(stage)

    found = company.reader().list(listing.kind)

    truth = stage.truth.phases(listing.kind)
    assert (found.complete, found.gap) == (True, None)
    assert truth == {row.id: row.phase for row in found.resources}


def test_an_empty_listing_is_complete(stage: Stage, company: Company, paged: Cell) -> None:
    found = company.reader().list(paged.kind)

    assert found.complete
    assert set(stage.truth.phases(paged.kind)) == {row.id for row in found.resources}


@pytest.mark.parametrize("page", [1, 2, 3, 1000])
def test_pages_of_any_size_give_the_same_listing(stage: Stage, company: Company, paged: Cell, page: int) -> None:
    stage.put(paged.kind, ["one", "two", "three"])

    found = company.reader(page=page).list(paged.kind)

    assert found.complete
    assert set(stage.truth.phases(paged.kind)) == {row.id for row in found.resources}


def test_names_of_every_script_come_as_they_are(stage: Stage, company: Company, paged: Cell) -> None:
    ids = stage.put(paged.kind, NAMES)

    found = {row.id: row.label for row in company.reader().list(paged.kind).resources}

    assert list(stage.labels(paged.kind, ids, NAMES)) == [found[id] for id in ids]


@pytest.mark.deep
def test_ten_thousand_rows_come_whole(stage: Stage, company: Company, paged: Cell) -> None:
    stage.put(paged.kind, ["many"] * 10_000)

    found = company.reader().list(paged.kind)

    assert found.complete
    assert stage.truth.phases(paged.kind).keys() == {row.id for row in found.resources}


def test_asking_for_ids_leaves_out_what_is_not_there(stage: Stage, company: Company, listing: Cell) -> None:
    set_scene(stage)
    there = sorted(stage.truth.phases(listing.kind))[:2]

    found = company.reader().list(listing.kind, [*there, "never-was", there[0]])

    assert (there, True) == (sorted(row.id for row in found.resources), found.complete)


def test_asking_for_hundreds_of_ids_finds_them_all(stage: Stage, company: Company, paged: Cell) -> None:
    ids = stage.put(paged.kind, ["many"] * 250)

    assert ids == sorted(row.id for row in company.reader().list(paged.kind, ids).resources)


def test_asking_for_no_ids_asks_nobody(stage: Stage, company: Company, listing: Cell) -> None:
    assert (company.reader().list(listing.kind, []).resources, stage.truth.received()) == ((), [])


def test_a_weak_credential_makes_no_listing_complete(stage: Stage, company: Company, listing: Cell) -> None:
    set_scene(stage)

    found = company.reader(Who.WEAK).list(listing.kind)

    assert not found.complete
    assert found.gap and found.gap.why in {"gap.partial_view", "gap.unproved", "gap.denied"}


def test_a_denied_listing_is_a_gap_and_not_an_empty_one(stage: Stage, company: Company, listing: Cell) -> None:
    found = company.reader(Who.NO_RIGHTS).list(listing.kind)

    assert (found.resources, found.complete) == ((), False)
    assert found.gap and found.gap.why == "gap.denied"


def test_a_kind_that_the_vendor_does_not_list_is_a_gap(stage: Stage, company: Company) -> None:
    found = company.reader().list(Kind.TENANT)

    assert found.gap and (found.gap.why, found.complete) == ("gap.not_offered", False)


@pytest.mark.parametrize("trouble", [Trouble.ROW_INSERTED_BEHIND, Trouble.ROW_REMOVED_BEHIND, Trouble.SMALLER_PAGES])
def test_a_listing_that_moves_once_is_whole_in_the_end(
    stage: Stage, company: Company, paged: Cell, trouble: Trouble
) -> None:
    stage.put(paged.kind, [f"n{place}" for place in range(7)])
    stage.trouble(trouble, request_of(paged))

    found = company.reader(page=3).list(paged.kind)

    assert found.complete
    assert stage.truth.phases(paged.kind).keys() <= {row.id for row in found.resources}


@pytest.mark.parametrize("trouble", [Trouble.ROW_INSERTED_BEHIND, Trouble.SMALLER_PAGES_THAT_LOSE_ROWS])
def test_a_listing_is_called_complete_only_if_no_row_slipped_through(
    stage: Stage, company: Company, paged: Cell, trouble: Trouble
) -> None:
    stage.put(paged.kind, [f"n{place}" for place in range(7)])
    stage.trouble(trouble, request_of(paged), times=None)

    found = company.reader(page=3).list(paged.kind)

    missed = stage.truth.phases(paged.kind).keys() - {row.id for row in found.resources}
    assert found.complete == (not missed)
    assert found.complete or (found.gap and found.gap.why == "gap.moving")


def test_a_page_that_comes_for_ever_is_raised(stage: Stage, company: Company, paged: Cell) -> None:
    stage.put(paged.kind, [f"n{place}" for place in range(7)])
    stage.trouble(Trouble.REPEATED_PAGE, request_of(paged), times=None)

    with pytest.raises(Failure) as raised:
        company.reader(page=3).list(paged.kind)

    assert Code.UNAVAILABLE is raised.value.code


def test_an_echoed_credential_gets_into_no_row(stage: Stage, company: Company, paged: Cell) -> None:
    stage.put(paged.kind, ["one", "two"])
    stage.trouble(Trouble.ECHO_IN_PAGE, request_of(paged), times=None)

    shown = repr(company.reader().list(paged.kind))

    for secret in secrets(stage):
        assert secret not in shown


def test_rows_come_in_the_vendors_own_text(stage: Stage, company: Company) -> None:
    dataset, ids = stage.rows(NAMES)

    found = rows_of(company.reader(page=4), dataset)

    assert ids == [id for id, _ in found]
    for (id, raw), name in zip(found, NAMES, strict=True):
        assert b"\n" not in raw and id.encode() in raw
        assert name in json_text(raw)


def json_text(raw: bytes) -> str:
    """Every text of a row, however the vendor nests them."""
    import json

    def texts(value: Any) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict | list):
            for each in value.values() if isinstance(value, dict) else value:
                yield from texts(each)

    return "\n".join(texts(json.loads(raw)))


def words_of(raw: bytes) -> set[str]:
    """Every text of a JSON value, the names in it included."""
    import json

    def words(value: Any) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from value
            yield from words(list(value.values()))
        elif isinstance(value, list):
            for each in value:
                yield from words(each)

    return set(words(json.loads(raw)))


def test_the_fields_of_a_dataset_are_described_in_the_vendors_own_text(stage: Stage, company: Company) -> None:
    dataset, _ = stage.rows(["first"])

    found = company.reader().fields(dataset)

    assert found is not None
    assert set(stage.field_names(dataset)) <= words_of(found)
    assert found == company.reader().fields(dataset)


@pytest.mark.parametrize("trouble", PASSING)
def test_trouble_that_passes_does_not_change_how_fields_are_described(
    stage: Stage, company: Company, trouble: Trouble
) -> None:
    dataset, _ = stage.rows(["first"])
    expected = company.reader().fields(dataset)
    stage.trouble(trouble, stage.truth.received()[-1], times=2)

    assert expected == company.reader().fields(dataset)


@pytest.mark.parametrize("trouble", [Trouble.REFUSED_IN_200, Trouble.REFUSED_AS_500, Trouble.FORBIDDEN_TO_EVERYBODY])
def test_a_refusal_is_never_a_description_of_fields(stage: Stage, company: Company, trouble: Trouble) -> None:
    dataset, _ = stage.rows(["first"])
    company.reader().fields(dataset)
    stage.trouble(trouble, stage.truth.received()[-1], times=None)

    with pytest.raises(Failure):
        company.reader().fields(dataset)


def test_an_echoed_credential_gets_into_no_description_of_fields(stage: Stage, company: Company) -> None:
    dataset, _ = stage.rows(["first"])
    company.reader().fields(dataset)
    stage.trouble(Trouble.ECHO_IN_PAGE, stage.truth.received()[-1], times=None)

    found = company.reader().fields(dataset) or b""

    for secret in secrets(stage):
        assert secret.encode() not in found


def test_ten_thousand_rows_of_a_dataset_come_whole_and_in_order(stage: Stage, company: Company) -> None:
    dataset, ids = stage.rows(["many"] * 10_000)
    session = company.reader()

    assert ids == [id for id, _ in rows_of(session, dataset)]


def test_a_count_is_exact_or_there_is_none(stage: Stage, company: Company) -> None:
    dataset, _ = stage.rows(["many"] * 1234)
    cell = stage.provider.cell(Kind.DATASET, Verb.COUNT)

    found = company.reader().count(dataset)

    assert ((1234, True) if cell is not None and cell.how is How.API else (None, False)) == (found.rows, found.exact)


def test_rows_are_read_by_id_and_what_is_not_there_is_left_out(stage: Stage, company: Company) -> None:
    dataset, ids = stage.rows(["one"] * 150)

    page = company.reader().read(dataset, ids=[*ids, "never-was"])

    assert (ids, None) == ([row.id for row in page.rows], page.next)


def test_reading_goes_on_from_a_cursor_in_another_session(stage: Stage, company: Company) -> None:
    dataset, ids = stage.rows(["one"] * 5)
    first = company.reader(page=2).read(dataset)

    left = rows_of(company.reader(page=100), dataset, first.next)

    assert ids == [*(row.id for row in first.rows), *(id for id, _ in left)]


def test_reading_goes_on_behind_a_row_whose_cursor_has_died(stage: Stage, company: Company) -> None:
    """By the key alone: behind any row, also one that is not there any more."""
    dataset, ids = stage.rows(["one"] * 5)
    read = stage.provider.table[Kind.DATASET, Verb.READ]
    assert read.behind is not None

    for place, id in enumerate(ids):
        page = company.reader(page=100).read(dataset, read.behind(id))
        assert ids[place + 1 :] == [row.id for row in page.rows]

    page = company.reader(page=2).read(dataset, read.behind(ids[0]))
    rest = company.reader(page=100).read(dataset, page.next)
    assert ids[1:] == [row.id for row in (*page.rows, *rest.rows)]


@pytest.mark.parametrize("trouble", [Trouble.REPEATED_PAGE])
def test_rows_that_come_for_ever_are_raised(stage: Stage, company: Company, trouble: Trouble) -> None:
    dataset, _ = stage.rows(["one"] * 9)
    read = stage.provider.table[Kind.DATASET, Verb.READ]
    stage.trouble(trouble, request_of(read), times=None)

    with pytest.raises(Failure):
        rows_of(company.reader(page=3), dataset)


def test_an_echoed_credential_gets_into_no_archived_row(stage: Stage, company: Company) -> None:
    dataset, _ = stage.rows(["one", "two"])
    read = stage.provider.table[Kind.DATASET, Verb.READ]
    stage.trouble(Trouble.ECHO_IN_PAGE, request_of(read), times=None)

    found = b"".join(raw for _, raw in rows_of(company.reader(), dataset))

    for secret in secrets(stage):
        assert secret.encode() not in found


def test_rows_that_were_deleted_softly_are_found_by_their_ids(stage: Stage, company: Company) -> None:
    purge = stage.provider.table[Kind.DATASET, Verb.PURGE]
    stage.soften()
    batch = stage.batch(purge, 3)
    assert batch.parent is not None
    session = company.writer()

    session.perform(batch)

    assert (session.count(batch.parent).rows, rows_of(session, batch.parent)) == (0, [])
    assert len(session.read(batch.parent, ids=[item.id for item in batch.items]).rows) == 3


def test_an_attachment_comes_whole(stage: Stage, company: Company) -> None:
    content = bytes(range(256)) * 3000
    session = company.reader()
    (file,) = session.files(stage.attachment(content)).files

    assert content == b"".join(session.fetch(file))
    assert ("Verträge/合同.pdf", len(content)) == (file.name, file.size)


@pytest.mark.parametrize("trouble", [Trouble.TORN_BODY, Trouble.CUT_GZIP])
def test_an_attachment_that_is_cut_short_is_raised(stage: Stage, company: Company, trouble: Trouble) -> None:
    session = company.reader()
    (file,) = session.files(stage.attachment(b"x" * 300_000)).files
    stage.trouble(trouble, stage.fetching(file), times=None)

    with pytest.raises(Failure) as raised:
        b"".join(session.fetch(file))

    assert Code.UNAVAILABLE is raised.value.code


def test_an_address_that_has_ended_is_raised_as_expired(stage: Stage, company: Company) -> None:
    session = company.reader()
    (file,) = session.files(stage.attachment(b"contract")).files
    stage.days_pass(30)

    with pytest.raises(Failure) as raised:
        b"".join(session.fetch(file))

    assert Code.EXPIRED is raised.value.code


def test_a_closed_account_is_absent_under_the_configured_tenant(stage: Stage, company: Company) -> None:
    session = company.writer()
    stage.close_account()
    stage.days_pass(30)

    found = session.list(Kind.ACCOUNT)

    assert [(stage.tenant, Phase.ABSENT)] == [(row.id, row.phase) for row in found.resources]
    assert found.complete
    assert session.alive() is False

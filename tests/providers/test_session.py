"""Sessions over cells that answer what the test says, without a wire: what a session makes of a vendor that misbehaves
politely.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Batch, File, Item, Page, Provider, Result, Row
from crmstate.core.secret import Scrubber, Secret
from crmstate.core.survey import Gap, Identity, Listing, Resource, SubscriptionFacts
from crmstate.core.words import Kind, Outcome, Phase, Undo, Verb
from crmstate.providers.kit import Dialect
from crmstate.providers.kit.connect import connect

from .vendor import Patience, Straight

WHOLE = Identity("", "t", whole_view=True)
ONE = (Item("s"),)


def session(place: Callable[[Provider], None], identity: Identity = WHOLE) -> Any:
    made = Provider("toy", "Toy", ("token",), ("TOY_",), ("127.0.0.1",), {}, dialect=Dialect())
    made.reads(Kind.TENANT, Verb.WHOAMI, "GET /me", source="here")(lambda call: identity)
    place(made)
    scrubber = Scrubber()
    return connect(
        made,
        "http://127.0.0.1:1",
        {"token": Secret("token-of-the-test")},
        "write",
        effects=Straight(),
        clock=Patience(),
        learn=scrubber.learn,
        scrub=scrubber.scrub,
    )


def lists(kind: Kind, *rows: Resource) -> Callable[[Provider], None]:
    return lambda made: made.reads(kind, Verb.LIST, "GET /x", source="here")(lambda call, ids: list(rows))


def reads(page: Page, **parts: Any) -> Callable[[Provider], None]:
    return lambda made: made.reads(Kind.DATASET, Verb.READ, "GET /x", source="here", **parts)(lambda *_: page)


def acts(kind: Kind, verb: Verb, after: Phase, answer: Any, *rows: Resource) -> Callable[[Provider], None]:
    def place(made: Provider) -> None:
        def run(call: object, batch: Batch) -> list[Result]:
            if isinstance(answer, Failure):
                raise answer
            return [answer]

        made.acts(kind, verb, undo=Undo.NEVER, after=after, source="here")(run)
        lists(kind, *rows)(made)

    return place


@pytest.mark.parametrize("found", [b"abc", b"abcdef", b""])
def test_an_attachment_of_another_size_than_listed_is_raised(found: bytes) -> None:
    made = session(reads(Page((), None), fetch=lambda call, file: iter([found])))

    with pytest.raises(Failure) as raised:
        b"".join(made.fetch(File("f", "r", "n", "/f", size=5)))

    assert Code.UNAVAILABLE is raised.value.code


def test_an_attachment_that_never_ends_is_stopped_at_its_size() -> None:
    made = session(reads(Page((), None), fetch=lambda call, file: iter(lambda: b"x" * 10, b"")))
    taken = 0

    with pytest.raises(Failure):
        for piece in made.fetch(File("f", "r", "n", "/f", size=25)):
            taken += len(piece)

    assert taken <= 25


@pytest.mark.parametrize("page", [Page((Row("a", b"{}"), Row("other", b"{}")), None), Page((Row("a", b"{}"),), "more")])
def test_a_vendor_that_ignores_the_ids_proves_no_absence(page: Page) -> None:
    with pytest.raises(Failure) as raised:
        session(reads(page)).read("set", ids=["a", "gone"])

    assert Code.REJECTED is raised.value.code


def test_rows_that_nobody_asked_for_are_no_part_of_a_listing() -> None:
    made = session(lists(Kind.USER, Resource(Kind.USER, "a"), Resource(Kind.USER, "b")))

    assert ["b"] == [row.id for row in made.list(Kind.USER, ["b", "c"]).resources]


@pytest.mark.parametrize(("whole", "outcome"), [(True, Outcome.DONE), (False, Outcome.FAILED)])
def test_a_conflict_over_a_thing_that_is_not_listed_is_done_only_with_the_whole_view(
    whole: bool, outcome: Outcome
) -> None:
    conflict = Result("s", Outcome.FAILED, Code.CONFLICT.value)
    made = session(acts(Kind.USER, Verb.DELETE, Phase.ABSENT, conflict), Identity("", "t", whole_view=whole))

    assert [outcome] == [each.outcome for each in made.perform(Batch(Kind.USER, Verb.DELETE, ONE))]


@pytest.mark.parametrize(("pending", "outcome"), [("cancel", Outcome.REQUESTED), ("pause", Outcome.FAILED)])
def test_a_conflict_with_a_request_is_requested_only_if_it_is_the_same_request(pending: str, outcome: Outcome) -> None:
    facts = SubscriptionFacts(pending=pending, effective="2027-01-31", request_id="q-1")
    row = Resource(Kind.SUBSCRIPTION, "s", "", Phase.PENDING, facts, "2027-01-31")
    refusal = Failure(Code.CONFLICT, "A request is under way.")
    made = session(acts(Kind.SUBSCRIPTION, Verb.CANCEL, Phase.ABSENT, refusal, row))

    (result,) = made.perform(Batch(Kind.SUBSCRIPTION, Verb.CANCEL, ONE))

    assert outcome is result.outcome
    assert (("2027-01-31", "q-1") if outcome is Outcome.REQUESTED else (None, None)) == (
        result.until,
        result.request_id,
    )


@pytest.mark.parametrize("code", [Code.DENIED, Code.EXPIRED, Code.EXHAUSTED, Code.THROTTLED, Code.UNAVAILABLE])
def test_a_call_that_did_not_happen_for_a_reason_beyond_its_items_is_raised(code: Code) -> None:
    made = session(acts(Kind.USER, Verb.DELETE, Phase.ABSENT, Failure(code)))

    with pytest.raises(Failure) as raised:
        made.perform(Batch(Kind.USER, Verb.DELETE, ONE))

    assert code is raised.value.code


def test_a_provider_may_vouch_for_its_own_listing() -> None:
    said = Listing(Kind.USER, (), complete=False, gap=Gap(Kind.USER, "gap.moving"))
    made = session(lambda made: made.reads(Kind.USER, Verb.LIST, "GET /x", source="here")(lambda call, ids: said))

    assert said == made.list(Kind.USER)


@pytest.mark.parametrize(
    "ask",
    [
        lambda made: made.read("x"),
        lambda made: made.perform(Batch(Kind.BIN, Verb.EMPTY, ONE)),
    ],
)
def test_what_no_cell_offers_is_refused(ask: Callable[[Any], object]) -> None:
    with pytest.raises(Failure) as raised:
        ask(session(lambda made: None))

    assert Code.REJECTED is raised.value.code


def test_a_vendor_that_counts_nothing_says_so() -> None:
    found = session(lambda made: None).count("x")

    assert (None, False) == (found.rows, found.exact)


@pytest.mark.parametrize(("attestable", "attested"), [(True, True), (True, False), (False, True)])
def test_only_where_a_vendor_cannot_prove_a_view_somebodys_word_stands_in(attestable: bool, attested: bool) -> None:
    made = session(lists(Kind.USER), Identity("", "t", attestable=attestable))
    made._line.attested = attested
    found = made.list(Kind.USER)

    assert found.complete == (attestable and attested)
    if not found.complete:
        assert found.gap and found.gap.why == ("gap.unproved" if attestable else "gap.partial_view")

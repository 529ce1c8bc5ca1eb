"""The report and the summary of a bundle: one page that stands alone, in which other people's text is only text."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmstate.core.address import Address
from crmstate.core.decision import Decision
from crmstate.core.event import (
    Approved,
    Confirmed,
    Created,
    Event,
    Held,
    Intended,
    Observed,
    Settled,
    Settlement,
    StepRef,
)
from crmstate.core.holdings import HeldDataset, Holdings
from crmstate.core.message import message
from crmstate.core.plan import Deadline, Plan
from crmstate.core.record import State
from crmstate.core.words import Outcome, Proof, Undo, Verb
from crmstate.views.catalogue import LANGUAGES, Catalogue
from crmstate.views.report import report
from crmstate.views.summary import Document, Facts, summary
from tests.views.hostile import INVISIBLE
from tests.views.samples import plan, record, representative
from tests.views.test_hostile import _state, plans

NOW = "2026-12-05T08:00:00Z"
OURS = frozenset(
    [
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "header",
        "h1",
        "p",
        "main",
        "ul",
        "li",
        "b",
        "span",
        "section",
        "h2",
        "h3",
        "figure",
        "svg",
        "line",
        "text",
        "circle",
        "path",
        "figcaption",
        "i",
        "div",
        "table",
        "thead",
        "tr",
        "th",
        "tbody",
        "td",
        "footer",
    ]
)
ATTRIBUTES = frozenset(
    [
        "lang",
        "charset",
        "http-equiv",
        "content",
        "name",
        "class",
        "id",
        "scope",
        "data-label",
        "viewbox",
        "role",
        "aria-label",
        "xmlns",
        "x1",
        "x2",
        "y1",
        "y2",
        "x",
        "y",
        "cx",
        "cy",
        "r",
        "d",
        "text-anchor",
    ]
)
DATES = (
    Deadline(
        "recheck",
        "2027-02-01T00:00:00Z",
        Address("archive/contacts"),
        message("date.recheck", every="every 90 days", n=2),
    ),
)


class Reader(HTMLParser):
    """What a browser would make of a page: tags, attributes, text."""

    def __init__(self, data: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.values: list[str] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.style = ""
        self.feed(data.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.values += [value or "" for _, value in attrs]
        if tag not in ("meta", "line", "circle", "path"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.text.append("\n" if tag == "td" else "")
        if tag not in ("line", "circle", "path"):
            assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.style += data
        else:
            self.text.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def happened(text: str = "Ada <ada@example.com>") -> tuple[Event, ...]:
    """An event of every sort that a page shows."""
    ref = StepRef("s1", Address("human_step/impact"), Verb.CONFIRM, Undo.FREE, text)
    first = next(iter(record().entries))
    return (
        Created("2026-11-01T08:00:00Z", text, text, text, text),
        Approved("2026-11-20T08:00:00Z", text, text, text, text),
        Held("2026-11-21T08:00:00Z", text, text, text),
        Intended("2026-12-01T08:00:00Z", text, text, (ref,)),
        Settled("2026-12-01T08:00:01Z", text, text, (Settlement(first, Outcome.DONE, Proof.OBSERVED, summary=text),)),
        Confirmed("2026-12-02T08:00:00Z", ref, text, Proof.ATTESTED, text),
        Observed(text, text),
    )


def facts(state: State, made: Plan | None, text: str = "x", masked: bool = False) -> Facts:
    held = HeldDataset(text, text, text, 3, 1, True, 10, 1, text, text, text, Decision(text, text))
    holdings = Holdings(text, 2, text, text, text, (held,), ((text, "partial", "no_attachments"),), (text,))
    document = Document("evidence/aa", text, 3, (text,), (text,), "attested", text)
    return Facts(state, "f" * 64, made, happened(text), (document,), holdings, NOW, masked, "0.1.0", "d" * 64)


def pages(state: State, made: Plan | None, words: Catalogue, text: str, masked: bool = False) -> list[bytes]:
    return [
        report(state, made, happened(text), words, now=NOW, tool="0.1.0", dates=DATES, masked=masked),
        summary(facts(state, made, text, masked), words),
    ]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_sentence_of_a_page_has_its_words(lang: str) -> None:
    for made in (representative(), plan(), None):
        for page in pages(record(), made, Catalogue(lang, strict=True), "Ada"):
            read = Reader(page)
            assert read.open == [] and {"svg", "table", "circle"} <= read.tags
            assert f'lang="{lang}"'.encode() in page


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_summary_says_whose_decision_left_attachments_out(lang: str) -> None:
    words = Catalogue(lang, strict=True)
    page = summary(facts(record(), None, "Ada"), words).decode()
    assert words.text_of("archive.given_up", dataset="Ada", who="Ada", text="Ada") in page


@settings(max_examples=40, deadline=None)
@given(plans(), st.sampled_from(LANGUAGES), st.booleans())
def test_hostile_text_is_only_text(made: Plan, lang: str, masked: bool) -> None:
    for page in pages(_state(made.name), made, Catalogue(lang), made.name, masked):
        read = Reader(page)
        assert read.tags <= OURS and read.attributes <= ATTRIBUTES
        assert not any(
            value.startswith(("javascript:", "http")) for value in read.values if "w3.org/2000/svg" not in value
        )
        shown = "".join(read.text)
        assert {char for char in shown if char != "\n" and not char.isprintable()} == set()
        assert not INVISIBLE & set(shown)


def test_a_page_forbids_everything_but_its_own_style_and_names_no_other_place() -> None:
    for page in pages(record(), representative(), Catalogue("en"), "Ada"):
        read = Reader(page)
        digest = base64.b64encode(hashlib.sha256(read.style.encode()).digest()).decode()
        policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
        assert policy in read.values
        assert "url(" not in read.style and "@import" not in read.style
        assert not {"href", "src", "srcset", "style", "action"} & read.attributes
        assert not any(name.startswith("on") for name in read.attributes)


def test_a_page_says_what_is_due_who_has_to_act_and_since_when() -> None:
    shown = text_of(report(record(), representative(), happened(), Catalogue("en"), now=NOW, tool="1", dates=DATES))
    assert "Under way. 2 steps are done; the weakest proof among them is: acknowledged by the vendor." in shown
    assert "2026-12-10, in 5 days" in shown
    assert "it@example.com, for 4 days already, due 2026-12-10, in 5 days" in shown
    assert "Waiting for the vendor (2)" in shown
    assert "whether it happened cannot be seen" in shown


def test_what_is_code_in_a_terminal_is_plain_words_on_a_page() -> None:
    assert "needs a written discard with" in text_of(
        report(record(), representative(), (), Catalogue("en"), now=NOW, tool="1")
    )


def test_what_is_overdue_comes_first_and_says_by_how_much() -> None:
    later = report(record(), representative(), happened(), Catalogue("en"), now="2027-01-02T00:00:00Z", tool="1")
    assert re.search(r'<li class="late">\s*<p class="lead">2026-12-10, 23 days late</p>', later.decode())


def test_what_it_costs_to_miss_a_date_is_said_where_it_is_known() -> None:
    class Dear(Deadline, frozen=True):
        missed: tuple[object, ...] = (message("fact.owner", who="nobody for 12 months, 14,400 USD"),)

    dear = Dear("notice", "2026-12-20T00:00:00Z", Address("subscription/main"), message("why.resume"))
    shown = text_of(report(record(), None, (), Catalogue("en"), now=NOW, tool="1", dates=(dear,)))
    assert "If it is missed: by nobody for 12 months, 14,400 USD" in shown


def test_a_summary_claims_of_the_whole_what_its_weakest_condition_proves() -> None:
    open_ = text_of(summary(facts(record(), representative()), Catalogue("en")))
    assert re.search(r"The whole\s+none", open_)
    state = record()
    for entry in state.entries.values():
        entry.outcome, entry.proof = Outcome.DONE, Proof.OBSERVED
    next(iter(state.entries.values())).proof = Proof.WAIVED
    ahead = text_of(summary(facts(state, representative()), Catalogue("en")))
    assert re.search(r"The whole\s+none", ahead)
    done = text_of(summary(facts(state, plan()), Catalogue("en")))
    assert re.search(r"The whole\s+waived", done)


def test_people_are_numbers_where_the_manifest_masks_them_and_the_same_person_the_same_number() -> None:
    state = record()
    state.approvals = tuple(
        msgspec.structs.replace(state.approvals[0], by=who)
        for who in ("Ada Lovelace", "bob@example.com", "Ada Lovelace")
    )
    state.entries[next(iter(state.entries))].summary = "asked eve@example.org"
    for entry in state.entries.values():
        entry.outcome = Outcome.FAILED
        entry.label = "Charles Babbage" if entry.address.startswith("user/") else entry.label
    clear, hidden = (pages(state, None, Catalogue("en"), "Ada Lovelace", masked)[0] for masked in (False, True))
    assert b"Ada Lovelace" in clear and b"bob@example.com" in clear and b"eve@" in clear and b"Charles Babbage" in clear
    for page in pages(state, representative(), Catalogue("en"), "Ada Lovelace", True):
        assert not any(
            name in page for name in (b"Lovelace", b"bob@", b"Babbage", b"it@example.com", b"head@", b"eve@")
        )
    who = re.findall(r"Approved by (P\d+)", text_of(hidden))
    assert who[0] == who[2] != who[1]
    assert "replaced by numbers" in text_of(hidden)


def test_the_same_facts_give_the_same_bytes() -> None:
    assert pages(record(), representative(), Catalogue("en"), "x") == pages(
        record(), representative(), Catalogue("en"), "x"
    )


def test_many_thousand_steps_make_a_page_of_bearable_size() -> None:
    made = representative()
    many = tuple(
        msgspec.structs.replace(
            made.steps[0], id=f"{n:016x}", address=Address(f"human_step/s{n}"), owner=f"o{n}@example.com"
        )
        for n in range(20_000)
    )
    made = msgspec.structs.replace(made, steps=many)
    assert len(report(record(), made, happened(), Catalogue("en"), now=NOW, tool="1")) < 300_000


def text_of(page: bytes) -> str:
    return re.sub(r"\s*\n\s*", "\n", "".join(Reader(page).text))

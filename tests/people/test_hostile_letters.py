"""Other people's text stays text: in Markdown, on paper and in the head of a mail. Read back by a Markdown parser and a mail
parser of others."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, date, datetime

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from crmstate.core.contract import ContractGoal, NoticeClause, Parties, Period
from crmstate.core.diagnostic import Problem
from crmstate.core.goal import Desired, SubscriptionGoal
from crmstate.core.record import State
from crmstate.people.dates import Dates
from crmstate.people.draft import addressee, draft
from crmstate.people.facts import Fact, Gap, Occasion, facts
from crmstate.people.letters import LANGUAGES, LETTERS
from crmstate.people.prose import escaped, plain, tidy
from crmstate.people.writing import Written, write
from crmstate.views.catalogue import Catalogue

CLEAN = Catalogue("en").plain
READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
SIGNS = "a1 Z九{}%#-+*_`~<>[]()|\\!&:/.=\"'\n\r\t\u2028\u202e\u200b\u05d0\u0639\U0001f600;@$"
HOSTILE = st.text(st.sampled_from(SIGNS), min_size=1, max_size=30).filter(lambda text: CLEAN(text).strip())
KINDS = st.sampled_from(sorted(LETTERS))
MANY = settings(max_examples=150, deadline=None)
FEW = settings(max_examples=25, deadline=None)


def occasion(name: str, number: str = "7", reason: str = "r") -> Occasion:
    """A letter of a customer whose name, contract and reason are these."""
    parties = Parties(name, name, name, name, number)
    contract = ContractGoal(parties=parties, regimes=("gdpr",), notice=NoticeClause(Period(1, "months"), "term_end"))
    desired = Desired(
        "n", "d", "zoho", "t", owner="o@example.com", reason=reason, contract=contract,
        subscription=SubscriptionGoal("cancelled", "immediately"),
    )  # fmt: skip
    return Occasion(desired, State("n"), "Zoho CRM", date(2026, 11, 16), Dates(term_end=date(2027, 1, 31)))


def letter(kind: str, lang: str, name: str, number: str = "7", reason: str = "r") -> Written:
    return write(kind, lang, facts(occasion(name, number, reason), lang), CLEAN, lambda field: f"[gap: {field}]")


def said(text: str) -> str:
    """A text as a letter may show it: one clean line."""
    return " ".join(CLEAN(text).split())


def shape(markdown: str) -> list[str]:
    """Every element that a Markdown reader sees, but for the texts."""
    blocks = READER.parse(markdown)
    inline = [child.type for block in blocks for child in block.children or () if child.type != "text"]
    return [block.type for block in blocks] + inline


def shown(markdown: str) -> str:
    """The text that a Markdown reader shows."""
    return " ".join(
        "".join(child.content if child.type == "text" else " " for child in block.children or ())
        for block in READER.parse(markdown)
    )


@MANY
@given(HOSTILE)
@example("1. x")
@example("- x")
@example("# x")
@example("a\\")
@example("**x**")
@example("&lt;b&gt;")
@example("<b>x</b>")
@example("![i](https://evil.example/x.png)")
@example("x\n\n---\n\ny")
@example("{{ 7 * 7 }}")
def test_a_text_is_shown_as_it_is_and_nothing_else(text: str) -> None:
    tame, wild = shape(escaped("tame")), escaped(CLEAN(text))
    assert shape(wild) == tame
    assert " ".join(shown(wild).split()) == said(text)
    assert " ".join(plain(wild, "zh-CN").split()) == said(text)


@FEW
@given(KINDS, st.sampled_from(LANGUAGES), HOSTILE, HOSTILE, HOSTILE)
@example("cancellation", "en", "{{ vendor.name }}", "{% include '/etc/passwd' %}", "x\r\nBcc: a@evil.example")
@example("deletion", "zh-CN", "\u202eevil\u05d0\u05d1", "a\\", "# x\n- y")
def test_no_name_changes_the_shape_of_a_letter_or_says_more_than_itself(
    kind: str, lang: str, name: str, number: str, reason: str
) -> None:
    name = said(name)  # an address may have several lines, which are shown as lines
    wild, tame = letter(kind, lang, name, number, reason), letter(kind, lang, "n")
    assert shape(tame.markdown) == shape(wild.markdown)
    text = " ".join(plain(wild.markdown, lang).split())
    assert all(said(each) in text for each in (name, number))
    assert "\n" not in wild.subject and "\r" not in wild.subject
    assert wild.missing == tame.missing
    assert all(sign not in wild.markdown for sign in "\u202e\u200b\u2028")


@MANY
@given(HOSTILE, st.text(st.sampled_from(SIGNS), max_size=200))
@example("Notice =?utf-8?q?x=0d=0aBcc:_evil=40evil.example?=", "b")
def test_no_text_adds_a_line_to_the_head_of_a_mail(subject: str, body: str) -> None:
    raw = draft(subject, body, "o@example.com", "legal@vendor.example", datetime(2026, 11, 16, tzinfo=UTC))
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    head = ["Subject", "From", "To", "Date", "X-Unsent", "Content-Type", "Content-Transfer-Encoding", "MIME-Version"]
    assert sorted(mail.keys()) == sorted(head)
    assert mail.defects == []
    assert mail.get_content().split() == body.split()


@MANY
@given(st.text(st.sampled_from("ab@.,<>\"' \n\r;:()\\\u00e9_-"), max_size=20))
@example('"a"@example.com')
@example("a@example.com, b@example.com")
@example("A <a@example.com>")
def test_an_address_is_one_plain_address_or_none(text: str) -> None:
    try:
        found = addressee(text)
    except Problem as refused:
        assert refused.diagnostics[0].code == "CRM-L007"
        return
    if found is not None:
        mail = email.message_from_bytes(draft("s", "b", None, found, datetime(2026, 1, 1, tzinfo=UTC)))
        assert mail["To"] == found and found.count("@") == 1 and not set(found) & set(' ,<>"\n\r;:()\\')


@FEW
@given(KINDS, st.sampled_from(LANGUAGES), st.sets(st.sampled_from(["reason", "owner", "contract"])))
def test_whatever_is_left_out_is_a_gap_and_never_a_word(kind: str, lang: str, without: set[str]) -> None:
    made = occasion("n")
    desired = made.desired
    if "contract" in without:
        desired = msgspec.structs.replace(desired, contract=None)
    if "owner" in without:
        desired = msgspec.structs.replace(desired, owner="")
    if "reason" in without:
        desired = msgspec.structs.replace(desired, reason=" ")
    found = facts(Occasion(desired, State("n"), "Zoho CRM", made.today, Dates()), lang)
    wrote = write(kind, lang, found, CLEAN, lambda field: f"<gap {field}>")
    text = " ".join(plain(wrote.markdown, lang).split())
    assert [field for field in wrote.missing if f"<gap {field}>" not in text] == []
    assert text.count("<gap ") >= len(wrote.missing)
    used = {fact.field for fact in wrote.used}
    assert used & set(wrote.missing) == set()
    if "contract" in without:
        assert {"customer.name", "vendor.name", "contract.number"} <= set(wrote.missing)


def test_a_gap_is_false_empty_and_says_itself_however_it_is_used() -> None:
    gap = Gap("vendor.name")
    assert not gap and list(gap) == [] and len(gap) == 0 and gap.upper().strip is gap
    assert str(gap) == "[vendor.name]"


def test_a_fact_is_its_text_and_knows_where_it_is_from() -> None:
    fact = Fact("Acme", "customer.name", "contract.parties.customer")
    assert (fact, fact.field, fact.origin) == ("Acme", "customer.name", "contract.parties.customer")


def test_plain_text_is_wrapped_where_words_are_written_apart() -> None:
    long = "word " * 40
    assert max(len(line) for line in plain(long, "en").splitlines()) <= 78
    assert plain("字" * 200, "zh-CN") == "字" * 200 + "\n"
    assert tidy("a  \n\n\n\nb\n\n") == "a\n\nb\n"

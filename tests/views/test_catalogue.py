"""The catalogues: every code that the program can say has its words, in both languages, with the same gaps."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

import crmstate
from crmstate.core import closing, words
from crmstate.core.certificate import FIELDS
from crmstate.core.change import BACK, Turn
from crmstate.core.cost import PAYABLE
from crmstate.core.diagnostic import Diagnostic, Span, diagnostic
from crmstate.core.evaluation import PER
from crmstate.core.failure import Code
from crmstate.core.life import Beside, Stand
from crmstate.core.message import message
from crmstate.core.order import Stage, precedence
from crmstate.core.settling import KINDS
from crmstate.people.facts import FIELDS as LETTER_FACTS
from crmstate.people.letters import LETTERS
from crmstate.views.catalogue import GAP, LANGUAGES, LOCALE, Catalogue, language, load
from crmstate.views.escape import markdown
from crmstate.views.moments import LANES
from crmstate.views.standing import From

PACKAGE = Path(crmstate.__file__).parent
OWN = ("plan", "engine", "status", "cli", "settling", "page")
RESERVED = {"CRM-E015"}
CODE = re.compile(r"CRM-[A-Z][0-9]{3}")
NAMED = re.compile(r"(?:why|blocked|gap|order)\.[a-z_]+(?:\.[a-z_]+)*")
SPEAKERS = {"message", "text_of", "say", "ask", "word"}
USERS, SUBSCRIPTIONS = ("removed", "deactivated", "deleted"), ("cancelled", "paused", "downgraded", "active")
LISTS = ("session.ended", "api_key.revoked", "integration.removed", "setting.reset")
EVENTS = (
    "created started intended settled advanced addressed sending answered reopened confirmed contacted reminded "
    "approved held released observed finished repaired restored unlocked"
)
LATE_EVENTS = ("claimed", "struck", "examined", "compared", "remarked", "watched")

COST_LINES = (*PAYABLE, "refund", "refund_claimed", "missed_notice", "bound_again", "saving", "pause", "going_on")

LOOKS = ("clear", "partly", "back", "unknown")
FAMILIES: dict[str, tuple[str, ...]] = {
    "archive.{}": ("no_attachments", "not_exportable", "not_archived", "listing_incomplete", "not_listed"),
    "check.{}": (
        "checksums",
        "counts",
        "sample",
        "full",
        "restore_test",
        "equal",
        "exact",
        "approximate",
        "none",
        "sqlite",
    ),
    "drift.{}": tuple(each.value for each in Turn),
    "watch.{}": LOOKS,
    "watch.last.{}": LOOKS,
    "watch.back.{}": tuple(each.value for each in BACK),
    "watch.sight.{}.{}": (
        *(f"credential.{each}" for each in ("refused", "works", "works_again", "refused_strangely", "unknown")),
        "listing.unknown",
        "listing.not_shown",
        "listing.unsure",
        "listing.unshown",
        "archive.due",
    ),
    "why.user.{}": USERS,
    "why.by_hand.{}": ("user", "session", "api_key", "integration", "setting"),
    "why.{}.{}": LISTS,
    "why.subscription.{}": SUBSCRIPTIONS,
    "why.result.{}": ("subscription", "account", "pause", "downgrade"),
    "why.result.{}.later": (),
    "why.module.{}": ("keeps", "clears"),
    "order.{}": tuple(
        {
            rule.why.partition(".")[2]
            for rule in (*precedence(), *precedence(("users.needs_active_owner", "cancel.ends_api")))
        }
    ),
    "life.{}": ("since", "until"),
    "life.vendor.{}": ("active", "paused", "free", "restricted", "other"),
    "cost.source.{}": ("contract", "vendor"),
    "cost.per_{}": ("year",),
    "audience.{}": ("count", "rejected", "repeated", "opted_out"),
    "told.{}": ("notice", "delivered", "unknown", "rejected", "deferred", "opted_out", "left"),
    "fact.{}": ("effective", "starts", "until", "to", "transfer"),
    "count.{}": ("todo", "irreversible", "people", "wait", "blocked"),
    "duration.{}": ("minutes", "hours", "days"),
    "closing.next.{}": ("waiting", "failed", "unknown", "refused", "not_started"),
    "rehearse.head.{}": ("who", "what", "count", "which"),
    "status.{}": ("who", "since", "until", "request"),
    "page.column.{}": (
        "condition",
        "count",
        "proof",
        "last",
        "document",
        "about",
        "from",
        "at",
        "file",
        "content",
    ),
    "migration.{}": ("dataset", "field", "ours", "theirs", "result"),
    "report.{}": ("feedback", "lessons"),
    "report_column.{}": (
        "cost",
        "measure",
        "before",
        "after",
        "change",
        "unit",
        "currency",
        "saved",
        "once",
        "we_owe",
        "owed_to_us",
        "net",
    ),
    "settle_column.{}": (
        "number",
        "claim",
        "amount",
        "due",
        "open",
        "answered",
        "note",
        "currency",
        "we_owe",
        "owed_to_us",
        "net",
        "day",
        "by",
        "at",
        "document",
    ),
    "column.{}": (
        "archive",
        "datasets",
        "dataset",
        "rows",
        "attachments",
        "bytes",
        "files",
        "generations",
        "method",
        "result",
        "kind",
        "done",
        "requested",
        "unknown",
        "failed",
        "to_do",
        "proof",
        "weakest",
        "name",
        "provider",
        "tenant",
        "serial",
        "steps",
        "open",
        "exit",
        "verified",
        "verb",
        "address",
        "label",
        "outcome",
        "at",
        "by",
        "happened",
        "how",
        "undo",
        "source",
        "note",
        "why",
    ),
}
WORDS: dict[str, tuple[str, ...]] = {
    "kind": tuple(words.Kind),
    "kinds": tuple(words.Kind),
    "verb": tuple(words.Verb),
    "phase": tuple(words.Phase),
    "undo": tuple(words.Undo),
    "proof": tuple(words.Proof),
    "mode": tuple(words.Mode),
    "how": tuple(words.How),
    "outcome": tuple(words.Outcome),
    "severity": tuple(words.Severity),
    "stage": (*Stage, "human_step", "unsupported", "open_questions", "notices"),
    "result": tuple(closing.Result),
    "failure": tuple(Code),
    "waits": tuple(From),
    "exit": tuple(each.name.lower() for each in words.Exit),
    "event": (*EVENTS.split(), *LATE_EVENTS),
    "attribute": (
        "ends_api",
        "revokes_keys",
        "needs_active_owner",
        "not_self",
        "keys_outlive",
        "lives_unseen",
        "halfway_unseen",
        "undo_by_data_effect",
        "not_while_paused",
    ),
    "lane": LANES,
    "tone": ("failed", "ahead", "other"),
    "stand": tuple(Stand),
    "beside": tuple(Beside),
    "cost_line": COST_LINES,
    "per": ("month", "quarter", "year", "term"),
    "fate": tuple(words.Fate),
    "against": tuple(words.Against),
    "audience": ("staff", "partners", "customers"),
    "effect": ("keeps", "clears", "unknown"),
    "effective": ("immediately", "end_of_term", "end_of_period", "unknown"),
    "until": ("unknown",),
    "freeze": ("now",),
    "use": ("read", "write"),
    "evidence": ("missing", "empty", "link", "key", "changed"),
    "contact_way": tuple(words.Channel),
    "channel": ("mail", "webhook", "wecom", "dingtalk", "feishu", "slack", "teams"),
    "contacting": tuple(words.Contacting),
    "nudging": tuple(words.Nudging),
    "contact_field": ("person", "outcome", "attachments"),
    "contact_why": ("empty", "long", "control", "many"),
    "settle_kind": KINDS,
    "certificate_field": FIELDS,
    "backups": ("destroyed", "expire", "kept"),
    "decision": ("adopted", "none", "open"),
    "cost_per": (*PER, "term"),
    "transcript": ("unknown", "twice", "value"),
    "refusal": ("no_connection", "login", "tls", "no_starttls", "no_354", "unsaid"),
    "sheet": (
        "large",
        "not_text",
        "long",
        "cells",
        "quotes",
        "columns",
        "count",
        "empty",
        "twice",
        "uncounted",
        "nothing",
        "yaml",
        "tags",
        "mapping",
    ),
    "template": ("name", "link", "not_a_file", "too_large", "not_text", "unreadable"),
    "notice_form": ("written", "portal"),
    "letter_kind": tuple(LETTERS),
    "letter_fact": tuple(LETTER_FACTS),
}
FORMS = {",", "code", "ours", "day", "period", None}


class Said:
    """What the source says: constants that are codes, codes given to whoever speaks, and patterns of built codes."""

    def __init__(self) -> None:
        self.codes: dict[str, str] = {}
        self.patterns: dict[str, str] = {}
        self.constants: set[str] = set()

    def read(self, path: Path) -> None:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                self.constants.add(node.value)
                if CODE.fullmatch(node.value) or NAMED.fullmatch(node.value):
                    self.codes[node.value] = path.name
            elif isinstance(node, ast.Call) and node.args:
                self._call(node, path)

    def _call(self, node: ast.Call, path: Path) -> None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        first = node.args[0]
        for choice in (first.body, first.orelse) if isinstance(first, ast.IfExp) else (first,):
            if name in SPEAKERS - {"word"} and isinstance(choice, ast.Constant) and isinstance(choice.value, str):
                self.codes[choice.value] = path.name
            if isinstance(choice, ast.JoinedStr) and (name in SPEAKERS - {"word"} or name == "Rule"):
                pattern = "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in choice.values)
                self.patterns[pattern] = path.name


@cache
def said() -> Said:
    found = Said()
    for path in sorted(PACKAGE.rglob("*.py")):
        found.read(path)
    return found


def every_code() -> dict[str, str]:
    codes = dict(said().codes)
    for pattern, values in FAMILIES.items():
        codes.update({pattern.partition("{}")[0] + value: "a family" for value in values})
    for family, values in WORDS.items():
        codes.update({f"{family}.{value}": "a word" for value in values})
    return codes


def gaps(entry: dict[str, str]) -> set[str]:
    return {gap[0] for text in entry.values() for gap in GAP.findall(text)}


def test_the_search_finds_codes_of_every_wing() -> None:
    found = said().codes
    assert {
        "CRM-P001",
        "CRM-E001",
        "CRM-S001",
        "CRM-V001",
        "CRM-M001",
        "why.archive",
        "blocked.hold",
        "gap.unknown",
        "ask.apply",
    } <= set(found)


def test_every_pattern_of_a_built_code_is_enumerated_here() -> None:
    assert set(said().patterns) - set(FAMILIES) == set()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_code_has_an_entry(lang: str) -> None:
    missing = {code: where for code, where in every_code().items() if code not in load(lang)}
    assert missing == {}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_diagnostic_has_a_summary_and_everything_else_a_text(lang: str) -> None:
    wrong = [code for code, entry in load(lang).items() if ("summary" if CODE.fullmatch(code) else "text") not in entry]
    assert wrong == []


def test_both_languages_have_the_same_entries_and_gaps() -> None:
    english, chinese = (load(lang) for lang in LANGUAGES)
    assert set(english) == set(chinese)
    assert {code: gaps(english[code]) for code in english} == {code: gaps(chinese[code]) for code in english}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_is_parsed_when_asked_for_is_what_the_files_say(lang: str) -> None:
    whole: dict[str, object] = {}
    for path in (LOCALE / lang).glob("*.toml"):
        whole |= tomllib.loads(path.read_text("utf-8"))
    assert dict(load(lang)) == whole


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_code_stands_in_two_files(lang: str) -> None:
    counts = Counter(code for path in (LOCALE / lang).glob("*.toml") for code in tomllib.loads(path.read_text("utf-8")))
    assert [code for code, n in counts.items() if n > 1] == []


@pytest.mark.parametrize("name", OWN)
def test_nothing_of_ours_is_unused(name: str) -> None:
    ours = set(tomllib.loads((LOCALE / "en" / f"{name}.toml").read_text("utf-8")))
    assert ours - set(every_code()) - said().constants - RESERVED == set()


def test_chinese_is_chinese() -> None:
    signs = {"join", "how", "shape"}
    latin = [
        code
        for code, entry in load("zh-CN").items()
        for text in entry.values()
        if code.partition(".")[0] not in signs
        and re.search(r"[a-zA-Z]", GAP.sub("", text))
        and not re.search(r"[\u4e00-\u9fff]", text)
    ]
    assert latin == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_form_of_a_gap_is_known(lang: str) -> None:
    forms = {form or None for entry in load(lang).values() for text in entry.values() for _, form in GAP.findall(text)}
    families = {code.partition(".")[0] for code in load(lang)}
    assert forms - FORMS - families == set()


def test_a_gap_takes_its_parameter_and_a_word_is_translated() -> None:
    found = diagnostic("CRM-P001", kind="user", who="Ada")
    assert Catalogue("en", strict=True).summary(found) == "No user of this tenant is called Ada"
    assert Catalogue("zh-CN", strict=True).summary(found) == "本租户中没有名为 Ada 的用户"


def test_one_thing_is_said_in_the_singular() -> None:
    both = [Catalogue("en").text_of("fact.rows", n=n) for n in (1, 2_000)]
    assert both == ["1 row", "2,000 rows"]


def test_a_gap_may_hold_another_code() -> None:
    why = message("blocked.not_offered", reason="gap.unknown")
    assert (
        Catalogue("en", strict=True).text(why)
        == "The vendor offers no way to do this. The vendor showed no list of them."
    )


def test_a_code_that_names_itself_ends() -> None:
    why = message("blocked.not_offered", reason="blocked.not_offered")
    assert Catalogue("en", strict=True).text(why) == "The vendor offers no way to do this."


def test_the_address_and_the_place_of_a_diagnostic_fill_their_gaps() -> None:
    found = Diagnostic("CRM-E008", address=crmstate_address())
    assert "user/u1" in Catalogue("en", strict=True).summary(found)


def crmstate_address() -> str:
    from crmstate.core.address import address

    return address(words.Kind.USER, "u1")


def test_a_missing_entry_shows_its_code_and_what_it_knows() -> None:
    found = diagnostic("CRM-X999", span=Span("a.yaml", 1, 1), path="\x1b[31mx")
    assert Catalogue("zh-CN").summary(found) == "CRM-X999 (place: a.yaml:1:1, path: �[31mx)"
    assert Catalogue("en").text_of("nobody.wrote.this") == "nobody.wrote.this"


def test_a_missing_parameter_shows_a_question_mark() -> None:
    assert Catalogue("en").text_of("fact.rows") == "? rows"


def test_strict_catalogues_raise_instead() -> None:
    strict = Catalogue("en", strict=True)
    with pytest.raises(KeyError):
        strict.text_of("nobody.wrote.this")
    with pytest.raises(KeyError):
        strict.text_of("fact.rows")


def test_vendor_text_is_never_taken_for_a_gap() -> None:
    assert Catalogue("en").text_of("fact.owner", who="{who} {n} {gap:code}") == "by {who} {n} {gap:code}"


def test_parameters_are_scrubbed_before_they_are_escaped() -> None:
    secret = "to|ken*with`signs"
    words_ = Catalogue("en", scrub=lambda text: text.replace(secret, "[secret]")).escaping(markdown)
    assert words_.text_of("fact.owner", who=f"x {secret}") == "by `x [secret]`"


@pytest.mark.parametrize(
    ("chosen", "environ", "expected"),
    [
        (None, {}, "en"),
        ("zh-CN", {"CRMSTATE_LANG": "en"}, "zh-CN"),
        (None, {"CRMSTATE_LANG": "zh-CN", "LANG": "en_US.UTF-8"}, "zh-CN"),
        (None, {"LC_ALL": "zh_CN.UTF-8", "LANG": "en_US"}, "zh-CN"),
        (None, {"LC_ALL": "", "LC_MESSAGES": "zh_TW", "LANG": "de_DE"}, "zh-CN"),
        (None, {"LC_ALL": "C", "LANG": "zh_CN"}, "en"),
        (None, {"LANG": "de_DE.UTF-8"}, "en"),
        ("fr", {"LANG": "zh_CN"}, "en"),
    ],
)
def test_the_language_is_what_was_chosen_then_what_the_system_says(
    chosen: str | None, environ: dict[str, str], expected: str
) -> None:
    assert language(chosen, environ) == expected

"""Letters read as they were approved, say nothing that nobody wrote, and take other people's text for text."""

from __future__ import annotations

import email
import email.policy
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from crmstate.core.diagnostic import Span
from crmstate.core.goal import ArchiveGoal, Desired, Discard
from crmstate.core.record import State
from crmstate.manifest import source
from crmstate.people.datasets import datasets
from crmstate.people.facts import FIELDS
from crmstate.people.letters import LANGUAGES, LETTERS
from crmstate.views.catalogue import load

from .letter_scenes import AS_OF, FXIAOKE, GOLDEN, JIANDAOYUN, ZOHO, crmstate, customer_of, written


@pytest.fixture(scope="module", params=LANGUAGES)
def customer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A language, and the manifest of a customer who writes in it, with a record beside it."""
    return request.param, customer_of(request.param, tmp_path_factory.mktemp("customer"))


@pytest.fixture
def zoho(tmp_path: Path) -> Path:
    return written(tmp_path, ZOHO)


def approved(name: str) -> str:
    """A letter as somebody read and approved it (`python -m tests.people.letter_scenes` writes them all anew)."""
    return (GOLDEN / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", LETTERS)
def test_every_letter_reads_as_it_was_approved(kind: str, customer: tuple[str, Path]) -> None:
    lang, manifest = customer
    said = crmstate("letter", kind, manifest, "--lang", lang, "--as-of", AS_OF)
    assert approved(f"{lang}/{kind}.txt") == said.out
    assert said.code == 0, said.err


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_nobody_wrote_is_a_gap_that_is_listed_before_the_letter(lang: str, tmp_path: Path) -> None:
    manifest = written(tmp_path, JIANDAOYUN)
    said = crmstate("letter", "cancellation", manifest, "--lang", lang, "--as-of", AS_OF)
    assert approved(f"{lang}/with-gaps.txt") == said.out
    assert said.code == 9
    assert "CRM-L011" in said.err


def test_markdown_is_the_same_letter_with_marks(customer: tuple[str, Path]) -> None:
    lang, manifest = customer
    said = crmstate("letter", "deletion", manifest, "--format", "markdown", "--lang", lang, "--as-of", AS_OF)
    assert approved(f"{lang}/deletion.md") == said.out


def test_a_draft_for_a_mail_program_has_its_head_and_the_letter(tmp_path: Path, customer: tuple[str, Path]) -> None:
    lang, manifest = customer
    out = tmp_path / "letter.eml"
    said = crmstate(
        "letter", "non-renewal", manifest, "--format", "eml", "--lang", lang, "--as-of", AS_OF, "--out", out
    )
    assert (said.code, said.out) == (0, "")
    raw = out.read_bytes()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    text = crmstate("letter", "non-renewal", manifest, "--lang", lang, "--as-of", AS_OF).out
    assert (mail["To"], mail["From"], mail["X-Unsent"]) == ("legal@vendor.example", "revops@example.com", "1")
    assert mail.get_content_charset() == "utf-8"
    assert mail.get_content().replace("\r\n", "\n") == text
    assert mail["Subject"] in {"en": "Notice of non-renewal of agreement no. ZH-2025-0117"}.get(
        lang, "关于到期不再续签合同（编号：FX-2025-0117）的通知函"
    )
    assert mail["Date"].datetime.isoformat() == "2026-11-16T02:00:00+00:00"
    assert hashlib.sha256(raw).hexdigest() in said.err


def test_the_subject_of_an_incomplete_draft_says_so(tmp_path: Path) -> None:
    manifest = written(tmp_path, JIANDAOYUN)
    said = crmstate("letter", "cancellation", manifest, "--format", "eml", "--lang", "zh-CN", "--as-of", AS_OF)
    mail = email.message_from_bytes(said.out.encode(), policy=email.policy.default)
    assert mail["Subject"].startswith("【草稿】")
    assert mail["To"] is None and "contract.notice.to" in said.err


def place_of(manifest: Path, origin: str) -> Span | None:
    """Where a fact's origin stands in the manifest, or None."""
    tree = source.read(manifest)
    parts = [int(part) if part.isdigit() else part for part in re.findall(r"[a-z_]+|\d+", origin)]
    return tree.span(*parts) if tree.at(*parts) is not None else None


@pytest.mark.parametrize("kind", LETTERS)
def test_every_fact_that_is_used_stands_in_the_manifest_or_the_record(kind: str, customer: tuple[str, Path]) -> None:
    lang, manifest = customer
    said = json.loads(crmstate("letter", kind, manifest, "--format", "json", "--lang", lang, "--as-of", AS_OF).out)
    known = "".join(path.read_text("utf-8") for path in (manifest.parent / ".crmstate").rglob("*.jsonl"))
    assert len(said["facts"]) > 8
    for fact in said["facts"]:
        origin = fact["from"]
        if origin.startswith("record"):
            assert origin.removeprefix("record: ") in known
        elif origin != "clock":
            assert place_of(manifest, origin) is not None, fact
        bare = "".join(said["text"].split())
        assert "".join(fact["value"].splitlines()[0].split()) in bare
    assert said["missing"] == [] and said["complete"] is True


def test_no_text_of_a_letter_shows_what_a_template_left_undone(customer: tuple[str, Path]) -> None:
    lang, manifest = customer
    for kind in LETTERS:
        text = crmstate("letter", kind, manifest, "--lang", lang, "--as-of", AS_OF).out
        assert re.search(r"\{|\}|\*\*|\\|None|Undefined|True|False|\n\n\n| $", text, re.M) is None, kind


def test_dates_are_worked_out_and_written_with_their_weekday(zoho: Path) -> None:
    said = crmstate("letter", "non-renewal", zoho, "--as-of", AS_OF)
    assert "ends on Sunday, 31 January 2027" in " ".join(said.out.split())
    assert "giving notice for that term is Wednesday, 2 December 2026" in " ".join(said.out.split())
    assert "in time" in said.out


def test_after_the_last_day_the_letter_asks_for_the_earlier_end_and_else_for_the_next(zoho: Path) -> None:
    said = crmstate("letter", "non-renewal", zoho, "--as-of", "2026-12-20T00:00:00Z")
    text = " ".join(said.out.split())
    assert "on Sunday, 31 January 2027, or, should that not be possible, on the next possible date" in text
    assert "which by our reckoning is Monday, 31 January 2028" in text
    assert "CRM-L009" in said.err and "2026-12-02" in said.err


def test_where_the_last_day_is_not_known_the_letter_does_not_say_that_it_is_in_time(tmp_path: Path) -> None:
    manifest = written(tmp_path, FXIAOKE.replace("length: 12 months", "length: 14 months"))
    said = crmstate("letter", "non-renewal", manifest, "--lang", "zh-CN", "--as-of", AS_OF)
    assert "CRM-L012" in said.err and "2027" in said.err
    assert "期限内" not in said.out


def test_a_deletion_without_a_proved_copy_is_warned_of(zoho: Path) -> None:
    said = crmstate("letter", "deletion", zoho, "--as-of", AS_OF)
    assert "CRM-L010" in said.err
    assert "[to be filled in: the datasets]" in " ".join(said.out.split())


def test_what_was_archived_and_never_verified_has_to_come_back_first(customer: tuple[str, Path]) -> None:
    lang, manifest = customer
    said = json.loads(crmstate("letter", "deletion", manifest, "--format", "json", "--lang", lang).out)
    back = [each["value"] for each in said["facts"] if re.fullmatch(r"data\.returned\[\d\]\.name", each["field"])]
    assert back == {"en": ["Campaigns"], "zh-CN": ["Campaigns", "LeadsObj"]}[lang]
    assert "CRM-L010" in [each["code"] for each in said["diagnostics"]]


def test_what_is_held_is_excepted_and_never_asked_to_be_deleted(tmp_path: Path) -> None:
    manifest = customer_of("en", tmp_path)
    manifest.write_text(ZOHO.replace("holds: [Cases]", "holds: [Deals]"), encoding="utf-8")
    said = json.loads(crmstate("letter", "deletion", manifest, "--format", "json", "--as-of", AS_OF).out)
    lists = {each["field"].partition("[")[0]: each["value"] for each in said["facts"] if each["value"] == "Deals"}
    assert lists == {"data.held": "Deals"}


def test_a_law_that_the_contract_does_not_name_is_warned_of(tmp_path: Path) -> None:
    manifest = written(tmp_path, FXIAOKE)
    assert "CRM-L008" in crmstate("letter", "switch-erase", manifest, "--as-of", AS_OF).err
    assert "CRM-L008" not in crmstate("letter", "deletion", manifest, "--as-of", AS_OF).err


def test_a_letter_needs_no_credentials_and_asks_nobody(zoho: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*_: object) -> None:
        raise AssertionError("a letter opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert crmstate("letter", "settlement", zoho, "--as-of", AS_OF).code == 0
    assert [path.name for path in zoho.parent.iterdir()] == ["crmstate.yaml"]


def test_no_secret_is_written_wherever_it_came_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "correct horse battery"
    monkeypatch.setenv("ZOHO_SECRET", secret)
    manifest = written(tmp_path, ZOHO.replace("Sales moves to another CRM.", f"The password was {secret} once."))
    for format in ("text", "markdown", "eml", "json"):
        out = tmp_path / f"letter.{format}"
        said = crmstate("letter", "cancellation", manifest, "--format", format, "--out", out, "--as-of", AS_OF)
        assert secret not in out.read_text("utf-8") + said.out + said.err
        assert "[secret]" in out.read_text("utf-8").replace("\\", "")


@pytest.mark.parametrize("line", ["legal@vendor.example\\r\\nBcc: all@evil.example", "legal@vendor.example\\u2028x"])
def test_a_line_break_in_the_address_is_refused_before_anything_is_written(line: str, tmp_path: Path) -> None:
    manifest = written(tmp_path, ZOHO.replace("to: legal@vendor.example", f'to: "{line}"'))
    out = tmp_path / "letter.eml"
    said = crmstate("letter", "non-renewal", manifest, "--format", "eml", "--out", out, "--as-of", AS_OF)
    assert said.code == 65 and ("CRM-L007" in said.err or "CRM-M" in said.err)
    assert not out.exists()


def test_nothing_is_written_over(zoho: Path, tmp_path: Path) -> None:
    out = tmp_path / "letter.txt"
    assert crmstate("letter", "settlement", zoho, "--out", out, "--as-of", AS_OF).code == 0
    before = out.read_bytes()
    again = crmstate("letter", "certificate", zoho, "--out", out, "--as-of", AS_OF)
    assert (again.code, out.read_bytes()) == (1, before)
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "elsewhere.txt")
    assert crmstate("letter", "settlement", zoho, "--out", link, "--as-of", AS_OF).code == 1
    assert not (tmp_path / "elsewhere.txt").exists()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_list_names_every_letter(lang: str) -> None:
    said = crmstate("letter", "--list", "--lang", lang)
    assert [line.split()[0] for line in said.out.splitlines()] == list(LETTERS)
    rows = json.loads(crmstate("letter", "--list", "--format", "json", "--lang", lang).out)["letters"]
    assert [row["letter"] for row in rows] == list(LETTERS)


def test_without_a_kind_the_list_is_shown_and_it_is_a_usage_error() -> None:
    said = crmstate("letter")
    assert (said.code, said.out) == (64, crmstate("letter", "--list").out)


def test_a_folder_that_is_not_there_is_named(zoho: Path, tmp_path: Path) -> None:
    said = crmstate("letter", "settlement", zoho, "--out", tmp_path / "no" / "letter.txt", "--as-of", AS_OF)
    assert (said.code, said.out) == (1, "") and "CRM-C021" in said.err


def test_a_letter_that_there_is_not_is_a_usage_error() -> None:
    said = crmstate("letter", "love")
    assert said.code == 64 and "non-renewal" in said.err


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_field_has_its_words(lang: str) -> None:
    assert {f"letter_fact.{field}" for field in FIELDS} <= set(load(lang))


def test_a_mail_is_warned_of_where_the_contract_asks_for_paper(tmp_path: Path) -> None:
    manifest = written(tmp_path, FXIAOKE)
    said = [
        crmstate("letter", "non-renewal", manifest, "--format", each, "--as-of", AS_OF).err for each in ("eml", "text")
    ]
    assert ["CRM-L013" in each for each in said] == [True, False]


def test_the_place_for_notice_on_paper_is_the_vendors_address_where_no_other_is_written(tmp_path: Path) -> None:
    bare = ZOHO.replace("    vendor_address: |\n      Beneluxlaan 4B\n      3527 HT Utrecht\n", "")
    for notice, code in (("form: written, to: Example Road 2", 0), ("form: portal, to: Setup > Billing", 9)):
        manifest = written(tmp_path, bare.replace("to: legal@vendor.example", notice))
        said = crmstate("letter", "non-renewal", manifest, "--as-of", AS_OF)
        assert (said.code, "Example Road 2" in said.out, "Billing" in said.out) == (code, code == 0, False)


def test_a_vendor_that_is_none_in_particular_has_no_product_until_somebody_names_it(tmp_path: Path) -> None:
    text = JIANDAOYUN.replace("name: jiandaoyun\n", "name: paper\n").replace(
        "  credentials:\n    read: {api_key: {env: JIANDAOYUN_READ_API_KEY}}\n", "  exports: exports\n"
    )
    said = crmstate("letter", "certificate", written(tmp_path, text), "--as-of", AS_OF)
    assert said.code == 9 and "- the name of the product" in said.out
    named = written(
        tmp_path, text.replace("customer: 杭州示例贸易有限公司", "customer: 杭州示例贸易有限公司, product: Rolodex")
    )
    assert "Service: Rolodex" in crmstate("letter", "certificate", named, "--as-of", AS_OF).out


def test_a_refund_is_worked_out_by_days_and_claimed_where_it_was_paid_in_advance(tmp_path: Path) -> None:
    dated = ZOHO.replace("effective: end_of_term", "effective: {date: 2026-12-31}")
    said = crmstate("letter", "settlement", written(tmp_path, dated), "--as-of", AS_OF)
    text = " ".join(said.out.split())
    assert "31 of the 365 days of the period that runs until Sunday, 31 January 2027" in text
    assert "USD 1,223.01 are to be refunded" in text  # 14,400 * 31 / 365
    chinese = crmstate("letter", "settlement", written(tmp_path, dated), "--as-of", AS_OF, "--lang", "zh-CN")
    assert "其中31天在合同终止之后；该周期费用如已预付，应退还1,223.01美元" in chinese.out
    whole = crmstate("letter", "settlement", written(tmp_path, ZOHO), "--as-of", AS_OF)
    assert "calculation" not in whole.out


def test_a_clause_is_quoted_by_its_topic_in_either_language(tmp_path: Path) -> None:
    manifest = written(tmp_path, FXIAOKE.replace("topic: notice", "topic: 续约"))
    assert "服务合同第8.2条" in crmstate("letter", "non-renewal", manifest, "--lang", "zh-CN", "--as-of", AS_OF).out


def test_templates_cost_nothing_before_a_letter_is_written() -> None:
    code = "import sys; from crmstate.cli.app import build; build([]); build(['plan']); print('jinja2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("kind", ["switch-provider", "switch-on-premises", "switch-erase", "deletion"])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_letter_asks_for_the_erasure_of_what_is_held_without_excepting_it(
    kind: str, lang: str, tmp_path: Path
) -> None:
    held = ZOHO.replace("holds: [Cases]", "holds: [Deals]")
    said = crmstate("letter", kind, written(tmp_path, held), "--as-of", AS_OF, "--lang", lang).out
    assert re.search(r"legal hold|法律保全", said) and "- Deals" in said


@pytest.mark.parametrize("kind", ["settlement", "cancellation"])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_letter_concedes_a_fee_for_an_end_with_the_term(kind: str, lang: str, tmp_path: Path) -> None:
    said = crmstate("letter", kind, written(tmp_path, ZOHO), "--as-of", AS_OF, "--lang", lang).out
    assert "1,200" not in said
    early = ZOHO.replace("effective: end_of_term", "effective: {date: 2026-12-31}")
    (tmp_path / "early").mkdir()
    assert "1,200" in crmstate("letter", kind, written(tmp_path / "early", early), "--as-of", AS_OF, "--lang", lang).out


@pytest.mark.parametrize(("topic", "relied"), [("refund", True), ("early_termination", False), ("fee", False)])
def test_a_clause_is_relied_on_for_a_refund_and_not_where_it_may_be_against_it(
    topic: str, relied: bool, tmp_path: Path
) -> None:
    dated = ZOHO.replace("effective: end_of_term", "effective: {date: 2026-12-31}").replace(
        "topic: refund", f"topic: {topic}"
    )
    said = crmstate("letter", "settlement", written(tmp_path, dated), "--as-of", AS_OF).out
    assert ("refunded pro rata" in said) == relied


@pytest.mark.parametrize("kind", ["cancellation", "non-renewal"])
def test_another_term_is_not_called_the_current_one(kind: str, tmp_path: Path) -> None:
    """Where notice comes too late for the running term, and where the end lies in a later one."""
    late = crmstate("letter", kind, written(tmp_path, ZOHO), "--as-of", "2026-12-20T09:00:00Z").out
    assert "31 January 2028" in " ".join(late.split()) and "current term" not in late
    (tmp_path / "dated").mkdir()
    dated = ZOHO.replace("effective: end_of_term", "effective: {date: 2028-06-30}")
    said = crmstate("letter", kind, written(tmp_path / "dated", dated), "--as-of", AS_OF).out
    assert "current term" not in said


def test_uk_law_is_named_beside_chinese_law(tmp_path: Path) -> None:
    both = ZOHO.replace("regimes: [gdpr, eu-data-act]", "regimes: [pipl, uk-gdpr]")
    assert "UK GDPR" in crmstate("letter", "deletion", written(tmp_path, both), "--as-of", AS_OF, "--lang", "zh-CN").out


@pytest.mark.parametrize(
    ("part", "given_up"), [({}, True), ({"fields": ("Fax",)}, False), ({"attachments": True}, False)]
)
def test_giving_up_a_part_of_a_dataset_gives_up_no_dataset(part: dict[str, Any], given_up: bool) -> None:
    """A letter that said so would ask the vendor to delete what nobody has a copy of."""
    archive, discard = (
        ArchiveGoal("file:///archive", datasets=("Deals",)),
        Discard("Deals", "empty", "head@example.com", **part),
    )
    (deals,) = datasets(Desired("exit", "d", "zoho", "t", archive=archive, discard=(discard,)), State("exit"))
    assert (deals.given_up, deals.owed) == (given_up, not given_up)

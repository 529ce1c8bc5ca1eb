"""Notices by mail and by chat, over real servers on loopback: who is told, what is refused before anything is sent, and
what is said of messages whose answer was lost."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmstate.core.words import Fate
from crmstate.sandbox import World
from crmstate.store.load import read

from ..people.chats import chats, plain
from ..people.smtp import MailServer, mail_server
from .scenes import apply, closing
from .site import HEAD, MANIFEST, Site, site
from .test_encrypted import Key

BASE = (
    HEAD
    + """\
notices:
NOTICES
mail: {host: 127.0.0.1, port: PORT, tls: none, sender: revops@example.com, name: RevOps 运营, per_minute: 100000}
end_state:
  sessions: {status: ended}
  data: {archive: {to: archive/, datasets: [contacts]}}
"""
)
MAIL = "mail: {host: 127.0.0.1, port: PORT, tls: none, sender: revops@example.com, per_minute: 100000}\n"
STAFF = "  - {to: staff, channel: mail, language: zh-CN, send: 30 days before freeze}"
TO_FILE = (
    "  - {to: partners, channel: mail, recipients: {file: list.csv}, feedback_owner: care@example.com, "
    "send: 30 days before freeze}"
)


@pytest.fixture(scope="module")
def mails(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    with mail_server(tmp_path_factory.mktemp("mail")) as made:
        yield made


@pytest.fixture
def here(tmp_path: Path, mails: MailServer) -> Iterator[Site]:
    with site(tmp_path / "site") as made:
        yield made


def write(here: Site, mails: MailServer, notices: str) -> None:
    here.write(BASE.replace("NOTICES", notices).replace("PORT", str(mails.port)))


def listed(here: Site, *people: str, name: str = "list.csv") -> None:
    (here.folder / name).write_text("name,email\n" + "".join(f"{each}\n" for each in people), encoding="utf-8")


def told(here: Site, place: str = "notice/partners-mail") -> dict[str, int]:
    fates = read(here.folder, "exit").state.told[place].fates
    return {fate.value: list(fates.values()).count(fate) for fate in set(fates.values())}


def sent(mails: MailServer) -> list[str]:
    return sorted(mails.recipients())


@pytest.fixture(autouse=True)
def fresh(mails: MailServer) -> None:
    """The server appends to its file for ever: each test begins with none of it."""
    mails.file.touch()
    os.truncate(mails.file, 0)


def test_staff_are_those_who_can_sign_in_and_are_told_once_before_the_freeze(here: Site, mails: MailServer) -> None:
    write(here, mails, STAFF)
    plan = here.plan()
    assert "notice/staff-mail  (6 recipients" in plan.out and "即将停用" in plan.out
    order = [plan.out.index(each) for each in ("notice/staff-mail", "freeze/cutover", "session/s0")]
    assert order == sorted(order)
    assert apply(here) == (0, apply_table(here))
    expected = sorted(["owner@example.com", "admin@example.com", *(f"p{n}@example.com" for n in range(4))])
    assert expected == sent(mails)
    first = next(each for each in mails.taken() if each["to"] == ["p1@example.com"])
    assert first["headers"]["To"] == "Person 1 张伟 <p1@example.com>"
    assert first["headers"]["From"] == "RevOps 运营 <revops@example.com>"
    assert "Person 1 张伟，您好" in first["text"]
    assert apply(here)[0] == 0 and expected == sent(mails)
    assert "staff-mail  6" in here.run("status", str(here.manifest)).out


def apply_table(here: Site) -> dict[str, str]:
    """What the second of two applies says is what the first did."""
    return {f"{entry.verb.value} {entry.address}": "done" for entry in read(here.folder, "exit").state.entries.values()}


def test_notices_side_by_side_share_their_key_and_their_pace(here: Site, mails: MailServer) -> None:
    write(here, mails, STAFF + "\n" + TO_FILE)
    listed(here, *(f"P{n},x{n}@example.com" for n in range(20)))
    for _ in range(2):
        assert apply(here)[0] == 0
    assert 26 == len(sent(mails)) == len(set(sent(mails)))


def test_a_list_is_shown_with_what_is_wrong_in_it_and_the_rest_is_told(here: Site, mails: MailServer) -> None:
    lenient = TO_FILE.replace("list.csv", "list.csv, faulty_rows: leave_out")
    write(here, mails, lenient.replace("feedback_owner", "opt_out: out.csv, feedback_owner"))
    listed(here, "Ann,ann@example.com", "Bo,bo@example.com", "X,nobody", "Y,ANN@example.com", "Z,z@example.com")
    listed(here, "Z,z@example.com", name="out.csv")
    plan = here.plan()
    assert plan.code == 0, plan.err
    assert "2 recipients, 1 rejected, 1 repeated, 1 opted out, from list.csv" in plan.out
    assert "list.csv:4 is not written to" in plan.out and "Ann <ann@example.com>, Bo <bo@example.com>" in plan.out
    whole = json.loads(here.plan("--format", "json").out)["notices"][0]
    assert (2, 1, ["Ann <ann@example.com>", "Bo <bo@example.com>"]) == (
        whole["count"], whole["rejected"], whole["samples"],
    )  # fmt: skip
    assert apply(here)[0] == 0
    assert ["ann@example.com", "bo@example.com"] == sent(mails)
    assert mails.taken()[0]["headers"]["Reply-To"] == "care@example.com"
    (row,) = json.loads(here.run("status", str(here.manifest), "--format", "json").out)["notices"]
    assert (2, 0, 1, 1) == (row["delivered"], row["unknown"], row["rejected"], row["opted_out"])


def test_people_are_masked_where_the_manifest_says_so(here: Site, mails: MailServer) -> None:
    write(here, mails, TO_FILE)
    here.write(here.manifest.read_text() + "privacy: {mask_people: true}\n")
    listed(here, "Ann,ann@example.com")
    for form in ("text", "json", "markdown"):
        out = here.plan("--format", form).out
        assert "a…@e….com" in out and "ann@example.com" not in out and "Ann" not in out


@pytest.mark.parametrize(
    ("people", "template", "code", "line"),
    [
        (['"Eve\nBcc: all@example.com",eve@example.com'], "", "CRM-N001", 2),
        (["Ann,ann@example.com", 'Eve,"eve@example.com\r\nBcc: x@example.com"'], "", "CRM-N001", 3),
        ([], "", "CRM-N003", 1),
        (["Ann,ann@example.com", "Bo,nobody"], "", "CRM-N061", 3),
        (["Ann,ann@example.com", "Bo,ANN@Example.com"], "", "CRM-N062", 3),
        (["Ann,ann@example.com"], "Subject: x\n\nDear {{ nmae }}\n", "CRM-N016", 3),
        (["Ann,ann@example.com"], "Subject: {{ reason }}\n\nDear {{ name }}\n", "CRM-N012", 1),
    ],
)
def test_what_is_wrong_is_refused_before_anything_is_sent(
    here: Site, mails: MailServer, people: list[str], template: str, code: str, line: int
) -> None:
    write(here, mails, TO_FILE)
    here.change("provider:", 'reason: {code: cost, text: "all\\nBcc: x@example.com"}\nprovider:')
    listed(here, *people)
    if template:
        (here.folder / "templates" / "en").mkdir(parents=True)
        (here.folder / "templates" / "en" / "partner-notice.txt").write_text(template)
    said = here.plan()
    assert said.code == 3 and code in said.out and f":{line}:1" in said.out, said.out
    done = here.apply()
    assert done.code == 3 and code in done.err + done.out
    assert [] == sent(mails) and here.truth()["effects"] == 0
    assert not (here.folder / ".crmstate" / "exit" / "notices.key").exists()


def test_a_lost_answer_is_unknown_and_sent_again_only_by_somebodys_wish(here: Site, mails: MailServer) -> None:
    write(here, mails, TO_FILE)
    listed(here, "Ann,ann@example.com", "Lost,lost@example.com", "No,refuse@example.com", "Cy,cy@example.com")
    code, table = apply(here)
    assert (6, "unknown") == (code, table["notify notice/partners-mail"])
    assert {"delivered": 2, "unknown": 1, "rejected": 1} == told(here)
    assert ["ann@example.com", "cy@example.com", "lost@example.com"] == sent(mails)
    assert table["end session/s0"] == "not_started" if "end session/s0" in table else True
    assert apply(here)[0] == 0 and len(sent(mails)) == 3
    plan = here.plan()
    assert "--resend-unknown" in plan.out and "crmstate confirm notice/partners-mail" in plan.out
    assert apply(here, "--resend-unknown")[0] == 6
    assert 4 == len(sent(mails)) and sent(mails).count("lost@example.com") == 2
    said = here.run("confirm", "notice/partners-mail", str(here.manifest), "--note", "Lost called back")
    assert said.code == 0, said.err
    assert apply(here)[0] == 0
    assert 4 == len(sent(mails)) and here.truth()["sessions"][0]["ended_at"]


def test_what_the_server_does_not_take_now_is_sent_by_the_next_apply(here: Site, mails: MailServer) -> None:
    write(here, mails, TO_FILE)
    listed(here, "Ann,ann@example.com", "Later,later@example.com")
    said = here.apply("--format", "json")
    assert said.code == 6 and {"delivered": 1, "deferred": 1} == told(here)
    found = next(each for each in closing(said)["steps"] if each["verb"] == "notify")
    assert found["result"] == "failed" and found["found"]["code"] == "CRM-N043"
    assert apply(here)[0] == 6 and ["ann@example.com"] == sent(mails)


def test_a_server_that_is_not_there_tells_nobody_and_says_so(here: Site, mails: MailServer) -> None:
    write(here, mails, TO_FILE)
    here.change(f"port: {mails.port}", "port: 1")
    listed(here, *(f"P{n},p{n}@example.com" for n in range(60)))
    assert apply(here)[0] == 6
    fates = read(here.folder, "exit").state.told["notice/partners-mail"].fates
    assert {Fate.DEFERRED} == set(fates.values()) and len(fates) < 30
    here.change("port: 1,", f"port: {mails.port},")
    assert apply(here)[0] == 0 and 60 == len(sent(mails))


def test_a_plan_that_was_saved_sends_what_it_showed_or_nothing(here: Site, mails: MailServer) -> None:
    write(here, mails, TO_FILE)
    listed(here, "Ann,ann@example.com")
    plan = here.folder / "plan.json"
    assert here.plan("--out", str(plan)).code == 0
    listed(here, "Ann,ann@example.com", "Eve,eve@example.com")
    said = here.run("apply", str(plan), "--yes")
    assert said.code == 5 and "CRM-N040" in said.out and [] == sent(mails)
    assert here.truth()["effects"] == 0
    listed(here, "Ann,ann@example.com")
    assert here.run("apply", str(plan), "--yes").code == 0 and ["ann@example.com"] == sent(mails)


def test_a_notice_waits_for_its_day_and_the_freeze_for_the_notice(here: Site, mails: MailServer) -> None:
    write(here, mails, TO_FILE.replace("30 days before freeze", "2026-12-20"))
    listed(here, "Ann,ann@example.com")
    assert "not before 2026-12-20T00:00:00Z" in here.plan().out
    code, table = apply(here)
    assert (0, "waiting") == (code, table["notify notice/partners-mail"])
    assert "not_started" == table["confirm freeze/cutover"] and [] == sent(mails)
    here.advance("60d")
    assert apply(here)[0] == 0 and ["ann@example.com"] == sent(mails)


@pytest.mark.parametrize("encrypted", [False, True])
def test_customers_out_of_the_archive_are_told_once_it_is_verified_and_are_never_shown(
    here: Site, mails: MailServer, monkeypatch: pytest.MonkeyPatch, encrypted: bool
) -> None:
    notice = "{to: customers, decision: {told: true, why: hotline}, channel: mail, send: 30 days before freeze,"
    write(here, mails, f"  - {notice} recipients: {{dataset: Contacts, field: Mail}}}}")
    if encrypted:
        key = Key()
        monkeypatch.setenv("CRMSTATE_AGE", key.secret)
        here.change("to: archive/", f"to: archive/, encrypt_to: [{key.public}], identity: {{env: CRMSTATE_AGE}}")
    with World.open(here.data) as world:
        world.add_rows(
            "contacts",
            [
                {"id": f"m{n}", "owner_id": "u1", "fields": {"Name": "x", "Mail": f"m{n}@kunde.example"}}
                for n in range(9)
            ],
        )
    assert "not verified yet" in here.plan().out
    assert apply(here)[0] == 0 and [] == sent(mails)
    plan = here.plan()
    assert "9 recipients, from Contacts" in plan.out and "m…@k….example" in plan.out
    assert "m1@kunde" not in plan.out + here.plan("--format", "json").out
    assert apply(here)[0] == 0
    assert [f"m{n}@kunde.example" for n in range(9)] == sent(mails)
    state = here.folder / ".crmstate"
    assert all(b"kunde.example" not in path.read_bytes() for path in state.rglob("*") if path.is_file())


def test_without_the_key_nobody_is_told_again(here: Site, mails: MailServer) -> None:
    write(here, mails, TO_FILE)
    listed(here, "Ann,ann@example.com", "Later,later@example.com")
    assert apply(here)[0] == 6
    key = here.folder / ".crmstate" / "exit" / "notices.key"
    assert key.stat().st_mode & 0o777 == 0o600
    kept = key.read_bytes()
    key.unlink()
    assert "CRM-N025" in here.apply().out
    key.write_bytes(b"x" * 32)
    assert "CRM-N042" in here.apply().out and ["ann@example.com"] == sent(mails)
    key.write_bytes(kept)
    assert apply(here)[0] == 6 and ["ann@example.com"] == sent(mails)


def test_a_dry_run_writes_everything_and_sends_nothing(here: Site, mails: MailServer) -> None:
    write(here, mails, STAFF + "\n" + TO_FILE)
    listed(here, "Ann,ann@example.com")
    out = here.folder / "out.jsonl"
    said = here.run("notices", str(here.manifest), "--out", str(out))
    assert said.code == 0 and "7" in said.out + said.err and out.stat().st_mode & 0o777 == 0o600
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert 7 == len(rows) and ("ann@example.com", "Ann") == (rows[-1]["to"], rows[-1]["name"])
    assert [] == sent(mails) and not (here.folder / ".crmstate" / "exit" / "journal").exists()
    assert here.run("notices", str(here.manifest), "--notice", "x", "--out", str(out)).code == 64


def robot(chat: str, url: str = "CRMSTATE_HOOK", more: str = "") -> str:
    return f"  - {{to: staff, channel: webhook, robot: {chat}, url: {{env: {url}}}, send: 30 days before freeze{more}}}"


RIGHT = {
    "wecom": {"errcode": 0, "errmsg": "ok"},
    "dingtalk": {"errcode": 0, "errmsg": "ok"},
    "feishu": {"code": 0, "msg": "success", "data": {}},
    "slack": "ok",
    "teams": "",
}
WRONG = {
    "wecom": {"errcode": 93000, "errmsg": "invalid webhook url"},
    "dingtalk": {"errcode": 310000, "errmsg": "sign not match"},
    "feishu": {"code": 19024, "msg": "Key Words Not Found"},
}


@pytest.mark.parametrize("chat", sorted(RIGHT))
def test_a_chat_is_told_once_and_its_address_stands_nowhere(
    here: Site, mails: MailServer, monkeypatch: pytest.MonkeyPatch, chat: str
) -> None:
    signs = ", secret: {env: CRMSTATE_SIGN}" if chat in ("dingtalk", "feishu") else ""
    write(here, mails, robot(chat, more=signs))
    with chats(lambda path, body: plain(RIGHT[chat], 202 if chat == "teams" else 200)) as server:
        monkeypatch.setenv("CRMSTATE_HOOK", server.url("/hook?key=hunter2hunter2"))
        monkeypatch.setenv("CRMSTATE_SIGN", "SECswordfish12345")
        assert apply(here)[0] == 0
        assert apply(here)[0] == 0
    ((path, body),) = server.posts
    assert "Sandbox CRM" in json.dumps(body)
    if chat == "dingtalk":
        assert {"key", "timestamp", "sign"} == set(server.query())
    if chat == "feishu":
        assert {"timestamp", "sign", "msg_type", "content"} == set(body)
    found = b"".join(each.read_bytes() for each in (here.folder / ".crmstate").rglob("*") if each.is_file())
    assert b"hunter2" not in found and b"swordfish" not in found and path.encode() not in found
    assert {"delivered": 1} == told(here, f"notice/staff-{chat}")


@pytest.mark.parametrize("chat", sorted(WRONG))
def test_a_refusal_with_http_200_is_a_refusal_and_may_be_tried_again(
    here: Site, mails: MailServer, monkeypatch: pytest.MonkeyPatch, chat: str
) -> None:
    write(here, mails, robot(chat))
    answers = [WRONG[chat], RIGHT[chat]]
    with chats(lambda path, body: plain(answers.pop(0))) as server:
        monkeypatch.setenv("CRMSTATE_HOOK", server.url("/hook"))
        assert apply(here)[0] == 6
        assert {"rejected": 1} == told(here, f"notice/staff-{chat}")
        assert apply(here)[0] == 0
    assert 2 == len(server.posts) and {"delivered": 1} == told(here, f"notice/staff-{chat}")


def test_a_chat_that_says_nothing_is_unknown(here: Site, mails: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here, mails, robot("wecom"))
    with chats(lambda path, body: None) as server:
        monkeypatch.setenv("CRMSTATE_HOOK", server.url("/hook"))
        assert apply(here)[0] == 6
        assert apply(here)[0] == 0
    assert 1 == len(server.posts) and {"unknown": 1} == told(here, "notice/staff-wecom")


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/hook", "http://qyapi.weixin.qq.com/hook", "https://x@qyapi.weixin.qq.com/", "file:///x"],
)
def test_a_webhook_that_leads_elsewhere_is_refused(
    here: Site, mails: MailServer, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    write(here, mails, robot("wecom"))
    monkeypatch.setenv("CRMSTATE_HOOK", url)
    said = here.apply()
    assert said.code == 3 and "CRM-N024" in said.out and url not in said.out + said.err


def test_a_mail_server_elsewhere_needs_the_operators_word(
    here: Site, mails: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(here, mails, STAFF)
    here.change("host: 127.0.0.1", "host: mail.evil.example")
    assert "CRM-M142" in here.plan().err
    here.change("tls: none", "tls: starttls")
    said = here.plan()
    assert said.code == 3 and "CRM-M124" in said.err and 'allow_hosts = ["mail.evil.example"]' in said.err
    allowed = here.folder.parent / "operator.toml"
    allowed.write_text('allow_hosts = ["mail.evil.example"]\n')
    monkeypatch.setenv("CRMSTATE_OPERATOR", str(allowed))
    assert here.plan().code == 0


def test_a_long_notice_is_not_cut(here: Site, mails: MailServer) -> None:
    write(here, mails, robot("wecom", more=", template: long"))
    (here.folder / "templates" / "en").mkdir(parents=True)
    (here.folder / "templates" / "en" / "long.txt").write_text("Subject: x\n\n" + "很" * 700 + "\n", encoding="utf-8")
    said = here.plan()
    assert said.code == 3 and "CRM-N021" in said.out


def test_who_was_told_stays_told_when_the_state_is_set_back(here: Site, mails: MailServer) -> None:
    write(here, mails, TO_FILE)
    listed(here, "Ann,ann@example.com", "Later,later@example.com")
    assert apply(here)[0] == 6
    assert here.run("state", "restore", "exit", "--serial", "1", "--folder", str(here.folder)).code == 0
    assert {"delivered": 1, "deferred": 1} == told(here)
    plan = here.plan()
    assert "part of the record was lost or set back" in plan.out
    assert apply(here)[0] == 0 and ["ann@example.com"] == sent(mails)
    listed(here, "Ann,ann@example.com", "Cy,cy@example.com")
    assert apply(here, "--resend-unknown")[0] == 0
    assert ["ann@example.com", "cy@example.com"] == sent(mails)


@pytest.mark.parametrize("lost", ["who was addressed", "what was answered"])
def test_after_a_repair_nobody_is_told_again_unless_somebody_wishes_it(
    here: Site, mails: MailServer, lost: str
) -> None:
    write(here, mails, TO_FILE)
    listed(here, "Ann,ann@example.com", "Bo,bo@example.com")
    plan = here.folder / "plan.json"
    assert here.plan("--out", str(plan)).code == 0
    assert apply(here)[0] == 0 and len(sent(mails)) == 2
    journal = here.folder / ".crmstate" / "exit" / "journal"
    word = '"addressed"' if lost == "who was addressed" else '"answered"'
    chunk = next(path for path in sorted(journal.glob("*.jsonl")) if word in path.read_text("utf-8"))
    chunk.write_bytes(b"")
    (here.folder / ".crmstate" / "exit" / "state.json").unlink()
    assert here.run("state", "repair", "exit", "--folder", str(here.folder)).code == 0

    here.run("apply", str(plan), "--yes")
    assert ["ann@example.com", "bo@example.com"] == sent(mails)
    here.apply()

    assert ["ann@example.com", "bo@example.com"] == sent(mails)


BACK = """\
From: MAILER-DAEMON@mx.example
Content-Type: multipart/report; report-type=delivery-status; boundary="b"
MIME-Version: 1.0

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; ann@example.com
Action: failed
Status: 5.1.1

--b
Content-Type: text/rfc822-headers

Message-ID: MARK

--b--
"""


def test_a_mail_that_came_back_does_not_count_as_delivered(here: Site, mails: MailServer) -> None:
    write(here, mails, TO_FILE)
    listed(here, "Ann,ann@example.com", "Bob,bob@example.com")
    assert apply(here)[0] == 0
    first = next(each for each in mails.taken() if each["to"] == ["ann@example.com"])
    file = here.folder / "back.eml"
    file.write_text(BACK.replace("MARK", first["headers"]["Message-ID"]), encoding="utf-8")
    manifest = str(here.manifest)

    none = here.run("bounced", str(file.with_name("none.eml")), manifest)
    assert (none.code, "CRM-N057" in none.err, "--evidence" in none.err) == (3, True, False)
    said = here.run("bounced", str(file), manifest)

    assert (said.code, told(here)) == (0, {"delivered": 1, "bounced": 1}), said.err
    row = next(
        line for line in here.run("status", manifest).out.splitlines() if line.strip().startswith("partners-mail")
    )
    assert row.split() == ["partners-mail", "1", "1", "-", "-", "-", "-", "-"]
    again = here.run("bounced", str(file), manifest)
    assert (again.code, "on record already" in again.err, told(here)["bounced"]) == (0, True, 1), again.err  # once
    plan = here.plan()
    assert "CRM-N046" in plan.err + plan.out and apply(here)[0] == 0 and len(sent(mails)) == 2  # nobody is told again
    journal = b"".join(path.read_bytes() for path in (here.folder / ".crmstate").rglob("*") if path.is_file())
    assert b"ann@example.com" not in journal

    rest = here.folder / "rest.csv"
    rest.write_text("email\nbob@example.com\nzoe@example.com\n", encoding="utf-8")
    assert here.run("bounced", str(rest), manifest, "--notice", "other").code == 64
    assert here.run("bounced", str(rest), manifest).code == 0
    assert told(here) == {"bounced": 2}
    assert [step["address"] for step in here.plan("--format", "json").json["steps"]] == ["notice/partners-mail"]

    assert (
        apply(here)[0] == 0 and len(sent(mails)) == 4
    )  # both are told again: what came back before says nothing of it
    assert here.run("bounced", str(file), manifest).code == 0 and told(here) == {"delivered": 2}
    file.write_text(file.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    rest.write_text("email\nbob@example.com\n", encoding="utf-8")
    assert [here.run("bounced", str(each), manifest).code for each in (file, rest)] == [0, 64]
    assert told(here) == {"delivered": 2}
    second = [each["headers"]["Message-ID"] for each in mails.taken() if each["to"] == ["ann@example.com"]][1]
    file.write_text(BACK.replace("MARK", second), encoding="utf-8")
    assert here.run("bounced", str(file), manifest).code == 0 and told(here) == {"delivered": 1, "bounced": 1}


@pytest.mark.deep
def test_who_is_told_after_the_end_is_told_without_the_vendor(here: Site, mails: MailServer) -> None:
    after = TO_FILE.replace("30 days before freeze", "2 days after closed").replace(
        "to: partners", "id: late, to: partners"
    )
    text = MANIFEST + "notices:\n" + after + "\n" + MAIL.replace("PORT", str(mails.port))
    here.write(text)
    listed(here, "Ann,ann@example.com")
    assert here.apply().code == 0
    here.advance("8d")
    assert here.apply().code == 0 and sent(mails) == []
    due = here.run("deadlines", str(here.manifest), "--format", "json").json["deadlines"]
    assert [each["address"] for each in due if each["what"] == "notice"] == ["notice/late"]
    plan = here.plan("--format", "json").json
    assert plan["sealed"] and [step["address"] for step in plan["steps"]] == ["notice/late"]
    later = "--as-of", "2030-01-01"
    assert here.plan(*later).code == 0
    here.change("2 days after closed", "2026-11-02")
    assert here.apply().code == 0, here.apply().err
    assert sent(mails) == ["ann@example.com"]
    assert here.apply().code == 0 and len(sent(mails)) == 1

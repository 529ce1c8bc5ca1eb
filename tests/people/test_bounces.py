"""What came back: a server's report is believed where it says `failed`, and nowhere else."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmstate.core.address import address
from crmstate.core.diagnostic import Problem
from crmstate.core.record import Told
from crmstate.core.words import Fate, Kind
from crmstate.people.addresses import fingerprint
from crmstate.people.bounces import Back, read, returned

KEY = b"k" * 32
MARK = "0123456789abcdef0123"
REPORT = """\
From: MAILER-DAEMON@mx.example
To: revops@example.com
Subject: Undelivered
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It did not work: other@example.com failed.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

ORIGINAL
Final-Recipient: rfc822; Ann@Example.com
Action: ACTION
Status: 5.1.1

Final-Recipient: rfc822; bob@example.com
Action: delayed
Status: 4.2.0

--b
TAIL
--b--
"""
HEAD = "Content-Type: text/rfc822-headers\n\nSubject: s\nMessage-ID: <MARK.partners-mail@example.com>\n".replace(
    "MARK", MARK
)
WHOLE = "Content-Type: message/rfc822\n\nMessage-ID: <MARK.partners-mail@example.com>\nSubject: s\n\nHello\n".replace(
    "MARK", MARK
)


def report(action: str = "failed", tail: str = "", original: str = "X-A: b") -> bytes:
    text = REPORT.replace("ACTION", action).replace("TAIL", tail).replace("ORIGINAL", original)
    return text.replace("\n", "\r\n").encode()


def told(**fates: Fate) -> Told:
    return Told("mail", "k", len(fates), fates=dict(fates))


@pytest.mark.parametrize("tail", [HEAD, WHOLE])
def test_a_report_names_who_failed_and_which_notice_it_was(tail: str) -> None:
    assert read(report(tail=tail), Path("r.eml")) == [Back("Ann@example.com", MARK, "partners-mail")]


def test_without_the_mail_itself_the_address_is_what_there_is() -> None:
    assert read(report(), Path("r.eml")) == [Back("Ann@example.com")]
    first = read(report(original="Original-Recipient: rfc822;as.sent@example.com"), Path("r.eml"))
    assert first == [Back("as.sent@example.com")]


@pytest.mark.parametrize(
    "data", [report("delayed"), report("delivered"), report("relayed"), b"Subject: failed\n\nfailed\n", b"\xff\x00"]
)
def test_what_says_of_nobody_that_it_failed_is_refused(data: bytes) -> None:
    with pytest.raises(Problem) as found:
        read(data, Path("r.eml"))
    assert [each.code for each in found.value.diagnostics] == ["CRM-N050"]


@given(st.binary(max_size=400))
def test_no_bytes_are_a_bug(data: bytes) -> None:
    for text in (data, report(tail=data.decode("latin-1"))):
        with contextlib.suppress(Problem):
            read(text, Path("r.eml"))


def test_a_list_is_taken_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "back.csv"
    file.write_text("email,reason\nann@example.com,unknown\nbob@example.com,full\n", encoding="utf-8")
    assert [each.address for each in read(b"", file)] == ["ann@example.com", "bob@example.com"]
    file.write_text("email\nann@example.com\nnobody\n", encoding="utf-8")
    with pytest.raises(Problem) as found:
        read(b"", file)
    (wrong,) = found.value.diagnostics
    assert (wrong.code, wrong.span.line if wrong.span else 0) == ("CRM-N053", 3)


@pytest.mark.parametrize(
    ("text", "back"),
    [
        ("email,status\nann@example.com,delivered\nbob@example.com,Hard Bounce\n", ["bob@example.com"]),
        ("event,type,email\nfailed,temporary,ann@example.com\nfailed,permanent,bob@example.com\n", ["bob@example.com"]),
        ("邮箱,状态\nann@example.com,已送达\nbob@example.com,退信\n", ["bob@example.com"]),
        ("email,status\nann@example.com,250\nbob@example.com,5.1.1\n", ["bob@example.com"]),
        ("email,status\nann@example.com,delivered\n", "CRM-N050"),
        ("email,status\nann@example.com,bounced\nbob@example.com,hopeful\n", "CRM-N055"),
        ("email,status\nann@example.com,\n", "CRM-N055"),
    ],
)
def test_a_list_that_says_what_became_of_each_counts_what_came_back(text: str, back: object, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(text, encoding="utf-8")
    try:
        assert [each.address for each in read(b"", file)] == back
    except Problem as found:
        assert [each.code for each in found.diagnostics] == [back]


@pytest.mark.parametrize(("data", "code"), [(b"email\nann\xff\n", "CRM-N056"), (b" \n", "CRM-N050")])
def test_a_list_that_cannot_be_read_is_not_called_a_list_of_recipients(data: bytes, code: str, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes(data)
    with pytest.raises(Problem) as found:
        read(data, file)
    assert [each.code for each in found.value.diagnostics] == [code]


def test_only_what_was_taken_can_come_back_and_once() -> None:
    ann, bob, eve = (fingerprint(KEY, f"{name}@example.com") for name in ("ann", "bob", "eve"))
    one, two = address(Kind.NOTICE, "one"), address(Kind.NOTICE, "two")
    log = {one: told(**{ann: Fate.DELIVERED, bob: Fate.BOUNCED, eve: Fate.UNKNOWN}), two: told(**{bob: Fate.REJECTED})}
    back = [Back("ANN@example.com"), Back("bob@example.com"), Back("eve@example.com"), Back("zoe@example.com")]
    found = returned(back, log, KEY, "", "f")
    assert (found.to, found.known, found.strangers) == ({one: (ann, eve)}, 1, 1)
    assert returned([Back("x@example.com", ann, "two")], log, KEY, "", "f").to == {}
    both = {one: told(**{ann: Fate.DELIVERED}), two: told(**{ann: Fate.DELIVERED})}
    with pytest.raises(Problem) as refused:
        returned(back[:1], both, KEY, "", "f")
    assert [each.code for each in refused.value.diagnostics] == ["CRM-N052"]
    assert list(returned(back[:1], both, KEY, "two", "f").to) == [two]


SENT_AGAIN = "2026-11-05T12:00:00Z"


@pytest.mark.parametrize(
    ("said", "counts"),
    [
        (Back("", number=1), "known"),
        (Back("", number=2), "to"),
        (Back("ann@example.com"), "unclear"),
        (Back("ann@example.com", at="2026-11-05T11:59:59Z"), "known"),
        (Back("ann@example.com", at=SENT_AGAIN), "to"),
    ],
)
def test_of_who_was_told_again_only_a_report_on_that_mail_counts(said: Back, counts: str) -> None:
    ann, one = fingerprint(KEY, "ann@example.com"), address(Kind.NOTICE, "one")
    record = Told("mail", "k", 1, fates={ann: Fate.DELIVERED}, back={ann: 1}, again={ann: SENT_AGAIN})
    found = returned([said if said.address else Back("", ann, "one", said.number)], {one: record}, KEY, "", "f")
    assert {each for each in ("to", "known", "strangers", "unclear") if getattr(found, each)} == {counts}


def test_a_report_says_which_mail_it_was_and_when() -> None:
    tail = HEAD.replace("partners-mail@", "partners-mail.3@")
    (first,) = read(report(tail=tail), Path("r.eml"))
    assert (first.notice, first.number, first.at) == ("partners-mail", 3, "")
    arrived = report().replace(b"dns; mx.example", b"dns; mx.example\r\nArrival-Date: Thu, 5 Nov 2026 13:00:00 +0100")
    assert [each.at for each in read(arrived, Path("r.eml"))] == [SENT_AGAIN]
    dated = b"Date: Thu, 5 Nov 2026 12:00:00 +0000\r\n" + report()
    assert [each.at for each in read(dated, Path("r.eml"))] == [SENT_AGAIN]


def test_a_head_nested_deeper_than_anybody_means_says_nothing() -> None:
    deep = "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n' for n in range(3000))
    found = read(report(tail=f"Content-Type: text/rfc822-headers\n\n{deep}"), Path("r.eml"))
    assert found == [Back("Ann@example.com")]

"""The kit against a vendor that says what the test wants: what is sent again, what is not, and what never gets
through.
"""

from __future__ import annotations

import gzip
import itertools
import threading

import pytest

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Batch, File, Item, Limits
from crmstate.core.words import Kind, Outcome, Verb
from crmstate.providers.kit import ATTEMPTS, LONGEST_WAIT, Call, call_for
from crmstate.providers.kit.times import retry_after, told
from crmstate.providers.kit.wire import LARGEST, Answer, Gate, Lost, NotDeclared, Request, Wire

from .vendor import ok, talking

TWO = Batch(Kind.USER, Verb.DELETE, (Item("a"), Item("b")))


def list_users(session: object) -> list[str]:
    return [row.id for row in session.list(Kind.USER).resources]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "body",
    [
        b'{"ids": ["a"]}',
        b'{"ids": ["b", "a"]}',
        b'{"ids": ["a", "b", "c"]}',
        b'{"ids": ["a", "x"]}',
        b'{"ids": []}',
        b'{"ids": ["a", "b"]',
        b'{"other": 1}',
        b"",
        b"<html>all done</html>",
    ],
)
def test_an_answer_that_does_not_name_every_item_in_order_makes_all_unknown(body: bytes) -> None:
    with talking(lambda heard: ok(body)) as (session, toy, _, _):
        results = session.perform(TWO)

    assert [(each.id, each.outcome) for each in results] == [("a", Outcome.UNKNOWN), ("b", Outcome.UNKNOWN)]
    assert len(toy.heard) == 1


@pytest.mark.parametrize("status", ["500 Oops", "502 Bad", "503 Later", "504 Late", "302 Found", "418 Teapot"])
def test_an_act_that_is_answered_by_no_clear_refusal_is_unknown_and_sent_once(status: str) -> None:
    with talking(lambda heard: ok(b"?", status, "Location: http://127.0.0.1:1/")) as (session, toy, _, _):
        results = session.perform(TWO)

    assert ({Outcome.UNKNOWN}, 1) == ({each.outcome for each in results}, len(toy.heard))


def test_a_status_that_the_vendor_declares_safe_is_sent_again() -> None:
    answers = iter([ok(b"", "503 Later"), ok(b"", "503 Later"), ok(b'{"ids": ["a", "b"]}')])
    with talking(lambda heard: next(answers), declared_safe=frozenset({503})) as (session, toy, _, _):
        results = session.perform(TWO)

    assert ({Outcome.DONE}, 3) == ({each.outcome for each in results}, len(toy.heard))


def test_a_look_of_an_acting_cell_is_sent_again_although_it_is_a_post() -> None:
    answers = iter([ok(b"", "502 Bad"), ok(b'{"ids": ["b"]}'), ok(b'{"ids": ["b"]}')])
    with talking(lambda heard: next(answers)) as (session, toy, _, _):
        results = session.perform(Batch(Kind.USER, Verb.DISABLE, (Item("b"),)))

    assert [Outcome.DONE] == [each.outcome for each in results]
    assert ["POST /users/find", "POST /users/find", "POST /users/disable"] == [
        heard.partition(" HTTP")[0] for heard in toy.heard
    ]


def test_a_login_that_names_the_user_is_asked_once_and_its_plain_fields_stay_in_the_records() -> None:
    def say(heard: str) -> bytes:
        return ok(b'{"token": "token-that-was-given"}' if "/login" in heard else b'{"ids": ["anna.example"]}')

    credential = {"refresh": "a pass phrase", "login": "anna.example"}
    with talking(say, credential=credential) as (session, toy, _, _):
        found = list_users(session)
        who = Call(session._line, None, acts=False).user()

    assert (["anna.example"], "anna.example") == (found, who)
    assert 1 == sum("/login" in heard for heard in toy.heard)


def test_an_act_is_sent_again_after_a_renewed_token_but_only_once() -> None:
    tokens = itertools.count()

    def say(heard: str) -> bytes:
        return ok(b'{"token": "fresh-token-%d"}' % next(tokens)) if "/login" in heard else ok(b"", "401 No")

    with talking(say, credential={"refresh": "refresh-of-the-test"}) as (session, toy, _, scrubber):
        with pytest.raises(Failure) as raised:
            session.perform(TWO)
        scrubbed = scrubber.scrub("fresh-token-1 refresh-of-the-test")

    assert Code.EXPIRED is raised.value.code
    asked = ["/login" in heard for heard in toy.heard]
    assert asked == [True, False, True, False]
    assert scrubbed == "[secret] [secret]"


@pytest.mark.parametrize(
    ("date", "ahead"),
    [
        ("Sun, 01 Nov 2026 00:10:00 GMT", 10),
        ("Sat, 31 Oct 2026 22:00:00 -0000", -120),
        ("Sun, 01 Nov 2026 01:00:00 +0100", 0),
        ("Sun, 01 Nov 2026 00:05:00 GMT", 0),
        ("yesterday", 0),
    ],
)
def test_by_how_much_the_vendors_clock_is_ahead_is_told_with_who_we_are(date: str, ahead: int) -> None:
    later = itertools.chain([date], itertools.repeat("Thu, 01 Jan 1970 00:00:00 GMT" if ahead else date))
    with talking(lambda heard: ok(b"{}", f"200 OK\r\nDate: {next(later)}"), "read") as (session, _, _, _):
        assert [ahead, ahead] == [session.whoami().ahead for _ in range(2)], "the first answer says it"


def test_a_login_that_fails_is_tried_as_often_as_any_call_and_not_for_each_try_of_another() -> None:
    with talking(lambda heard: ok(b"", "503 Later"), credential={"refresh": "refresh-of-the-test"}) as made:
        session, toy, _, _ = made
        with pytest.raises(Failure) as raised:
            list_users(session)

    assert (Code.UNAVAILABLE, ATTEMPTS) == (raised.value.code, len(toy.heard))


def test_what_nobody_declares_does_not_even_log_in() -> None:
    with talking(lambda heard: ok(b"{}"), credential={"refresh": "refresh-of-the-test"}) as (session, toy, _, _):
        call = call_for(session._line, session.provider.table[Kind.USER, Verb.LIST])
        with pytest.raises(NotDeclared):
            call.send("GET", "/other")

    assert toy.heard == []


def test_many_threads_whose_token_ends_log_in_once() -> None:
    logins = itertools.count()
    gate = threading.Barrier(8)

    def say(heard: str) -> bytes:
        if "/login" in heard:
            return ok(b'{"token": "token-number-%d"}' % next(logins))
        if "token-number-0" in heard:
            gate.wait(5)
            return ok(b"", "401 No")
        return ok(b'{"ids": ["a"], "next": null, "total": 1}')

    with talking(say, credential={"refresh": "refresh-of-the-test"}) as (session, toy, _, _):
        threads = [threading.Thread(target=lambda: list_users(session)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sum("/login" in heard for heard in toy.heard) == 2


def test_a_wait_longer_than_a_run_has_is_raised_instead() -> None:
    slow = ok(b"", "429 Slow", f"Retry-After: {LONGEST_WAIT + 1:.0f}")
    with talking(lambda heard: slow) as (session, toy, clock, _), pytest.raises(Failure) as raised:
        list_users(session)

    assert (raised.value.code, raised.value.retry_after) == (Code.THROTTLED, LONGEST_WAIT + 1)
    assert (len(toy.heard), clock.slept) == (1, [])


@pytest.mark.parametrize("text", ["soon", "-5", "1e9", "nan", "inf", "9" * 400, ""])
def test_a_wait_that_means_nothing_is_backed_off_from(text: str) -> None:
    with (
        talking(lambda heard: ok(b"", "429 Slow", f"Retry-After: {text}")) as (session, toy, clock, _),
        pytest.raises(Failure),
    ):
        list_users(session)

    assert len(toy.heard) == ATTEMPTS
    assert len(clock.slept) == ATTEMPTS - 1
    assert all(0 < wait <= 20 for wait in clock.slept)


@pytest.mark.parametrize("year", ["9" * 20, "9" * 5, "2147483648"])
def test_a_date_of_no_calendar_says_nothing(year: str) -> None:
    odd, here = f"Mon, 01 Jan {year} 00:00:00 GMT", "Sun, 01 Nov 2026 08:00:00 GMT"
    assert told(Answer(200, {"date": odd}, b"")) is None
    assert retry_after(Answer(429, {"date": odd, "retry-after": here}, b"")) is None
    assert retry_after(Answer(429, {"date": here, "retry-after": odd}, b"")) is None


def test_a_date_to_wait_for_counts_from_the_answers_own_date() -> None:
    dates = ("Date: Sun, 01 Nov 2026 08:00:00 GMT", "Retry-After: Sun, 01 Nov 2026 08:00:09 GMT")
    answers = iter([ok(b"", "429 Slow", *dates)])
    with talking(lambda heard: next(answers, ok(b'{"ids": []}'))) as (session, _, clock, _):
        list_users(session)

    assert clock.slept == [9.0]


def test_a_redirect_is_not_followed_and_no_other_host_sees_the_token() -> None:
    with talking(lambda heard: ok(b"spy")) as (_, spy, _, _):
        target = f"Location: {spy.url}/users"
        with talking(lambda heard: ok(b"", "307 There", target)) as (session, _, _, _), pytest.raises(Failure):
            list_users(session)
        assert spy.heard == []


def fetched(session: object, url: str) -> bytes:
    return b"".join(session.fetch(File("f", "r", "n", url)))  # type: ignore[attr-defined]


def test_a_signed_address_is_fetched_without_the_token_even_at_the_vendors_own_origin() -> None:
    with talking(lambda heard: ok(b"file")) as (session, toy, _, _):
        fetched(session, f"{toy.url}/f")
    with talking(lambda heard: ok(b"file"), file_hosts=("files.example.com",)) as (session, signed, _, _):
        fetched(session, f"{signed.url}/f?token=x")

    assert [True, False] == ["authorization" in each.heard[0].lower() for each in (toy, signed)]


@pytest.mark.parametrize(
    ("url", "lets"),
    [
        ("https://files.example.com/a?token=x", True),
        ("https://files.example.com:443/a", True),
        ("http://files.example.com/a", False),
        ("https://files.example.com:8443/a", False),
        ("https://me@files.example.com/a", False),
        ("https://files.example.com.evil.test/a", False),
        ("https://evil.test/files.example.com", False),
        ("https://files.example.com:x/a", False),
        ("//evil.test/a", False),
        ("ftp://files.example.com/a", False),
    ],
)
def test_addresses_are_fetched_from_the_declared_file_hosts_alone_and_encrypted(
    url: str, lets: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, bool]] = []

    def refuse(wire: Wire, request: Request, url: str, encoding: str) -> None:
        asked.append((url, "Authorization" in request.headers))
        raise Lost("no network in a test", sent=False)

    monkeypatch.setattr(Wire, "_open", refuse)
    with (
        talking(lambda heard: b"", file_hosts=("files.example.com",)) as (session, _, _, _),
        pytest.raises((NotDeclared, Failure)) as raised,
    ):
        fetched(session, url)

    assert [(url, False)] * (ATTEMPTS if lets else 0) == asked
    assert lets == isinstance(raised.value, Failure)


def test_a_gzip_body_is_unpacked_and_a_cut_or_damaged_one_is_never_a_shorter_page() -> None:
    packed = gzip.compress(b'{"ids": ["a", "b"], "total": 2}')
    answers = iter([packed[:-1], packed[:-8], packed[:15], b"", b"no gzip at all", packed])
    with talking(lambda heard: ok(next(answers, packed), "200 OK", "Content-Encoding: gzip")) as (session, toy, _, _):
        assert list_users(session) == ["a", "b"]

    assert sum("GET /users" in heard for heard in toy.heard) == ATTEMPTS


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = gzip.compress(b" " * (LARGEST + 1))
    with (
        talking(lambda heard: ok(bomb, "200 OK", "Content-Encoding: gzip")) as (session, _, _, _),
        pytest.raises(Failure) as raised,
    ):
        list_users(session)

    assert "too large" in raised.value.summary


def test_an_encoding_that_was_not_asked_for_is_refused() -> None:
    with (
        talking(lambda heard: ok(b"x", "200 OK", "Content-Encoding: br")) as (session, toy, _, _),
        pytest.raises(Failure),
    ):
        list_users(session)

    assert "accept-encoding: gzip\r" in toy.heard[0].lower()


@pytest.mark.parametrize(
    ("pages", "why"),
    [
        ([b'{"ids": ["a"], "next": "1"}', b'{"ids": ["b"], "next": "1"}'], "does not end"),
        ([b'{"ids": ["a"], "next": "1"}', b'{"ids": ["a"], "next": "2"}'], "repeats"),
        ([b'{"ids": ["a", "a"], "next": null}'], "repeats"),
        ([b'{"ids": ["a"], "next": ""}'], "does not end"),
        ([b'{"ids": [], "next": "%d"}' % place for place in range(9)], "does not end"),
    ],
)
def test_a_listing_that_leads_nowhere_is_raised_and_not_shortened(pages: list[bytes], why: str) -> None:
    answers = iter(pages)
    with talking(lambda heard: ok(next(answers))) as (session, _, _, _), pytest.raises(Failure) as raised:
        list_users(session)

    assert why in raised.value.summary


def test_a_few_empty_pages_are_walked_over() -> None:
    answers = iter([b'{"ids": [], "next": "1"}', b'{"ids": [], "next": "2"}', b'{"ids": ["z"], "total": 1}', b"{}"])
    with talking(lambda heard: ok(next(answers))) as (session, _, _, _):
        assert list_users(session) == ["z"]


def test_a_row_of_another_shape_is_refused_and_not_left_out() -> None:
    with talking(lambda heard: ok(b'{"ids": ["a", null]}')) as (session, toy, _, _), pytest.raises(Failure) as raised:
        list_users(session)

    assert (raised.value.code, len(toy.heard)) == (Code.REJECTED, 1)


def test_vendor_text_is_one_short_clean_line_without_the_credential() -> None:
    nasty = "line\r\n\x1b[31mred\u202e token-of-\u200bthe-test and token-of-the-test " + "long " * 100
    with talking(lambda heard: ok(nasty.encode(), "404 No")) as (session, _, _, _), pytest.raises(Failure) as raised:
        list_users(session)

    text = raised.value.summary
    assert "token-of-the-test" not in text.replace(" ", "") and "\x1b" not in text and "\u202e" not in text
    assert len(text) <= 200 and text.isprintable()
    assert "token-of-the-test" not in repr(raised.value) + str(raised.value.args)


def test_no_failure_drags_the_request_along() -> None:
    with talking(lambda heard: b"", timeout=0.5) as (session, _, _, _), pytest.raises(Failure) as raised:
        list_users(session)

    error = raised.value
    assert error.__cause__ is None and (error.__context__ is None or error.__suppress_context__)


def test_the_rate_is_kept_over_all_threads() -> None:
    with talking(lambda heard: ok(b'{"ids": []}'), limits=Limits(per_second=5)) as (session, toy, clock, _):
        for _ in range(30):
            list_users(session)

    assert len(toy.heard) >= 30
    assert clock.monotonic() >= (len(toy.heard) - 5) / 5 - 0.01


def test_so_many_requests_in_so_many_seconds_and_no_more_in_any_of_them() -> None:
    limits = Limits(per_window={"GET /users": (3, 60.0)})
    went: list[float] = []
    with talking(lambda heard: ok(b'{"ids": []}'), limits=limits) as (session, _, clock, _):
        for _ in range(8):
            session.list(Kind.USER, ["a"])
            went.append(clock.monotonic())
            clock.sleep(7)
        session.whoami()

    assert went[:3] == [0, 7, 14], "the first ones wait for nothing"
    assert all(later - earlier >= 60 for earlier, later in zip(went, went[3:], strict=False))
    assert went[3] == 60 and went[-1] < 140, "and no longer than needed"


def test_a_request_with_a_limit_of_its_own_is_slower_than_the_others() -> None:
    limits = Limits(per_second=50, per_request={"GET /users": 2})
    with talking(lambda heard: ok(b'{"ids": []}'), limits=limits) as (session, toy, clock, _):
        for _ in range(40):
            session.whoami()
        assert clock.slept == []
        for _ in range(10):
            list_users(session)

    assert sum("GET /users" in heard for heard in toy.heard) == 10
    assert clock.monotonic() == pytest.approx((10 - 2) / 2)


def test_a_days_quota_that_is_known_is_not_overrun() -> None:
    with (
        talking(lambda heard: ok(b'{"ids": []}'), limits=Limits(per_day=3)) as (session, toy, _, _),
        pytest.raises(Failure) as raised,
    ):
        for _ in range(9):
            list_users(session)

    assert (raised.value.code, raised.value.until, len(toy.heard)) == (Code.EXHAUSTED, "2026-11-02T00:00:00Z", 3)


@pytest.mark.parametrize(("ahead", "until"), [(8, "2026-11-01T16:00:00Z"), (-5, "2026-11-01T05:00:00Z")])
def test_a_days_quota_ends_where_the_vendors_day_does(ahead: int, until: str) -> None:
    """The clock of the test stands at midnight of UTC: in Shanghai it is morning, in New York the day before."""
    with (
        talking(lambda heard: ok(b'{"ids": []}'), limits=Limits(per_day=1, ahead=ahead)) as (session, _, _, _),
        pytest.raises(Failure) as raised,
    ):
        list_users(session)

    assert (raised.value.code, raised.value.until) == (Code.EXHAUSTED, until)


def test_a_file_that_a_post_is_answered_with_comes_whole_however_large_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crmstate.providers.kit.wire.LARGEST", 1000)
    content = bytes(range(256)) * 40
    answers = iter([ok(b"", "502 Bad"), ok(b"", "401 No"), ok(content, "200 OK", "Content-Disposition: attachment")])
    with talking(
        lambda heard: ok(b'{"token": "new-token"}') if "/login" in heard else next(answers),
        credential={"refresh": "refresh-of-the-test"},
    ) as (session, toy, _, _):
        call = Call(session._line, Gate(("POST /file",)), acts=False)
        got = b"".join(call.download("/file", {"id": 1}, lambda headers: "content-disposition" in headers))
        with pytest.raises(NotDeclared):
            b"".join(call.download("/other", {}, lambda headers: True))

    assert (content, 3) == (got, sum("POST /file" in heard for heard in toy.heard))


def test_a_file_that_is_cut_short_or_is_none_is_raised() -> None:
    cut = ok(b"x" * 300, "200 OK", "Content-Disposition: attachment")[:-100]
    for answer, code in ((cut, Code.UNAVAILABLE), (ok(b"{}"), Code.UNAVAILABLE), (ok(b"", "404 No"), Code.MISSING)):
        with talking(lambda heard, found=answer: found) as (session, _, _, _):  # type: ignore[misc]
            call = Call(session._line, Gate(("POST /file",)), acts=False)
            with pytest.raises(Failure) as raised:
                b"".join(call.download("/file", {}, lambda headers: "content-disposition" in headers))
        assert code is raised.value.code


def test_an_answer_that_drips_for_ever_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    with talking(lambda heard: ok(b'{"ids": ["a", "b"]}')) as (session, _, clock, _):
        monkeypatch.setattr(clock, "monotonic", itertools.count(0, 51).__next__)
        results = session.perform(TWO)

    assert {(Outcome.UNKNOWN, "the answer takes too long")} == {(each.outcome, each.summary) for each in results}


def test_the_view_is_proved_again_when_the_proof_is_old() -> None:
    with talking(lambda heard: ok(b'{"ids": []}')) as (session, toy, clock, _):
        list_users(session)
        list_users(session)
        clock.sleep(61)
        list_users(session)

    assert sum("GET /me" in heard for heard in toy.heard) == 2

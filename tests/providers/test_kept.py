"""Tokens that outlive a run, and logins that say where the API is: what is kept, what of it is believed, and where no
credential goes.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import File
from crmstate.core.secret import Scrubber, Secret
from crmstate.core.words import Kind
from crmstate.providers.kit import Call, Grant
from crmstate.providers.kit.connect import connect
from crmstate.providers.kit.kept import Kept, name_of
from crmstate.providers.kit.pages import Sheet, by_number

from .vendor import Patience, Say, Straight, Token, Toy, make, ok

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SECRET = {"refresh": "refresh-token-of-the-test"}


def login(origin: str | None, lasts: float | None) -> Any:
    def run(call: Call, credential: Mapping[str, Secret]) -> Grant:
        form = {"refresh": credential["refresh"].reveal()}
        found = call.send("POST", "/login", form=form, into=Token).value
        return Grant(Secret(found.token), origin=origin, lasts=lasts)

    return run


@contextmanager
def running(
    say: Say,
    folder: Path | None = None,
    *,
    origin: str | None = None,
    lasts: float | None = 3600.0,
    secret: Mapping[str, str] = SECRET,
    at: str | None = None,
) -> Iterator[tuple[Any, Toy]]:
    """A session as one run has it. `at`: the address that is configured, where that is not the toy's own."""
    toy, scrubber = Toy(say), Scrubber()
    made = make()
    made = replace(made, dialect=replace(made.dialect, login=login(origin, lasts), login_at=lambda url: toy.url))
    session = connect(
        made,
        at or toy.url,
        {name: Secret(text) for name, text in secret.items()},
        "write",
        effects=Straight(),
        clock=Patience(),
        learn=scrubber.learn,
        scrub=scrubber.scrub,
        kept=Kept(folder, Straight()) if folder else None,
    )
    try:
        yield session, toy
    finally:
        session.close()
        toy.close()


def vendor(token: str = "the-first-access-token") -> Say:
    def say(heard: str) -> bytes:
        if heard.startswith("POST /login"):
            return ok(json.dumps({"token": token}).encode())
        return ok(b'{"ids": []}') if f"Bearer {token}" in heard else ok(b"no", "401 No")

    return say


def logins(toy: Toy) -> int:
    return sum(heard.startswith("POST /login") for heard in toy.heard)


def test_a_login_by_form_sends_its_fields_in_the_body() -> None:
    with running(vendor()) as (session, toy):
        session.whoami()

    head, _, body = toy.heard[0].rpartition("\n")
    assert "application/x-www-form-urlencoded" in head and body == "refresh=refresh-token-of-the-test"
    assert "refresh-token" not in head


def test_the_next_run_goes_on_with_the_token_of_the_last_one(tmp_path: Path) -> None:
    server = vendor()
    toy = Toy(server)  # one address for both runs
    with running(server, tmp_path, at=toy.url) as (session, first):
        session.whoami()
    with running(server, tmp_path, at=toy.url) as (session, second):
        session.whoami()
    toy.close()

    assert (1, 0) == (logins(first), logins(second))
    (place,) = tmp_path.iterdir()
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert "refresh-token" not in place.name + place.read_text()


def test_another_credential_does_not_get_the_token(tmp_path: Path) -> None:
    with running(vendor(), tmp_path) as (session, _):
        session.whoami()
    with running(vendor("another-access-token"), tmp_path, secret={"refresh": "another-refresh-token"}) as (
        session,
        toy,
    ):
        session.whoami()

    assert logins(toy) == 1


def test_a_kept_token_that_the_vendor_refuses_is_replaced_once(tmp_path: Path) -> None:
    server = vendor("the-second-access-token")
    toy = Toy(server)
    Kept(tmp_path, Straight()).keep(
        name_of("toy", toy.url, {"refresh": Secret(SECRET["refresh"])}), Grant(Secret("stale-token"), lasts=3600), NOW
    )
    with running(server, tmp_path, at=toy.url) as (session, heard):
        session.whoami()
    toy.close()

    assert logins(heard) == 1
    (place,) = tmp_path.iterdir()
    assert json.loads(place.read_text())["access"] == "the-second-access-token"


@pytest.mark.parametrize("spoil", ["open to others", "a link", "no JSON", "another shape", "old", "of the future"])
def test_a_file_that_cannot_be_relied_on_is_not_believed(tmp_path: Path, spoil: str) -> None:
    kept, place = Kept(tmp_path / "tokens", Straight()), tmp_path / "tokens" / "toy"
    kept.keep("toy", Grant(Secret("token-of-the-test"), origin="https://a", lasts=3600), NOW)
    assert kept.find("toy", NOW) is not None
    later = NOW
    if spoil == "open to others":
        place.chmod(0o640)
    elif spoil == "a link":
        place.rename(tmp_path / "elsewhere")
        place.symlink_to(tmp_path / "elsewhere")
    elif spoil == "no JSON":
        place.write_text("{")
    elif spoil == "another shape":
        place.write_text('{"access": 1, "until": "2026-11-01T00:30:00+00:00", "lasts": 3600}')
    else:
        later = NOW + (timedelta(seconds=3500) if spoil == "old" else timedelta(days=-1))

    assert kept.find("toy", later) is None


def test_a_grant_that_does_not_say_how_long_it_lasts_is_not_kept(tmp_path: Path) -> None:
    with running(vendor(), tmp_path, lasts=None) as (session, _):
        session.whoami()

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_costs_a_login_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with running(vendor(), tmp_path / "file") as (session, toy):
        session.whoami()

    assert logins(toy) == 1


def test_calls_go_where_the_login_said_and_the_login_does_not() -> None:
    api = Toy(vendor())
    with running(vendor(), origin=api.url) as (session, accounts):
        session.whoami()
    api.close()

    assert (1, 1) == (len(accounts.heard), len(api.heard))
    assert logins(accounts) == 1 and logins(api) == 0


@pytest.mark.parametrize(
    "place", ["https://api.evil.example", "http://www.zohoapis.eu", "https://127.0.0.1@evil.example"]
)
def test_no_credential_goes_to_an_address_that_is_not_the_vendors(place: str) -> None:
    with running(vendor(), origin=place) as (session, toy), pytest.raises(Failure) as raised:
        session.whoami()

    assert Code.DENIED is raised.value.code and "not the vendor's" in raised.value.summary
    assert [heard.partition(" HTTP")[0] for heard in toy.heard] == ["POST /login"]


def test_a_file_is_fetched_with_a_new_token_where_the_old_one_ended() -> None:
    tokens = iter(["the-first-access-token", "the-second-access-token"])

    def say(heard: str) -> bytes:
        if heard.startswith("POST /login"):
            return ok(json.dumps({"token": next(tokens)}).encode())
        return ok(b"contract") if "Bearer the-second" in heard else ok(b"no", "401 No")

    with running(say) as (session, toy):
        content = b"".join(session.fetch(File("f", "r", "n", "/files/1", 8)))

    assert (b"contract", 2) == (content, logins(toy))


def test_an_empty_answer_is_none_only_where_none_may_be() -> None:
    from crmstate.providers.kit import call_for

    from .vendor import Ids

    with running(lambda heard: ok(b'{"token": "t"}') if "/login" in heard else ok(b"", "204 None")) as (session, _):
        call = call_for(session._line, session.provider.table[Kind.USER, "list"])
        assert call.get("/users", into=Ids | None) is None  # type: ignore[call-overload]
        with pytest.raises(Failure):
            call.get("/users", into=Ids)


def numbered(pages: list[list[str]]) -> Any:
    """A listing that gives these pages, one after the other, whatever number is asked for; empty means that it ends."""
    given = iter(pages)

    def ask(number: int) -> Sheet[str]:
        rows = next(given)
        return Sheet([each for each in rows if each != "."], "." not in rows)

    return ask


@pytest.mark.parametrize(
    ("pages", "total", "expected"),
    [
        ([["a", "b", "."]], None, (["a", "b"], True)),
        ([["."]], None, ([], True)),
        ([["a", "b"], ["c", "."], ["a", "b"], ["c", "."]], None, (["a", "b", "c"], True)),
        # a row before the page went: the first reading lost one, the two after it agree
        ([["a", "b"], ["d", "."], ["b", "c"], ["d", "."], ["b", "c"], ["d", "."]], None, (["b", "c", "d"], True)),
        # a row came in before: it repeats one
        ([["a", "b"], ["b", "c"], ["x", "a"], ["b", "c", "."], ["x", "a"], ["b", "c", "."]], None, (["x", "a", "b", "c"], True)),
        ([["a", "b"], ["c", "."]] * 3, 4, (["a", "b", "c"], False)),
        # short pages with others behind them lose rows again and again
        ([["a"], ["c"], ["."]] * 3, None, (["a", "c"], False)),
    ],
)  # fmt: skip
def test_numbered_pages_are_whole_only_where_nothing_moved(
    pages: list[list[str]], total: int | None, expected: tuple[list[str], bool]
) -> None:
    counted = None if total is None else lambda: total or 0

    assert expected == by_number(numbered(pages), lambda row: row, 2, counted)


def test_a_numbered_page_that_comes_for_ever_is_raised() -> None:
    with pytest.raises(Failure, match="same page"):
        by_number(lambda number: Sheet(["a", "b"], True), lambda row: row, 2)

"""Secrets do not show themselves, and the scrubber finds them in every form that a vendor or a library gives them."""

from __future__ import annotations

import base64
import copy
import json
import pickle
from urllib.parse import quote, quote_plus, urlencode

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crmstate.core.secret import MASK, SHORTEST, Scrubber, Secret

LAW = settings(max_examples=150, deadline=None)
SECRETS = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=["Cs"]), min_size=SHORTEST, max_size=40
)
CANARY = 's3cr3t/+=& "quoted" 密码-canary'


def scrubber(*secrets: str) -> Scrubber:
    made = Scrubber()
    for each in secrets:
        made.learn(Secret(each))
    return made


SHOWS = [
    str,
    repr,
    "{}".format,
    "{!r:>40}".format,
    "{:>40}".format,
    lambda s: f"{[s]}",
    lambda s: ", ".join(map(str, [s])),
]


@pytest.mark.parametrize("show", SHOWS)
def test_a_secret_shows_itself_in_no_way_of_printing(show: object) -> None:
    assert CANARY not in show(Secret(CANARY))  # type: ignore[operator]


def test_a_secret_can_be_neither_pickled_nor_copied_into_the_open() -> None:
    assert CANARY.encode() not in pickle.dumps(Secret(CANARY))
    assert copy.deepcopy(Secret(CANARY)) != Secret(CANARY)


def test_a_secret_cannot_be_written_as_json() -> None:
    with pytest.raises(TypeError):
        json.dumps({"token": Secret(CANARY)})
    with pytest.raises(TypeError):
        msgspec.json.encode({"token": Secret(CANARY)})


def test_a_secret_has_no_dictionary_to_look_into() -> None:
    assert not hasattr(Secret(CANARY), "__dict__")


@LAW
@given(SECRETS, st.text(max_size=10), st.text(max_size=10))
def test_a_secret_is_scrubbed_where_it_stands_as_it_is(secret: str, before: str, after: str) -> None:
    assert secret not in scrubber(secret).scrub(before + secret + after).replace(MASK, "\0")


@LAW
@given(SECRETS)
@pytest.mark.parametrize("encode", [quote, quote_plus, lambda s: quote(s, safe=""), lambda s: urlencode({"t": s})[2:]])
def test_a_secret_is_scrubbed_from_an_address(encode: object, secret: str) -> None:
    text = f"https://vendor.example/x?t={encode(secret)}&u=1"  # type: ignore[operator]
    assert f"https://vendor.example/x?t={MASK}&u=1" == scrubber(secret).scrub(text)


@LAW
@given(SECRETS)
def test_a_secret_is_scrubbed_from_an_address_with_small_letters(secret: str) -> None:
    assert scrubber(secret).scrub(_lower_escapes(quote(secret, safe=""))) == MASK


def _lower_escapes(text: str) -> str:
    pieces = text.split("%")
    return pieces[0] + "".join(f"%{piece[:2].lower()}{piece[2:]}" for piece in pieces[1:])


@LAW
@given(SECRETS, st.binary(max_size=7), st.binary(max_size=7))
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_secret_is_scrubbed_from_base64_wherever_it_stands_in_it(
    encode: object, secret: str, before: bytes, after: bytes
) -> None:
    """At every alignment; at most the characters that it shares with its neighbours are left."""
    text = encode(before + secret.encode() + after).decode()  # type: ignore[operator]
    left = scrubber(secret).scrub(text)
    assert MASK in left
    shared = 4
    assert len(left) - len(MASK) <= len(encode(before + after)) + shared  # type: ignore[operator]


@LAW
@given(SECRETS)
def test_basic_authentication_is_scrubbed(secret: str) -> None:
    header = base64.b64encode(f"user:{secret}".encode()).decode()
    assert MASK in scrubber(secret).scrub(f"Authorization: Basic {header}")


@LAW
@given(SECRETS)
@pytest.mark.parametrize("ascii", [True, False])
def test_a_secret_is_scrubbed_from_json(ascii: bool, secret: str) -> None:
    assert json.dumps({"token": MASK}) == scrubber(secret).scrub(json.dumps({"token": secret}, ensure_ascii=ascii))


@LAW
@given(SECRETS)
def test_a_secret_is_scrubbed_from_what_our_own_encoder_writes(secret: str) -> None:
    assert json.dumps({"token": MASK}).replace(" ", "") == scrubber(secret).scrub(
        msgspec.json.encode({"token": secret}).decode()
    )


@LAW
@given(SECRETS)
def test_a_secret_is_scrubbed_from_json_that_escapes_its_slashes(secret: str) -> None:
    """As PHP writes it, which many vendors are."""
    text = json.dumps({"token": secret}).replace("/", "\\/")
    assert json.dumps({"token": MASK}) == scrubber(secret).scrub(text)


@LAW
@given(st.lists(SECRETS, min_size=2, max_size=4, unique=True), st.data())
def test_of_secrets_that_contain_each_other_nothing_is_left(secrets: list[str], data: st.DataObject) -> None:
    longer = secrets[0] + data.draw(st.text("abc", min_size=1, max_size=3))
    text = f"<{longer}>"
    assert f"<{MASK}>" == scrubber(*secrets, longer).scrub(text)


@LAW
@given(SECRETS, st.text("abcdef ", max_size=60))
def test_other_text_is_left_alone(secret: str, text: str) -> None:
    forms = (secret, quote(secret), quote_plus(secret))
    assume(not any(form in text for form in forms))
    assume(not any(base64.b64encode(b"\0" * n + secret.encode()).decode()[4:-4] in text for n in range(3)))
    assert text == scrubber(secret).scrub(text)


def test_too_short_a_secret_is_not_learnt_because_it_would_scrub_half_the_page() -> None:
    assert scrubber("1234567").scrub("a page about 1234567") == "a page about 1234567"


def test_tokens_that_come_later_are_scrubbed_as_well() -> None:
    made = scrubber("first-token")
    made.learn("second-token")
    assert f"{MASK} {MASK}" == made.scrub("first-token second-token")

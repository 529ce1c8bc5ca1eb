"""A secret written into a manifest is refused, and never repeated: not in the finding, not in the line that it
shows."""

from __future__ import annotations

import pytest

from crmstate.core.diagnostic import Diagnostic
from crmstate.manifest.leak import find, mask, random_looking
from crmstate.manifest.load import check

from .conftest import Write

SECRETS = [
    "sk_live_NOT1A2REAL3KEY",
    "sk-proj-aB3dE6gH9jK2mN5pQ8sT",
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "github_pat_11ABCDEFG0123456789_abcdefghij",
    "glpat-abcdefghij0123456789",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N",
    "xoxb-1234567890-abcdefghij",
    "1000.8cb99d4d8f1d4d8f8cb99d4d8f1d4d8f.8cb99d4d8f1d4d8f8cb99d4d8f1d4d8f",
    "pat-na1-01234567-89ab-cdef-0123-456789abcdef",
    "https://admin:opensesame@crm.example.com",
    "https://oapi.dingtalk.com/robot/send?access_token=abcdef0123456789",
    "AGE-SECRET-KEY-1QQPQZ8V0Q0Y0WQ9V0D4N5RYZ6T5M3",
]
PLACES = {
    "in a reason": "reason: {code: cost, text: 'SECRET'}\nend_state: {}\n",
    "in a comment": "# SECRET\nend_state: {}\n",
    "as a key": "'SECRET': 1\nend_state: {}\n",
    "in broken YAML": "reason: {text: SECRET\nend_state: }{\n",
    "in an unknown key's value": "tokn: SECRET\nend_state: {}\n",
    "as an anchor": "reason: &a {code: cost, text: 'SECRET'}\nend_state: *a\n",
}


def shown(found: list[Diagnostic]) -> str:
    return repr(found)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("place", PLACES)
def test_a_known_shape_is_refused_wherever_it_stands_and_never_repeated(secret: str, place: str, write: Write) -> None:
    found = check(write(PLACES[place].replace("SECRET", secret)))
    assert "CRM-M017" in [each.code for each in found]
    assert secret not in shown(found)
    assert secret[4:] not in shown(found)


CREDENTIALS = {
    "where a reference belongs": "{read: {account: SECRET}}",
    "as a whole side": "{read: SECRET}",
    "as all credentials": "SECRET",
    "in a list": "{read: {account: [SECRET]}}",
    "as an unknown way": "{read: {account: {value: SECRET}}}",
    "as the name of a variable": "{read: {account: {env: SECRET}}}",
}


@pytest.mark.parametrize("place", CREDENTIALS)
@pytest.mark.parametrize("secret", ["a8f5f167f44f4964e6c998dee827110c", "Tr0ub4dor-and-3-more-words"])
def test_any_value_in_the_place_of_a_credential_is_refused_and_never_repeated(
    secret: str, place: str, write: Write
) -> None:
    credentials = CREDENTIALS[place].replace("SECRET", secret)
    found = check(write("end_state: {}\n", f"provider: {{name: zoho, tenant: '1', credentials: {credentials}}}\n"))
    assert found
    assert secret not in shown(found)


def test_a_webhook_address_is_not_repeated_even_where_its_shape_is_unknown(write: Write) -> None:
    notice = (
        "notices:\n  - {to: staff, channel: webhook, url: 'https://chat.example.com/r/9f8e7d6c5b', send: 2026-12-01}\n"
    )
    found = check(write(notice + "end_state: {}\n"))
    assert [each.code for each in found] == ["CRM-M018"]
    assert "9f8e7d6c5b" not in shown(found)


@pytest.mark.parametrize(
    "text",
    [
        "Sales moves to another CRM; contract ends 31 January.",
        "order-form.pdf p. 3",
        "sk-sales-kickoff",
        "pat-the-cat",
        "revops@example.com",
        "https://crm.example.com:8443/path",
        "ZOHO_CLIENT_ID_2025",
        "2026-12-15T18:00+01:00",
        "elsewhere-shared-mailbox-sales",
    ],
)
def test_ordinary_texts_are_not_taken_for_secrets(text: str) -> None:
    assert list(find(text)) == []
    assert text == mask(text)


def test_values_that_look_random_are_told_from_words() -> None:
    assert random_looking("a8f5f167f44f4964e6c998dee827110c")
    assert not random_looking("ZOHO_REFRESH_TOKEN")
    assert not random_looking("read-only-service-account")


def test_what_stands_after_a_telling_key_is_masked() -> None:
    assert mask("client_secret: hunter2") == "client_secret: [secret]"
    assert mask("client_secret: {env: ZOHO_SECRET}") == "client_secret: {env: ZOHO_SECRET}"

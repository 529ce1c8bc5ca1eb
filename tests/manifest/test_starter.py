"""What `crmstate init` writes validates as it is, and with its comments taken away line by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmstate.core.words import Severity
from crmstate.manifest.load import check, load
from crmstate.manifest.operator import Operator
from crmstate.manifest.starter import starter
from crmstate.manifest.trust import refusals


@pytest.mark.parametrize(
    ("provider", "fields", "env"),
    [
        ("sandbox", ("token",), ()),
        ("zoho", ("client_id", "client_secret", "refresh_token"), ("ZOHO_",)),
        ("salesforce", ("token",), ("SALESFORCE_", "SF_")),
        ("odoo", ("password",), ()),
        ("paper", (), ()),
        ("jiandaoyun", ("api_key",), ("JIANDAOYUN_", "JDY_")),
        (
            "fxiaoke",
            ("app_id", "app_secret", "permanent_code", "user_id", "open_user_id"),
            ("FXIAOKE_", "SHARECRM_"),
        ),
    ],
)
def test_a_starter_is_right_as_it_is_and_ends_nothing(
    provider: str, fields: tuple[str, ...], env: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "crmstate.yaml"
    path.write_text(starter(provider, fields, env), encoding="utf-8")
    assert check(path, {provider}) == []
    loaded = load(path)
    assert refusals(loaded, Operator(), env) == []
    assert (loaded.desired.subscription, loaded.desired.account, loaded.desired.purge) == (None, None, None)


def test_a_starter_has_the_editors_modeline() -> None:
    assert starter("sandbox", schema="../schemas/x.json").startswith(
        "# yaml-language-server: $schema=../schemas/x.json\n"
    )


def test_a_starter_whose_examples_are_switched_on_is_right_too(tmp_path: Path) -> None:
    lines = starter("zoho", ("token",), ("ZOHO_",)).splitlines()
    active = [
        line.replace("# ", "", 1) if line.lstrip().startswith("# ") and ":" in line and number > 3 else line
        for number, line in enumerate(lines)
    ]
    active = [
        line
        for line in active
        if line != "  users: {status: active}               # removed | deactivated | deleted | active"
    ]
    path = tmp_path / "crmstate.yaml"
    path.write_text("\n".join(active), encoding="utf-8")
    assert [each for each in check(path, {"zoho"}) if each.severity is Severity.ERROR] == []


def test_a_starter_says_what_the_tenant_is_and_whether_an_address_is_needed() -> None:
    text = starter("zoho", url="https://zoho.example.com", tenant="the organisation's id")

    assert "# the organisation's id: crmstate refuses" in text
    assert "  # url: https://zoho.example.com       # needed for another address only\n" in text


def test_a_starter_offers_no_safeguard_that_a_vendor_without_an_api_knows_nothing_of() -> None:
    text = starter("paper", ())
    assert not any(each in text for each in ("expect:", "approvals", "max_removals")) and "id: approval" in text

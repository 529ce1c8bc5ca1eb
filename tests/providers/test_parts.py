"""Gate, text, address and credential checks, registry, explanations and catalogues."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import crmstate.views
from crmstate import providers
from crmstate.core.diagnostic import Problem
from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Provider
from crmstate.core.secret import Scrubber, Secret
from crmstate.core.survey import Identity
from crmstate.core.words import Exit
from crmstate.providers.kit import instant
from crmstate.providers.kit.connect import check_address, connect
from crmstate.providers.kit.explain import check_tenant, check_write, exit_of, explain
from crmstate.providers.kit.text import clean, segment, without_secrets
from crmstate.providers.kit.wire import Gate
from crmstate.views.catalogue import Catalogue

from .vendor import Patience, Straight, make

LOCALE = Path(crmstate.views.__file__).parent / "locale"


@pytest.mark.parametrize(
    ("label", "lets"),
    [
        ("GET /v1/rows", True),
        ("GET /v1/sets/a/rows", True),
        ("GET /v1/sets/a%2Fb/rows", True),
        ("POST /v1/rows", False),
        ("GET /v1/rows/", False),
        ("GET /v1/sets//rows", False),
        ("GET /v1/sets/../rows", False),
        ("GET /v1/sets/a/b/rows", False),
        ("GET /v1/rows?x=1", False),
        ("GET /v1/ROWS", False),
        ("get /v1/rows", False),
    ],
)
def test_a_gate_lets_only_what_is_declared_through(label: str, lets: bool) -> None:
    assert lets == Gate(["GET /v1/rows", "GET /v1/sets/*/rows"]).lets(label)


@pytest.mark.parametrize(
    ("label", "lets"),
    [
        ("POST /crm/rpc/#model.res.user.read", True),
        ("POST /crm/rpc/#model.party.party.read", True),
        ("POST /crm/rpc/#model.party.party.delete", False),
        ("POST /crm/rpc/#model.party.party.delete#model.party.party.read", False),
        ("POST /crm/rpc/#model.party.party.read#model.party.party.delete", False),
        ("POST /crm/rpc#model.res.user.read", False),
        ("POST /crm/rpc/", False),
        ("POST //rpc/#model.res.user.read", False),
        ("POST /../rpc/#model.res.user.read", False),
        ("GET /v1/rows#model.res.user.read", False),
        ("GET /v1/rows", True),
    ],
)
def test_a_gate_knows_what_is_called_at_one_address(label: str, lets: bool) -> None:
    assert lets == Gate(["POST /*/rpc/#model.*.read", "GET /v1/rows"]).lets(label)


@given(st.text(min_size=1))
def test_any_id_stays_one_segment_of_a_path(remote_id: str) -> None:
    try:
        found = segment(remote_id)
    except (Failure, UnicodeEncodeError):
        return
    assert Gate(["GET /sets/*/rows"]).lets(f"GET /sets/{found}/rows")


@pytest.mark.parametrize("remote_id", ["", ".", ".."])
def test_an_id_that_would_move_the_path_is_refused(remote_id: str) -> None:
    with pytest.raises(Failure):
        segment(remote_id)


@given(st.text())
def test_clean_text_is_one_printable_short_line(text: str) -> None:
    found = clean(text, str)

    assert len(found) <= 200 and "\n" not in found
    assert all(char.isprintable() or char == " " for char in found)


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("https://hooks.example.com/services/T0/B0/s3cr3t", "https://hooks.example.com/…"),
        ("https://user:pass@hooks.example.com:8443/x?token=abc", "https://hooks.example.com:8443/…"),
        ("https://hooks.example.com", "https://hooks.example.com"),
        ("https://hooks.example.com?key=1", "https://hooks.example.com/…"),
        ("https://[broken", "…"),
        ("Contacts", "Contacts"),
    ],
)
def test_an_integrations_address_is_shown_without_what_may_be_secret(target: str, shown: str) -> None:
    assert shown == without_secrets(target)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "https://evil.example",
        "ftp://127.0.0.1",
        "127.0.0.1:80",
        "http://127.0.0.1@evil.example",
        "http://user:pass@127.0.0.1",
        "http://user@127.0.0.1",
        "http://127.0.0.1:99999",
        "http://127.0.0.1/?x=1",
        "http://[::1",
        "",
    ],
)
def test_an_address_that_is_not_the_vendors_is_refused(url: str) -> None:
    with pytest.raises(Problem) as raised:
        check_address(make(), url)
    assert Exit.CREDENTIALS is raised.value.exit


def test_an_operator_may_allow_another_host_but_never_without_encryption() -> None:
    check_address(make(), "https://crm.example.com", ["*.example.com"])
    with pytest.raises(Problem):
        check_address(make(), "http://crm.example.com", ["*.example.com"])


@pytest.mark.parametrize(
    ("credential", "code"),
    [
        ({}, "CRM-V002"),
        ({"password": "x" * 9}, "CRM-V002"),
        ({"token": "with space"}, "CRM-V003"),
        ({"token": "ends-with-newline\n"}, "CRM-V003"),
        ({"token": ""}, "CRM-V003"),
        ({"token": "schlüssel"}, "CRM-V003"),
    ],
)
def test_a_credential_that_cannot_work_is_refused_before_anything_is_sent(
    credential: dict[str, str], code: str
) -> None:
    scrubber = Scrubber()
    with pytest.raises(Problem) as raised:
        connect(
            make(),
            "http://127.0.0.1:1",
            {name: Secret(text) for name, text in credential.items()},
            effects=Straight(),
            clock=Patience(),
            learn=scrubber.learn,
            scrub=scrubber.scrub,
        )
    assert [code] == [found.code for found in raised.value.diagnostics]


def test_a_wrong_tenant_and_a_reading_key_for_writing_are_refused() -> None:
    identity = Identity("write", "t-2")
    with pytest.raises(Problem, match="CRM-V001"):
        check_tenant(identity, "t-1")
    with pytest.raises(Problem, match="CRM-V014"):
        check_write(identity, make())
    check_tenant(identity, "t-2")


@pytest.mark.parametrize("code", list(Code))
def test_every_failure_is_explained_in_both_languages(code: Code) -> None:
    found = explain(Failure(code, "vendor text", until="2026-11-02T00:00:00Z"))

    for language in ("en", "zh-CN"):
        words = Catalogue(language, strict=True)
        assert words.summary(found) and words.detail(found) and words.hint(found)
        assert words.text_of(f"failure.{code.value}")
    assert exit_of(Failure(code)) in set(Exit)


def test_every_code_that_is_used_has_words_in_both_languages() -> None:
    folder = Path(providers.__file__).parent
    source = "".join(path.read_text() for path in folder.rglob("*.py"))
    used = set(re.findall(r"\"(CRM-V\d+|gap\.\w+|why\.\w+|runbook\.[\w.]+)\"", source))
    english, chinese = (
        {
            code: fields
            for name in ("provider", "paper")
            for code, fields in tomllib.loads((LOCALE / each / f"{name}.toml").read_text()).items()
        }
        for each in ("en", "zh-CN")
    )

    assert used and used <= english.keys()
    assert english.keys() == chinese.keys()
    for code, fields in english.items():
        assert fields.keys() == chinese[code].keys()
        for name, text in fields.items():
            assert sorted(re.findall(r"{\w+}", text)) == sorted(re.findall(r"{\w+}", chinese[code][name])), code


def test_an_unknown_provider_is_a_problem_that_names_the_known_ones() -> None:
    with pytest.raises(Problem) as raised:
        providers.load("nobody")
    assert "sandbox" in str(raised.value.diagnostics[0].params["known"])


def test_a_provider_of_another_package_is_found_and_cannot_replace_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "_brought", lambda: {"toy": "here:toy", "sandbox": "evil:provider"})

    assert providers.names() == tuple(sorted({*providers.built_in(), "toy"}))
    assert providers.load("sandbox").name == "sandbox"


def test_a_cell_cannot_be_placed_twice_or_on_the_wrong_side() -> None:
    made: Provider = make()
    cell = next(iter(made.table.values()))
    with pytest.raises(ValueError, match="twice"):
        made.reads(cell.kind, cell.verb, "GET /me", source="here")(None)


def test_importing_the_providers_loads_no_http_library() -> None:
    code = "import sys, crmstate.providers, crmstate.providers.sandbox, crmstate.providers.kit.connect; "
    code += "print([name for name in ('httpx', 'tenacity', 'pydantic') if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("text", ["2026-11-01", "2026-11-01T00:00:00Z", "2026-11-01T00:00:00.5+02:00"])
def test_a_time_is_kept_as_it_is(text: str) -> None:
    assert text == instant(text)


@pytest.mark.parametrize("text", [None, "", "soon", "2026-11-01T00:00:00Z\n@everyone", "x" * 50])
def test_what_is_no_time_never_becomes_one(text: str | None) -> None:
    assert instant(text) is None

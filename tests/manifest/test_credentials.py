"""References become Secrets at the last moment; what goes wrong names the reference and never a value."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from crmstate.core.diagnostic import Problem
from crmstate.core.secret import Secret
from crmstate.core.words import Exit
from crmstate.manifest.credentials import read_credential
from crmstate.manifest.load import Loaded
from crmstate.manifest.operator import Operator

Load = Callable[..., Loaded]


@pytest.fixture
def manifest(loaded: Load) -> Callable[[str], Loaded]:
    return lambda fields: loaded(
        "end_state: {}\n", f"provider: {{name: zoho, tenant: '1', credentials: {{read: {{{fields}}}}}}}\n"
    )


def trouble(act: Callable[[], object]) -> tuple[Exit, list[str], str]:
    with pytest.raises(Problem) as caught:
        act()
    return caught.value.exit, [each.code for each in caught.value.diagnostics], repr(caught.value.diagnostics)


def test_an_environment_variable_is_read(manifest: Callable[[str], Loaded]) -> None:
    found = read_credential(manifest("token: {env: ZOHO_T}"), "read", {"ZOHO_T": "s3cret"}, Operator(), ("ZOHO_",))
    assert {"token": Secret("s3cret")} == found


def test_a_file_is_read_without_its_last_line_end(manifest: Callable[[str], Loaded], tmp_path: Path) -> None:
    (tmp_path / "token.txt").write_text("s3cret\n")
    assert {"token": Secret("s3cret")} == read_credential(manifest("token: {file: token.txt}"), "read", {}, Operator())


def test_a_command_is_started_without_a_shell(manifest: Callable[[str], Loaded]) -> None:
    command = f"{sys.executable}, -c, 'print(1234)'"
    operator = Operator(allow_commands=("*",))
    assert {"token": Secret("1234")} == read_credential(
        manifest(f"token: {{command: [{command}]}}"), "read", {}, operator
    )


def test_every_missing_variable_is_named_at_once(manifest: Callable[[str], Loaded]) -> None:
    found = manifest("a: {env: ZOHO_A}, b: {env: ZOHO_B}, c: {env: ZOHO_C}")
    exit, codes, said = trouble(
        lambda: read_credential(found, "read", {"ZOHO_B": "canary-value"}, Operator(), ("ZOHO_",))
    )
    assert (exit, codes) == (Exit.CREDENTIALS, ["CRM-M130", "CRM-M130"])
    assert "ZOHO_A" in said and "ZOHO_C" in said and "canary-value" not in said


def test_a_refused_reference_is_not_followed(manifest: Callable[[str], Loaded]) -> None:
    found = manifest("token: {env: AWS_SECRET_ACCESS_KEY}")
    exit, codes, _ = trouble(lambda: read_credential(found, "read", {"AWS_SECRET_ACCESS_KEY": "x"}, Operator()))
    assert (exit, codes) == (Exit.REFUSED, ["CRM-M120"])


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("{file: none.txt}", "CRM-M131"),
        ("{command: [/nowhere/at/all]}", "CRM-M132"),
        ("{command: [" + sys.executable + ', -c, \'print("can" + "ary"); raise SystemExit(3)\']}', "CRM-M132"),
        ("{command: [" + sys.executable + ", -c, 'pass']}", "CRM-M134"),
        ("{env: CRMSTATE_EMPTY}", "CRM-M134"),
        ("{keyring: a/b}", "CRM-M133"),
    ],
)
def test_what_leads_to_nothing_is_exit_7_and_shows_no_value(
    field: str, code: str, manifest: Callable[[str], Loaded]
) -> None:
    operator = Operator(allow_commands=("*",), allow_keyring=("*",))
    found = manifest(f"token: {field}")
    exit, codes, said = trouble(lambda: read_credential(found, "read", {"CRMSTATE_EMPTY": " "}, operator))
    assert (Exit.CREDENTIALS, [code]) == (exit, codes)
    assert "canary" not in said


def test_a_manifest_without_a_writing_credential_says_so(manifest: Callable[[str], Loaded]) -> None:
    exit, codes, _ = trouble(lambda: read_credential(manifest("token: {env: CRMSTATE_T}"), "write", {}, Operator()))
    assert (exit, codes) == (Exit.CREDENTIALS, ["CRM-M135"])

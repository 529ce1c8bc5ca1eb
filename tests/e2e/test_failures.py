"""Every command that fails: no traceback, the exit code as it was frozen, and with `--format json` nothing but JSON on
standard output."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from crmstate.cli.clock import RealClock
from crmstate.cli.compose import House
from crmstate.cli.effects import Straight
from crmstate.core.words import Exit
from crmstate.sandbox import World
from crmstate.store.store import Store

from .scenes import EMBEDDED, effects, with_credentials
from .site import MANIFEST, Said, Site

FROZEN = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 64, 65, 70}
JSON = ("--format", "json")


def said_by(here: Site, *args: str) -> Said:
    """A command in both formats: the same code, no traceback, and JSON alone where JSON is asked for."""
    told = here.run(*args, *JSON)
    found = [json.loads(told.out)] if _whole(told.out) else [json.loads(line) for line in told.out.splitlines()]
    said = here.run(*args)
    for each in (told, said):
        assert "Traceback" not in each.err and "Traceback" not in each.out
        assert each.code in FROZEN
    if told.code not in (0, 2, 9):
        assert any("diagnostics" in each or each.get("event") == "closing" for each in found), told.out
    return said


def _whole(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    "args",
    [
        ("plan", "--nonsense"),
        ("nonsense",),
        ("state", "nonsense"),
        ("state", "show"),
        ("state", "restore", "exit"),
        ("state", "restore", "exit", "--serial", "many"),
        ("plan", "one", "two"),
        ("apply", "--parallel", "0"),
        ("apply", "--parallel", "many"),
        ("plan", "nowhere.yaml"),
        ("apply", "nowhere.json"),
        ("approve", "nowhere.json"),
        ("confirm",),
        ("confirm", "nonsense"),
        ("plan", "--as-of", "someday"),
        ("plan", "--target", "user/nobody"),
        ("init", "nonsense"),
        ("providers", "show", "nonsense"),
        ("sandbox", "advance", "30d", "--data", "nowhere.db"),
    ],
    ids=" ".join,
)
def test_what_was_not_understood_is_64_in_every_format(
    args: tuple[str, ...], here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(here.folder)
    assert said_by(here, *args).code == Exit.USAGE
    assert effects(here) == []


def test_a_format_that_does_not_exist_is_64(here: Site) -> None:
    said = here.run("plan", "--format", "xml")
    assert (said.code, said.out, "CRM-C001" in said.err) == (64, "", True)


def test_targets_with_a_saved_plan_are_64(here: Site, tmp_path: Path) -> None:
    plan = str(tmp_path / "plan.json")
    assert here.plan("--out", plan).code == 0
    assert said_by(here, "apply", plan, "--yes", "--target", "user/p0").code == 64


def test_nobody_to_ask_is_64(here: Site) -> None:
    assert said_by(here, "apply", str(here.manifest)).code == 64
    assert effects(here) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "name: [",
        "a: b",
        "\0",
        "name: exit\n" * 3,
        MANIFEST.replace("kind: Decommission", "kind: Nonsense"),
    ],
)
def test_a_manifest_that_is_none_is_65(text: str, here: Site) -> None:
    here.write(text)
    manifest = str(here.manifest)
    for command in (
        ("plan", manifest),
        ("apply", manifest, "--yes"),
        ("status", manifest),
        ("validate", manifest),
        ("confirm", "human_step/x", manifest),
    ):
        assert here.run(*command).code == 65
    assert said_by(here, "plan", manifest).code == 65
    assert effects(here) == []


@pytest.mark.parametrize(
    "harm",
    [lambda data: data[: len(data) // 2], lambda data: data.replace(b"deactivate", b"delete"), lambda data: b"{}"],
)
def test_a_plan_that_was_damaged_or_altered_is_refused(
    harm: Callable[[bytes], bytes], here: Site, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.json"
    assert here.plan("--out", str(plan)).code == 0
    plan.write_bytes(harm(plan.read_bytes()))
    for command in (("apply", str(plan), "--yes"), ("approve", str(plan))):
        assert said_by(here, *command).code in (1, 64, 65)
    assert effects(here) == []


def test_a_safeguard_refuses_with_3(here: Site) -> None:
    here.change("end_state:", "safeguards: {max_removals: 1}\nend_state:")
    assert said_by(here, "plan", str(here.manifest)).code == 3
    assert said_by(here, "apply", str(here.manifest), "--yes").code == 3
    here.change("max_removals: 1", "require_plan_id: true")
    assert said_by(here, "apply", str(here.manifest), "--yes").code == 3
    assert said_by(here, "apply", str(here.manifest), "--yes", "--plan-id", "0" * 24).code == 5
    assert effects(here) == []


def test_a_lock_that_is_held_is_4(here: Site) -> None:
    assert here.apply("--target", "archive/contacts").code == 0
    with World.open(here.data) as world:
        before = len(world.effects())
    with Store.open(here.folder, "exit", Straight(), RealClock(), "somebody"):
        for command in (
            ("apply", str(here.manifest), "--yes"),
            ("confirm", "freeze/cutover", str(here.manifest)),
            ("state", "unlock", "exit", "--folder", str(here.folder)),
        ):
            assert here.run(*command).code == 4, command
        assert said_by(here, "apply", str(here.manifest), "--yes").code == 4
    assert len(effects(here)) == before


def test_a_plan_of_another_time_is_5(here: Site, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    assert here.plan("--out", str(plan), "--as-of", "2027-01-01").code == 0
    assert said_by(here, "apply", str(plan), "--yes").code == 5
    assert effects(here) == []


def test_a_step_that_the_vendor_refuses_is_6(here: Site) -> None:
    here.fault("partial", path="/v1/integrations/delete", item=1, code="rejected")
    assert said_by(here, "apply", str(here.manifest), "--yes").code == 6


@pytest.mark.usefixtures("quick")
class TestAVendorThatDoesNotAnswer:
    """It is out of reach, or answers nonsense: 1 for a vendor, 7 for a credential, and never a bug of ours."""

    COMMANDS = (("plan", "M"), ("status", "M"), ("apply", "M", "--yes"), ("confirm", "freeze/cutover", "M"))

    def codes(self, here: Site) -> set[int]:
        return {
            said_by(here, *(str(here.manifest) if each == "M" else each for each in command)).code
            for command in self.COMMANDS
        }

    def test_nobody_listens(self, here: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        plan = tmp_path / "plan.json"
        with World.open(here.data) as world:
            found = world.credentials()
        monkeypatch.setenv("SANDBOX_READ", found["k-read"].token)
        monkeypatch.setenv("SANDBOX_WRITE", found["k-write"].token)
        here.write(with_credentials(here, here.manifest.read_text(encoding="utf-8")))
        assert here.plan("--out", str(plan)).code == 0
        here.stop()
        assert self.codes(here) == {1}
        assert {said_by(here, "approve", str(plan)).code, said_by(here, "apply", str(plan), "--yes").code} == {1}
        assert not (here.folder / ".crmstate" / "exit" / "state.json").exists()

    @pytest.mark.parametrize(
        "fault", ["unavailable", "cut_before", "torn_body", "malformed_body", "cut_gzip", "refused"]
    )
    def test_every_answer_is_broken(self, fault: str, here: Site) -> None:
        here.fault(fault)
        assert self.codes(here) == {1}
        assert effects(here) == []

    def test_the_quota_is_used_up(self, here: Site) -> None:
        here.fault("quota_exhausted")
        assert self.codes(here) == {1}

    def test_the_key_is_dead(self, here: Site) -> None:
        with World.open(here.data) as world, world.transaction():
            world.run("UPDATE api_keys SET status = 'revoked' WHERE id IN ('k-read', 'k-write')")
        assert self.codes(here) == {7}
        assert effects(here) == []

    def test_the_keys_cannot_be_read(self, here: Site) -> None:
        (here.folder / "acme.db.keys.json").unlink()
        assert self.codes(here) == {7}

    def test_the_credential_sees_too_little(self, here: Site) -> None:
        here.fault("weak_credential")
        assert self.codes(here) <= {0, 1, 3, 6, 7}
        assert effects(here) == []

    def test_the_clock_alone_is_broken(self, here: Site) -> None:
        here.fault("unavailable", path="/v1/clock")
        assert self.codes(here) == {1}
        assert effects(here) == []


@pytest.mark.parametrize("command", [("plan", "M"), ("apply", "M", "--yes"), ("status", "M")])
def test_a_bug_of_ours_is_70_with_its_place_and_without_a_traceback(
    command: tuple[str, ...], here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(house: House) -> object:
        raise RuntimeError("a secret value")

    monkeypatch.setattr(House, "readers", broken)
    said = said_by(here, *(str(here.manifest) if each == "M" else each for each in command))
    assert (said.code, "CRM-C011" in said.err, "RuntimeError" in said.err) == (70, True, True)
    assert "a secret value" not in said.err + said.out


def test_a_host_that_is_not_the_vendors_own_is_refused_with_3_before_anything_is_sent(
    here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SANDBOX_READ", "sk_0123456789")
    monkeypatch.setenv("SANDBOX_WRITE", "sk_0123456789")
    uses = "read: {token: {env: SANDBOX_READ}}, write: {token: {env: SANDBOX_WRITE}}"
    here.change(
        EMBEDDED,
        f"provider: {{name: sandbox, tenant: t-1001, url: 'https://evil.example.com', credentials: {{{uses}}}}}",
    )
    for command in ("plan", "status"):
        assert said_by(here, command, str(here.manifest)).code in (3, 65)

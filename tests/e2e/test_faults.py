"""Faults during a whole apply: the table is honest, nothing irreversible happens twice, and in the end the World is as
after an undisturbed run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from crmstate.core.words import Outcome, Proof
from crmstate.sandbox import World
from crmstate.store.load import read

from .scenes import (
    OURS_STAY,
    WITHOUT_ACCOUNT,
    apply,
    calm,
    closing,
    effects,
    ending,
    finish,
    rows_added,
    template,
    with_credentials,
)
from .site import MANIFEST, Site, rows_of, site

pytestmark = pytest.mark.usefixtures("quick")

KEPT = "keep: [{email: owner@example.com, why: closes the account}"
INHERITED = OURS_STAY.replace(
    "users: {status: removed", "users: {status: deleted, transfer_records_to: owner@example.com"
).replace(KEPT, KEPT + ", {email: admin@example.com, why: holds our keys}")
ACTS = {
    "/v1/api_keys/revoke": MANIFEST,
    "/v1/integrations/delete": MANIFEST,
    "/v1/sessions/end": MANIFEST,
    "/v1/users/deactivate": MANIFEST,
    "/v1/users/delete": INHERITED,
    "/v1/settings/reset": MANIFEST,
    "/v1/modules/disable": MANIFEST,
    "/v1/datasets/*/rows/delete": MANIFEST,
    "/v1/bin/empty": MANIFEST,
    "/v1/subscription/cancel": MANIFEST,
    "/v1/account/close": MANIFEST,
}
READS = (
    "/v1/whoami",
    "/v1/users",
    "/v1/api_keys",
    "/v1/sessions",
    "/v1/integrations",
    "/v1/settings",
    "/v1/modules",
    "/v1/datasets",
    "/v1/bin",
    "/v1/subscription",
    "/v1/account",
    "/v1/datasets/*/rows",
    "/v1/datasets/*/attachments",
    "/v1/datasets/*/count",
    "/v1/files/*",
    "/v1/clock",
)
ACTING: dict[str, dict[str, Any]] = {
    "cut_before": {},
    "cut_after": {},
    "refused": {},
    "torn_body": {},
    "malformed_body": {},
    "cut_gzip": {},
    "unavailable": {},
    "unavailable after": {"after": True},
    "throttled": {"retry_after": 2},
    "throttled without": {"retry_after": None},
    "quota_exhausted": {},
    "token_expired": {},
    "partial": {"item": 1},
    "partial second": {"item": 2, "code": "rejected"},
    "accepted": {},
    "done_nothing": {},
    "weak_credential": {},
    "echo_credential": {},
}
READING: dict[str, dict[str, Any]] = {
    "cut_after": {},
    "torn_body": {},
    "malformed_body": {},
    "cut_gzip": {},
    "unavailable": {},
    "throttled": {"retry_after": None},
    "quota_exhausted": {},
    "token_expired": {},
    "echo_credential": {"where": "page"},
    "wrong_page_size": {"size": 1},
    "wrong_page_size lose": {"size": 1, "lose": True},
    "repeated_page": {},
    "soft_delete": {},
}
LISTED = ("wrong_page_size", "repeated_page", "soft_delete")
PAGED = {*READS[1:9], "/v1/datasets/*/rows", "/v1/datasets/*/attachments"}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return template(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="module")
def undisturbed(small: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The end by manifest, after a run without any fault."""
    ends = {}
    for number, manifest in enumerate(dict.fromkeys(ACTS.values())):
        with site(tmp_path_factory.mktemp("undisturbed") / str(number), small) as here:
            here.write(manifest)
            assert finish(here, "1h", "5d", "9d")[-1] == 0
            ends[manifest] = ending(here)
    return ends


@pytest.fixture
def at(small: Path, tmp_path: Path) -> Any:
    """Opens a small site with a manifest."""

    @contextmanager
    def opened(manifest: str = MANIFEST) -> Iterator[Site]:
        with site(tmp_path / "site", small) as here:
            here.write(manifest)
            yield here

    return opened


def survives(here: Site, end: dict[str, Any]) -> None:
    """Faults are over: further applies with time passing reach the undisturbed end, and nothing irreversible happened
    twice."""
    calm(here)
    assert finish(here, "1d", "4d", "9d")[-1] == 0
    assert here.plan("--detailed-exitcode").code == 0
    assert here.twice() == []
    assert ending(here) == end


def disturbed(at: Any, end: dict[str, Any], manifest: str, fault: str, path: str, method: str, **rule: Any) -> None:
    given = ACTING if method == "POST" else READING
    with at(manifest) as here:
        here.fault(fault.partition(" ")[0], path=path, method=method, **given[fault], **rule)
        codes = [apply(here)[0] for _ in range(2)]
        assert set(codes) <= {0, 1, 3, 6, 7}, codes
        survives(here, end)


@pytest.mark.parametrize("path", ACTS)
def test_a_lost_answer_is_looked_for_and_the_call_never_sent_twice(
    path: str, at: Any, undisturbed: dict[str, Any]
) -> None:
    with at(ACTS[path]) as here:
        here.fault("cut_after", path=path, method="POST", times=1)
        code, table = apply(here)
        assert (code, set(table.values()) & {"failed", "unknown"}) == (0, set())
        survives(here, undisturbed[ACTS[path]])


@pytest.mark.parametrize(
    "fault",
    ["cut_before", "malformed_body", "unavailable after", "throttled", "token_expired", "partial", "weak_credential"],
)
def test_a_fault_on_an_acting_call_is_survived(fault: str, at: Any, undisturbed: dict[str, Any]) -> None:
    disturbed(at, undisturbed[MANIFEST], MANIFEST, fault, "/v1/integrations/delete", "POST", times=2)


@pytest.mark.parametrize("fault", ["cut_before", "partial", "weak_credential", "echo_credential"])
def test_a_fault_on_a_purge_is_survived(fault: str, at: Any, undisturbed: dict[str, Any]) -> None:
    disturbed(at, undisturbed[MANIFEST], MANIFEST, fault, "/v1/datasets/*/rows/delete", "POST", times=2)


@pytest.mark.parametrize(
    "fault",
    [
        "cut_after",
        "malformed_body",
        "cut_gzip",
        "quota_exhausted",
        "wrong_page_size lose",
        "repeated_page",
    ],
)
def test_a_fault_on_reading_is_survived(fault: str, at: Any, undisturbed: dict[str, Any]) -> None:
    disturbed(at, undisturbed[MANIFEST], MANIFEST, fault, "/v1/datasets/*", "GET", nth=[2, 5, 9, 14, 20])


@pytest.mark.deep
@pytest.mark.parametrize("path", ACTS)
@pytest.mark.parametrize("fault", ACTING)
def test_every_fault_on_every_acting_call_is_survived(
    fault: str, path: str, at: Any, undisturbed: dict[str, Any]
) -> None:
    disturbed(at, undisturbed[ACTS[path]], ACTS[path], fault, path, "POST", times=1)


@pytest.mark.deep
@pytest.mark.parametrize(
    ("fault", "path"),
    [(fault, path) for fault in READING for path in READS if path in PAGED or not fault.startswith(LISTED)],
)
def test_every_fault_on_every_reading_call_is_survived(
    fault: str, path: str, at: Any, undisturbed: dict[str, Any]
) -> None:
    disturbed(at, undisturbed[MANIFEST], MANIFEST, fault, path, "GET", nth=[1, 3, 4, 7])


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(10))
def test_faults_everywhere_at_a_rate_are_survived(seed: int, at: Any, undisturbed: dict[str, Any]) -> None:
    with at() as here:
        for fault in ("cut_after", "cut_before", "malformed_body", "unavailable", "throttled"):
            here.fault(fault, rate=0.04, seed=seed)
        for _ in range(4):
            assert apply(here)[0] in (0, 1, 6)
        survives(here, undisturbed[MANIFEST])


def test_an_act_that_did_nothing_is_called_failed_by_its_name_and_not_believed(at: Any) -> None:
    with at() as here:
        here.fault("done_nothing", path="/v1/integrations/delete")
        said = here.apply("--format", "json")
        found = {each["address"]: each for each in closing(said)["steps"] if each["result"] == "failed"}
        assert said.code == 6
        assert {address: each["found"]["code"] for address, each in found.items()} == {
            "integration/i1": "CRM-E007",
            "integration/i2": "CRM-E007",
        }
        assert not any(each["deleted_at"] for each in here.truth()["integrations"])


def test_a_purge_that_did_nothing_is_called_failed_and_is_done_next_time(at: Any) -> None:
    with at() as here:
        here.fault("done_nothing", path="/v1/datasets/contacts/rows/delete", times=1)
        code, table = apply(here)
        assert (code, table["purge dataset/contacts"], table["empty bin/contacts"]) == (6, "failed", "not_started")
        code, table = apply(here)
        assert (code, table["purge dataset/contacts"]) == (0, "done")


def test_what_the_vendor_promises_for_later_is_waited_for_and_not_sent_again(at: Any) -> None:
    with at(OURS_STAY) as here:
        here.fault("accepted", days=3, method="POST")
        code, table = apply(here)
        waiting = {step for step, result in table.items() if result == "waiting"}
        assert (code, waiting) == (
            0,
            {"delete integration/i1", "delete integration/i2", "sign_out session/s0"} & set(table),
        )
        sent = here.truth()["requests"]
        code, again = apply(here)
        assert code == 0 and "done" not in again.values()
        with World.open(here.data) as world:
            assert not [each for each in world.log(since=sent) if each["method"] == "POST"]
        for _ in range(12):
            here.advance("4d")
            assert apply(here)[0] == 0
        assert here.plan("--detailed-exitcode").code in (0, 9)
        assert here.truth()["subscription"]["status"] == "cancelled"
        assert here.twice() == []


def test_a_purge_that_the_vendor_promises_for_later_waits_until_then(at: Any) -> None:
    with at(OURS_STAY) as here:
        here.fault("accepted", path="/v1/datasets/contacts/rows/delete", days=3)
        for _ in range(2):
            said = here.apply("--format", "json")
            found = next(each for each in closing(said)["steps"] if each["address"] == "dataset/contacts")
            assert (said.code, found["result"], found["until"]) == (0, "waiting", "2026-11-04T08:00:00Z")
        assert finish(here, "4d") == [0]
        assert here.truth()["datasets"][0]["bin_rows"] == 0


def test_a_used_up_quota_stops_the_run_and_says_until_when(at: Any, undisturbed: dict[str, Any]) -> None:
    with at() as here:
        here.fault("quota_exhausted", path="/v1/users*", method="POST", times=1)
        here.fault("quota_exhausted", path="/v1/[!c]*", nth=[70])
        said = here.apply("--format", "json")
        table = closing(said)
        quota = [each for each in table["steps"] if each.get("found", {}).get("code") == "CRM-E012"]
        assert said.code == 6 and quota
        assert {each["until"] for each in quota} == {"2026-11-02T00:00:00Z"}
        assert table["counts"]["not_started"] > 5
        said = here.apply()
        assert said.code in (1, 6) and "2026-11-02T00:00:00Z" in said.out + said.err
        survives(here, undisturbed[MANIFEST])


def test_a_clock_that_falls_silent_in_the_middle_of_a_run_does_not_stop_its_record(
    at: Any, undisturbed: dict[str, Any]
) -> None:
    with at() as here:
        here.fault("cut_before", path="/v1/clock", nth=list(range(2, 200)))
        assert apply(here)[0] in (0, 1)
        survives(here, undisturbed[MANIFEST])


@pytest.mark.parametrize("command", ["plan", "apply", "status", "approve", "confirm"])
def test_a_vendor_out_of_reach_is_an_error_with_its_reason_for_every_command(command: str, at: Any) -> None:
    with at() as here:
        saved = here.folder / "plan.json"
        here.plan("--out", str(saved))
        here.fault("unavailable")
        here.fault("unavailable", path="/v1/clock")
        given = {
            "approve": [str(saved)],
            "confirm": ["human_step/x", str(here.manifest)],
            "apply": [str(here.manifest), "--yes"],
        }
        said = here.run(command, *given.get(command, [str(here.manifest)]))
        assert (said.code, "CRM-V007" in said.err) == (1, True), said.err


def test_a_credential_that_silently_sees_less_concludes_nothing_from_what_it_does_not_see(at: Any) -> None:
    with at() as here:
        here.fault("weak_credential", key="k-read")
        here.fault("weak_credential", key="k-write")
        said = here.plan("--format", "json")
        assert said.json["complete"] == []
        assert {each["address"].partition("/")[2] for each in said.json["blocked"]} >= {"*"}
        assert apply(here)[0] in (0, 3, 6)
        assert [each for each in effects(here) if each["kind"] not in ("session", "api_key")] == []
        assert {each["status"] for each in here.truth()["users"]} == {"active"}
        assert read(here.folder, "exit").state.verified_at is None


def test_our_own_key_is_never_revoked_as_a_strangers_because_it_was_refused_once(at: Any) -> None:
    for nth in range(1, 6):
        with at(WITHOUT_ACCOUNT) as here:
            here.fault("token_expired", path="/v1/whoami", key="k-write", nth=[nth])
            assert apply(here)[0] in (0, 7)
            truth = here.truth()
            ours = {each["id"]: each["status"] for each in truth["api_keys"]}
            assert ours["k-write"] == "active" or truth["subscription"]["status"] == "cancelled", nth
        for path in sorted(here.folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()


def test_a_lost_answer_to_the_end_of_our_only_key_is_found_out_by_the_next_apply(
    at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with at() as here:
        assert here.world is not None
        for name in ("SANDBOX_READ", "SANDBOX_WRITE"):
            monkeypatch.setenv(name, here.world.credentials()["k-write"].token)
        here.write(with_credentials(here, WITHOUT_ACCOUNT))
        here.fault("cut_after", path="/v1/api_keys/revoke", nth=[2])
        code, table = apply(here)
        assert (code, table["revoke api_key/k-write"]) == (6, "unknown")
        said = here.apply()
        assert said.code == 0 and "no longer reachable, by design" in said.out
        entries = read(here.folder, "exit").state.entries.values()
        assert next(each.outcome for each in entries if each.address == "api_key/k-write") is Outcome.DONE


def test_keys_that_somebody_else_revoked_before_the_account_closed_are_no_end_of_ours(at: Any) -> None:
    with at() as here:
        assert apply(here)[0] == 0
        with World.open(here.data) as world:
            world.run("UPDATE api_keys SET status = 'revoked'")
        assert here.plan().code == 7
        assert here.apply().code == 7
        here.advance("8d")
        assert here.apply().code == 0
        assert here.plan("--detailed-exitcode").code == 0


def test_a_closed_account_is_on_record_as_seen_closed(at: Any) -> None:
    with at() as here:
        finish(here, "1h", "8d")
        entries = read(here.folder, "exit").state.entries.values()
        assert [(each.outcome, each.proof) for each in entries if each.address == "account/t-1001"] == [
            (Outcome.DONE, Proof.OBSERVED)
        ]


def test_where_deleting_only_hides_a_purge_is_not_called_observed_before_the_bin_is_emptied(at: Any) -> None:
    with at(OURS_STAY) as here:
        with World.open(here.data) as world:
            world.set_traits(soft_delete=True)
        here.fault("refused", path="/v1/bin/empty")
        assert apply(here)[0] == 6
        entries = {each.address: each for each in read(here.folder, "exit").state.entries.values()}
        assert entries["dataset/contacts"].proof is Proof.ACKNOWLEDGED
        assert entries["bin/contacts"].outcome is Outcome.FAILED
        calm(here)
        assert finish(here, "1h") == [0]
        entries = {each.address: each for each in read(here.folder, "exit").state.entries.values()}
        assert (entries["bin/contacts"].outcome, entries["bin/contacts"].proof) == (Outcome.DONE, Proof.OBSERVED)
        with World.open(here.data) as world:
            assert list(world.rows("contacts", binned=True)) == []


def test_people_and_keys_that_appear_after_the_plan_are_not_touched_by_it(at: Any) -> None:
    with at() as here:
        saved = here.folder / "plan.json"
        assert here.plan("--out", str(saved)).code == 0
        with World.open(here.data) as world:
            world.add_user("new", email="new@example.com")
            world.add_session("new-s", "new")
            world.add_key("new-k", "new")
            world.add_integration("new-i")
        assert here.run("apply", str(saved), "--yes").code == 0
        truth = here.truth()
        assert next(each["status"] for each in truth["users"] if each["id"] == "new") == "active"
        assert next(each["status"] for each in truth["api_keys"] if each["id"] == "new-k") == "active"
        assert next(each["deleted_at"] for each in truth["integrations"] if each["id"] == "new-i") is None
        assert "user/new" in here.plan().out


def test_rows_that_appear_after_the_plan_are_refused_and_not_destroyed(at: Any) -> None:
    with at() as here:
        saved = here.folder / "plan.json"
        assert here.plan("--out", str(saved)).code == 0
        rows_added(here, "contacts", "new1", "new2")
        said = here.run("apply", str(saved), "--yes", "--format", "json")
        table = {each["address"]: each for each in closing(said)["steps"] if each["verb"] == "purge"}
        assert said.code == 5
        assert (table["dataset/contacts"]["result"], table["dataset/contacts"]["found"]["code"]) == (
            "refused",
            "CRM-E010",
        )
        assert here.truth()["datasets"][0]["rows"] == 5
        assert finish(here, "1h", "8d") == [0, 0]


def test_rows_that_appear_while_the_purge_runs_are_archived_before_they_go(at: Any) -> None:
    with at() as here:
        here.fault("shifting_listing", path="/v1/datasets/contacts/rows", nth=[8], how="insert", where="after")
        here.fault("cut_before", path="/v1/datasets/contacts/rows/delete", times=1)
        first = apply(here)[0]
        rows_added(here, "contacts", "zz1")
        assert first in (0, 5, 6)
        codes = [apply(here)[0] for _ in range(3)]
        assert codes[-1] == 0, codes
        archived = rows_of(here.folder / "archive")
        gone = {
            each["id"].partition("/")[2]
            for each in effects(here)
            if each["kind"] == "row" and each["id"].startswith("contacts/")
        }
        assert "zz1" in gone or here.truth()["datasets"][0]["rows"] == 1
        assert all(f'"id":"{each}"'.encode() in archived for each in gone)
        assert here.twice() in ([], [("empty", "bin", "contacts")])


def test_rows_that_come_back_after_the_purge_are_archived_and_purged_again(at: Any) -> None:
    with at(OURS_STAY) as here:
        assert apply(here)[0] == 0
        rows_added(here, "contacts", "zz1", "zz2")
        assert finish(here, "1h") == [0]
        assert here.truth()["datasets"][0]["rows"] == 0
        archived = rows_of(here.folder / "archive")
        assert b'"id":"zz1"' in archived and b'"id":"c000"' in archived


@pytest.mark.parametrize("how", ["insert", "remove", "change"])
@pytest.mark.parametrize("where", ["before", "after"])
def test_a_listing_that_shifts_between_its_pages_loses_no_row(how: str, where: str, at: Any) -> None:
    with at(OURS_STAY) as here:
        here.fault("wrong_page_size", path="/v1/datasets/contacts/rows", size=1)
        here.fault("shifting_listing", path="/v1/datasets/contacts/rows", times=1, how=how, where=where)
        codes = [apply(here)[0] for _ in range(3)]
        assert codes[-1] == 0 and set(codes) <= {0, 5, 6}, codes
        archived = rows_of(here.folder / "archive")
        purged = {
            each["id"].partition("/")[2] for each in effects(here) if each["kind"] == "row" and each["seq"] is not None
        }
        assert all(f'"id":"{each}"'.encode() in archived for each in purged)
        assert here.truth()["datasets"][0]["rows"] == 0


def test_a_dataset_that_nobody_archived_nor_gave_up_keeps_the_account_open(at: Any) -> None:
    manifest = MANIFEST.replace("    purge: {status: purged, bin: emptied}\n", "").replace(
        "datasets: all", "datasets: [Contacts]"
    )
    with at(manifest) as here:
        _, table = apply(here)
        assert table["close account/t-1001"] == "not_started"
        assert here.truth()["account"]["status"] == "open"


def test_a_throttling_vendor_slows_the_run_and_fails_no_step(at: Any) -> None:
    with at() as here:
        here.fault("throttled", every=3, retry_after=1)
        code, table = apply(here)
        assert (code, set(table.values()) - {"done", "waiting", "not_started"}) == (0, set())


def test_access_tokens_that_end_in_the_middle_are_renewed(at: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with at() as here:
        assert here.world is not None
        for name, key in (("SANDBOX_READ", "k-read"), ("SANDBOX_WRITE", "k-write")):
            monkeypatch.setenv(name, here.world.credentials()[key].refresh_token)
        here.write(with_credentials(here, WITHOUT_ACCOUNT, "refresh_token"))
        here.fault("token_expired", path="/v1/[!tc]*", every=9)
        code, table = apply(here)
        assert (code, set(table.values()) - {"done", "waiting"}) == (0, set()), table
        assert here.apply().code == 0


RACE = """
import sys, threading, types
from crmstate.providers.kit import decoder
sys.setswitchinterval(1e-6)
source = '''from __future__ import annotations
import msgspec
class A(msgspec.Struct):
    x: int
    y: str | None = None
class B(msgspec.Struct):
    a: A
    c: tuple[A, ...] = ()
    d: dict[str, A] | None = None
'''
for number in range(100):
    module = sys.modules[f"fresh{number}"] = types.ModuleType(f"fresh{number}")
    exec(source, module.__dict__)
    barrier = threading.Barrier(4)
    def meet():
        barrier.wait()
        decoder(module.B).decode(b'{"a":{"x":1},"c":[{"x":2}]}')
    threads = [threading.Thread(target=meet) for _ in range(4)]
    [each.start() for each in threads]
    [each.join() for each in threads]
print("whole")
"""


def test_threads_that_meet_a_type_of_answer_for_the_first_time_do_not_crash_the_interpreter() -> None:
    done = subprocess.run([sys.executable, "-c", RACE], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "whole\n"), done.stderr[-2000:]

"""What people decide and prove: human steps, waivers, approvals, ceilings, holds, questions, changes of mind, and time
passing between."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from crmstate.core.words import Outcome, Proof
from crmstate.sandbox import World
from crmstate.store.load import read

from .scenes import OURS_STAY, WITHOUT_ACCOUNT, apply, effects, finish, lines, rows_added, with_credentials
from .site import MANIFEST, Said, Site, rows_of

pytestmark = pytest.mark.usefixtures("quick")

TRAINING = "people: [{id: training, title: Train sales, owner: hr@example.com, proof: attested, files: required, before: freeze}]\n"
HELD = MANIFEST.replace("bin: emptied}", "bin: emptied, holds: [Contacts]}")
LATER = MANIFEST.replace("effective: immediately", "effective: end_of_term")
ONLY_CONTRACT = """\
apiVersion: crmstate/v1
kind: Decommission
name: exit
owner: revops@example.com
provider: {name: sandbox, embedded: acme.db}
contract: {term: {start: 2026-02-01, length: 12 months, end: inclusive}}
end_state:
  subscription: {status: cancelled, effective: end_of_term}
"""


def confirm(here: Site, address: str, *args: str) -> Said:
    return here.run("confirm", address, str(here.manifest), *args)


def plan_of(here: Site, *args: str) -> Any:
    return here.plan("--format", "json", *args).json


def subscription(here: Site) -> Any:
    return here.truth()["subscription"]


def outcome(here: Site, address: str) -> tuple[Outcome, Proof]:
    found = [entry for entry in read(here.folder, "exit").state.entries.values() if entry.address == address]
    return found[-1].outcome, found[-1].proof


# Human steps


@pytest.fixture
def trained(here: Site) -> Site:
    """A site where nothing is taken away before sales is trained; applied as far as that goes."""
    here.write(MANIFEST + TRAINING)
    code, table = apply(here)
    assert (code, table["confirm human_step/training"]) == (0, "waiting")
    assert effects(here) == []
    return here


def test_a_persons_step_is_waited_for_and_status_says_from_whom_since_when(trained: Site) -> None:
    trained.advance("3d")
    said = trained.run("status", str(trained.manifest))
    assert said.code == 0
    assert "human_step/training" in said.out and "hr@example.com" in said.out and "2026-11-01" in said.out
    assert trained.plan("--detailed-exitcode").code == 9


def test_a_confirmed_step_lets_the_rest_go_on(trained: Site, tmp_path: Path) -> None:
    proof = tmp_path / "list.pdf"
    proof.write_bytes(b"everybody was there")
    said = confirm(trained, "human_step/training", "--by", "ann", "--note", "done in Berlin", "--evidence", str(proof))
    assert said.code == 0, said.err
    digest = hashlib.sha256(b"everybody was there").hexdigest()
    kept = trained.folder / ".crmstate" / "exit" / "evidence" / digest
    proof.unlink()
    assert kept.read_bytes() == b"everybody was there"
    entry = next(
        each for each in read(trained.folder, "exit").state.entries.values() if each.address == "human_step/training"
    )
    assert (entry.outcome, entry.proof, entry.by, entry.evidence[0].sha256) == (
        Outcome.DONE,
        Proof.ATTESTED,
        "ann",
        digest,
    )
    assert finish(trained, "1h", "8d") == [0, 0]
    assert trained.plan("--detailed-exitcode").code == 0


_AGE = "AGE-SECRET-KEY-1" + "Q" * 58
KEYS = {
    "an age key": _AGE.encode(),
    "an age key of a Windows shell": ("# public key: age1\n" + _AGE).encode("utf-16"),
    "an SSH key": b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl",
    "an RSA key": b"-----BEGIN RSA PRIVATE KEY-----\nMII",
    "a PKCS8 key": b"-----BEGIN PRIVATE KEY-----\nMII",
}


@pytest.mark.parametrize("kind", ["none", "missing", "empty", "link", "huge", "folder", "pipe", *KEYS])
def test_what_is_no_evidence_is_refused_and_nothing_is_recorded(kind: str, trained: Site, tmp_path: Path) -> None:
    place = tmp_path / "evidence"
    real = tmp_path / "real"
    real.write_bytes(b"x")
    if kind == "empty":
        place.touch()
    elif kind == "link":
        place.symlink_to(real)
    elif kind == "huge":
        with place.open("wb") as file:
            file.truncate(51 * 1024 * 1024)
    elif kind == "folder":
        place.mkdir()
    elif kind == "pipe":
        os.mkfifo(place)
    elif kind in KEYS:
        place.write_bytes(b"what I did:\n" + KEYS[kind])
    before = read(trained.folder, "exit").state.serial
    said = confirm(trained, "human_step/training", *([] if kind == "none" else ["--evidence", str(place)]))
    assert (said.code, ("CRM-C170" if kind == "none" else "CRM-C007") in said.err) == (3, True), said.err
    assert read(trained.folder, "exit").state.serial == before
    assert outcome(trained, "human_step/training")[0] is Outcome.REQUESTED
    if kind in KEYS:
        assert "private key" in said.err
        assert not list(trained.folder.rglob("evidence/*"))


def test_of_several_evidence_files_one_bad_one_refuses_the_confirmation(trained: Site, tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(b"x")
    bad.touch()
    said = confirm(trained, "human_step/training", "--evidence", str(good), "--evidence", str(bad))
    assert said.code == 3
    assert outcome(trained, "human_step/training")[0] is Outcome.REQUESTED


@pytest.mark.parametrize(("needed", "given", "code"), [
    ("attested", "attested", 0), ("attested", "acknowledged", 0), ("attested", "certified", 0),
    ("acknowledged", "attested", 3), ("acknowledged", "acknowledged", 0), ("certified", "acknowledged", 3), ("certified", "certified", 0),
    ("attested", "observed", 3), ("attested", "none", 3), ("attested", "waived", 64),
])  # fmt: skip
def test_a_proof_must_be_as_strong_as_the_step_asks_and_nobody_claims_to_have_observed(
    needed: str, given: str, code: int, here: Site
) -> None:
    here.write(MANIFEST + TRAINING.replace("attested, files: required", needed))
    (here.folder / "paper.pdf").write_bytes(b"paper")
    said = confirm(here, "human_step/training", "--proof", given, "--evidence", str(here.folder / "paper.pdf"))
    assert said.code == code, said.err
    entries = read(here.folder, "exit").state.entries.values()
    assert [each.outcome for each in entries if each.address == "human_step/training"] == (
        [Outcome.DONE] if code == 0 else []
    )


@pytest.mark.parametrize(("given", "code"), [("acknowledged", "CRM-C072"), ("certified", "CRM-C071")])
def test_a_document_or_the_vendors_word_has_to_be_there(given: str, code: str, here: Site) -> None:
    here.write(MANIFEST + TRAINING.replace("attested, files: required", given))
    said = confirm(here, "human_step/training", "--proof", given)
    assert (said.code, code in said.err) == (3, True), said.err
    assert read(here.folder, "exit").state.serial == 0


def test_only_what_is_waited_for_can_be_confirmed_and_only_once(trained: Site, tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    proof.write_bytes(b"x")
    assert confirm(trained, "human_step/other").code == 3
    assert confirm(trained, "user/p0").code == 3
    assert confirm(trained, "no address").code == 64
    assert confirm(trained, "human_step/training", "--evidence", str(proof)).code == 0
    said = confirm(trained, "human_step/training", "--evidence", str(proof))
    assert (said.code, "CRM-C009" in said.err) == (3, True)


def test_a_waiver_needs_a_reason_and_an_end_and_ends(trained: Site) -> None:
    assert confirm(trained, "human_step/training", "--waive").code == 64
    assert confirm(trained, "human_step/training", "--waive", "--note", "no time").code == 64
    assert confirm(trained, "human_step/training", "--waive", "--expires", "2026-11-05").code == 64
    said = confirm(trained, "human_step/training", "--waive", "--note", "no time", "--expires", "2026-11-05")
    assert said.code == 0, said.err
    assert outcome(trained, "human_step/training") == (Outcome.DONE, Proof.WAIVED)
    assert "human_step/training" not in {each["address"] for each in plan_of(trained)["steps"]}
    trained.advance("6d")
    assert "human_step/training" in {each["address"] for each in plan_of(trained)["steps"]}
    code, table = apply(trained)
    assert (code, table["confirm human_step/training"]) == (0, "waiting")
    assert effects(trained) == []


def test_people_follow_each_other_in_the_order_that_they_name(here: Site) -> None:
    second = "{id: b, title: B, owner: b@example.com, proof: attested, after: a}"
    first = "{id: a, title: A, owner: a@example.com, proof: attested, before: freeze}"
    here.write(f"{MANIFEST}people: [{second}, {first}]\n")
    code, table = apply(here)
    assert (code, table["confirm human_step/a"], table["confirm human_step/b"]) == (0, "waiting", "not_started")
    assert confirm(here, "human_step/a").code == 0
    code, table = apply(here)
    assert (table["confirm human_step/b"], table["revoke api_key/k0"]) == ("waiting", "done")


# Approvals, ids, ceilings, expectations


APPROVED = MANIFEST + "safeguards: {approvals: {irreversible: 2}}\n"


def approve(here: Site, by: str) -> Path:
    saved = here.folder / "plan.json"
    saved.unlink(missing_ok=True)
    assert here.plan("--out", str(saved)).code == 0
    said = here.run("approve", str(saved), "--by", by, "--source", "pull request 7")
    assert said.code == 0, said.err
    return saved


def test_irreversible_steps_wait_for_two_different_people(here: Site) -> None:
    here.write(APPROVED)
    for people in ([], ["ann"], ["ann", "ann"]):
        for by in people[-1:]:
            approve(here, by)
        code, table = apply(here)
        assert code == 3
        assert table["revoke api_key/k0"] == "refused"
        assert not any(each["irreversible"] for each in effects(here))
    approve(here, "bob")
    assert apply(here)[0] == 0
    assert here.truth()["account"]["status"] == "closing"


def test_a_plan_that_two_people_approved_is_applied_from_its_file(here: Site) -> None:
    here.write(APPROVED)
    saved = here.folder / "plan.json"
    assert here.plan("--out", str(saved)).code == 0
    for by in ("ann", "bob"):
        assert here.run("approve", str(saved), "--by", by).code == 0
    said = here.run("apply", str(saved), "--yes")
    assert said.code == 0, said.err


def test_an_approved_plan_that_stopped_in_the_middle_goes_on_from_its_file(here: Site) -> None:
    here.write(APPROVED)
    saved = here.folder / "plan.json"
    assert here.plan("--out", str(saved)).code == 0
    for by in ("ann", "bob"):
        assert here.run("approve", str(saved), "--by", by).code == 0
    here.fault("quota_exhausted", path="/v1/users/deactivate", times=1)
    assert here.run("apply", str(saved), "--yes").code == 6
    here.advance("1d")
    said = here.run("apply", str(saved), "--yes")
    assert said.code == 0, said.out + said.err
    assert here.twice() == []
    assert here.truth()["account"]["status"] == "closing"


def test_approvals_hold_while_the_irreversible_steps_stay_and_end_when_they_change(here: Site) -> None:
    here.write(APPROVED)
    approve(here, "ann")
    approve(here, "bob")
    with World.open(here.data) as world:
        world.add_user("new", email="new@example.com")
    here.change("why: rebuilt", "why: rebuilt elsewhere")
    before = plan_of(here)
    assert "user/new" in {each["address"] for each in before["steps"]}
    with World.open(here.data) as world:
        world.add_integration("new", name="appeared")
    assert plan_of(here)["approval"] != before["approval"]
    code, table = apply(here)
    assert (code, table["delete integration/new"]) == (3, "refused")
    assert not any(each["irreversible"] for each in effects(here))
    with World.open(here.data) as world:
        world.run("DELETE FROM integrations WHERE id = 'new'")
    assert apply(here)[0] == 0


def test_safeguards_of_a_saved_plan_are_the_manifests_whatever_the_file_says(here: Site) -> None:
    here.write(APPROVED)
    saved = here.folder / "plan.json"
    here.plan("--out", str(saved))
    text = saved.read_text(encoding="utf-8")
    assert '"approvals_needed":2' in text
    saved.write_text(text.replace('"approvals_needed":2', '"approvals_needed":0'), encoding="utf-8")
    said = here.run("apply", str(saved), "--yes")
    assert said.code in (3, 5, 65)
    assert not any(each["irreversible"] for each in effects(here))


def test_a_plan_id_that_is_asked_for_must_be_given_and_be_the_right_one(here: Site) -> None:
    here.write(MANIFEST + "safeguards: {require_plan_id: true}\n")
    said = here.apply()
    plan_id = plan_of(here)["plan_id"]
    assert (said.code, plan_id in said.err) == (3, True)
    assert here.apply("--plan-id", "0" * 24).code == 5
    assert effects(here) == []
    assert here.apply("--plan-id", plan_id).code == 0


def test_a_plan_id_of_yesterday_is_not_todays(here: Site) -> None:
    plan_id = plan_of(here)["plan_id"]
    with World.open(here.data) as world:
        world.add_user("new", email="new@example.com")
    said = here.apply("--plan-id", plan_id)
    assert (said.code, effects(here)) == (5, [])


def test_more_removals_than_the_ceiling_are_refused_with_the_count_the_ceiling_and_its_line(here: Site) -> None:
    here.write(MANIFEST + "safeguards: {max_removals: 5}\n")
    for command in ("plan", "apply"):
        said = here.plan() if command == "plan" else here.apply()
        text = said.out + said.err
        line = len(MANIFEST.splitlines()) + 1
        assert said.code == 3
        assert "CRM-P051" in text and "9" in text and "5" in text and f"crmstate.yaml:{line}:" in text
    assert effects(here) == []


@pytest.mark.parametrize("what", ["users", "api_keys", "integrations", "datasets", "sessions"])
def test_a_tenant_that_looks_different_is_refused(what: str, here: Site) -> None:
    here.write(MANIFEST + f"expect: {{{what}: 77}}\n")
    said = here.apply()
    text = said.out + said.err
    assert said.code == 3
    assert "CRM-P052" in text and "77" in text and what in text
    assert effects(here) == []


def test_what_we_ended_ourselves_still_counts_as_expected(here: Site) -> None:
    here.write(MANIFEST + "expect: {users: 6, api_keys: 5, integrations: 2, datasets: 3, sessions: 4}\n")
    here.fault("unavailable", path="/v1/settings/reset")
    assert apply(here)[0] == 6
    assert here.plan().code == 0


# Credentials


@pytest.fixture
def keyed(here: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    assert here.world is not None
    for name, key in (("SANDBOX_READ", "k-read"), ("SANDBOX_WRITE", "k-write")):
        monkeypatch.setenv(name, here.world.credentials()[key].token)
    here.write(with_credentials(here, MANIFEST))
    return here


def test_another_tenant_than_the_manifests_is_refused_before_anything_is_done(keyed: Site) -> None:
    keyed.change("tenant: t-1001", "tenant: t-2002")
    for said in (keyed.plan(), keyed.apply(), keyed.run("status", str(keyed.manifest))):
        assert (said.code, "CRM-V001" in said.err, "t-2002" in said.err) == (7, True, True)
    assert effects(keyed) == []


@pytest.mark.parametrize("how", ["revoked", "expired", "nonsense", "read only", "a member's"])
def test_a_credential_that_cannot_do_it_is_refused_before_the_first_write(
    how: str, keyed: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with World.open(keyed.data) as world:
        if how == "revoked":
            world.run("UPDATE api_keys SET status = 'revoked' WHERE id = 'k-write'")
        elif how == "expired":
            world.add_fault("token_expired", key="k-write")
        elif how == "nonsense":
            monkeypatch.setenv("SANDBOX_WRITE", "sk_0000000000")
        elif how == "read only":
            monkeypatch.setenv("SANDBOX_WRITE", world.credentials()["k-read"].token)
        else:
            monkeypatch.setenv("SANDBOX_WRITE", world.add_key("member", "p0", scopes=["read"]).token)
    said = keyed.apply()
    assert said.code == 7, said.out + said.err
    assert effects(keyed) == []
    assert "archive/" not in said.out.rpartition("Plan id")[2]


def test_a_read_credential_alone_plans_and_cannot_apply(keyed: Site) -> None:
    keyed.change(", write: {token: {env: SANDBOX_WRITE}}", "")
    assert keyed.plan().code == 0
    said = keyed.apply()
    assert (said.code, "CRM-C019" in said.err) == (7, True)


# Holds and questions


def test_what_is_held_is_not_purged_and_the_rest_is(here: Site) -> None:
    here.write(HELD)
    code, table = apply(here)
    assert (code, table["purge dataset/deals"]) == (0, "done")
    datasets = {each["id"]: each["rows"] for each in here.truth()["datasets"]}
    assert (datasets["contacts"], datasets["deals"]) == (7, 0)
    assert here.truth()["account"]["status"] == "open"
    assert "blocked.hold" in {each["why"]["code"] for each in plan_of(here)["blocked"]}


@pytest.mark.parametrize("how", ["line", "purge", "discarded", "renamed", "archive"])
def test_a_recorded_hold_holds_when_the_manifest_drops_it(how: str, here: Site) -> None:
    here.write(HELD)
    assert here.apply().code == 0
    here.write(MANIFEST)
    if how == "purge":
        here.change("    purge: {status: purged, bin: emptied}\n", "")
    elif how == "discarded":
        here.change("discard: [{", "discard: [{dataset: Contacts, why: nobody needs it, by: head@example.com}, {")
    elif how == "archive":
        here.change(
            "    archive: {to: archive/, datasets: all, attachments: true}\n",
            "    archive: {status: none, why: no need, by: head@example.com}\n",
        )
    elif how == "renamed":
        with World.open(here.data) as world:
            world.run("UPDATE datasets SET name = 'Kontakte' WHERE id = 'contacts'")
    plan = str(here.folder / "plan.json")
    for _ in range(3):
        if here.plan("--out", plan).code == 0:
            assert here.run("approve", plan, "--by", "head@example.com").code == 0
        assert here.apply().code in (0, 3, 65)
    assert next(each["rows"] for each in here.truth()["datasets"] if each["id"] == "contacts") == 7
    assert here.truth()["account"]["status"] == "open"


def test_a_hold_ends_by_a_written_act_and_by_nothing_else(here: Site) -> None:
    here.write(HELD)
    assert here.apply().code == 0
    here.write(MANIFEST)
    state = ["exit", "Contacts", "--folder", str(here.folder)]
    assert here.run("state", "release", *state).code == 64
    assert here.run("state", "release", "exit", "Deals", "--why", "x", "--folder", str(here.folder)).code == 64
    assert here.run("state", "release", *state, "--why", "court order 12/2026", "--by", "counsel").code == 0
    assert here.apply().code == 0
    assert here.truth()["account"]["status"] == "closing"
    assert "counsel" in here.run("state", "history", "exit", "--folder", str(here.folder)).out
    journal = b"".join(path.read_bytes() for path in (here.folder / ".crmstate" / "exit" / "journal").glob("*.jsonl"))
    assert b"court order 12/2026" in journal


def test_a_saved_plan_from_before_a_hold_does_not_purge_what_is_held_now(here: Site) -> None:
    saved = here.folder / "plan.json"
    here.plan("--out", str(saved))
    here.write(HELD)
    assert here.apply("--target", "freeze/*").code == 0
    here.write(MANIFEST)
    said = here.run("apply", str(saved), "--yes")
    assert said.code in (3, 5), said.out
    assert [(each["rows"]) for each in here.truth()["datasets"] if each["id"] == "contacts"] == [7]


def test_an_open_question_stops_every_irreversible_step_and_no_other(here: Site) -> None:
    here.write(MANIFEST + "contract: {open_questions: [Does the data clause survive?]}\n")
    code, table = apply(here)
    assert code == 0
    assert table["archive archive/contacts"] == "done"
    assert not any(each["irreversible"] for each in effects(here))
    assert "Does the data clause survive?" in here.plan().out
    here.write(MANIFEST)
    assert finish(here, "1h", "8d") == [0, 0]


# Changes of mind, and time


def test_nothing_is_taken_away_before_the_freeze(here: Site) -> None:
    here.change("freeze: now", "freeze: 2026-11-10T18:00:00Z")
    code, table = apply(here)
    assert (code, table["confirm freeze/cutover"], table["revoke api_key/k0"]) == (0, "waiting", "not_started")
    assert effects(here) == []
    assert here.plan("--detailed-exitcode").code == 9
    rows_added(here, "contacts", "new1")
    here.advance("2026-11-10T17:59:00Z")
    assert (apply(here)[0], effects(here)) == (0, [])
    here.advance("2026-11-10T18:00:00Z")
    assert here.plan("--detailed-exitcode").code == 2
    assert finish(here, "1m", "8d") == [0, 0]
    assert here.truth()["account"]["status"] == "closed"
    archived = rows_of(here.folder / "archive")
    assert b'"id":"new1"' in archived


def test_a_scheduled_cancellation_is_requested_then_waited_for_then_seen(here: Site) -> None:
    here.write(ONLY_CONTRACT)
    assert here.plan("--detailed-exitcode").code == 2
    code, table = apply(here)
    assert (code, table) == (0, {"cancel subscription/sub-1": "done", "probe subscription/sub-1": "waiting"})
    assert (subscription(here)["status"], subscription(here)["pending"]["action"]) == ("active", "cancel")
    assert here.plan("--detailed-exitcode").code == 9
    assert len(effects(here)) == 1
    for day in ("30d", "20d"):
        assert finish(here, day) == [0]
    assert len(effects(here)) == 1
    here.advance("60d")
    assert subscription(here)["status"] == "cancelled"
    assert apply(here)[0] == 0
    assert here.plan("--detailed-exitcode").code == 0


def test_a_cancellation_is_withdrawn_while_that_is_possible(here: Site) -> None:
    here.write(ONLY_CONTRACT)
    assert apply(here)[0] == 0
    here.change("status: cancelled, effective: end_of_term", "status: active")
    code, table = apply(here)
    assert (code, table) == (0, {"resume subscription/sub-1": "done"})
    assert (subscription(here)["status"], subscription(here)["pending"], subscription(here)["renews"]) == (
        "active",
        None,
        True,
    )
    assert here.plan("--detailed-exitcode").code == 0
    here.change("status: active", "status: cancelled, effective: end_of_term")
    assert apply(here)[0] == 0
    assert subscription(here)["pending"]["action"] == "cancel"


def test_a_cancellation_that_has_happened_cannot_be_taken_back_and_that_is_said(here: Site) -> None:
    here.write(ONLY_CONTRACT.replace("end_of_term", "immediately") + "cutover: {freeze: now}\n")
    assert apply(here)[0] == 0
    here.change("status: cancelled, effective: immediately", "status: active")
    said = here.apply()
    assert (said.code, "CRM-P011" in said.out + said.err) == (3, True)
    assert subscription(here)["status"] == "cancelled"


def test_a_pause_begins_ends_by_itself_and_is_not_begun_again(here: Site) -> None:
    here.write(
        ONLY_CONTRACT.replace(
            "status: cancelled, effective: end_of_term", "status: paused, from: 2026-11-10, until: 2026-12-10"
        )
    )
    assert apply(here)[0] == 0
    assert subscription(here)["status"] == "active"
    assert finish(here, "10d") == [0]
    assert subscription(here)["status"] == "paused"
    assert here.plan("--detailed-exitcode").code == 0
    here.advance("2026-12-12")
    assert subscription(here)["status"] == "active"
    said = here.plan("--detailed-exitcode")
    assert (said.code, "CRM-P010" in said.out + said.err) == (0, True)
    before = len(effects(here))
    assert apply(here)[0] == 0
    assert len(effects(here)) == before


def test_a_pause_is_ended_early_by_a_change_of_mind(here: Site) -> None:
    here.write(
        ONLY_CONTRACT.replace(
            "status: cancelled, effective: end_of_term", "status: paused, from: 2026-11-01, until: 2027-01-10"
        )
    )
    assert apply(here)[0] == 0
    assert subscription(here)["status"] == "paused"
    here.write(ONLY_CONTRACT.replace("status: cancelled, effective: end_of_term", "status: active"))
    assert apply(here)[0] == 0
    assert subscription(here)["status"] == "active"


def test_what_cannot_be_brought_back_is_listed(here: Site) -> None:
    here.write(OURS_STAY.replace("  settings: {status: reset}\n", "").partition("  data:")[0])
    assert apply(here)[0] == 0
    here.change("integrations: {status: removed}", "integrations: {status: active}")
    said = here.plan()
    assert "CRM-P004" in said.out + said.err and "integration/i1" in said.out + said.err


def test_a_plan_as_of_another_time_is_shown_and_cannot_be_applied(here: Site) -> None:
    here.change("freeze: now", "freeze: 2026-12-01T18:00:00Z")
    saved = here.folder / "plan.json"
    assert here.plan("--detailed-exitcode", "--as-of", "2026-12-02").code == 2
    assert here.plan("--as-of", "2026-12-02", "--out", str(saved)).code == 0
    assert plan_of(here, "--as-of", "2026-12-02")["hypothetical"] is True
    said = here.run("apply", str(saved), "--yes")
    assert (said.code, "CRM-E003" in said.err) == (5, True)
    assert here.plan("--as-of", "the other day").code == 64
    assert effects(here) == []


def test_a_target_takes_along_what_must_come_before_and_says_that_the_rest_is_left_out(here: Site) -> None:
    code, table = apply(here, "--target", "user/p1")
    assert code == 0
    assert {step for step in table if "user/" in step} == {"deactivate user/p1"}
    assert table["verify archive/contacts"] == table["revoke api_key/k0"] == table["sign_out session/s1"] == "done"
    assert [each["status"] for each in here.truth()["users"] if each["id"].startswith("p")].count("inactive") == 1
    assert read(here.folder, "exit").state.verified_at is None
    assert "left out" in here.plan("--target", "user/p2").out.casefold()


def test_a_target_that_does_not_exist_is_no_empty_plan(here: Site) -> None:
    for option in ("--target", "--exclude"):
        assert here.plan("--detailed-exitcode", option, "user/nobody").code == 64
        assert here.apply(option, "user/nobody").code == 64
    assert effects(here) == []


def test_what_is_excluded_is_left_alone_and_so_is_what_needs_it(here: Site) -> None:
    code, table = apply(here, "--exclude", "archive/contacts")
    assert code == 0
    assert not [step for step in table if "contacts" in step or step.startswith(("purge", "revoke", "close"))]
    assert effects(here) == []
    assert read(here.folder, "exit").state.verified_at is None


def test_a_saved_plan_takes_no_target(here: Site) -> None:
    saved = here.folder / "plan.json"
    here.plan("--out", str(saved))
    assert here.run("apply", str(saved), "--yes", "--target", "user/p1").code == 64


def test_our_own_access_goes_last_and_afterwards_the_vendor_is_out_of_reach_by_design(here: Site) -> None:
    here.write(WITHOUT_ACCOUNT)
    assert apply(here)[0] == 0
    order = [(each["verb"], each["kind"], each["id"]) for each in effects(here)]
    assert order[-2:] == [("revoke", "api_key", "k-read"), ("revoke", "api_key", "k-write")]
    assert order[-3][1] == "subscription"
    requests = here.truth()["requests"]
    for _ in range(2):
        said = here.apply()
        assert (said.code, "no longer reachable, by design" in said.out) == (0, True)
    said = here.plan("--detailed-exitcode")
    assert (said.code, "No changes" in said.out) == (0, True)
    assert lines(here.apply("--format", "json"))[-1]["event"] == "closing"
    assert here.run("status", str(here.manifest)).code == 0
    with World.open(here.data) as world:
        assert {each["method"] for each in world.log(since=requests)} <= {"GET"}


def test_the_detailed_exit_code_tells_changes_from_waiting_from_nothing(here: Site) -> None:
    assert here.plan("--detailed-exitcode").code == 2
    assert apply(here)[0] == 0
    assert here.plan("--detailed-exitcode").code == 9
    assert here.plan().code == 0
    assert finish(here, "8d") == [0]
    assert here.plan("--detailed-exitcode").code == 0


def test_without_a_terminal_and_without_yes_nothing_is_applied(here: Site) -> None:
    process = here.start("apply", str(here.manifest))
    out, err = process.communicate(timeout=120)
    assert (process.returncode, "CRM-C005" in err, out) == (64, True, out)
    assert effects(here) == []

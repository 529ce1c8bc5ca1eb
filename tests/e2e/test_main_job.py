"""The main job over HTTP: planned, applied, waited for, and then nothing more to do."""

from __future__ import annotations

from crmstate.core.words import Verb
from crmstate.store.load import read

from .scenes import lines
from .site import Site, archived, rows_of


def test_a_plan_writes_nothing_at_the_vendor(here: Site) -> None:
    said = here.plan()
    assert said.code == 0, said.err
    truth = here.truth(log=True)
    assert truth["effects"] == 0
    assert {each["method"] for each in truth["log"]} == {"GET"}


def test_after_everything_is_applied_a_second_plan_shows_no_changes(here: Site) -> None:
    said = here.apply()
    assert said.code == 0, said.out + said.err
    truth = here.truth()
    assert {user["status"] for user in truth["users"] if user["id"].startswith("p")} == {"inactive"}
    assert {key["status"] for key in truth["api_keys"] if key["id"] in ("k0", "k1", "k2")} == {"revoked"}
    assert [(each["rows"], each["bin_rows"]) for each in truth["datasets"] if each["exportable"]] == [(0, 0), (0, 0)]
    assert truth["subscription"]["status"] == "cancelled"
    assert truth["account"]["status"] == "closing"
    assert here.twice() == []
    assert here.plan("--detailed-exitcode").code == 9
    here.advance("8d")
    said = here.apply()
    assert said.code == 0, said.out + said.err
    assert here.truth()["account"]["status"] == "closed"
    said = here.plan("--detailed-exitcode")
    assert said.code == 0, said.out + said.err


def test_a_saved_plan_is_applied_and_nothing_beyond_it(here: Site) -> None:
    plan = here.folder / "plan.json"
    assert here.plan("--out", str(plan)).code == 0
    assert plan.stat().st_mode & 0o777 == 0o600
    assert here.world is not None
    here.world.add_user("late", email="late@example.com", name="Late", role="member")
    said = here.run("apply", str(plan), "--yes")
    assert said.code == 0, said.out + said.err
    assert next(user["status"] for user in here.truth()["users"] if user["id"] == "late") == "active"


def test_a_plan_of_another_manifest_is_stale(here: Site) -> None:
    plan = here.folder / "plan.json"
    here.plan("--out", str(plan))
    here.change("why: closes the account", "why: another reason")
    said = here.run("apply", str(plan), "--yes")
    assert said.code == 5
    assert here.truth()["effects"] == 0


def test_rows_that_come_after_the_purge_began_are_archived_before_they_go_too(here: Site) -> None:
    assert here.apply("--exclude", "account/*", "--exclude", "subscription/*").code == 0
    assert here.world is not None
    here.world.add_rows("contacts", [{"id": "late1", "owner_id": "u1", "fields": {"Name": "late"}}])
    said = here.apply("--exclude", "account/*", "--exclude", "subscription/*")
    assert said.code == 0, said.out + said.err
    truth = {each["id"]: (each["rows"], each["bin_rows"]) for each in here.truth()["datasets"]}
    assert truth["contacts"] == (0, 0)
    rows = rows_of(here.folder / "archive").decode()
    assert '"late1"' in rows
    assert '"c000"' in rows
    files = archived(here.folder / "archive")
    ids = files[max(name for name in files if "data/contacts" in name and "/ids-" in name)].split()
    assert len(ids) == 8
    assert set(here.twice()) <= {("empty", "bin", "contacts")}


def test_an_archive_is_proved_as_the_manifest_asks_and_the_record_says_what_was_looked_at(here: Site) -> None:
    text = here.manifest.read_text("utf-8")
    wanted = "to: archive/, verify: {sample: 100%, restore_test: true}"
    assert "to: archive/" in text
    here.manifest.write_text(text.replace("to: archive/", wanted), "utf-8")
    assert here.apply().code == 0
    state = read(here.folder, "exit").state
    verified = [state.latest(f"archive/{name}", Verb.VERIFY) for name in ("contacts", "deals")]
    found = [{each.method: each.said for each in entry.evidence[0].checks} for entry in verified if entry is not None]
    said = {"checksums": "equal", "counts": "exact", "full": "equal", "restore_test": "sqlite"}
    assert [{method: each[method] for method in said} for each in found] == [said, said]
    assert all(each["contacts"] == "present" for each in found), found


def test_the_estimate_is_what_archive_delta_and_purge_really_ask_for(here: Site) -> None:
    said = here.plan("--format", "json").json["estimate"]
    before = here.truth()["requests"]
    assert here.apply().code == 0
    sent = here.truth()["requests"] - before
    looking = 15  # who we are, and every listing once
    assert sent - looking <= said["calls"] * 1.25 and said["calls"] <= sent * 1.25, (said, sent)


def test_a_machine_is_told_how_far_every_dataset_has_come(here: Site) -> None:
    told = [each for each in lines(here.apply("--format", "json")) if each["event"] == "progressed"]
    last = {(each["verb"], each["address"]): each["dataset"] for each in told if each.get("over")}
    assert {last["archive", "archive/contacts"]["rows"], last["delta", "archive/deals"]["rows"]} == {7}
    assert told[-1]["all"]["rows"] >= 14 and "客户" not in str(told)

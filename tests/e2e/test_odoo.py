"""The example of Odoo, carried out on the simulated vendor, whose database is left with nothing of its owner's; and rehearsed.
What the real server does to the same manifest is `tests/e2e/odoo`'s matter."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmstate.sandbox import World, seed

from .site import Site, archived

EXAMPLE = Path(__file__).parents[2] / "examples" / "odoo-exit" / "crmstate.yaml"
CONTACTS = 110
KEPT = {"admin@example.com": "user1@example.com", "crmstate-read": "user3", "crmstate-write": "user2"}
TO_DO = [
    {"name": "summary", "type": "text", "label": "Summary"},
    {"name": "res_model", "type": "text", "label": "Model"},
    {"name": "res_id", "type": "record", "label": "Record"},
]
READING = re.compile(r"/(search_read|search_count|fields_get|context_get|has_group|formatted_read_group)$")


class Database(Site):
    """A site at this vendor."""

    @property
    def data(self) -> Path:
        return self.folder / "odoo.db"


def example() -> str:
    """The example's manifest, with the simulated vendor in the place of the real one's address and credentials, today."""
    text = EXAMPLE.read_text("utf-8")
    text = re.sub(r"  tenant: .*\n  url: .*\n  credentials:\n(?:    .*\n)+expect: .*\n", "  embedded: odoo.db\n", text)
    for old, new in KEPT.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text.replace("freeze: 2026-12-15T18:00Z", "freeze: now")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "site")
    made.folder.mkdir()
    seed(made.data, dialect="odoo", contacts=CONTACTS, users=6)
    with World.open(made.data) as world:
        world.add_dataset("ir.attachment", "Attachment")  # files that are no record's
        world.add_rows("ir.attachment", [{"id": f"t{number}"} for number in range(2)])
        for number in range(2):
            world.add_attachment("ir.attachment", f"f{number}", f"t{number}", content=b"loose %d" % number)
        world.add_dataset("mail.activity", "Activity", TO_DO)
        said = {"summary": "Call", "res_model": "res.partner", "res_id": "c0000003"}
        world.add_rows("mail.activity", [{"id": "a1", "fields": said}])
    made.write(example())
    made.serve()
    try:
        yield made
    finally:
        made.stop()


def rows(database: Database) -> dict[str, int]:
    """What is left of each model that has a table, in truth."""
    return {each["id"]: each["rows"] for each in database.truth()["datasets"] if each["exportable"]}


def test_the_example_is_carried_out_to_its_end_and_a_second_plan_has_nothing_to_do(database: Database) -> None:
    before = rows(database)

    said = database.apply("--format", "json")

    assert said.code == 0, said.out[-2000:] + said.err
    truth = database.truth()
    active = {each["email"] for each in truth["users"] if each["status"] == "active"}
    assert {f"user{number}@example.com" for number in (1, 2, 3)} == active
    assert {"revoked"} == {each["status"] for each in truth["api_keys"]}
    assert [] == [each for each in truth["integrations"] if each["type"] != "oauth_app" and not each["deleted_at"]]
    assert (dict.fromkeys(before, 0), []) == (rows(database), database.twice())
    lines = [
        json.loads(line)
        for name, data in archived(database.folder / "archive").items()
        if "/data/" in name and name.endswith(".jsonl.zst") and "/ids-" not in name
        for line in data.decode().splitlines()
    ]
    ours = Counter(bool(each["active"]) for each in lines if "company_name" in each)
    assert {True: CONTACTS - 2, False: 2} == dict(ours), "archived ones too, and nobody's contact that has an account"
    with World.open(database.data) as world:
        secrets = [key.token.encode() for key in world.credentials().values()]
    files = {path.read_bytes() for path in (database.folder / "archive").rglob("*") if path.is_file()}
    assert {b"loose 0", b"loose 1"} <= files
    kept = [path for path in database.folder.rglob("*") if path.is_file() and not path.name.startswith("odoo.db")]
    assert not [path for path in kept for secret in secrets if secret in path.read_bytes()]
    second = database.plan("--detailed-exitcode")
    assert (0, True) == (second.code, "No changes" in second.out), second.out + second.err


def test_a_rehearsal_plays_the_whole_example_and_the_vendor_is_only_read(database: Database) -> None:
    before = rows(database)

    said = database.run("rehearse", str(database.manifest), "--format", "json", "--rows", "40")

    assert said.code == 0, said.out[-2000:] + said.err
    found = said.json
    assert (found["finished"], found["provider"], found["scaled"]) == (True, "odoo", {"res.partner": CONTACTS})
    did = Counter((each["verb"], each["kind"]) for each in found["scenes"])
    there = [name for name, count in before.items() if count]
    assert (len(there), len(there)) == (did["purge", "dataset"], did["verify", "archive"])
    assert (3, 5) == (did["deactivate", "user"], did["delete", "integration"])
    assert not {"person", "word"} & {each["by"] for each in found["scenes"]}, "nothing here is done by hand"
    assert any("attachments" in each["method"] and "restore_test" in each["method"] for each in found["evidence"])
    truth = database.truth(log=True)
    asked = {each["target"] for each in truth["log"]}
    assert (0, []) == (truth["effects"], [each for each in asked if not READING.search(each)])


def test_rows_that_a_rule_hides_from_administrators_too_leave_the_list_of_datasets_incomplete(
    database: Database,
) -> None:
    with World.open(database.data) as world:
        world.set_traits(ruled_out={"crm.lead": ["d0000001"]})

    said = database.plan()

    assert "The list of datasets is not complete" in said.out and "crm.lead" in said.out, said.out[-1500:]
    assert "dataset/*" in said.out.partition("Blocked")[2]


@pytest.mark.deep
def test_a_rehearsal_of_what_was_not_seen_whole_says_so(database: Database) -> None:
    with World.open(database.data) as world:
        world.set_traits(ruled_out={"crm.lead": ["d0000001"]})

    played = database.run("rehearse", str(database.manifest), "--rows", "2")

    assert played.code == 0, played.out[-2000:] + played.err
    assert "Played with what was seen, it came to its end" in played.out, played.out
    assert "Not seen whole, and played as far as it was seen: datasets" in played.out and "crm.lead" in played.out


def test_nobody_plans_to_delete_the_servers_own_users(database: Database) -> None:
    """Two of them are archived like people, and the server refuses to delete them."""
    database.change("status: removed\n    keep:", "status: deleted\n    keep:")

    said = database.plan("--format", "json")

    acts = {step["address"] for step in said.json["steps"] if step["address"].startswith("user/")}
    assert ({"user/103", "user/104", "user/105"}, []) == (acts, said.json["blocked"])


def test_the_first_administrator_is_not_planned_to_be_deleted_and_the_plan_says_what_to_do(database: Database) -> None:
    database.change("status: removed\n    keep:", "status: deleted\n    keep:")
    database.change("user1@example.com", "user4@example.com")

    said = database.plan()

    found = database.plan("--format", "json").json
    assert ["blocked.undeletable"] == [each["why"]["code"] for each in found["blocked"] if each["address"] == "user/2"]
    assert "user/2" not in {step["address"] for step in found["steps"]}
    assert "refuses to delete this user" in said.out and "`users.keep`" in said.out, said.out


@pytest.mark.deep
def test_everybody_is_deleted_and_the_servers_own_users_stand_in_nobodys_way(database: Database) -> None:
    with World.open(database.data) as world:
        world.run("UPDATE rows SET owner_id = NULL")  # nobody is deleted to whom rows refer
    database.change("status: removed\n    keep:", "status: deleted\n    keep:")

    first, said = database.apply("--format", "json"), database.apply("--format", "json")

    assert (first.code, "CRM-E010" in first.out) == (5, True), "their contacts are rows now, more than were reviewed"
    assert said.code == 0, said.out[-2000:] + said.err
    left = {each["email"] for each in database.truth()["users"] if not each["deleted_at"]}
    assert {f"user{number}@example.com" for number in (1, 2, 3)} == left
    second = database.plan("--detailed-exitcode")
    assert (0, True) == (second.code, "No changes" in second.out), second.out + second.err


def test_a_wrong_password_stops_it_before_the_first_act(database: Database) -> None:
    place = database.data.with_name("odoo.db.keys.json")
    keys = json.loads(place.read_text())
    place.write_text(json.dumps({**keys, "write": {**keys["write"], "password": "not-the-password"}}))

    said = database.apply("--format", "json")

    assert (said.code, "Incorrect Password" in said.out + said.err) == (7, True), said.out[-500:] + said.err
    assert database.truth()["effects"] == 0

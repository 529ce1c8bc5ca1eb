"""Seeds: the same options give the same world."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import httpx
import pytest

from crmstate.sandbox import World, app, seed
from crmstate.sandbox.names import HOSTILE


def dump(path: Path) -> tuple[object, ...]:
    with World.open(path) as world:
        rows = [
            (each["id"], list(world.rows(each["id"])), list(world.rows(each["id"], binned=True)))
            for each in world.truth()["datasets"]
        ]
        return world.truth(), rows, world.credentials()


def test_the_same_seed_gives_the_same_world_and_another_gives_other_secrets(tmp_path: Path) -> None:
    keys = [seed(tmp_path / name, seed=number) for name, number in (("a", 1), ("b", 1), ("c", 2))]
    assert dump(tmp_path / "a") == dump(tmp_path / "b")
    assert keys[0] == keys[1]
    assert keys[0]["write"].token != keys[2]["write"].token


def test_a_small_world_has_something_of_everything(tmp_path: Path) -> None:
    seed(tmp_path / "a")
    with World.open(tmp_path / "a") as world:
        truth = world.truth()
        assert {"webhook", "oauth_app", "workflow"} == {each["type"] for each in truth["integrations"]}
        assert {"keeps", "clears", "unknown"} == {each["data_effect"] for each in truth["modules"]}
        assert (len(truth["users"]), truth["users"][0]["role"]) == (12, "owner")
        assert [each["exportable"] for each in truth["datasets"] if not each["exportable"]] == [False]
        assert 400 <= sum(each["rows"] for each in truth["datasets"]) <= 600
        assert sum(each["bin_rows"] for each in truth["datasets"]) == 7
        assert 0 in [size for (size,) in world.all("SELECT size FROM attachments")]
        for each in truth["datasets"]:
            assert each["rows"] == len(list(world.rows(each["id"])))


def test_the_keys_to_connect_with_are_written_for_the_owner_alone_and_work(tmp_path: Path) -> None:
    seed(tmp_path / "a")
    place = tmp_path / "a.keys.json"
    keys = json.loads(place.read_text())
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    with World.open(tmp_path / "a") as world:
        client = httpx.Client(base_url="http://sandbox", transport=httpx.WSGITransport(app=app(world)))

        def who(name: str) -> tuple[str, list[str]]:
            found = client.get("/v1/whoami", headers={"Authorization": f"Bearer {keys[name]['token']}"}).json()
            return found["user"]["role"], found["key"]["scopes"]

        assert [who(name) for name in ("read", "write", "weak")] == [
            ("admin", ["read"]),
            ("admin", ["read", "write"]),
            ("member", ["read", "write"]),
        ]
        assert client.post("/v1/token", json={"refresh_token": keys["write"]["refresh_token"]}).json()["key_id"] == "k2"


def test_a_world_is_replaced_only_on_request(tmp_path: Path) -> None:
    seed(tmp_path / "a")
    with pytest.raises(FileExistsError):
        seed(tmp_path / "a", seed=2)
    seed(tmp_path / "a", seed=2, replace=True)
    with World.open(tmp_path / "a") as world:
        assert world.get("seed") == 2
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith("a-")) == ["a", "a.keys.json"]


def test_any_number_of_contacts_and_users_can_be_had(tmp_path: Path) -> None:
    seed(tmp_path / "a", contacts=2500, users=1500)
    with World.open(tmp_path / "a") as world:
        truth = world.truth()
        assert (
            len(truth["users"]),
            next(each["rows"] for each in truth["datasets"] if each["id"] == "contacts"),
        ) == (1500, 2500)


def test_a_hostile_world_serves_its_names_as_they_are(tmp_path: Path) -> None:
    key = seed(tmp_path / "a", hostile=True)["write"]
    with World.open(tmp_path / "a") as world:
        client = httpx.Client(
            base_url="http://sandbox",
            transport=httpx.WSGITransport(app=app(world)),
            headers={"Authorization": f"Bearer {key.token}"},
        )
        for kind in ("users", "api_keys", "integrations", "settings", "datasets"):
            shown = {row["name"] for row in client.get(f"/v1/{kind}?limit=1000").json()["data"]}
            assert set(HOSTILE) <= shown
        files = client.get("/v1/datasets/hostile/attachments").json()["data"]
        assert set(HOSTILE) <= {row["name"] for row in files}
        assert "../../evil" in {row["row_id"] for row in files}


def test_a_file_that_is_no_world_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("this is not a database, only some text that is long enough to look at" * 20)
    with pytest.raises(ValueError, match="not a sandbox world"):
        World.open(tmp_path / "text")
    with pytest.raises(FileNotFoundError):
        World.open(tmp_path / "absent")

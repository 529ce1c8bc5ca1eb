"""A whole decommission of a simulated 简道云: what its API can end is ended by it, the rest by people with a runbook, and
then there is nothing more to do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmstate.sandbox import World, seed

from .scenes import certified, did, waiting
from .site import Site, archived

EXAMPLE = Path(__file__).parents[2] / "examples" / "jiandaoyun-exit" / "crmstate.yaml"


def example() -> str:
    """The example's manifest, with the simulated vendor in the place of the real one's tenant and credentials."""
    text = re.sub(r"  credentials:\n(?:    .*\n)+", "", EXAMPLE.read_text("utf-8"))
    return re.sub(r"  tenant: .*\n", "  embedded: jdy.db\n", text)


CONTACTS = 120
GIVEN_UP = """\
    discard:                           # preset forms of the CRM suite, which no call reads
      - {dataset: "客户管理 / Dashboards", why: exported by hand, by: head@example.com}
"""


class Corp(Site):
    """A site at this vendor."""

    @property
    def data(self) -> Path:
        return self.folder / "jdy.db"


@pytest.fixture
def corp(tmp_path: Path) -> Iterator[Corp]:
    made = Corp(tmp_path / "corp")
    made.folder.mkdir()
    seed(made.data, dialect="jiandaoyun", contacts=CONTACTS, users=6)
    made.write(example())
    made.serve()
    try:
        yield made
    finally:
        made.stop()


def there(corp: Corp) -> tuple[list[str], dict[str, int]]:
    """Who is still a member, and how many rows each form has, in truth."""
    truth = corp.truth()
    members = [each["id"] for each in truth["users"] if not each["deleted_at"]]
    return members, {each["id"]: each["rows"] for each in truth["datasets"]}


def test_a_plan_only_reads_and_says_what_people_do_and_whose_word_it_relies_on(corp: Corp) -> None:
    said = corp.plan()

    assert said.code == 0, said.err
    log = corp.truth(log=True)["log"]
    acting = {"delete", "batch_delete", "update", "create"}
    assert {each["method"] for each in log} == {"POST"}
    assert not [each for each in log if each["target"].rpartition("/")[2] in acting or each["effects"]]
    assert "head@example.com" in said.out
    for words in ("密钥管理", "数据推送", "回收站", "400-111-0890", "注销"):
        assert words in said.out


def test_a_corp_is_ended_by_its_api_and_by_people_and_a_second_plan_has_nothing_to_do(corp: Corp) -> None:
    assert {"revoke api_key/all", "delete integration/all"} <= waiting(corp.apply("--format", "json"))
    everybody, rows = there(corp)
    assert (6, CONTACTS) == (len(everybody), rows["contacts"]), "nobody is put out before access is taken by hand"

    did(corp, "api_key/all", "integration/all")
    assert waiting(corp.apply("--format", "json")) == {"empty bin/all"}
    assert there(corp) == (["u1"], {"activities": 0, "contacts": 0, "dashboards": 3, "deals": 0, "surveys": 0})

    did(corp, "bin/all")
    assert waiting(corp.apply("--format", "json")) == {"cancel subscription/contract"}
    did(corp, "subscription/contract")
    assert waiting(corp.apply("--format", "json")) == {"probe subscription/contract"}, "a request is no result"
    certified(corp, "subscription/contract")
    (account,) = {step.partition(" ")[2] for step in waiting(corp.apply("--format", "json"))}
    assert account.startswith("account/")
    with World.open(corp.data) as world:  # a person closes the account at the vendor
        world.put("account", {**world.get("account"), "status": "closed"})
    did(corp, account)
    last = corp.apply("--format", "json")
    assert last.code == 0, last.out + last.err

    second = corp.plan("--detailed-exitcode")
    assert (0, []) == (second.code, corp.twice()), second.out + second.err
    assert "No changes" in second.out


def test_rows_and_files_are_archived_as_the_vendor_gave_them_and_without_what_opens_them(corp: Corp) -> None:
    corp.apply()
    did(corp, "api_key/all", "integration/all")
    corp.apply()

    archive = corp.folder / "archive"
    files = archived(archive)
    texts = [
        data.decode()
        for name, data in files.items()
        if "/data/" in name and name.endswith(".jsonl.zst") and "/ids-" not in name
    ]
    rows = [json.loads(line) for text in texts for line in text.splitlines()]
    assert len({row["_id"] for row in rows if "_id" in row}) == CONTACTS + 2 * (CONTACTS // 4) + 12
    assert not [text for text in texts if "token=" in text]
    secrets = [key.token.encode() for key in World.open(corp.data).credentials().values()]
    written = [path for path in corp.folder.rglob("*") if path.is_file() and not path.name.startswith("jdy.db")]
    assert not [path for path in written for secret in secrets if secret in path.read_bytes()]
    assert not [name for name, data in files.items() for secret in secrets if secret in data]
    with World.open(corp.data) as world:
        contents = {world.attachment("deals", f"f{n:04}") for n in range(12)}
    kept = {path.read_bytes() for path in archive.rglob("*") if path.is_file()}
    assert contents - {b""} <= kept


def test_without_anybodys_word_for_the_view_nothing_is_concluded_and_nothing_is_done(corp: Corp) -> None:
    corp.change("  coverage: {by: head@example.com, why: the keys were given every app and interface}\n", "")

    said = corp.plan()
    corp.apply()

    assert "Blocked" in said.out and "provider.coverage" in said.out
    assert corp.truth()["effects"] == 0


def test_a_preset_form_that_nobody_gave_up_in_writing_stops_the_end(corp: Corp) -> None:
    corp.change(GIVEN_UP, "")

    said = corp.plan()
    assert "客户管理 / Dashboards be exported" in said.out.partition("Blocked")[2]
    corp.apply()
    did(corp, "api_key/all", "integration/all")
    corp.apply()

    assert there(corp)[1]["dashboards"] == 3
    assert not {step for step in waiting(corp.apply("--format", "json")) if "account" in step or "contract" in step}


def test_members_of_an_integrated_directory_are_left_to_their_platform(corp: Corp) -> None:
    assert corp.world is not None
    corp.world.set_traits(integrated="wecom")

    corp.apply()
    did(corp, "api_key/all", "integration/all")
    corp.apply()

    assert len(there(corp)[0]) == 6
    assert not corp.world.asked("/api/v5/corp/user/*")


def test_a_key_without_the_deleting_interfaces_is_told_so_before_the_first_act(corp: Corp) -> None:
    keys = corp.folder / "jdy.db.keys.json"
    secrets = json.loads(keys.read_text("utf-8"))
    keys.write_text(json.dumps({**secrets, "write": secrets["read"]}), encoding="utf-8")

    said = corp.apply()

    assert (7, True, True) == (said.code, "CRM-V005" in said.err, "17054" in said.err), said.err
    assert corp.truth()["effects"] == 0
    assert not (corp.folder / "archive").exists()

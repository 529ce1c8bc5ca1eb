"""The example of 纷享销客, carried out on the simulated vendor: what its API can end is ended by it, the rest by people with a
runbook, and then there is nothing more to do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmstate.providers.kit.pace import Pace
from crmstate.sandbox import World, advance, seed
from crmstate.sandbox.dialects.fxiaoke import ids

from .scenes import certified, did, waiting
from .site import Site, archived

EXAMPLE = Path(__file__).parents[2] / "examples" / "fxiaoke-exit" / "crmstate.yaml"
CONTACTS = 20


class Company(Site):
    """A site at this vendor."""

    @property
    def data(self) -> Path:
        return self.folder / "fx.db"


def example() -> str:
    """The example's manifest, with the simulated vendor in the place of the real one's address and credentials."""
    text = EXAMPLE.read_text("utf-8").replace("FSUID_admin", ids.open_user("u1"))
    given_up = "      - {dataset: Dashboards, why: exported by hand, by: head@example.com}\n"
    text = text.replace("    purge:", given_up + "    purge:")
    text = re.sub(r"  url: .*\n  tenant: .*\n", "  embedded: fx.db\n", text)
    return re.sub(r"  credentials:\n(?:    .*\n)+", "", text)


@pytest.fixture(autouse=True)
def no_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """The vendor's 100 calls in 20 seconds are kept by unit tests; the simulator only asks for them where a trait says so."""
    monkeypatch.setattr(Pace, "_take", lambda self, name: 0.0)


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    made = Company(tmp_path / "company")
    made.folder.mkdir()
    seed(made.data, dialect="fxiaoke", contacts=CONTACTS, users=6)
    made.write(example())
    made.serve()
    try:
        yield made
    finally:
        made.stop()


def there(company: Company) -> tuple[list[str], dict[str, int]]:
    """Who may still sign in, and how many rows each object has, in truth."""
    truth = company.truth()
    working = [each["id"] for each in truth["users"] if not each["deleted_at"] and each["status"] == "active"]
    return working, {each["id"]: each["rows"] for each in truth["datasets"]}


def in_bins(company: Company) -> dict[str, int]:
    """How many rows lie in each object's recycle bin, which the vendor shows to nobody."""
    return {each["id"]: each["bin_rows"] for each in company.truth()["datasets"]}


def test_a_plan_only_reads_and_says_what_people_do_and_how_long_it_takes(company: Company) -> None:
    said = company.plan()

    assert said.code == 0, said.err
    log = company.truth(log=True)["log"]
    assert {"POST"} == {each["method"] for each in log}
    acting = re.compile(r"/(invalid|delete|recover|unlock|setStatus|batchSetStatus)$")
    assert not [each for each in log if acting.search(each["target"].partition("?")[0]) or each["effects"]]
    for words in ("head@example.com", "管理后台", "事件变更订阅", "回收站", "400-112-2778", "privacy@fxiaoke.com"):
        assert words in said.out
    assert re.search(r"Estimate: \d+ calls, about \d+ seconds, within one day's quota", said.out)


def test_a_company_is_ended_by_its_api_and_by_people_and_a_second_plan_has_nothing_to_do(company: Company) -> None:
    binned = in_bins(company)
    first = waiting(company.apply("--format", "json"))
    assert {"revoke api_key/all", "delete integration/all"} <= first
    everybody, rows = there(company)
    assert (6, CONTACTS) == (len(everybody), rows["contacts"]), "nobody is put out before access is taken by hand"

    did(company, "api_key/all", "integration/all")
    assert waiting(company.apply("--format", "json")) == {"empty bin/all"}
    everybody, rows = there(company)
    assert (["u1", "u2"], 3) == (everybody, rows.pop("dashboards")), (
        "one closes the account, in the other's name we work"
    )
    assert {0} == set(rows.values())
    assert binned == in_bins(company), "what people had made invalid stays, and nothing of ours"
    did(company, "bin/all")
    assert waiting(company.apply("--format", "json")) == {"cancel subscription/contract"}
    did(company, "subscription/contract")
    assert waiting(company.apply("--format", "json")) == {"probe subscription/contract"}, "a request is no result"
    certified(company, "subscription/contract")
    (account,) = {step.partition(" ")[2] for step in waiting(company.apply("--format", "json"))}
    assert account.startswith("account/")
    with World.open(company.data) as world:  # the vendor closes the account
        world.put("account", {**world.get("account"), "status": "closed"})
    did(company, account)
    certified(company, account)
    last = company.apply("--format", "json")
    assert last.code == 0, last.out + last.err

    second = company.plan("--detailed-exitcode")
    assert (0, []) == (second.code, company.twice()), second.out + second.err
    assert "No changes" in second.out


@pytest.mark.deep
def test_rows_that_are_locked_or_in_a_pool_are_ended_and_long_lists_taken_apart(company: Company) -> None:
    with World.open(company.data) as world:
        some = world.all("SELECT id FROM rows WHERE dataset = 'contacts' AND binned = 0 LIMIT 4")
        named = [f"contacts/{id}" for (id,) in some]
        world.set_traits(locked=named[:2], pool=named[1:], most_ids=20)
    company.apply("--format", "json")
    did(company, "api_key/all", "integration/all")

    assert waiting(company.apply("--format", "json")) == {"empty bin/all"}
    _, rows = there(company)
    assert {0} == {count for id, count in rows.items() if id != "dashboards"}


def test_rows_fields_and_files_are_archived_as_the_vendor_gave_them_and_no_secret(company: Company) -> None:
    company.apply()

    files = archived(company.folder / "archive")
    rows = [
        json.loads(line)
        for name, data in files.items()
        if "/data/" in name and name.endswith(".jsonl.zst") and "/ids-" not in name
        for line in data.decode().splitlines()
    ]
    _, counts = there(company)
    assert sum(counts.values()) - counts["dashboards"] == len({row["_id"] for row in rows if "_id" in row})
    secrets = [key.token.encode() for key in World.open(company.data).credentials().values()]
    written = [path for path in company.folder.rglob("*") if path.is_file() and not path.name.startswith("fx.db")]
    assert not [path for path in written for secret in secrets if secret in path.read_bytes()]
    with World.open(company.data) as world:
        contents = {world.attachment("deals", f"f{n:04}") for n in range(CONTACTS // 4)}
    assert contents - {b""} <= {path.read_bytes() for path in company.folder.rglob("*") if path.is_file()}


def test_without_anybodys_word_for_the_view_nothing_is_concluded_and_nothing_is_done(company: Company) -> None:
    text = company.manifest.read_text("utf-8")
    company.write(re.sub(r"  coverage: .*\n", "", text))

    said = company.plan()
    company.apply()

    assert "Blocked" in said.out and "provider.coverage" in said.out
    assert company.truth()["effects"] == 0


@pytest.mark.parametrize("fault", ["cut_after", "cut_before", "quota_exhausted"])
@pytest.mark.parametrize("act", ["invalid", "delete"])
def test_a_purge_that_breaks_off_between_its_two_acts_leaves_nothing_in_the_bin(
    company: Company, act: str, fault: str
) -> None:
    binned = in_bins(company)
    company.apply()
    did(company, "api_key/all", "integration/all")
    assert company.world is not None
    for path in (f"/cgi/crm/v2/data/{act}", f"/cgi/crm/custom{'' if act == 'invalid' else '/v2'}/data/{act}"):
        company.world.add_fault(fault, path=path, times=2)

    for _ in range(4):
        company.apply()
        advance(company.data, "1d")

    rows = there(company)[1]
    rows.pop("dashboards")
    assert ({0}, binned, []) == (set(rows.values()), in_bins(company), company.twice())


def test_an_app_that_only_reads_is_told_so_before_the_first_act(company: Company) -> None:
    keys = company.folder / "fx.db.keys.json"
    secrets = json.loads(keys.read_text("utf-8"))
    keys.write_text(json.dumps({**secrets, "write": secrets["read"]}), encoding="utf-8")

    said = company.apply()

    assert (7, True, True) == (said.code, "CRM-V005" in said.err, "15003" in said.err), said.err
    assert company.truth()["effects"] == 0
    assert not (company.folder / "archive").exists()


@pytest.mark.parametrize(
    ("field", "code", "word"),
    [
        ("app_secret", "CRM-V004", "cloud's address"),
        ("permanent_code", "CRM-V004", "20015"),
        ("user_id", "CRM-V005", "user_id"),
    ],
)
def test_a_credential_that_is_wrong_is_told_clearly_before_anything_is_read(
    company: Company, field: str, code: str, word: str
) -> None:
    keys = company.folder / "fx.db.keys.json"
    secrets = json.loads(keys.read_text("utf-8"))
    secrets["read"][field] = "wrong-for-the-test"
    if field == "user_id":
        del secrets["read"]["user_id"], secrets["read"]["open_user_id"]
    keys.write_text(json.dumps(secrets), encoding="utf-8")

    said = company.plan()

    assert (7, True, True) == (said.code, code in said.err, word in said.err), said.err


def test_an_app_of_another_company_is_told_before_anything_is_listed(company: Company) -> None:
    company.change("  embedded: fx.db\n", "  embedded: fx.db\n  tenant: another\n")

    said = company.plan()

    assert (7, True) == (said.code, "CRM-V001" in said.err), said.err
    assert not [each for each in company.truth(log=True)["log"] if "/user/" in each["target"]]


def test_the_example_is_rehearsed_to_its_end_and_nothing_is_done_to_the_vendor(company: Company) -> None:
    said = company.run("rehearse", str(company.manifest))

    assert said.code == 0, said.out + said.err
    assert "It came to its end" in said.out and "purge dataset" in said.out
    assert company.truth()["effects"] == 0

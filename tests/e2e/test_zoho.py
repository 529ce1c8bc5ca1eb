"""A whole decommission of a simulated Zoho CRM, from the example's manifest: what its API can end is ended by it, the rest by
people with a runbook, and then there is nothing more to do."""

from __future__ import annotations

import json
import stat
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crmstate.sandbox import World, seed

from .scenes import certified, did, waiting
from .site import Said, Site, archived

EXAMPLE = Path(__file__).parents[2] / "examples" / "zoho-exit" / "crmstate.yaml"
CONTACTS = 120
MODULES = {"activities", "contacts", "deals", "surveys"}


class Org(Site):
    """A site at this vendor."""

    @property
    def data(self) -> Path:
        return self.folder / "world" / "zoho.db"

    def asked(self) -> Counter[str]:
        """Every request so far, without its query."""
        log = self.truth(log=True)["log"]
        return Counter(f"{each['method']} {each['target'].partition('?')[0]}" for each in log)


@pytest.fixture
def org(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Org]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = Org(tmp_path / "org")
    made.data.parent.mkdir(parents=True)
    seed(made.data, dialect="zoho", contacts=CONTACTS, users=6)
    made.write(EXAMPLE.read_text(encoding="utf-8"))
    made.serve()
    try:
        yield made
    finally:
        made.stop()


def apply(org: Org) -> Said:
    return org.apply("--format", "json")


def active(org: Org) -> list[str]:
    return [each["email"] for each in org.truth()["users"] if each["status"] == "active" and not each["deleted_at"]]


def left(org: Org) -> dict[str, tuple[int, int]]:
    """How many records each module has, and how many of it lie in the bin, in truth."""
    return {each["id"]: (each["rows"], each["bin_rows"]) for each in org.truth()["datasets"] if each["id"] in MODULES}


def test_a_plan_only_reads_and_says_what_people_do_and_what_it_costs(org: Org) -> None:
    said = org.plan()

    assert said.code == 0, said.err
    acting = {each for each in org.asked() if each.partition(" ")[0] not in {"GET"}}
    assert acting <= {"POST /oauth/v2/token", "POST /crm/v8/coql"} and org.truth()["effects"] == 0
    for words in (
        "head@example.com",
        "Connected Apps",
        "Change Edition",
        "AT ONCE",
        "Delete CRM account",
        "Close Account",
    ):
        assert words in said.out, words
    calls = int(said.out.partition("Estimate: ")[2].partition(" calls")[0].replace(",", ""))
    assert calls > 2 * CONTACTS, "attachments are asked for record by record, for the archive and for its last changes"


def test_an_org_is_ended_by_its_api_and_by_people_and_a_second_plan_has_nothing_to_do(org: Org) -> None:
    with World.open(org.data) as world:
        world.add_dataset("leads", "Leads", [{"name": "name", "type": "text", "label": "Name"}])
        world.add_rows("leads", [{"id": f"l{n}", "fields": {"name": f"lead {n}"}} for n in range(5)])
        world.set_traits(converted=["leads/l1", "leads/l4"])
    assert waiting(apply(org)) == {"revoke api_key/all"}
    assert len(active(org)) > 1 and left(org)["contacts"] == (CONTACTS, 0), "nothing before access is taken by hand"
    assert not [each for each in org.truth()["integrations"] if each["type"] != "oauth_app" and not each["deleted_at"]]

    did(org, "api_key/all")
    assert waiting(apply(org)) == {"cancel subscription/crm"}
    assert (["user1@example.com", "user2@example.com"], dict.fromkeys(MODULES, (0, 0))) == (active(org), left(org)), (
        "all but who stays and whose token it is"
    )
    leads = next(each for each in org.truth()["datasets"] if each["id"] == "leads")
    assert (leads["rows"], leads["bin_rows"]) == (0, 0), "those too that hide because they were converted"
    kept = b"".join(data for name, data in archived(org.folder / "archive").items() if name.endswith(".jsonl.zst"))
    assert [n for n in range(5) if b"lead %d" % n in kept] == [0, 1, 2, 3, 4]

    with World.open(org.data) as world:  # a person moves the org to Free
        world.set_subscription(status="free")
    did(org, "subscription/crm")
    (account,) = {step.partition(" ")[2] for step in waiting(apply(org))}
    with World.open(org.data) as world:  # and deletes the CRM account
        world.put("account", {**world.get("account"), "status": "closed"})
    did(org, account)
    assert waiting(apply(org)) == {f"probe {account}"}, (
        "what a deleted org answers is not known: a request is no result"
    )
    certified(org, account)
    waiting(apply(org))

    second = org.plan("--detailed-exitcode")
    assert (0, []) == (second.code, org.twice()), second.out + second.err
    assert "No changes" in second.out


@pytest.mark.deep
def test_an_org_that_counts_late_and_ends_much_in_jobs_is_ended_all_the_same(org: Org) -> None:
    """Zoho says of both that they are so. What waits for an approval hides from whoever does not ask for it."""
    with World.open(org.data) as world:
        world.set_traits(lag=10, delete_at_once=1, job_polls=0, unapproved=["deals/d0000001", "contacts/c0000002"])
    org.advance(datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))  # so that just now is just now to both
    apply(org)
    did(org, "api_key/all")

    assert waiting(apply(org)) == {"cancel subscription/crm"}
    assert dict.fromkeys(MODULES, (0, 0)) == left(org)
    assert "No changes now" in org.plan().out, "the counts still show what was purged"
    with World.open(org.data) as world:
        assert world.all("SELECT 1 FROM meta WHERE name LIKE 'zoho/job/take/%' LIMIT 1"), "the bin made jobs of it"


def test_tokens_are_kept_between_runs_for_their_owner_alone(org: Org, tmp_path: Path) -> None:
    for _ in range(3):
        assert org.plan().code == 0

    assert org.asked()["POST /oauth/v2/token"] == 2, "one for reading, one for writing"
    places = list((tmp_path / "cache" / "crmstate" / "tokens").iterdir())
    assert [0o600, 0o600] == [stat.S_IMODE(place.stat().st_mode) for place in places]
    tokens = [json.loads(place.read_text())["access"].encode() for place in places]
    with World.open(org.data) as world:
        tokens += [key.refresh_token.encode() for key in world.credentials().values() if key.refresh_token]
    ours = [each for each in org.folder.rglob("*") if each.is_file() and not each.name.startswith("zoho.db")]
    assert not [place for place in ours for token in tokens if token in place.read_bytes()]


def test_an_hour_between_two_applies_costs_a_new_token_and_nothing_else(org: Org) -> None:
    apply(org)
    org.advance("2h")
    did(org, "api_key/all")

    assert waiting(apply(org)) == {"cancel subscription/crm"}
    assert (0, 0) == left(org)["contacts"]


def test_records_and_files_are_archived_as_the_vendor_gave_them(org: Org) -> None:
    apply(org)

    files = archived(org.folder / "archive")
    texts = [data.decode() for name, data in files.items() if "/data/" in name and name.endswith(".jsonl.zst") and "/ids-" not in name]  # fmt: skip
    rows = [json.loads(line) for text in texts for line in text.splitlines()]
    there = [each["rows"] for each in org.truth()["datasets"] if each["id"] in MODULES]
    assert len({row["id"] for row in rows if "id" in row}) == sum(there) + 12, "twelve files"
    with World.open(org.data) as world:
        contents = {world.attachment("deals", f"f{n:04}") for n in range(12)}
    kept = {path.read_bytes() for path in (org.folder / "archive").rglob("*") if path.is_file()}
    assert contents - {b""} <= kept


@pytest.mark.deep
@pytest.mark.parametrize(
    ("wrong", "code", "word"),
    [
        ("tenant", "CRM-V001", "649756947"),
        ("region", "CRM-V004", "another data centre"),
        ("scope", "CRM-V005", "OAUTH_SCOPE_MISMATCH"),
        ("trial", "CRM-V005", "trial is expired"),
    ],
)
def test_what_is_wrong_with_a_credential_is_told_before_the_first_write(
    org: Org, wrong: str, code: str, word: str
) -> None:
    keys = org.data.with_name("zoho.db.keys.json")
    secrets = json.loads(keys.read_text("utf-8"))
    if wrong == "tenant":
        org.change("  embedded:", "  tenant: '12345'\n  embedded:")
    elif wrong == "region":
        secrets["write"]["refresh_token"] = "1000.of.another.centre"
    elif wrong == "scope":
        secrets["write"] = secrets["read"]
    else:
        with World.open(org.data) as world:
            world.set_traits(trial="2020-01-01")
    keys.write_text(json.dumps(secrets), encoding="utf-8")

    said = org.apply()

    assert (7, True, True) == (said.code, code in said.err, word in said.err), said.err
    assert org.truth()["effects"] == 0 and not (org.folder / "archive").exists()


@pytest.mark.parametrize(("minutes", "code"), [(120, "CRM-P034"), (-30, "CRM-P035"), (2, "")])
def test_clocks_that_are_apart_are_told_before_the_first_write(org: Org, minutes: int, code: str) -> None:
    org.fault("clock_off", minutes=minutes)

    said = org.plan("--format", "json")

    found = [each for each in said.json["diagnostics"] if each["code"] in ("CRM-P034", "CRM-P035")]
    assert [(each["code"], each["params"]["minutes"]) for each in found] == ([(code, abs(minutes))] if code else [])
    assert org.truth()["effects"] == 0


def test_without_anybodys_word_for_the_view_nothing_is_concluded_and_nothing_is_done(org: Org) -> None:
    org.change("  coverage: {by: head@example.com, why: the token is the super admin's}\n", "")

    said = org.plan()
    org.apply()

    assert "Blocked" in said.out and "provider.coverage" in said.out
    assert org.truth()["effects"] == 0


def test_the_end_can_be_rehearsed_and_the_vendor_is_left_alone(org: Org) -> None:
    before = org.truth()

    said = org.run("rehearse", str(org.manifest), "--format", "json", "--rows", "40")

    assert said.code == 0 and said.json["finished"], said.out + said.err
    did = Counter((each["verb"], each["kind"]) for each in said.json["scenes"])
    assert {("delete", "integration"), ("purge", "dataset"), ("empty", "bin"), ("cancel", "subscription")} <= did.keys()
    after = org.truth()
    assert (after["effects"], after["datasets"]) == (before["effects"], before["datasets"])


def test_records_are_archived_by_the_vendors_own_jobs_where_the_manifest_asks_for_it(org: Org) -> None:
    org.change("attachments: true}", "attachments: true, by: jobs}")

    apply(org)
    did(org, "api_key/all")

    assert waiting(apply(org)) == {"cancel subscription/crm"}
    assert dict.fromkeys(MODULES, (0, 0)) == left(org)
    assert org.asked()["POST /crm/bulk/v8/read"] == 8, (
        "four modules, once for the archive and once for its last changes"
    )
    files = archived(org.folder / "archive")
    assert [name for name in files if name.endswith(".source.zip")], sorted(files)
    rows = b"".join(data for name, data in files.items() if name.endswith(".jsonl.zst") and "/ids-" not in name)
    assert b'"Id":"' in rows


def test_the_vendors_own_backup_is_kept_beside_the_modules(org: Org) -> None:
    org.change("datasets: all, attachments: true", "datasets: [Deals], attachments: false, backup: required")
    org.change("    purge: {status: purged, bin: emptied}\n", "")
    org.change("  account: {status: deleted}\n", "")
    with World.open(org.data) as world:
        world.set_traits(backup_files=3)

    apply(org)

    to = org.folder / "out"
    assert org.run("archive", "restore", str(org.folder / "archive"), "--to", str(to), "--dataset", "+backup").code == 0
    (folder,) = to.iterdir()
    found = {each["name"]: each for each in map(json.loads, (folder / "attachments.jsonl").read_text().splitlines())}
    with World.open(org.data) as world:
        kept = world.all("SELECT name, value FROM meta WHERE name LIKE 'zoho/backup/%'")
    assert {name.rpartition("/")[2]: bytes(value) for name, value in kept} == {
        name: (folder / each["file"]).read_bytes() for name, each in found.items()
    }
    assert len(found) > 2
    assert org.asked()["POST /crm/bulk/v8/backup"] == 1
    checks = org.run("archive", "verify", str(org.folder / "archive"), "--dataset", "+backup", "--format", "json").json
    said = {each["method"]: each["said"] for each in checks["datasets"][0]["checks"]}
    assert said["zips"] == "read" and "zip_records" not in said, "nobody says how many records there are"


def test_columns_that_bulk_read_leaves_out_are_purged_only_once_somebody_gives_them_up(org: Org) -> None:
    names = ["Amount", "Probability"]
    org.change("attachments: true}", "attachments: true, by: jobs}")
    with World.open(org.data) as world:
        world.set_traits(bulk_refuses=names)
    org.change("  api_keys: {status: revoked}\n", "")
    before, manifest = left(org)["deals"], org.manifest.read_text(encoding="utf-8")

    refused = apply(org)

    assert refused.code == 3 and "CRM-E031" in refused.out, "the plan that was shown did not know it yet"
    assert left(org)["deals"] == before
    (blocked,) = [each for each in org.plan("--format", "json").json["blocked"] if each["address"] == "dataset/Deals"]
    assert blocked["why"]["params"]["fields"] == ", ".join(names)

    for given, gone in (([names[0]], False), (names, True)):
        decision = f"    discard: [{{dataset: Deals, fields: [{', '.join(given)}], why: empty, by: h@example.com}}]\n"
        org.write(manifest.replace("    purge:", f"{decision}    purge:"))
        apply(org)
        assert (left(org)["deals"] == (0, 0)) == gone, given


def test_a_photo_that_is_withheld_is_given_up_in_writing_for_its_module_alone_and_every_plan_says_so(org: Org) -> None:
    org.change("  api_keys: {status: revoked}\n", "")
    with World.open(org.data) as world:
        world.set_traits(photos=["deals/f0009"], withheld=["deals/f0009"])
        contents = {world.attachment("deals", f"f{n:04}") for n in range(12)} - {b""}
    manifest, before = org.manifest.read_text(encoding="utf-8"), left(org)["deals"]

    stopped = apply(org)

    assert stopped.code == 6 and "attachments: all" in stopped.out, stopped.out + stopped.err
    assert left(org)["deals"] == before != (0, 0)
    kept = contents & set(archived(org.folder / "archive").values())

    decision = "    discard: [{dataset: Deals, attachments: all, why: Zoho checks one, by: h@example.com}]\n"
    org.write(manifest.replace("    purge:", f"{decision}    purge:"))
    plan = org.plan("--format", "json").json
    (purge,) = [each for each in plan["steps"] if (each["verb"], each["address"]) == ("purge", "dataset/Deals")]
    assert {"who": "h@example.com", "text": "Zoho checks one"}.items() <= purge["why"]["params"].items()
    said = [each for each in plan["diagnostics"] if each["code"] == "CRM-P064"]
    assert ["dataset/Deals"] == [each["address"] for each in said]

    apply(org)

    assert (0, 0) == left(org)["deals"]
    shown = org.run("archive", "show", str(org.folder / "archive")).out
    assert "Attachments of Deals were left out, as h@example.com decided: Zoho checks one" in shown
    files = archived(org.folder / "archive")
    (coverage,) = [json.loads(data) for name, data in files.items() if name.endswith("coverage.json")]
    (deals,) = [each for each in coverage["datasets"] if each["dataset"] == "Deals"]
    assert ("partial", "attachments_given_up") == (deals["status"], deals["why"])
    assert kept and kept == contents & set(files.values()), "what was fetched before stays"


@pytest.mark.deep
def test_a_decision_that_is_taken_back_is_made_good_before_anything_is_purged(org: Org) -> None:
    org.change("  api_keys: {status: revoked}\n", "")
    manifest = org.manifest.read_text(encoding="utf-8")
    decision = "    discard: [{dataset: Deals, attachments: all, why: none, by: h@example.com}]\n    purge:"
    org.write(manifest.replace("freeze: now", "freeze: 2030-01-01T00:00:00Z").replace("    purge:", decision))
    with World.open(org.data) as world:
        contents = {world.attachment("deals", f"f{n:04}") for n in range(12)} - {b""}

    found = []
    for _ in range(2):
        apply(org)
        found.append({path.read_bytes() for path in (org.folder / "archive").rglob("*") if path.is_file()} & contents)
        org.write(manifest)

    assert [set(), contents] == found and left(org)["deals"] == (0, 0)

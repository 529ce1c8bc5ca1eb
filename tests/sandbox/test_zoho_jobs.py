"""Zoho CRM as it is simulated: attachments, automation, bulk read and the backup of the account. Every answer is held against
the published descriptions on the way."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crmstate.sandbox import World, clock
from crmstate.sandbox.dialects.zoho import dialect
from crmstate.sandbox.dialects.zoho.vendor import Zoho

from .zoho_client import BULK, Client, at

FIELDS = [{"name": "name", "type": "text", "label": "Name"}, {"name": "amount", "type": "money", "label": "Amount"}]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Deals with two files and a link, notes that bulk read refuses, and automation that hangs together."""
    with World.create(tmp_path / "world.db", dialect="zoho") as made:
        made.add_user("boss", role="owner", name="Mia Boss")
        made.add_user("admin", role="admin")
        made.add_user("li")
        made.add_key("k1", "admin")
        made.add_key("k3", "li")
        made.add_dataset("deals", "Deals", FIELDS)
        made.add_dataset("notes", "Notes")
        made.add_dataset("dashboards", exportable=False)
        rows = [
            {"id": f"d{n:03}", "owner_id": "li", "fields": {"name": f'王, "{n}"\n', "amount": "12.50"}}
            for n in range(25)
        ]
        made.add_rows("deals", rows)
        made.add_attachment("deals", "f1", "d001", name="Verträge/合同.pdf", content=b"%PDF \x00\xff")
        made.add_attachment("deals", "f2", "d001", name="empty.txt", content=b"")
        made.add_attachment("deals", "f3", "d001", name="elsewhere", content=b"")
        for id, type in (
            ("w1", "webhook"),
            ("w2", "webhook"),
            ("r1", "workflow"),
            ("r2", "workflow"),
            ("o1", "oauth_app"),
        ):
            made.add_integration(id, type=type, name=f"{id} 王")
        made.add_integration("n1", type="channel")
        made.add_integration("n2", type="channel")
        made.set_traits(
            links={"f3": "https://drive.example.com/x"},
            uses={"r1": ["w1"], "r2": ["w1"]},
            channels={"n1": "admin", "n2": "li"},
            no_bulk=["notes"],
            bulk_rows=10,
        )
        yield made


@pytest.fixture
def zoho(world: World) -> Client:
    return Client(world)


def submit(zoho: Client, **query: Any) -> str:
    """The job's id."""
    status, answer = zoho(
        "POST", f"{BULK}/read", {"query": {"module": {"api_name": "Deals"}, **query}, "file_type": "csv"}
    )
    assert (201, "ADDED_SUCCESSFULLY", "ADDED") == (
        status, answer["data"][0]["code"], answer["data"][0]["details"]["state"]
    )  # fmt: skip
    return str(answer["data"][0]["details"]["id"])


def result(zoho: Client, job: str) -> dict[str, Any]:
    """What is said of a job that is through."""
    for _ in range(5):
        (found,) = zoho.get(f"{BULK}/read/{job}")["data"]
        if found["state"] == "COMPLETED":
            outcome: dict[str, Any] = found["result"]
            return outcome
    raise AssertionError("the job does not end")


def table(zoho: Client, job: str) -> list[list[str]]:
    answer = zoho.raw("GET", f"{BULK}/read/{job}/result")
    assert 200 == answer.status_code
    with zipfile.ZipFile(io.BytesIO(answer.content)) as found:
        (name,) = found.namelist()
        return list(csv.reader(io.StringIO(found.read(name).decode(), newline="")))


# Attachments


def test_attachments_are_listed_and_fetched(zoho: Client) -> None:
    wanted = "id,File_Name,Size,Owner,Parent_Id,Created_Time,Created_By,Modified_Time,Modified_By"
    rows = zoho.get(f"Deals/{at('d001')}/Attachments", fields=wanted)["data"]

    assert [("Verträge/合同.pdf", "7"), ("empty.txt", "0"), ("elsewhere", "0")] == [
        (row["File_Name"], row["Size"]) for row in rows
    ]
    assert [b"%PDF \x00\xff", b""] == [
        zoho.raw("GET", f"/crm/v8/Deals/{at('d001')}/Attachments/{row['id']}").content for row in rows[:2]
    ]
    assert (204, None) == zoho("GET", f"Deals/{at('d002')}/Attachments", fields="id")
    assert (400, "REQUIRED_PARAM_MISSING") == zoho.code("GET", f"Deals/{at('d001')}/Attachments")
    assert (400, "INVALID_DATA") == zoho.code("GET", f"Deals/{at('d999')}/Attachments", fields="id")


def test_a_link_cannot_be_fetched_and_a_wrong_id_is_204(zoho: Client) -> None:
    rows = zoho.get(f"Deals/{at('d001')}/Attachments", fields="id")["data"]

    assert (None, "https://drive.example.com/x") == (rows[0]["$link_url"], rows[2]["$link_url"])
    assert (400, "DOWNLOAD_NOT_ALLOWED") == zoho.code("GET", f"Deals/{at('d001')}/Attachments/{at('f3')}")
    assert (204, None) == zoho("GET", f"Deals/{at('d001')}/Attachments/{at('f9')}")


def test_files_in_fields_are_listed_in_their_record_and_have_a_call_of_their_own(world: World, zoho: Client) -> None:
    world.set_traits(file_fields={"deals/f1": "contract", "deals/nothing": "image_of_it"})
    path = f"Deals/{at('d001')}/actions/download_fields_attachment"

    kinds = {each["api_name"]: each["data_type"] for each in zoho.get("settings/fields", module="Deals")["fields"]}
    (record,) = zoho.get(f"Deals/{at('d001')}")["data"]
    left = zoho.get(f"Deals/{at('d001')}/Attachments", fields="File_Name")["data"]

    assert ("fileupload", "imageupload") == (kinds["Contract"], kinds["Image_Of_It"])
    assert [(at("f1"), "Verträge/合同.pdf")] == [(each["id"], each["File_Name__s"]) for each in record["Contract"]]
    assert (None, ["empty.txt", "elsewhere"]) == (record["Image_Of_It"], [each["File_Name"] for each in left])
    whole = zoho.raw("GET", f"/crm/v8/{path}", params={"fields_attachment_id": at("f1")})
    assert b"%PDF \x00\xff" == whole.content
    assert (400, "INVALID_DATA") == zoho.code("GET", path, fields_attachment_id="7")
    assert (400, "REQUIRED_PARAM_MISSING") == zoho.code("GET", path)


def test_a_photo_is_named_in_its_record_and_has_a_call_of_its_own(world: World, zoho: Client) -> None:
    world.set_traits(photos=["deals/f1"])

    kinds = {each["api_name"]: each["data_type"] for each in zoho.get("settings/fields", module="Deals")["fields"]}
    said = [zoho.get(f"Deals/{at(id)}")["data"][0]["Record_Image"] for id in ("d001", "d002")]
    left = [each["File_Name"] for each in zoho.get(f"Deals/{at('d001')}/Attachments", fields="File_Name")["data"]]

    assert ("profileimage", True, None) == (kinds["Record_Image"], bool(said[0]), said[1])
    assert ["empty.txt", "elsewhere"] == left
    assert b"%PDF \x00\xff" == zoho.raw("GET", f"/crm/v8/Deals/{at('d001')}/photo").content
    assert (204, None) == zoho("GET", f"Deals/{at('d002')}/photo")
    assert (400, "INVALID_DATA") == zoho.code("GET", "Deals/7/photo")


def test_attachments_go_with_their_record(zoho: Client) -> None:
    zoho("DELETE", "Deals", ids=at("d001"))

    assert (400, "INVALID_DATA") == zoho.code("GET", f"Deals/{at('d001')}/Attachments/{at('f1')}")


# Automation


def test_a_webhook_stays_while_a_workflow_uses_it(world: World, zoho: Client) -> None:
    status, answer = zoho("DELETE", "settings/automation/webhooks", ids=f"{at('w1')},{at('w2')}")
    assert (207, ["NOT_ALLOWED", "SUCCESS"]) == (status, [each["code"] for each in answer["webhooks"]])
    assert (400, "NOT_ALLOWED") == zoho.code("DELETE", f"settings/automation/webhooks/{at('w1')}")

    zoho("DELETE", "settings/automation/workflow_rules", ids=f"{at('r1')},{at('r2')}")

    assert (200, "SUCCESS") == zoho.code("DELETE", f"settings/automation/webhooks/{at('w1')}")
    assert (204, None) == zoho("GET", "settings/automation/webhooks")
    assert (204, None) == zoho("GET", "settings/automation/workflow_rules")
    assert {"w1", "w2", "r1", "r2"} == {each["id"] for each in world.effects(verb="delete")}


def test_automation_is_listed_with_its_names(world: World, zoho: Client) -> None:
    world.run("UPDATE integrations SET status = 'disabled' WHERE id = 'r2'")
    hooks = zoho.get("settings/automation/webhooks")["webhooks"]
    rules = zoho.get("settings/automation/workflow_rules", page=1, per_page=1)

    assert [("w1 王", True), ("w2 王", False)] == [(row["name"], row["associated"]) for row in hooks]
    assert (["r1 王"], True, True) == (
        [row["name"] for row in rules["workflow_rules"]], rules["workflow_rules"][0]["status"]["active"], rules["info"]["more_records"]
    )  # fmt: skip
    assert [at("w1")] == [
        each["id"] for each in rules["workflow_rules"][0]["conditions"][0]["instant_actions"]["actions"]
    ]


def test_automation_is_deleted_ten_at_a_time(zoho: Client) -> None:
    for what in ("webhooks", "workflow_rules"):
        assert (400, "INVALID_DATA") == zoho.code("DELETE", f"settings/automation/{what}", ids=",".join("1" * 11))
        assert (400, "REQUIRED_PARAM_MISSING") == zoho.code("DELETE", f"settings/automation/{what}")
        assert (400, "INVALID_DATA") == zoho.code("DELETE", f"settings/automation/{what}/{at('o1')}")


def test_a_caller_sees_its_own_channels_alone(world: World, zoho: Client) -> None:
    assert [at("n1")] == [row["channel_id"] for row in zoho.get("actions/watch")["watch"]]
    status, answer = zoho("DELETE", "actions/watch", channel_ids=f"{at('n1')},{at('n2')}")

    assert (207, ["SUCCESS", "NOT_SUBSCRIBED"]) == (status, [each["code"] for each in answer["watch"]])
    assert (204, None) == zoho("GET", "actions/watch")
    assert [at("n2")] == [row["channel_id"] for row in Client(world, "k3").get("actions/watch")["watch"]]


def test_portals_are_listed_and_deleted_by_their_names(world: World, zoho: Client) -> None:
    assert (204, None) == zoho("GET", "settings/portals")
    world.add_integration("p1", type="portal", name="客户 & Co", target="https://portal.example/in")
    world.add_integration("p2", type="portal", name="Partners", status="disabled")

    found = {row["name"]: (row["active"], row["login_url"]) for row in zoho.get("settings/portals")["portals"]}

    assert (True, "https://portal.example/in") == found.pop("客户 & Co")
    assert [False] == [active for active, _ in found.values()]
    assert (200, "SUCCESS") == zoho.code("DELETE", "settings/portals/%E5%AE%A2%E6%88%B7%20%26%20Co")
    assert (400, "INVALID_DATA") == zoho.code("DELETE", "settings/portals/%E5%AE%A2%E6%88%B7%20%26%20Co")
    assert ["Partners"] == [row["name"] for row in zoho.get("settings/portals")["portals"]]


def test_a_member_has_no_automation_and_no_backup(world: World) -> None:
    member = Client(world, "k3")

    for path in (
        "settings/automation/webhooks",
        "settings/portals",
        f"{BULK}/backup",
        f"{BULK}/backup/urls",
        "settings/recycle_bin",
    ):
        assert (403, "NO_PERMISSION") == member.code("GET", path)


# Bulk read


def test_a_job_goes_through_its_states_and_on_by_page(zoho: Client) -> None:
    job = submit(zoho, fields=["Name", "Amount", "Owner"], page=1)
    assert "IN PROGRESS" == zoho.get(f"{BULK}/read/{job}")["data"][0]["state"]
    first, rows = result(zoho, job), table(zoho, job)

    assert (1, 10, 10, True) == tuple(first[name] for name in ("page", "count", "per_page", "more_records"))
    assert f"{BULK}/read/{job}/result" == first["download_url"]
    assert ["Id", "Name", "Amount", "Owner"] == rows[0]
    assert [at("d000"), '王, "0"\n', "12.50", at("li")] == rows[1]
    last = submit(zoho, fields=["Name"], page=3)
    assert (5, False, False) == (
        result(zoho, last)["count"],
        "next_page_token" in result(zoho, last),
        result(zoho, last)["more_records"],
    )
    assert [at(f"d{n:03}") for n in range(20, 25)] == [row[0] for row in table(zoho, last)[1:]]


def test_a_token_goes_on_where_the_last_job_ended(zoho: Client) -> None:
    found, query = [], {"page": 1}
    for _ in range(3):
        job = submit(zoho, fields=["Name"], **query)
        end = result(zoho, job)
        found += [row[0] for row in table(zoho, job)[1:]]
        query = {"page_token": end.get("next_page_token", "")}

    assert [at(f"d{n:03}") for n in range(25)] == found


def test_without_fields_everything_comes_that_bulk_read_gives(world: World, zoho: Client) -> None:
    world.set_traits(bulk_refuses=["Amount"])
    job = submit(zoho)
    result(zoho, job)

    assert ["Id", "Name", "Owner", "Created_Time", "Modified_Time", "Created_By", "Modified_By"] == table(zoho, job)[0]


@pytest.mark.parametrize(
    ("query", "code", "details"),
    [
        (
            {"fields": ["Name", "nearby_distance__s"]},
            "FIELD_NOT_SUPPORTED",
            {"api_name": "nearby_distance__s", "module": "Deals"},
        ),
        ({"fields": ["Odd"]}, "FIELD_NOT_AVAILABLE", {}),
        ({"module": {"api_name": "Notes"}}, "MODULE_NOT_SUPPORTED", {}),
        ({"module": {"api_name": "Dashboards"}}, "MODULE_NOT_SUPPORTED", {}),
        ({"module": {"api_name": "Nothing"}}, "MODULE_NOT_SUPPORTED", {}),
        ({"page": 51}, "PAGE_RANGE_EXCEEDED", {"max_limit": 50}),
        ({"cvid": "1"}, "CVID_NOT_SUPPORTED", {}),
    ],
)
def test_what_bulk_read_does_not_give_is_told(zoho: Client, query: dict[str, Any], code: str, details: Any) -> None:
    status, answer = zoho("POST", f"{BULK}/read", {"query": {"module": {"api_name": "Deals"}, **query}})

    assert (400, code, details) == (status, answer["code"], answer["details"])


def test_a_result_is_what_was_there_when_the_job_ended_and_is_kept_a_day(world: World, zoho: Client) -> None:
    job = submit(zoho, fields=["Name"])
    assert (404, "RESOURCE_NOT_FOUND") == zoho.code("GET", f"{BULK}/read/{job}/result")
    result(zoho, job)
    zoho("DELETE", "Deals", ids=at("d000"))

    assert at("d000") == table(zoho, job)[1][0]
    clock.advance(world, "24h")
    zoho.sign_in()
    assert (404, "RESOURCE_NOT_FOUND") == zoho.code("GET", f"{BULK}/read/{job}/result")
    assert (404, "RESOURCE_NOT_FOUND") == zoho.code("GET", f"{BULK}/read/17")


def test_a_job_can_fail(world: World, zoho: Client) -> None:
    world.set_traits(bulk_fails=["deals"])
    job = submit(zoho, fields=["Name"])

    states = [zoho.get(f"{BULK}/read/{job}")["data"][0] for _ in range(2)]

    assert ["IN PROGRESS", "FAILURE"] == [each["state"] for each in states] and "result" not in states[1]
    assert (404, "RESOURCE_NOT_FOUND") == zoho.code("GET", f"{BULK}/read/{job}/result")


def test_ten_results_a_minute_where_rates_are_kept(world: World) -> None:
    now = [0.0]
    zoho = Client(world, spoken=Zoho(seconds=lambda: now[0]))
    job = submit(zoho, fields=["Name"])
    result(zoho, job)
    world.set_traits(rates=True)

    statuses = [zoho.raw("GET", f"{BULK}/read/{job}/result").status_code for _ in range(11)]
    now[0] = 61.0

    assert [200] * 10 + [429] == statuses
    assert 200 == zoho.raw("GET", f"{BULK}/read/{job}/result").status_code


def test_a_job_costs_fifty_credits(world: World, zoho: Client) -> None:
    zoho.sign_in()
    world.set_traits(credits=52)
    submit(zoho, fields=["Name"])

    answer = zoho.raw("GET", "/crm/v8/org")

    assert (200, "0") == (answer.status_code, answer.headers["X-API-CREDITS-REMAINING"])
    assert (429, "TOO_MANY_REQUESTS") == zoho.code("GET", "org")


def test_a_member_reads_its_own_and_nobody_elses_jobs(world: World, zoho: Client) -> None:
    job = submit(zoho, fields=["Name"])

    assert (404, "RESOURCE_NOT_FOUND") == Client(world, "k3").code("GET", f"{BULK}/read/{job}")


# Backup


def backed_up(zoho: Client) -> dict[str, Any]:
    assert (200, "SUCCESS") == zoho.code("POST", f"{BULK}/backup")
    for _ in range(5):
        status, answer = zoho("GET", f"{BULK}/backup/urls")
        if status == 200:
            found: dict[str, Any] = answer["urls"]
            return found
    raise AssertionError("the backup does not end")


def test_a_backup_has_every_row_and_file(world: World, zoho: Client) -> None:
    world.set_traits(backup_files=1)
    assert (204, None) == zoho("GET", f"{BULK}/backup/urls")
    found = backed_up(zoho)

    (data,) = found["data_links"]
    with zipfile.ZipFile(io.BytesIO(zoho.raw("GET", data).content)) as zipped:
        assert ["Deals_001.csv", "Notes_001.csv"] == zipped.namelist()
        rows = list(csv.DictReader(io.StringIO(zipped.read("Deals_001.csv").decode(), newline="")))
    files = {}
    for link in found["attachment_links"]:
        with zipfile.ZipFile(io.BytesIO(zoho.raw("GET", link).content)) as zipped:
            (row,) = csv.DictReader(io.StringIO(zipped.read("Attachments.csv").decode(), newline=""))
            files[row["File_Name"]] = zipped.read(f"Attachments/{row['Id']}")
    assert [at(f"d{n:03}") for n in range(25)] == [row["Id"] for row in rows]
    assert {"Verträge/合同.pdf": b"%PDF \x00\xff", "empty.txt": b""} == files


def test_two_backups_a_month_and_one_at_a_time(world: World, zoho: Client) -> None:
    assert (200, "SUCCESS") == zoho.code("POST", f"{BULK}/backup", {"backup": {"rrule": "RRULE:FREQ=WEEKLY"}})
    assert (400, "BACKUP_ALREADY_SCHEDULED") == zoho.code("POST", f"{BULK}/backup")
    job = zoho.get(f"{BULK}/backup")["backup"]["id"]
    assert (200, "SUCCESS") == zoho.code("PUT", f"{BULK}/backup/{job}/actions/cancel")
    assert (400, "ALREADY_CANCELLED") == zoho.code("PUT", f"{BULK}/backup/{job}/actions/cancel")

    backed_up(zoho)
    assert (200, "SUCCESS") == zoho.code("POST", f"{BULK}/backup")
    assert (400, "INPROGRESS") == zoho.code("POST", f"{BULK}/backup")
    clock.advance(world, "1h")
    zoho.sign_in()
    assert 200 == zoho("GET", f"{BULK}/backup")[0]
    assert (400, "LIMIT_EXCEEDED") == zoho.code("POST", f"{BULK}/backup")
    assert 3 == len(zoho.get(f"{BULK}/backup/history")["history"])
    clock.advance(world, "30d")
    zoho.sign_in()
    assert (200, "SUCCESS") == zoho.code("POST", f"{BULK}/backup")


def test_a_backup_on_a_schedule_stands_in_the_way_until_it_is_cancelled(world: World, zoho: Client) -> None:
    zoho("POST", f"{BULK}/backup", {"backup": {"rrule": "RRULE:FREQ=WEEKLY"}})
    clock.advance(world, "1d")
    zoho.sign_in()

    found = [zoho.get(f"{BULK}/backup")["backup"] for _ in range(3)][-1]

    assert (("RRULE:FREQ=WEEKLY", "SCHEDULED"), (204, None)) == (
        (found["rrule"], found["status"]), zoho("GET", f"{BULK}/backup/urls")
    )  # fmt: skip
    assert (400, "BACKUP_ALREADY_SCHEDULED") == zoho.code("POST", f"{BULK}/backup")
    zoho("PUT", f"{BULK}/backup/{found['id']}/actions/cancel")
    backed_up(zoho)


def test_a_large_backup_comes_in_several_zips_of_data(world: World, zoho: Client) -> None:
    world.set_traits(backup_modules=1)

    names = [link.rpartition("/")[2] for link in backed_up(zoho)["data_links"]]

    assert ["Data_001.zip", "Data_002.zip"] == names


def test_links_live_for_seven_days_and_need_the_token(world: World, zoho: Client) -> None:
    (data,) = backed_up(zoho)["data_links"]
    bare = zoho.http.get(data, headers={"Authorization": "Zoho-oauthtoken at_none"})
    clock.advance(world, "7d")
    zoho.sign_in()

    assert 401 == bare.status_code
    assert 404 == zoho.raw("GET", data).status_code
    assert (204, None) == zoho("GET", f"{BULK}/backup/urls")


def test_the_free_edition_has_no_backup(world: World, zoho: Client) -> None:
    world.set_subscription(status="free")

    assert (403, "NO_PERMISSION") == zoho.code("POST", f"{BULK}/backup")


def test_a_backup_downloads_only_with_the_scope_for_files(world: World, zoho: Client) -> None:
    world.add_key("k9", "admin", scopes=["ZohoCRM.bulk.ALL"])
    (data,) = backed_up(zoho)["data_links"]
    narrow = Client(world, "k9")

    assert 200 == narrow("GET", f"{BULK}/backup/urls")[0]
    assert (401, "OAUTH_SCOPE_MISMATCH") == narrow.code("GET", data)


def test_the_dialect_is_found_by_its_name() -> None:
    assert isinstance(dialect(), Zoho)

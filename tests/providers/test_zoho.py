"""What is particular to Zoho's provider: what it makes of the vendor's answers, and what it asks for."""

from __future__ import annotations

import json
from datetime import timedelta, timezone
from typing import Any

import pytest

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Args, Batch, Count, File, Item
from crmstate.core.survey import DatasetFacts, IntegrationFacts, SubscriptionFacts, UserFacts
from crmstate.core.words import READING, How, Kind, Outcome, Phase, Verb
from crmstate.providers.kit.wire import Answer
from crmstate.providers.zoho import classify, provider
from crmstate.providers.zoho.addresses import CENTRES, login_at

from .zoho_wire import ME, NONE, ORG, PRIMARY, REFRESHED, ZGID, Asked, Said, item, org, page, refused, talking

FIRST, SECOND, THIRD = (f"500000000000000{n:04}" for n in (1, 2, 3))


def one(kind: Kind, verb: Verb, *ids: str, parent: str | None = None, **args: Any) -> Batch:
    return Batch(kind, verb, tuple(Item(id, Args(**args)) for id in ids), parent)


def body(code: str, status: int, *headers: tuple[str, str]) -> Answer:
    return Answer(status, dict(headers), json.dumps({"code": code, "status": "error", "message": "m"}).encode())


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (body("INVALID_TOKEN", 401), Code.EXPIRED),
        (body("OAUTH_SCOPE_MISMATCH", 401), Code.DENIED),
        (body("NO_PERMISSION", 403), Code.DENIED),
        (body("TOO_MANY_REQUESTS", 429), Code.THROTTLED),
        (body("TOO_MANY_REQUESTS", 429, ("x-api-credits-remaining", "0")), Code.EXHAUSTED),
        (body("INTERNAL_ERROR", 500), Code.UNAVAILABLE),
        (body("INVALID_DATA", 200), Code.REJECTED),
        (body("INVALID_TOKEN", 200), Code.EXPIRED),
        (body("NEVER_HEARD_OF", 403), Code.DENIED),
        (Answer(200, {}, b'{"error": "invalid_code"}'), Code.EXPIRED),
        (Answer(400, {}, b'{"error": "Access Denied", "error_description": "too many requests"}'), Code.THROTTLED),
        (Answer(403, {}, b"<html>"), Code.UNAVAILABLE),
        (Answer(429, {}, b"<html>"), Code.THROTTLED),
        (Answer(403, {}, b'{"data": [{"code": "NO_PERMISSION", "message": "m", "status": "error"}]}'), Code.DENIED),
        (Answer(500, {}, b'{"data": [{"code": "INTERNAL_ERROR", "message": "m", "status": "error"}]}'), Code.UNAVAILABLE),
        (Answer(204, {}, b""), None),
        (Answer(207, {}, b'{"data": [{"code": "INVALID_DATA", "message": "m", "status": "error"}]}'), None),
        (Answer(400, {}, b'{"data": [{"code": "INVALID_DATA", "message": "m", "status": "error"}]}'), None),
        (Answer(200, {}, b'{"data": [{"id": "1", "status": "error", "code": "x"}]}'), None),
    ],
)  # fmt: skip
def test_a_refusal_is_told_by_its_code_in_every_status(answer: Answer, code: Code | None) -> None:
    found = classify(answer)

    assert code is (found.code if found else None)


def test_a_data_centre_has_an_accounts_server_of_its_own() -> None:
    found = {end: login_at(f"https://www.zohoapis.{end}") for end in CENTRES}

    assert found["eu"] == "https://accounts.zoho.eu"
    assert (found["com.au"], found["ca"]) == ("https://accounts.zoho.com.au", "https://accounts.zohocloud.ca")
    assert login_at("https://sandbox.zohoapis.in") == "https://accounts.zoho.in"
    assert login_at("http://127.0.0.1:1") == "http://127.0.0.1:1"
    assert login_at("https://www.zohoapis.uk") == "https://www.zohoapis.uk", "no accounts server is confirmed for it"


def test_a_refresh_token_is_exchanged_in_a_form_and_the_api_is_where_the_answer_says() -> None:
    def say(asked: Asked) -> Any:
        if asked.path == "/oauth/v2/token":
            return {"access_token": "1000.new-access-token", "api_domain": None, "expires_in": 3600}
        return org(asked)

    with talking(say, credential=REFRESHED) as (session, heard, _):
        found = session.whoami()

    assert (ZGID, ME, True, False) == (found.tenant, found.user, found.keyless, found.whole_view)
    assert {"grant_type": "refresh_token", **REFRESHED} == heard[0].body and heard[0].query == {}
    assert {"1000.new-access-token"} == {each.token for each in heard[1:]} and heard[0].token == ""


def test_a_token_is_not_sent_to_an_api_that_is_not_zohos() -> None:
    answer = {"access_token": "1000.new-access-token", "api_domain": "https://www.zohoapis.eu.evil.example"}

    with talking(lambda asked: answer, credential=REFRESHED) as (session, heard, _), pytest.raises(Failure) as raised:
        session.whoami()

    assert (Code.DENIED, ["POST /oauth/v2/token"]) == (raised.value.code, [str(each) for each in heard])


@pytest.mark.parametrize("word", ["invalid_code", "invalid_client"])
def test_a_refused_login_says_that_it_may_be_the_wrong_data_centre(word: str) -> None:
    with talking(lambda asked: {"error": word}, credential=REFRESHED) as (session, _, _):
        with pytest.raises(Failure) as raised:
            session.whoami()
        assert session.alive() is False

    assert Code.EXPIRED is raised.value.code
    assert word in raised.value.summary and "data centre" in raised.value.summary


@pytest.mark.parametrize("word", ["general_error", "Access Denied", "invalid_request", "invalid_op"])
def test_a_refused_login_that_says_nothing_of_the_token_does_not_make_it_dead(word: str) -> None:
    def say(asked: Asked) -> Any:
        return {"error": word}

    with talking(say, credential=REFRESHED) as (session, _, _), pytest.raises(Failure) as raised:
        session.alive()

    assert Code.REJECTED is raised.value.code and word in raised.value.summary


def users(asked: Asked) -> Any:
    people = [
        {"id": FIRST, "status": "active", "zuid": PRIMARY, "full_name": "First", "email": "first@acme.example"},
        {"id": SECOND, "status": "disabled", "zuid": "9", "full_name": "Second", "profile": {"name": "Standard"}},
        {"id": THIRD, "status": "closed", "zuid": None, "full_name": None, "email": "third@acme.example"},
    ]
    if asked.path == "/crm/v8/users/actions/count":
        return {"count": "3"}
    if asked.path == "/crm/v8/users" and asked.query["type"] == "AllUsers":
        return page("users", people)
    return org(asked)


def test_users_read_disabled_and_the_primary_contact_is_protected() -> None:
    with talking(users) as (session, _, _):
        found = session.list(Kind.USER)

    assert found.complete
    assert [(FIRST, Phase.PRESENT), (SECOND, Phase.INACTIVE), (THIRD, Phase.UNKNOWN)] == [
        (row.id, row.phase) for row in found.resources
    ]
    assert UserFacts("first@acme.example", "", True) == found.resources[0].facts
    assert UserFacts("", "Standard", False) == found.resources[1].facts


def test_users_that_are_fewer_than_the_vendor_counts_are_not_all() -> None:
    def say(asked: Asked) -> Any:
        return {"count": 4} if asked.path.endswith("count") else users(asked)

    with talking(say) as (session, _, _):
        found = session.list(Kind.USER)

    assert (found.complete, found.gap and found.gap.why) == (False, "gap.moving")


def test_users_that_the_vendor_does_not_count_are_all_that_it_lists() -> None:
    def say(asked: Asked) -> Any:
        return refused("OAUTH_SCOPE_MISMATCH", 401) if asked.path.endswith("count") else users(asked)

    with talking(say) as (session, _, _):
        assert session.list(Kind.USER).complete


@pytest.mark.parametrize(
    ("answer", "outcome", "code"),
    [
        (Said(200, {"users": [item("SUCCESS", FIRST)]}), Outcome.DONE, None),
        (Said(400, {"users": [item("ID_ALREADY_DEACTIVATED", resource_path_index=0)]}), Outcome.DONE, None),
        (refused("ID_ALREADY_DEACTIVATED"), Outcome.DONE, None),
        (Said(400, {"users": [item("ID_ALREADY_DELETED", resource_path_index=0)]}), Outcome.DONE, None),
        (Said(200, {"users": [item("INVALID_REQUEST")]}), Outcome.FAILED, "rejected"),
        (refused("INVALID_REQUEST", message="Primary Contact cannot be deactivated"), Outcome.FAILED, "rejected"),
        (Said(200, {"users": []}), Outcome.UNKNOWN, "ambiguous"),
        (Said(200, {"users": [item("SUCCESS", SECOND)]}), Outcome.UNKNOWN, "ambiguous"),
        (Said(204), Outcome.UNKNOWN, "ambiguous"),
        (Said(502, b"<html>"), Outcome.UNKNOWN, "ambiguous"),
    ],
)
def test_a_deactivation_is_as_good_as_the_answer_for_that_user(
    answer: Said, outcome: Outcome, code: str | None
) -> None:
    with talking(lambda asked: answer) as (session, heard, _):
        (found,) = session.perform(one(Kind.USER, Verb.DEACTIVATE, FIRST))

    assert (outcome, code) == (found.outcome, found.code)
    assert [f"PUT /crm/v8/users/{FIRST}"] == [str(each) for each in heard]
    assert {"users": [{"status": "inactive"}]} == heard[0].body


def test_a_deletion_that_the_org_caps_is_denied() -> None:
    said = refused("NO_PERMISSION", 403, "User deletion is not allowed for the org because of RESTRICT_USER_DELETION")

    with talking(lambda asked: said) as (session, _, _), pytest.raises(Failure) as raised:
        session.perform(one(Kind.USER, Verb.DELETE, FIRST))

    assert Code.DENIED is raised.value.code and "RESTRICT_USER_DELETION" in raised.value.summary


@pytest.mark.parametrize(
    ("states", "outcome"),
    [
        (["in_progress", "completed"], Outcome.DONE),
        (["failed"], Outcome.FAILED),
        (["in_progress"] * 12, Outcome.REQUESTED),
    ],
)
def test_a_transfer_is_a_job_that_is_waited_for(states: list[str], outcome: Outcome) -> None:
    left = iter(states)

    def say(asked: Asked) -> Any:
        if asked.method == "POST":
            return {"transfer_and_delete": [item("SUCCESS", FIRST, job_id="77")]}
        return {"transfer_and_delete": [{"status": next(left)}]}

    with talking(say) as (session, heard, clock):
        (found,) = session.perform(one(Kind.USER, Verb.DELETE, FIRST, transfer_to=SECOND))

    assert (outcome, "77") == (found.outcome, found.request_id)
    assert (found.until is not None) == (outcome is Outcome.REQUESTED), "a job that runs is not asked for again"
    assert SECOND == heard[0].body["transfer_and_delete"][0]["move_subordinate"]["id"]
    assert {"job_id": "77"} == heard[1].query and sum(clock.slept) <= 600


def test_an_act_that_may_have_happened_is_not_sent_again_because_a_word_speaks_of_the_token() -> None:
    def say(asked: Asked) -> Any:
        if asked.path == "/oauth/v2/token":
            return {"access_token": "1000.new-access-token", "expires_in": 3600}
        return refused("INVALID_TOKEN", 500)

    with talking(say, credential=REFRESHED) as (session, heard, _):
        (found,) = session.perform(one(Kind.USER, Verb.DELETE, FIRST))

    assert (Outcome.UNKNOWN, 1) == (found.outcome, len([each for each in heard if each.method == "DELETE"]))


def test_a_transfer_whose_job_cannot_be_looked_at_is_requested_and_not_undone() -> None:
    def say(asked: Asked) -> Any:
        if asked.method == "POST":
            return {"transfer_and_delete": [item("SUCCESS", FIRST, job_id="77")]}
        return refused("OAUTH_SCOPE_MISMATCH", 401)

    with talking(say) as (session, _, _):
        (found,) = session.perform(one(Kind.USER, Verb.DELETE, FIRST, transfer_to=SECOND))

    assert (Outcome.REQUESTED, "77") == (found.outcome, found.request_id)


def webhooks(asked: Asked) -> Any:
    if asked.path.endswith("/webhooks"):
        hook = {"id": FIRST, "name": "to ERP", "url": "https://hooks.example.com/in/s3cret?key=s3cret"}
        return page("webhooks", [hook])
    if asked.path.endswith("/workflow_rules"):
        return page("workflow_rules", [{"id": SECOND, "name": "on new", "status": {"active": False}}])
    if asked.path.endswith("/watch"):
        rows = [
            {
                "channel_id": "1000000068002",
                "resource_name": name,
                "notify_url": "https://a.example/t",
                "token": "s3cret",
            }
            for name in ("Deals", "Leads")
        ]
        return page("watch", rows)
    if asked.path.startswith("/crm/v8/settings/portals"):
        if asked.method == "DELETE":
            return refused("INVALID_DATA", message="the id given seems to be invalid", resource_path_index=0)
        return {"portals": [{"name": "客户/1", "active": True, "login_url": "https://p.example/in?key=s3cret"}]}
    return org(asked)


def test_what_calls_out_is_listed_by_family_and_its_secrets_are_not() -> None:
    with talking(webhooks) as (session, _, _):
        found = session.list(Kind.INTEGRATION)

    assert found.complete and "s3cret" not in repr(found)
    assert [
        ("channel/1000000068002", Phase.PRESENT),
        (f"rule/{SECOND}", Phase.INACTIVE),
        (f"webhook/{FIRST}", Phase.PRESENT),
        ("portal/客户/1", Phase.PRESENT),
    ] == [(row.id, row.phase) for row in found.resources]
    assert IntegrationFacts("portal", "https://p.example/…") == found.resources[3].facts
    assert IntegrationFacts("webhook", "https://hooks.example.com/…") == found.resources[2].facts
    assert IntegrationFacts("workflow") == found.resources[1].facts


def test_rules_go_before_the_webhooks_that_they_use_and_each_item_has_its_own_answer() -> None:
    def say(asked: Asked) -> Any:
        if asked.path.endswith("/workflow_rules"):
            return {"workflow_rules": [item("SUCCESS", SECOND)]}
        return Said(207, {"webhooks": [item("SUCCESS", FIRST), item("NOT_ALLOWED", THIRD)]})

    with talking(say) as (session, heard, _):
        found = session.perform(
            one(Kind.INTEGRATION, Verb.DELETE, f"webhook/{FIRST}", f"webhook/{THIRD}", f"rule/{SECOND}")
        )

    assert [(each.id, each.outcome) for each in found] == [
        (f"webhook/{FIRST}", Outcome.DONE),
        (f"webhook/{THIRD}", Outcome.FAILED),
        (f"rule/{SECOND}", Outcome.DONE),
    ]
    assert ["workflow_rules", "webhooks"] == [each.path.rpartition("/")[2] for each in heard]
    assert {"ids": f"{FIRST},{THIRD}"} == heard[1].query


@pytest.mark.parametrize("scope", [True, False])
def test_whoever_may_not_see_the_portals_is_told_that_the_listing_is_not_whole(scope: bool) -> None:
    def say(asked: Asked) -> Any:
        if asked.path.endswith("/portals") and not scope:
            return refused("OAUTH_SCOPE_MISMATCH", 401)
        return NONE if asked.path.endswith("/portals") else webhooks(asked)

    with talking(say) as (session, _, _):
        found = session.list(Kind.INTEGRATION)

    assert (scope, 3) == (found.complete, len(found.resources))
    assert (found.gap is None) if scope else ("gap.denied", "portals") == (found.gap.why, found.gap.detail)


def test_portals_are_deleted_by_their_names_one_by_one() -> None:
    def say(asked: Asked) -> Any:
        if asked.path.endswith("/gone"):
            return refused("INVALID_DATA", resource_path_index=0)
        if asked.path.endswith("/third"):
            return refused("NO_PERMISSION", 403)
        return {"portals": [{**item("SUCCESS"), "details": {"name": "x"}}]} if asked.method == "DELETE" else org(asked)

    with talking(say) as (session, heard, _):
        found = session.perform(one(Kind.INTEGRATION, Verb.DELETE, "portal/客户/1", "portal/gone", "portal/third"))

    assert [(Outcome.DONE, None), (Outcome.DONE, "missing"), (Outcome.FAILED, "denied")] == [
        (each.outcome, each.code) for each in found
    ]
    assert "/crm/v8/settings/portals/%E5%AE%A2%E6%88%B7%2F1" == heard[0].path


def test_the_trial_of_a_deletion_names_a_portal_that_there_cannot_be() -> None:
    with talking(webhooks) as (session, heard, _):
        session.rights({(Kind.INTEGRATION, Verb.DELETE): ["portal/1"]})

    (asked,) = (each for each in heard if each.method == "DELETE")
    assert asked.path.startswith("/crm/v8/settings/portals/") and len(asked.path.rpartition("/")[2]) > 60


def test_what_one_family_did_is_told_although_the_next_one_fails() -> None:
    def say(asked: Asked) -> Any:
        if asked.path.endswith("/workflow_rules"):
            return {"workflow_rules": [item("SUCCESS", SECOND)]}
        return refused("OAUTH_SCOPE_MISMATCH", 401)

    with talking(say) as (session, _, _):
        found = session.perform(one(Kind.INTEGRATION, Verb.DELETE, f"rule/{SECOND}", f"webhook/{FIRST}"))

    assert [(Outcome.DONE, None), (Outcome.FAILED, "denied")] == [(each.outcome, each.code) for each in found]


MODULES = [
    {
        "api_name": "Leads",
        "plural_label": "Leads",
        "api_supported": True,
        "generated_type": "default",
        "viewable": True,
    },
    {
        "api_name": "Old",
        "plural_label": "Old",
        "api_supported": True,
        "generated_type": "custom",
        "status": "user_hidden",
    },
    {"api_name": "Portal", "api_supported": True, "generated_type": "web"},
    {"api_name": "Reports", "api_supported": False, "generated_type": "default"},
    {"api_name": "Lines", "api_supported": True, "generated_type": "subform"},
]


def test_modules_are_datasets_with_their_counts_converted_and_hidden_ones_included() -> None:
    def say(asked: Asked) -> Any:
        if asked.path == "/crm/v8/settings/modules":
            return {"modules": MODULES}
        if asked.path == "/crm/v8/Leads/actions/count":
            return {"count": 3}
        if asked.path == "/crm/v8/Leads":
            return refused("NOT_SUPPORTED")  # a count stands, where nothing can be said against it
        if asked.path == "/crm/v8/Old/actions/count":
            return refused("NOT_SUPPORTED", message="the given module is not supported for count")
        return org(asked)

    with talking(say) as (session, heard, _):
        found = session.list(Kind.DATASET)

    assert found.complete
    assert {"Leads": DatasetFacts(3, True), "Old": DatasetFacts(None, False)} == {
        row.id: row.facts for row in found.resources
    }
    assert {"status": "visible,user_hidden,system_hidden,scheduled_for_deletion"} == heard[0].query
    assert {"approved": "both", "converted": "both"} == heard[1].query
    assert {"approved": "both"} == heard[3].query, "records that wait for an approval hide in list and count alike"


def test_a_module_that_may_not_be_counted_makes_the_listing_incomplete() -> None:
    def say(asked: Asked) -> Any:
        if asked.path == "/crm/v8/settings/modules":
            return {"modules": MODULES}
        return {"count": 1} if "Old" in asked.path else refused("OAUTH_SCOPE_MISMATCH", 401)

    with talking(say) as (session, _, _):
        found = session.list(Kind.DATASET)

    assert (["Old"], False) == ([row.id for row in found.resources], found.complete)
    assert found.gap and (found.gap.why, found.gap.detail) == ("gap.denied", "Leads")


def fields(count: int, rich: int = 0) -> dict[str, Any]:
    """So many fields, the first of them of formatted text."""
    found: list[dict[str, Any]] = [{"api_name": f"Field_{n:03}"} for n in range(count)]
    for each in found[:rich]:
        each |= {"data_type": "textarea", "textarea": {"type": "rich_text"}}
    return {"fields": found}


class Module:
    """Records of one module, `count` of them, with `width` fields, paged as Zoho pages: by number up to `numbered`
    records, then by token up to `tokens`, and by ids in COQL. `rich`: so many fields of formatted text, of which a page gives
    the beginning."""

    def __init__(self, count: int, width: int = 2, numbered: int = 2000, tokens: int = 100_000, rich: int = 0) -> None:
        self.rich = rich
        self.ids = [f"5{n:018}" for n in range(1, count + 1)]
        self.width, self.numbered, self.tokens = width, numbered, tokens
        self.expired: set[str] = set()

    def row(self, id: str, names: str) -> dict[str, Any]:
        return {"id": id, **{name: f"{name} {id}" for name in names.split(",") if name != "id"}}

    def __call__(self, asked: Asked) -> Any:
        if asked.path == "/crm/v8/settings/fields":
            return fields(self.width, self.rich)
        if asked.path.endswith("/fetch_full_data"):
            names, wanted = asked.query["fields"].split(","), asked.query["ids"].split(",")
            assert len(names) <= 8 and len(wanted) <= 200 and max(names) < f"Field_{self.rich:03}"
            full = [{"id": id, **{name: f"<p>{name} {id}</p>" for name in names}} for id in self.ids if id in wanted]
            return {"data": full} if full else NONE
        if asked.path == "/crm/v8/coql":
            after = asked.body["select_query"].partition("id > ")[2].partition(" ")[0]
            limit = int(asked.body["select_query"].rpartition(" ")[2])
            left = [id for id in self.ids if int(id) > int(after)]
            return page("data", [{"id": id} for id in left[:limit]], len(left) > limit) if left else NONE
        names = asked.query["fields"]
        assert len(names) <= 1024 and len(names.split(",")) <= 50
        if "ids" in asked.query:
            wanted = asked.query["ids"].split(",")
            found = [self.row(id, names) for id in self.ids if id in wanted]
            return page("data", found) if found else NONE
        size = int(asked.query["per_page"])
        token = asked.query.get("page_token")
        if token in self.expired:
            return refused("EXPIRED_VALUE")
        start = int(token[1:]) if token else (int(asked.query["page"]) - 1) * size
        if start >= self.tokens:
            return Said(400, {"data": [item("PAGINATION_LIMIT_EXCEEDED")]})
        rows = [self.row(id, names) for id in self.ids[start : start + size]]
        more = start + size < len(self.ids)
        return page("data", rows, more, next_page_token=f"t{start + size}" if more else None) if rows else NONE


def read(session: Any, dataset: str = "Leads") -> list[Any]:
    found, cursor = [], None
    while True:
        here = session.read(dataset, cursor)
        found += here.rows
        cursor = here.next
        if cursor is None:
            return found


def test_records_come_in_the_order_of_their_ids_by_token() -> None:
    module = Module(450)

    with talking(module) as (session, heard, _):
        found = read(session)

    assert module.ids == [row.id for row in found]
    asked = [each.query for each in heard if each.path == "/crm/v8/Leads"]
    assert ["1", None, None] == [each.get("page") for each in asked]
    assert [None, "t200", "t400"] == [each.get("page_token") for each in asked]
    told = {tuple(each[name] for name in ("sort_by", "sort_order", "converted", "approved")) for each in asked}
    assert {("id", "asc", "both", "both")} == told
    assert len(heard) == 4, "the fields are asked for once"


def test_a_module_with_many_fields_is_read_in_several_calls_and_its_rows_are_whole() -> None:
    module = Module(3, width=120)

    with talking(module) as (session, heard, _):
        found = read(session)

    assert [{f"Field_{n:03}" for n in range(120)} | {"id"}] * 3 == [set(json.loads(row.raw)) for row in found]
    assert f'"Field_119":"Field_119 {found[2].id}"'.encode() in found[2].raw
    assert len([each for each in heard if each.path == "/crm/v8/Leads"]) == 3


def test_formatted_texts_are_kept_whole() -> None:
    """A page gives what it gives of them; a call of their own is for all of it, eight fields at a time."""
    module = Module(250, width=12, rich=10)

    with talking(module) as (session, heard, _):
        found = read(session)
        (one,) = session.read("Leads", ids=[module.ids[7]]).rows

    first = json.loads(found[0].raw)
    assert (f"<p>Field_000 {found[0].id}</p>", f"Field_011 {found[0].id}") == (first["Field_000"], first["Field_011"])
    assert found[7].raw == one.raw and all(b"<p>Field_009" in row.raw for row in found)
    full = [each.query for each in heard if each.path.endswith("/fetch_full_data")]
    assert [8, 8, 2, 2, 8, 2, 8, 2] == [len(each["fields"].split(",")) for each in full]


@pytest.mark.parametrize(("width", "rich"), [(120, 0), (2, 1)])
def test_a_record_that_goes_while_its_fields_are_read_is_no_half_row(width: int, rich: int) -> None:
    module = Module(3, width=width, rich=rich)

    def say(asked: Asked) -> Any:
        if "ids" in asked.query:
            module.ids = module.ids[1:]
        return module(asked)

    with talking(say) as (session, _, _), pytest.raises(Failure) as raised:
        session.read("Leads")

    assert Code.UNAVAILABLE is raised.value.code


def test_beyond_the_last_token_records_are_asked_for_by_their_ids() -> None:
    module = Module(700, tokens=400)

    with talking(module) as (session, heard, _):
        found = read(session)

    assert module.ids == [row.id for row in found]
    queries = [each.body["select_query"] for each in heard if each.path == "/crm/v8/coql"]
    assert queries[0] == f"select id from Leads where id > {module.ids[399]} order by id asc limit 200"


def test_a_reading_goes_on_where_its_token_has_ended() -> None:
    module = Module(450)
    with talking(module) as (session, _, _):
        first = session.read("Leads")
    module.expired.add("t200")

    with talking(module) as (session, _, _):
        second = session.read("Leads", first.next)

    assert module.ids[200:400] == [row.id for row in second.rows]


def test_a_first_page_that_is_refused_is_not_gone_around() -> None:
    with talking(Module(5, tokens=0)) as (session, heard, _), pytest.raises(Failure) as raised:
        session.read("Leads")

    assert Code.REJECTED is raised.value.code
    assert not [each for each in heard if each.path == "/crm/v8/coql"]


@pytest.mark.parametrize("order", [[2, 1], [1, 1], [3, 2]])
def test_records_that_do_not_ascend_are_refused(order: list[int]) -> None:
    def say(asked: Asked) -> Any:
        return fields(1) if "fields" in asked.path else page("data", [{"id": f"5{n:018}"} for n in order])

    with talking(say) as (session, _, _), pytest.raises(Failure) as raised:
        session.read("Leads")

    assert Code.UNAVAILABLE is raised.value.code


def test_a_listing_whose_rows_are_refusals_is_none() -> None:
    """A 200 can hold only errors."""

    def say(asked: Asked) -> Any:
        return fields(1) if "fields" in asked.path else {"data": [item("NO_PERMISSION")]}

    with talking(say) as (session, _, _), pytest.raises(Failure) as raised:
        session.read("Leads")

    assert Code.DENIED is raised.value.code


@pytest.mark.parametrize("dataset", ["users", "Org", "../Leads", "Leads?x", "", "settings"])
def test_what_is_no_module_is_not_asked_for(dataset: str) -> None:
    with talking(org) as (session, heard, _):
        for act in (
            lambda: session.read(dataset),
            lambda: session.count(dataset),
            lambda: session.perform(one(Kind.DATASET, Verb.PURGE, FIRST, parent=dataset)),
        ):
            try:
                found = act()
            except Failure as failure:
                assert failure.code is Code.REJECTED
            else:
                assert [Outcome.FAILED] == [each.outcome for each in found]

    assert heard == []


def attachments(asked: Asked) -> Any:
    if asked.path == "/crm/v8/Leads":
        return page("data", [{"id": FIRST}, {"id": SECOND}])
    if asked.path.endswith(f"/{FIRST}/Attachments"):
        return page(
            "data",
            [
                {"id": "61", "File_Name": "合同.pdf", "Size": "8", "$link_url": None},
                {"id": "62", "File_Name": "site", "Size": None, "$link_url": "https://docs.example/合同"},
            ],
        )
    if asked.path.endswith("/Attachments/61"):
        return Said(200, b"contract")
    if asked.path.endswith("/Attachments"):
        return NONE
    return NONE


def test_attachments_are_asked_for_record_by_record_and_a_link_keeps_its_address() -> None:
    with talking(attachments) as (session, heard, _):
        found = session.files("Leads")
        contents = [b"".join(session.fetch(each)) for each in found.files]

    assert [("61", FIRST, "合同.pdf", 8), ("62", FIRST, "site", 27)] == [
        (each.id, each.row, each.name, each.size) for each in found.files
    ]
    assert [b"contract", "https://docs.example/合同".encode()] == contents
    assert {"1000.access-token-of-the-test"} == {each.token for each in heard}


def filed(held: Any) -> Any:
    """A module with a field for files, and one for pictures, of which the first record has what is `held`."""

    def say(asked: Asked) -> Any:
        if asked.path == "/crm/v8/settings/fields":
            kinds = {"Contract": "fileupload", "Face": "imageupload", "Name": "text"}
            return {"fields": [{"api_name": name, "data_type": kind} for name, kind in kinds.items()]}
        if asked.path == "/crm/v8/Leads":
            assert "id,Contract,Face" == asked.query["fields"]
            return page("data", [{"id": FIRST, "Contract": held, "Face": None}, {"id": SECOND, "Contract": []}])
        if asked.path.endswith("/download_fields_attachment"):
            found = asked.query["fields_attachment_id"] == "71"
            return Said(200, b"in a field") if found else refused("INVALID_DATA", resource_path_index=0)
        return NONE

    return say


def test_what_fields_for_files_hold_comes_with_the_attachments() -> None:
    held = [{"id": "71", "File_Name__s": "合同.pdf", "Size__s": "10", "File_Id__s": "x"}, {"id": "72"}]

    with talking(filed(held)) as (session, _, _):
        found = session.files("Leads").files
        contents = b"".join(session.fetch(found[0]))
        with pytest.raises(Failure) as raised:
            b"".join(session.fetch(found[1]))

    assert [("71", FIRST, "合同.pdf", 10), ("72", FIRST, "72", None)] == [
        (each.id, each.row, each.name, each.size) for each in found
    ]
    assert (b"in a field", Code.MISSING) == (contents, raised.value.code)


@pytest.mark.parametrize("held", ["a name", {"id": "71"}, [{"File_Name__s": "no id"}], [{"id": "../71"}]])
def test_a_field_for_files_of_another_shape_is_refused_and_not_left_out(held: Any) -> None:
    with talking(filed(held)) as (session, _, _), pytest.raises(Failure) as raised:
        session.files("Leads")

    assert "kit.malformed" == raised.value.vendor


def pictured(*said: Any) -> Any:
    """A module whose records say this of their photos; the first has one."""

    def say(asked: Asked) -> Any:
        if asked.path == "/crm/v8/settings/fields":
            return {"fields": [{"api_name": "Record_Image", "data_type": "profileimage"}]}
        if asked.path == "/crm/v8/Leads":
            assert "id,Record_Image" == asked.query["fields"]
            return page(
                "data",
                [{"id": id, "Record_Image": each} for id, each in zip((FIRST, SECOND, THIRD), said, strict=True)],
            )
        return Said(200, b"\x89PNG") if asked.path == f"/crm/v8/Leads/{FIRST}/photo" else NONE

    return say


def test_photos_come_with_the_attachments_where_a_record_says_that_it_has_one() -> None:
    with talking(pictured("6b6f", None, "7a")) as (session, _, _):
        found = session.files("Leads").files
        contents = b"".join(session.fetch(found[0]))
        with pytest.raises(Failure) as raised:
            b"".join(session.fetch(found[1]))

    assert [(f"photo{FIRST}", FIRST), (f"photo{THIRD}", THIRD)] == [(each.id, each.row) for each in found]
    assert (b"\x89PNG", Code.MISSING) == (contents, raised.value.code), "gone since: no empty file"
    assert f"record {THIRD} " in raised.value.summary and "in Zoho" in raised.value.summary


@pytest.mark.parametrize("word", ["RECORD_LOCKED", "NOT_APPROVED", "INVALID_DATA"])
def test_a_photo_that_is_named_and_not_given_out_says_which_and_what_to_do(word: str) -> None:
    def say(asked: Asked) -> Any:
        return refused(word, message="wait") if asked.path.endswith("/photo") else pictured("6b6f", None, None)(asked)

    with talking(say) as (session, _, _):
        (photo,) = session.files("Leads").files
        with pytest.raises(Failure) as raised:
            b"".join(session.fetch(photo))

    assert (Code.MISSING, word) == (raised.value.code, raised.value.vendor), "looked for again, within the same run"
    assert f"record {FIRST} " in raised.value.summary and word in raised.value.summary


def test_an_attachment_that_is_gone_is_no_empty_file() -> None:
    with talking(attachments) as (session, _, _), pytest.raises(Failure) as raised:
        b"".join(session.fetch(File("63", FIRST, "n", f"/crm/v8/Leads/{FIRST}/Attachments/63")))

    assert Code.MISSING is raised.value.code


@pytest.mark.parametrize("status", [200, 207, 400])
def test_a_purge_reads_every_items_own_status(status: int) -> None:
    said = Said(status, {"data": [item("SUCCESS", FIRST), item("RECORD_LOCKED", SECOND), item("INVALID_DATA", THIRD)]})

    with talking(lambda asked: org(asked) if asked.method == "GET" else said) as (session, heard, _):
        found = session.perform(one(Kind.DATASET, Verb.PURGE, FIRST, SECOND, THIRD, parent="Leads"))

    assert [(Outcome.DONE, None), (Outcome.FAILED, "conflict"), (Outcome.DONE, "missing")] == [
        (each.outcome, each.code) for each in found
    ]
    assert {"ids": f"{FIRST},{SECOND},{THIRD}", "wf_trigger": "false"} == heard[0].query, "no rule writes to customers"


def test_a_row_that_the_answer_does_not_name_is_unknown() -> None:
    said = {"data": [item("SUCCESS", FIRST), item("SUCCESS", FIRST)]}

    with talking(lambda asked: said) as (session, _, _):
        found = session.perform(one(Kind.DATASET, Verb.PURGE, FIRST, SECOND, parent="Leads"))

    assert [Outcome.DONE, Outcome.UNKNOWN] == [each.outcome for each in found]


def test_formatted_texts_that_are_kept_back_are_refused_and_not_taken_for_a_record_that_went() -> None:
    """Nobody says that the call for the whole of them knows of converted leads, or of records that wait for an approval: to
    wait for one that never comes would be for ever, and the beginning of a text is none."""
    module = Module(3, rich=1)

    def say(asked: Asked) -> Any:
        return NONE if asked.path.endswith("/fetch_full_data") else module(asked)

    with talking(say) as (session, _, _), pytest.raises(Failure) as raised:
        session.read("Leads")

    assert (Code.REJECTED, "kit.partial") == (raised.value.code, raised.value.vendor)
    assert module.ids[0] in raised.value.summary


INDIA = timezone(timedelta(hours=5, minutes=30))
UNKNOWN = Count(None, exact=False)


@pytest.mark.parametrize(
    ("ours", "listed", "gone", "means"),
    [
        (True, [], None, UNKNOWN),
        (True, [{"id": THIRD}], None, Count(3)),
        (False, [], None, Count(3)),
        (False, [], -600, UNKNOWN),
        (False, [], -1200, Count(3)),
        (False, [{"id": THIRD}], -600, Count(3)),
        (False, [], "2026-13-01T00:00:00+00:00", Count(3)),
    ],
)
def test_a_count_that_has_not_noticed_yet_that_all_was_deleted_is_not_believed(
    ours: bool, listed: list[Any], gone: Any, means: Count
) -> None:
    """It may be ten minutes behind: our own purge tells, or the vendor's list of what was deleted. What still lists
    something, and what was deleted long ago, does not explain a count."""

    def say(asked: Asked) -> Any:
        if asked.method == "DELETE":
            return {"data": [item("SUCCESS", each) for each in asked.query["ids"].split(",")]}
        if asked.path.endswith("/deleted"):
            at = gone if isinstance(gone, str) else (now + timedelta(seconds=gone or 0)).astimezone(INDIA).isoformat()
            return NONE if gone is None else page("data", [{"id": FIRST, "deleted_time": at}])
        return {"count": 3} if asked.path.endswith("/actions/count") else page("data", listed) if listed else NONE

    with talking(say) as (session, heard, clock):
        now = clock.now()
        if ours:
            session.perform(one(Kind.DATASET, Verb.PURGE, FIRST, SECOND, parent="Leads"))
        found = session.count("Leads")

    assert means == found
    (shown,) = (each for each in heard if str(each) == "GET /crm/v8/Leads")
    assert ("both", "both", "1") == tuple(shown.query[name] for name in ("converted", "approved", "per_page"))


class Bin:
    """A recycle bin with so many records of each module; `limit`: more than these are emptied by a job; `beside`: things
    that are no module's that can be asked for; `heavy`: records with so much below them that their deletion is a job, which is
    through after so many looks."""

    def __init__(
        self, limit: int = 1000, may_empty: bool = True, beside: int = 0, heavy: int = 0, **modules: int
    ) -> None:
        self.heavy, self.due = heavy, set[str]()
        self.left = {
            name: [f"6{place}{n:017}" for n in range(count)] for place, (name, count) in enumerate(modules.items())
        }
        self.limit, self.may_empty, self.scheduled, self.beside = limit, may_empty, 0, beside

    def __call__(self, asked: Asked) -> Any:
        if asked.path == "/crm/v8/settings/modules":
            return {"modules": [{"api_name": name, "api_supported": True} for name in self.left]}
        if asked.path.endswith("/deleted"):
            self.heavy -= bool(self.due)
            if self.due and not self.heavy:
                self.left = {name: [each for each in rows if each not in self.due] for name, rows in self.left.items()}
            rows = self.left[asked.path.split("/")[3]]
            size = int(asked.query["per_page"])
            start = (int(asked.query["page"]) - 1) * size
            assert asked.query["type"] == "recycle"
            found = [{"id": each} for each in rows[start : start + size]]
            return page("data", found, len(rows) > start + size) if found else NONE
        if asked.path.endswith("/actions/empty"):
            if not self.may_empty:
                return refused("OAUTH_SCOPE_MISMATCH", 401)
            many = sum(map(len, self.left.values()))
            self.scheduled = 3 if many > self.limit else 0
            if not self.scheduled:
                self.left, self.beside = {name: [] for name in self.left}, 0
            word = "SCHEDULED" if self.scheduled else "SUCCESS"
            return Said(
                202 if self.scheduled else 200, {"code": word, "details": {}, "message": "m", "status": "success"}
            )
        if asked.path.endswith("/actions/count"):
            self.scheduled -= 1
            if not self.scheduled:
                self.left, self.beside = {name: [] for name in self.left}, 0
            return {"count": sum(map(len, self.left.values())) + self.beside}
        if asked.path == "/crm/v8/settings/recycle_bin/1":
            return refused("INVALID_DATA", message="the id given seems to be invalid")
        if asked.method == "DELETE" and asked.path == "/crm/v8/settings/recycle_bin":
            ids = asked.query["ids"].split(",")
            assert len(ids) <= 50 and not self.due.intersection(ids), "what is accepted is not asked for again"
            if self.heavy:
                self.due.update(ids)
                done = [{**item("SUCCESS", each), "code": "SCHEDULED"} for each in ids]
                return Said(202, {"recycle_bin": done})
            self.left = {name: [each for each in rows if each not in ids] for name, rows in self.left.items()}
            return {"recycle_bin": [item("SUCCESS", each) for each in ids]}
        return org(asked)


def acts(heard: list[Asked]) -> list[str]:
    return [str(each) for each in heard if each.method != "GET"]


def test_a_bin_with_nothing_else_in_it_is_emptied_whole() -> None:
    bin = Bin(Leads=120, Deals=0)

    with talking(bin) as (session, heard, _):
        (found,) = session.perform(one(Kind.BIN, Verb.EMPTY, "Leads"))

    assert (Outcome.DONE, ["POST /crm/v8/settings/recycle_bin/actions/empty"]) == (found.outcome, acts(heard))


def test_a_job_that_empties_the_bin_is_waited_for() -> None:
    with talking(Bin(Leads=1200)) as (session, _, clock):
        (found,) = session.perform(one(Kind.BIN, Verb.EMPTY, "Leads"))

    assert found.outcome is Outcome.DONE and clock.slept


def test_what_others_deleted_stays_in_the_bin() -> None:
    bin = Bin(Leads=420, Deals=2)

    with talking(bin) as (session, heard, _):
        (found,) = session.perform(one(Kind.BIN, Verb.EMPTY, "Leads"))

    assert (Outcome.DONE, 0, 2) == (found.outcome, len(bin.left["Leads"]), len(bin.left["Deals"]))
    assert {"DELETE /crm/v8/settings/recycle_bin"} == set(acts(heard))


def test_what_lies_in_the_bin_and_is_no_listed_modules_stays_there_too() -> None:
    bin = Bin(Leads=120, beside=3)

    with talking(bin) as (session, heard, _):
        (found,) = session.perform(one(Kind.BIN, Verb.EMPTY, "Leads"))

    assert (Outcome.DONE, 0, 3) == (found.outcome, len(bin.left["Leads"]), bin.beside)
    assert {"DELETE /crm/v8/settings/recycle_bin"} == set(acts(heard))


def test_the_trial_of_an_emptying_names_its_one_record_in_the_path() -> None:
    """The newer description knows no `ids`: whoever ignores them would be asked to delete the whole bin."""
    with talking(Bin(Leads=3)) as (session, heard, _):
        session.rights({(Kind.BIN, Verb.EMPTY): ["Leads"]})

    assert ["DELETE /crm/v8/settings/recycle_bin/1"] == [str(each) for each in heard]


def test_a_token_that_may_not_empty_the_bin_takes_the_records_out_one_by_one() -> None:
    bin = Bin(Leads=60, may_empty=False)

    with talking(bin) as (session, heard, _):
        (found,) = session.perform(one(Kind.BIN, Verb.EMPTY, "Leads"))

    assert (Outcome.DONE, 0, 3) == (found.outcome, len(bin.left["Leads"]), len(acts(heard)))


@pytest.mark.parametrize(("looks", "outcome"), [(3, Outcome.DONE), (99, Outcome.REQUESTED)])
def test_records_whose_deletion_becomes_a_job_are_waited_for_and_asked_for_once(looks: int, outcome: Outcome) -> None:
    """With their notes and files more than a thousand: 202, and they show in the bin until the job is through."""
    bin = Bin(Leads=60, Deals=1, heavy=looks)

    with talking(bin) as (session, heard, clock):
        (found,) = session.perform(one(Kind.BIN, Verb.EMPTY, "Leads"))

    assert (outcome, 2, 1) == (found.outcome, len(acts(heard)), len(bin.left["Deals"]))
    assert clock.slept and bool(found.until) == (outcome is Outcome.REQUESTED)


def test_bins_are_those_of_modules_that_have_something_in_it() -> None:
    with talking(Bin(Leads=3, Deals=0, Notes=201)) as (session, _, _):
        found = session.list(Kind.BIN)

    assert [("Leads", 3), ("Notes", None)] == [(row.id, row.facts.rows) for row in found.resources]


@pytest.mark.parametrize(
    ("changes", "phase", "facts"),
    [
        ({}, Phase.PRESENT, SubscriptionFacts("enterprise", "active", term_end="2027-03-31")),
        ({"paid": False, "paid_type": "free"}, Phase.ABSENT, SubscriptionFacts("free", "free")),
        (
            {"paid": False, "paid_type": "free", "trial_type": "enterprise", "trial_expiry": "2026-12-24"},
            Phase.ABSENT,
            SubscriptionFacts("enterprise", "free", term_end="2026-12-24"),
        ),
    ],
)
def test_the_licence_is_what_is_known_of_the_contract(
    changes: dict[str, Any], phase: Phase, facts: SubscriptionFacts
) -> None:
    licence = {**ORG["license_details"], **changes}  # type: ignore[dict-item]
    here = {**ORG, "license_details": licence}

    with talking(lambda asked: {"org": [here]} if asked.path.endswith("org") else org(asked)) as (session, _, _):
        (row,) = session.list(Kind.SUBSCRIPTION).resources
        rights = session.whoami().rights

    assert (phase, facts) == (row.phase, row.facts)
    assert ("trial until 2026-12-24" in rights) == ("trial_expiry" in changes)


def test_every_act_is_tried_on_something_that_is_not_there() -> None:
    with talking(lambda asked: refused("OAUTH_SCOPE_MISMATCH", 401)) as (session, heard, _):
        for kind, verb, ids in (
            (Kind.USER, Verb.DEACTIVATE, [FIRST]),
            (Kind.USER, Verb.RESUME, [FIRST]),
            (Kind.USER, Verb.DELETE, [FIRST]),
            (Kind.INTEGRATION, Verb.DELETE, [f"rule/{FIRST}"]),
            (Kind.DATASET, Verb.PURGE, ["Leads"]),
            (Kind.BIN, Verb.EMPTY, ["Leads"]),
        ):
            with pytest.raises(Failure) as raised:
                session.rights({(kind, verb): ids})
            assert Code.DENIED is raised.value.code

    assert not [each for each in heard if FIRST in each.path or FIRST in each.query.values()]
    tried = {(cell.kind, cell.verb) for cell in provider.table.values() if cell.trial}
    acting = {
        (cell.kind, cell.verb) for cell in provider.table.values() if cell.how is How.API and cell.verb not in READING
    }
    assert tried == acting


def test_whoever_removes_apps_is_told_that_they_may_serve_other_services_of_zohos() -> None:
    for language in ("en", "zh-CN"):
        words = provider.words[language][str(provider.table[Kind.API_KEY, Verb.REVOKE].runbook)]
        assert words.index("Books") < words.index("Connected Apps")


def test_what_ends_the_api_or_has_no_way_back_says_so_in_both_languages() -> None:
    for kind, verb in ((Kind.SUBSCRIPTION, Verb.CANCEL), (Kind.ACCOUNT, Verb.CLOSE)):
        cell = provider.table[kind, verb]
        assert (How.MANUAL, True) == (cell.how, "ends_api" in cell.attributes)
        for language in ("en", "zh-CN"):
            assert cell.runbook in provider.words[language]
    for language in ("en", "zh-CN"):
        words = provider.words[language][str(provider.table[Kind.ACCOUNT, Verb.CLOSE].runbook)]
        assert "Close Account" in words and "7" in words

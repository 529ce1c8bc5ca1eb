"""The vendor's two published descriptions as something to hold answers against, and where the simulator differs from them on
purpose.

They lie outside this project (`shared/specs/zoho`).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError

ROOT = Path(__file__).parents[2]
PLACES = [Path(place) for place in (ROOT.parent / "shared", os.environ.get("CRMSTATE_SHARED")) if place]
SPECS = next((place / "specs/zoho" for place in PLACES if (place / "specs/zoho").is_dir()), None)
EDITIONS = ("2026", "2025")
FORMATS = FormatChecker(())


@FORMATS.checks("date-time", raises=ValueError)
def _is_a_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@dataclass(frozen=True)
class Difference:
    """An answer that one edition does not describe: where (operation, status and what is wrong, as patterns), and why it is
    right all the same."""

    edition: str
    operation: str
    status: str
    wrong: str
    reason: str


_SHEET = "the fact sheet, section 7"
_REQUIRED, _KIND = "is a required property", "is not of type"
_DETAILS = "'details' was unexpected|'INVALID_TOKEN' is not one of"
_ONLY_ERRORS = f"200 can hold only errors: {_SHEET}"


def _newer(operation: str, status: str, wrong: str, reason: str) -> Difference:
    return Difference("2026", operation, status, wrong, reason)


def _older(operation: str, status: str, wrong: str, reason: str) -> Difference:
    return Difference("2025", operation, status, wrong, reason)


DIFFERENCES = (
    _newer(
        ".*", "(400|401|403|404|429|500)", "undeclared", f"tokens, scopes, rights and limits meet every call: {_SHEET}"
    ),
    _newer(".*", "(401|403|404)", _DETAILS, f"a refusal always has details, and 401 is INVALID_TOKEN, too: {_SHEET}"),
    _newer(
        "(GET|POST) /crm/v8/{module}(/{recordID})?",
        "4..",
        "were unexpected",
        f"errors of a whole call are flat: {_SHEET}",
    ),
    _newer(
        "GET .*/(watch|webhooks|workflow_rules|Attachments)", "204", "undeclared", f"204 is an empty list: {_SHEET}"
    ),
    _newer("GET /crm/v8/{module}", "200", "is too long", "100 at most is a sample's; 200 a page: the sheet, section 5"),
    _newer("(GET|DELETE) .*/webhooks", "20[07]", "is too long", "3 and 2 at most are a sample's"),
    _newer("DELETE /crm/v8/{module}", "200", "is not one of", _ONLY_ERRORS),
    _newer("PUT /crm/v8/users", "200", f"is not one of|'id' {_REQUIRED}|was unexpected", _ONLY_ERRORS),
    _newer("DELETE /crm/v8/users/{user}", "400", "'users' was unexpected", "the logged-in user: the sheet, section 2"),
    _newer("POST .*/mass_delete", "400", ".", "for more than 500 ids the sheet's LIMIT_EXCEEDED; none is described"),
    _newer("DELETE .*/recycle_bin.*", "202", "undeclared", "a job, by the vendor's page and its newest description"),
    _newer("GET .*/recycle_bin", "200", "module: ", "an object in the edition of 2025, the newest one, and the SDK"),
    _newer("GET .*/fetch_full_data", "200", f"None {_KIND}", "null where there is nothing, by the newest description"),
    _newer("GET .*/actions/count", "400", "'api_name'|INVALID", "demands api_name there and allows none"),
    _newer("GET /crm/v8/__features/{feature}", "200", "'edition_limit'", "what the older edition demands here"),
    _newer(
        "GET /crm/bulk/v8/read/{jobId}", "200", "Attachment_Source__s|File_Id__s", "fields of attachments, not of jobs"
    ),
    _newer(
        "GET /crm/bulk/v8/read/{jobId}", "200", "'FAILURE' is not one of", "it has the state, as 2025 says: the sheet"
    ),
    _older(".*", "(202|204|207|400|401|403|404|429|500)", "undeclared", "this edition leaves most statuses out"),
    _older(".*", "400", ".", "this edition describes few errors: those of 2026 and of the sheet"),
    _older(
        "GET /crm/v8/settings/(modules.*|fields|profiles|custom_views)",
        "200",
        _REQUIRED,
        "demands what `include` brings",
    ),
    _older("GET /crm/v8/settings/(fields|roles)", "200", f"None {_KIND}", "null where there is none, as in 2026"),
    _older(
        "GET /crm/v8/__features/user_licenses", "200", f"parent_feature: None {_KIND}", "there is no feature above it"
    ),
    _older(
        "GET /crm/v8/users.*", "200", "does not match|time_zone|Modified_By|'info'", "patterns and fields of samples"
    ),
    _older("GET .*/actions/count", "200", _REQUIRED, "the number is a text here: it is one in 2026 and the sheet"),
    _older("GET /crm/v8/org", "200", f"{_REQUIRED}|'production'|{_KIND}", "fields of samples"),
    _older("PUT /crm/v8/users", "200", ".", _ONLY_ERRORS),
    _older("POST .*/mass_delete", "200", _REQUIRED, "demands id and job_id at once"),
    _older("GET .*/Attachments", "200", _REQUIRED, "demands every field, whichever were asked for"),
    _older("GET /crm/v8/actions/watch", "200", "channel_id|notify_url|notification_condition", "patterns of samples"),
    _older("GET /crm/bulk/v8/read/{job_id}", "200", _REQUIRED, "demands criteria and a result where there are none"),
)
"""Every way in which an answer of the simulator may differ."""


@cache
def edition(year: str) -> dict[str, Any]:
    assert SPECS is not None
    found: dict[str, Any] = json.loads((SPECS / f"zoho-crm-v8-{year}.openapi.json").read_text(encoding="utf-8"))
    return _nullable(found) if year == "2025" else found


def _nullable(node: Any) -> Any:
    """OpenAPI 3.0's `nullable` in JSON Schema's words; and alternatives that overlap in this edition, so that one of them is
    enough."""
    if isinstance(node, list):
        return [_nullable(each) for each in node]
    if not isinstance(node, dict):
        return node
    found = {"anyOf" if name == "oneOf" else name: _nullable(value) for name, value in node.items()}
    if {"code", "message", "status"} <= set(found.get("properties", ())) and "required" not in found:
        found["required"] = ["code", "status"]  # else an error without anything fits every answer
    if found.pop("nullable", None) is True and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
        if "enum" in found:
            found["enum"] = [*found["enum"], None]
    return found


def operation(year: str, method: str, path: str) -> tuple[str, dict[str, Any]] | None:
    """The path of the description that a request's path is one of, the most literal one first, and its operation."""
    matching, ours = [], path.split("/")[3] in ("settings", "actions", "users", "org", "coql", "__features")
    for written, methods in edition(year)["paths"].items():
        if ours and written.startswith("/crm/v8/{"):
            continue  # no module is called so
        if path.endswith("/search") and not written.endswith("/search"):
            continue  # and no record
        pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(written))
        if re.fullmatch(pattern, path) and method.lower() in methods:
            matching.append((written.count("{"), written, methods[method.lower()]))
    return min(matching)[1:] if matching else None


def _resolved(year: str, node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        found: Any = edition(year)
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        node = found
    return node


def wrongs(year: str, method: str, path: str, status: int, kind: str, body: bytes) -> Iterator[tuple[str, str]]:
    """What one edition finds wrong with an answer: (the operation, what it says)."""
    found = operation(year, method, path)
    if found is None:
        return
    written, declared = found
    name = f"{method} {written}"
    if str(status) not in declared["responses"]:
        yield name, f"undeclared status {status}"
        return
    response = _resolved(year, declared["responses"][str(status)])
    contents = response.get("content", {})
    if status == 204 or not contents:
        if body:
            yield name, f"a body with {status}"
        return
    if "json" not in kind:
        return  # bytes: there is no more to say of them
    schema = next((each["schema"] for media, each in contents.items() if "json" in media), None)
    if schema is None:
        yield name, f"{kind} is not among {sorted(contents)}"
        return
    whole = {"$ref": "#/here", "here": schema, "components": edition(year)["components"]}
    for error in Draft202012Validator(whole, format_checker=FORMATS).iter_errors(json.loads(body)):
        for leaf in _leaves(error):
            yield name, f"{'/'.join(map(str, leaf.absolute_path))}: {leaf.message[-300:]}"


def _leaves(error: ValidationError) -> list[ValidationError]:
    """What is wrong in the alternative that comes nearest, where an answer fits none."""
    if not error.context:
        return [error]
    branches: dict[Any, list[ValidationError]] = {}
    for each in error.context:
        branches.setdefault(each.schema_path[0], []).extend(_leaves(each))
    return min(branches.values(), key=lambda found: (any(each.validator == "type" for each in found), len(found)))


def unexplained(method: str, path: str, status: int, kind: str, body: bytes) -> list[str]:
    """What is wrong with an answer after every difference with a reason; notes which differences were met."""
    left = []
    for year in EDITIONS:
        for name, wrong in wrongs(year, method, path, status, kind, body):
            met = next((each for each in DIFFERENCES if _explains(each, year, name, status, wrong)), None)
            if met is None:
                left.append(f"{year} {name} {status}: {wrong}")
            else:
                MET.add(met)
    return left


MET: set[Difference] = set()


def _explains(each: Difference, year: str, name: str, status: int, wrong: str) -> bool:
    return bool(
        re.fullmatch(each.edition, year)
        and re.fullmatch(each.operation, name)
        and re.fullmatch(each.status, str(status))
        and re.search(each.wrong, wrong)
    )

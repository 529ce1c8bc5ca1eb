"""What the vendor's own SDK for Python makes of the simulator: run by `.venv-zoho/bin/python`, told by one JSON argument where
the server is and who signs in; prints one JSON object of what the SDK's objects say.

It knows nothing of crmstate. `REQUESTS_CA_BUNDLE` says whom it trusts.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from zohocrmsdk.src.com.zoho.api.authenticator import OAuthToken
from zohocrmsdk.src.com.zoho.api.authenticator.store import FileStore
from zohocrmsdk.src.com.zoho.crm.api import HeaderMap, Initializer, ParameterMap
from zohocrmsdk.src.com.zoho.crm.api.bulk_read import BodyWrapper, BulkReadOperations, Query
from zohocrmsdk.src.com.zoho.crm.api.dc import DataCenter
from zohocrmsdk.src.com.zoho.crm.api.modules import MinifiedModule, ModulesOperations
from zohocrmsdk.src.com.zoho.crm.api.org import OrgOperations
from zohocrmsdk.src.com.zoho.crm.api.portals import PortalsOperations
from zohocrmsdk.src.com.zoho.crm.api.record import (
    DeleteRecordsParam,
    GetRecordsParam,
    RecordCountParam,
    RecordOperations,
    SearchRecordsParam,
)
from zohocrmsdk.src.com.zoho.crm.api.recycle_bin import DeleteRecycleBinRecordsParam, RecycleBinOperations
from zohocrmsdk.src.com.zoho.crm.api.sdk_config import SDKConfig
from zohocrmsdk.src.com.zoho.crm.api.users import BodyWrapper as UsersBody
from zohocrmsdk.src.com.zoho.crm.api.users import GetUsersParam, Users, UsersOperations
from zohocrmsdk.src.com.zoho.crm.api.util import Choice


def start(url: str, credential: dict[str, str], folder: str) -> None:
    environment = DataCenter.Environment(url, f"{url}/oauth/v2/token", url)
    Initializer.initialize(
        environment=environment,
        token=OAuthToken(**credential),
        store=FileStore(str(Path(folder) / "tokens.csv")),
        sdk_config=SDKConfig(auto_refresh_fields=False, pick_list_validation=False),
        resource_path=folder,
    )


def parameters(**given: Any) -> ParameterMap:
    found = ParameterMap()
    for param, value in given.values():
        found.add(param, value)
    return found


def body(response: Any) -> Any:
    """What came, as the SDK's object; an SDK that could not read it has none."""
    assert response is not None, "no answer"
    found = response.get_object()
    return f"{response.get_status_code()} without an object" if found is None else found


def plain(value: Any) -> Any:
    return value.get_value() if isinstance(value, Choice) else value


def org() -> Any:
    (found,) = body(OrgOperations().get_organization()).get_org()
    licence = found.get_license_details()
    return {
        "name": found.get_company_name(),
        "zgid": found.get_zgid(),
        "paid": licence.get_paid(),
        "type": licence.get_paid_type(),
    }


def users() -> Any:
    shown = parameters(
        type=(GetUsersParam.type, "AllUsers"), page=(GetUsersParam.page, 1), most=(GetUsersParam.per_page, 200)
    )
    found = body(UsersOperations().get_users(shown, HeaderMap()))
    rows = [
        [str(user.get_id()), user.get_email(), plain(user.get_status()), user.get_profile().get_name()]
        for user in found.get_users()
    ]
    return {"rows": rows, "more": found.get_info().get_more_records()}


def deactivate(user: str) -> Any:
    changed, wrapper = Users(), UsersBody()
    changed.add_key_value("status", "inactive")
    wrapper.set_users([changed])
    (done,) = body(UsersOperations().update_user(int(user), wrapper)).get_users()
    (after,) = body(UsersOperations().get_user(int(user), HeaderMap())).get_users()
    return {"code": plain(done.get_code()), "status": plain(after.get_status())}


def modules() -> Any:
    found = body(ModulesOperations().get_modules(ParameterMap(), HeaderMap())).get_modules()
    return [[module.get_api_name(), str(module.get_id()), module.get_api_supported()] for module in found]


def records(module: str, fields: list[str]) -> Any:
    """Pages by number, then by token, until the vendor says that there are no more."""
    found: list[list[Any]] = []
    page, token = 1, None
    while True:
        where = (GetRecordsParam.page_token, token) if token else (GetRecordsParam.page, page)
        shown = parameters(
            fields=(GetRecordsParam.fields, ",".join(fields)), most=(GetRecordsParam.per_page, 200), where=where
        )
        answer = body(RecordOperations(module).get_records(shown, HeaderMap()))
        found += [[str(row.get_id()), *(row.get_key_value(name) for name in fields)] for row in answer.get_data()]
        info = answer.get_info()
        if not info.get_more_records():
            return found
        page, token = page + 1, info.get_next_page_token() if page >= 10 else None


def delete(module: str, ids: list[str]) -> Any:
    given = parameters(ids=(DeleteRecordsParam.ids, ",".join(ids)))
    return [
        plain(each.get_code()) for each in body(RecordOperations(module).delete_records(given, HeaderMap())).get_data()
    ]


def count(module: str) -> Any:
    return int(body(RecordOperations(module).record_count(ParameterMap())).get_count())


def search(module: str, criteria: str, name: str) -> Any:
    """What a search finds, and how many the vendor counts by the same criteria."""
    given = parameters(criteria=(SearchRecordsParam.criteria, criteria), most=(SearchRecordsParam.per_page, 200))
    found = body(RecordOperations(module).search_records(given, HeaderMap()))
    counted = parameters(criteria=(RecordCountParam.criteria, criteria))
    count = int(body(RecordOperations(module).record_count(counted)).get_count())
    rows = [[str(row.get_id()), row.get_key_value(name)] for row in found.get_data()]
    return {"rows": rows, "count": count, "more": found.get_info().get_more_records()}


def bin(ids: list[str]) -> Any:
    """What lies in the bin, and what becomes of these there."""
    found = body(RecycleBinOperations().get_recyclebin_records(ParameterMap())).get_recycle_bin()
    given = parameters(ids=(DeleteRecycleBinRecordsParam.ids, ",".join(ids)))
    done = body(RecycleBinOperations().delete_recyclebin_records(given)).get_recycle_bin()
    rows = [[str(row.get_id()), row.get_display_name(), row.get_module().get_api_name()] for row in found]
    return {"rows": rows, "done": [plain(each.get_code()) for each in done]}


def portals() -> Any:
    return [[each.get_name(), each.get_active()] for each in body(PortalsOperations().get_portals()).get_portals()]


def bulk(module: str, fields: list[str], folder: str) -> Any:
    wanted, query, wrapper = MinifiedModule(), Query(), BodyWrapper()
    wanted.set_api_name(module)
    query.set_module(wanted)
    query.set_fields(fields)
    query.set_page(1)
    wrapper.set_query(query)
    wrapper.set_file_type("csv")
    (added,) = body(BulkReadOperations().create_bulk_read_job(wrapper)).get_data()
    job = int(added.get_details()["id"])
    for _ in range(10):
        (state,) = body(BulkReadOperations().get_bulk_read_job_details(job)).get_data()
        if plain(state.get_state()) == "COMPLETED":
            break
    stream = body(BulkReadOperations().download_result(job)).get_file()
    place = Path(folder) / "result.zip"
    place.write_bytes(b"".join(stream.get_stream()))
    outcome = state.get_result()
    return {
        "code": plain(added.get_code()),
        "count": outcome.get_count(),
        "more": outcome.get_more_records(),
        "zip": str(place),
    }


def main() -> None:
    given = json.loads(sys.argv[1])
    start(given["url"], given["credential"], given["folder"])
    module, fields = given["module"], given["fields"]
    print(
        json.dumps(
            {
                "org": org(),
                "users": users(),
                "deactivated": deactivate(given["user"]),
                "modules": modules(),
                "records": records(module, fields),
                "count": count(module),
                "bulk": bulk(module, fields, given["folder"]),
                "search": search(module, given["criteria"], fields[0]),
                "portals": portals(),
                "deleted": delete(module, given["delete"]),
                "bin": bin(given["delete"]),
            },
            default=str,
        )
    )


if __name__ == "__main__":
    main()

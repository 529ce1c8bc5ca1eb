"""FXiaoke's people: listing them by the address book, and stopping them (停用).

`PersonnelObj`, the same people as rows of the CRM, obeys sharing rules even for administrators and can show too few.
"""

from __future__ import annotations

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Batch, Result
from crmstate.core.survey import Gap, Listing, Resource, UserFacts
from crmstate.core.words import Kind, Outcome, Phase, Undo, Verb
from crmstate.providers.fxiaoke.vendor import CHECKED, MANUAL, PEOPLE, PEOPLE_BY_TIME, STOP, Nothing, provider, who
from crmstate.providers.kit import Call
from crmstate.providers.kit.pages import ROUNDS, Resources

EVERYBODY = 999999
"""The number of the department that holds everybody."""

ALWAYS = 4_102_444_800_000
"""The end of the time in which somebody may have changed: 2100-01-01, so that no clock decides who is listed."""

NOBODY = "FSUID_crmstate_nobody_5e0f8a6c41d24b0f9a7cbe3d8f216e95"
"""An openUserId that nobody has."""

STOPPED = 1


class _Person(msgspec.Struct, rename="camel"):
    open_user_id: str
    is_stop: bool
    name: str | None = None
    email: str | None = None


class _Some(msgspec.Struct):
    employees: list[_Person]


class _ByTime(msgspec.Struct):
    """Whether the list stands at the top or below `data` the transcriptions leave open."""

    employees: list[_Person] | msgspec.UnsetType = msgspec.UNSET
    data: _Some | msgspec.UnsetType = msgspec.UNSET


class _Everybody(msgspec.Struct, rename="camel"):
    user_list: list[_Person]


def _page(call: Call, number: int) -> list[_Person]:
    size = min(1000, 10 * call.page)
    asked = {"startTime": 0, "endTime": ALWAYS, "pageSize": size, "pageNumber": number}
    found = call.look(PEOPLE_BY_TIME, asked, into=_ByTime)
    if found.employees is not msgspec.UNSET:
        return found.employees
    if found.data is not msgspec.UNSET:
        return found.data.employees
    raise Failure(Code.REJECTED, "a listing of people without people", vendor="kit.malformed")


def _walk(call: Call) -> tuple[dict[str, _Person], int, bool]:
    """Everybody by the time of change, page by page until an empty one; how many pages; and whether nobody came twice."""
    found: dict[str, _Person] = {}
    before: list[_Person] = []
    still, number = True, 1
    while page := _page(call, number):
        if page == before:
            raise Failure(Code.UNAVAILABLE, "the listing gives the same page again", vendor="kit.loop")
        for person in page:
            if not person.open_user_id:
                raise Failure(Code.REJECTED, "a person without an openUserId", vendor="kit.malformed")
            still = still and person.open_user_id not in found
            found[person.open_user_id] = person
        before, number = page, number + 1
    return found, number - 1, still


def _working(call: Call) -> dict[str, _Person]:
    """The address book, in one answer. Whether it shows those who are stopped is not documented."""
    asked = {"departmentId": EVERYBODY, "fetchChild": True, "showDepartmentIdsDetail": True}
    return {each.open_user_id: each for each in call.look(PEOPLE, asked, into=_Everybody).user_list}


@provider.reads(
    Kind.USER,
    Verb.LIST,
    f"POST {PEOPLE_BY_TIME}",
    f"POST {PEOPLE}",
    source=MANUAL,
    verified_on=CHECKED,
    note={
        "en": "By the time of change, those who are stopped included, and compared with the address book of all departments. Only "
        "people whom the app may see (20014, 20023). Roles are not among the fields.",
        "zh-CN": "按更新时间分页读取全部员工（含停用），并与全公司通讯录核对。只包含应用可见范围内的员工（20014、20023）。"
        "不含角色信息。",
    },
)
def people(call: Call, ids: tuple[str, ...] | None) -> Resources:
    """Everybody. The pages have no total and move when somebody is changed: they are believed where the address book has
    nobody else, and where several pages came twice alike."""
    found: dict[str, _Person] = {}
    known: dict[str, _Person] = {}
    before: dict[str, _Person] | None = None
    for _ in range(ROUNDS + 1):
        found, pages, still = _walk(call)
        known = _working(call)
        agreed = all(id in found and found[id].is_stop == each.is_stop for id, each in known.items())
        if still and agreed and (pages <= 1 or found == before):
            return _resources(found, known)
        before = found if still else None
    return Listing(Kind.USER, tuple(_resources(found, known)), complete=False, gap=Gap(Kind.USER, "gap.moving"))


def _resources(found: dict[str, _Person], known: dict[str, _Person]) -> list[Resource]:
    """The people that were found; what the address book knows of them beside it."""

    def email(each: _Person) -> str:
        listed = known.get(each.open_user_id)
        return each.email or (listed.email if listed is not None else None) or ""

    return [
        Resource(
            Kind.USER,
            each.open_user_id,
            each.name or each.open_user_id,
            Phase.INACTIVE if each.is_stop else Phase.PRESENT,
            UserFacts(email(each)),
        )
        for each in found.values()
    ]


def may_stop(call: Call, ids: tuple[str, ...]) -> None:
    """The trial: stopping somebody who does not exist is refused for want of a right, or for want of the person. Nor is
    anybody stopped by somebody who does not say who they are: nothing would keep them from stopping themselves, and what
    comes afterwards from being done by nobody."""
    if not who(call)[-1]:
        why = "the credential does not say which person of the address book it works as: add open_user_id"
        raise Failure(Code.DENIED, why, vendor="fxiaoke.nobody")
    call.post(STOP, {"openUserIds": [NOBODY], "status": STOPPED}, into=Nothing)


@provider.acts(
    Kind.USER,
    Verb.DEACTIVATE,
    undo=Undo.FREE,
    after=Phase.INACTIVE,
    batch=50,
    trial=may_stop,
    requests=(f"POST {STOP}", f"POST {PEOPLE_BY_TIME}", f"POST {PEOPLE}"),
    source="apifox docs-site/528859 (title) and a public sample; not in the transcribed manual",
    note={
        "en": "The call is known from a sample and from a table of contents only, in the older style of signing in, in which it is "
        "asked for; that 1 means stopped (停用) is inferred. So it counts by what is read back (isStop), and where it is refused a person stops them "
        "in 管理后台. How many a call may name is undocumented. The credential has to say who it is (open_user_id), "
        "so that nobody stops themselves.",
        "zh-CN": "该接口只见于示例代码和文档目录（旧版传参）；status 为 1 表示停用系推断。因此以读回的 isStop 为准；若被拒绝，由管理员在"
        "「管理后台」中停用。单次人数上限没有公开说明。凭证须填写 open_user_id，以免停用 crmstate 自己使用的员工。",
    },
)
def stop(call: Call, batch: Batch) -> list[Result]:
    """Stops people. The answer says nothing of each; where the vendor refuses all for one whom it does not know, we look and
    ask once more for those who are there."""
    ids = [item.id for item in batch.items]
    try:
        return _stopped(call, ids)
    except Failure as failure:
        if failure.code not in {Code.MISSING, Code.REJECTED} or len(ids) == 1:
            raise
        there, _, _ = _walk(call)
        known = [id for id in ids if id in there]
        if len(known) == len(ids):
            raise
        done = {result.id: result for result in (_stopped(call, known) if known else [])}
        summary = failure.summary
        return [done.get(id) or Result(id, Outcome.FAILED, Code.MISSING.value, summary) for id in ids]


def _stopped(call: Call, ids: list[str]) -> list[Result]:
    call.post(STOP, {"openUserIds": ids, "status": STOPPED}, into=Nothing)
    return [Result(id, Outcome.DONE) for id in ids]

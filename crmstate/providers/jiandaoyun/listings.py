"""What Jiandaoyun lists: its members, its forms, and whether the corp is still there."""

from __future__ import annotations

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.survey import AccountFacts, DatasetFacts, Gap, Listing, Resource
from crmstate.core.words import Kind, Phase, Verb
from crmstate.providers.jiandaoyun.vendor import (
    APP_LIST,
    APPS,
    CHECKED,
    CLOSED,
    FORM_LIST,
    FORMS,
    NO_APP,
    NO_FORM,
    PRESET,
    ROWS,
    App,
    apps,
    page,
    probe,
    provider,
    whoami,
)
from crmstate.providers.kit import Call
from crmstate.providers.kit.pages import ROUNDS, Resources, by_skip


class _Form(msgspec.Struct):
    app_id: str
    entry_id: str
    name: str = ""


class _Forms(msgspec.Struct):
    forms: list[_Form]


class _Rows(msgspec.Struct):
    data: list[msgspec.Raw]


@provider.reads(
    Kind.DATASET,
    Verb.LIST,
    f"POST {FORMS}",
    f"POST {APPS}",
    f"POST {ROWS}",
    source=FORM_LIST,
    verified_on=CHECKED,
    note={
        "en": "Only the apps in the key's scope. Each form is asked for one row: preset forms of the CRM suite refuse "
        "(30002), and have to be exported by hand: Excel, 导出数据和文件 (data and files).",
        "zh-CN": "只包含密钥授权范围内的应用。对每个表单试读一条数据：CRM 套件的预设表单不支持 API 调用（30002），需人工导出 "
        "Excel，选择「导出数据和文件」。",
    },
)
def datasets(call: Call, ids: tuple[str, ...] | None) -> Resources:
    """Every form of every app in the key's scope, `app_id/entry_id`. A form stays present when it is empty: what a purge
    ends is its rows."""
    known: dict[str, bool] = {}
    found: list[Resource] = []
    for _ in range(ROUNDS):
        found, whole = _forms(call, None if ids is None else frozenset(ids), known)
        if whole:
            return found
    return Listing(Kind.DATASET, tuple(found), complete=False, gap=Gap(Kind.DATASET, "gap.moving"))


def _forms(call: Call, wanted: frozenset[str] | None, known: dict[str, bool]) -> tuple[list[Resource], bool]:
    """One walk over the forms (only `wanted` ones where some are named), and whether everything stood still. An app or a
    form that vanishes meanwhile is a move; `known` keeps from one walk to the next which forms give rows."""
    found: list[Resource] = []
    homes = None if wanted is None else {each.partition("/")[0] for each in wanted}
    if homes == set():
        return [], True
    seen, whole = apps(call)
    for app in seen:
        if homes is not None and app.app_id not in homes:
            continue
        try:
            forms, still = _forms_of(call, app)
            for form in forms:
                place = f"{app.app_id}/{form.entry_id}"
                if wanted is not None and place not in wanted:
                    continue
                if place not in known:
                    known[place] = _gives_rows(call, form)
                facts = DatasetFacts(exportable=known[place])
                found.append(Resource(Kind.DATASET, place, f"{app.name} / {form.name}", Phase.PRESENT, facts))
        except Failure as failure:
            if failure.vendor not in {NO_APP, NO_FORM}:
                raise
            still = False
        whole = whole and still
    return found, whole


def _forms_of(call: Call, app: App) -> tuple[list[_Form], bool]:
    def ask(skip: int) -> list[_Form]:
        body = {"app_id": app.app_id, "skip": skip, "limit": page(call)}
        return call.look(FORMS, body, into=_Forms).forms

    return by_skip(ask, lambda form: form.entry_id)


def _gives_rows(call: Call, form: _Form) -> bool:
    """Whether this form's rows can be had by API. Raises DENIED where it is this key that may not have them."""
    try:
        call.look(ROWS, {"app_id": form.app_id, "entry_id": form.entry_id, "limit": 1}, into=_Rows)
    except Failure as failure:
        if failure.vendor != PRESET:
            raise
        return False
    return True


@provider.reads(
    Kind.ACCOUNT,
    Verb.LIST,
    f"POST {APPS}",
    source=APP_LIST,
    note={
        "en": "Concluded: 8017 (the corp does not exist or is closed) is what a closed account answers.",
        "zh-CN": "推断：企业注销后接口返回 8017（企业不存在或已关闭）。",
    },
)
def accounts(call: Call, ids: tuple[str, ...] | None) -> Resources:
    """The corp, under the tenant's id. It is there as long as it answers, and closed by the vendor's own word for it."""
    tenant = call.tenant or "-"
    try:
        tenant = call.tenant or whoami(call).tenant
        probe(call)
    except Failure as failure:
        if failure.vendor != CLOSED or failure.code is not Code.EXPIRED:
            raise
        return Listing(Kind.ACCOUNT, (Resource(Kind.ACCOUNT, tenant, "", Phase.ABSENT, AccountFacts("closed")),))
    return [Resource(Kind.ACCOUNT, tenant, "", Phase.PRESENT, AccountFacts("open"))]

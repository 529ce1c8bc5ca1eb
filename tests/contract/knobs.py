"""Knobs: where a vendor deviates from what the suite expects, with the reason and where it is written. There is no
other way around the suite (`test_meta.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from crmstate.core.words import Kind, Verb


@dataclass(frozen=True)
class Knob:
    """One deviation. `situation` is the test's name; the cell does not meet it, for a reason that somebody can check
    at `link`. `kind` and `verb` None: no cell of this vendor meets it."""

    provider: str
    kind: Kind | None
    verb: Verb | None
    situation: str
    reason: str
    link: str


_GUIDE = "https://hc.jiandaoyun.com/open/11261"
_KEYS = "https://hc.jiandaoyun.com/open/16782"
_MEMBERS = "https://hc.jiandaoyun.com/open/18515"
_NO_QUOTA = "calls are limited by the second; there is no day's quota that could be used up"
_NO_WAIT = "no header and no field says how long to wait"
_ONE_SECRET = "a credential is one key, which nothing renews"
_AT_ONCE = "everybody comes in one answer: there are no pages that could move, shrink or repeat"

_SANDBOX_API = "docs/reference/sandbox-api.md#data"
_HIDING = "test_lesson_06_archived_rows_and_their_attachments_are_read_and_counted"


def _whole(situation: str, reason: str, link: str) -> Knob:
    return Knob("jiandaoyun", None, None, situation, reason, link)


def _cell(kind: Kind, verb: Verb, situation: str, reason: str, link: str) -> Knob:
    return Knob("jiandaoyun", kind, verb, situation, reason, link)


_JIANDAOYUN: tuple[Knob, ...] = (
    _whole("test_a_used_up_quota_is_raised_at_once_with_its_end", _NO_QUOTA, _GUIDE),
    _whole("test_a_used_up_quota_is_raised_with_its_end_and_not_waited_for", _NO_QUOTA, _GUIDE),
    _whole("test_a_wait_that_the_vendor_asks_for_is_kept", _NO_WAIT, _GUIDE),
    _whole("test_an_act_waits_as_long_as_the_vendor_asks", _NO_WAIT, _GUIDE),
    _whole("test_a_token_that_ends_midway_is_renewed_unseen", _ONE_SECRET, _KEYS),
    _whole("test_a_token_that_ends_midway_is_renewed_and_the_act_happens_once", _ONE_SECRET, _KEYS),
    _whole("test_whoami_names_the_user_and_the_key", "no call says whose key it is, or which", _KEYS),
    _whole(
        "test_what_is_accepted_for_later_is_requested_with_its_time",
        "an act is done when it is answered; none is accepted for later",
        "https://hc.jiandaoyun.com/open/14527",
    ),
    _whole(
        "test_rows_that_were_deleted_softly_are_found_by_their_ids",
        "no call shows the bin, and none is documented to find a row that was deleted",
        "https://hc.jiandaoyun.com/open/14221",
    ),
    _cell(
        Kind.DATASET,
        Verb.PURGE,
        "test_a_missing_thing_is_called_missing",
        "a batch is answered with how many rows were deleted, and not with which; those that are gone are done",
        "https://hc.jiandaoyun.com/open/14527",
    ),
    _cell(
        Kind.USER,
        Verb.DELETE,
        "test_a_batch_that_fails_in_part_says_which",
        "a batch is answered with `success` alone; who stayed shows when the members are listed again",
        "https://hc.jiandaoyun.com/open/18513",
    ),
    _cell(Kind.USER, Verb.LIST, "test_a_listing_that_moves_once_is_whole_in_the_end", _AT_ONCE, _MEMBERS),
    _cell(Kind.USER, Verb.LIST, "test_a_listing_is_called_complete_only_if_no_row_slipped_through", _AT_ONCE, _MEMBERS),
    _cell(Kind.USER, Verb.LIST, "test_a_page_that_comes_for_ever_is_raised", _AT_ONCE, _MEMBERS),
    _whole(
        _HIDING, "no call is documented to archive a row, or to list rows apart", "https://hc.jiandaoyun.com/open/14220"
    ),
)
_ZOHO_LIMITS = "https://www.zoho.com/crm/developer/docs/api/v8/api-limits.html"
_ZOHO_SPEC = "https://github.com/zoho/crm-oas"
_ROLLING = "credits are counted over 24 hours that roll: nothing says when there will be some again"
_NO_RETRY_AFTER = "429 has no Retry-After, and no field says how long to wait"


def _zoho(situation: str, reason: str, link: str, *cells: tuple[Kind, Verb]) -> Iterator[Knob]:
    for kind, verb in cells or ((None, None),):
        yield Knob("zoho", kind, verb, situation, reason, link)


_ZOHO: tuple[Knob, ...] = (
    *_zoho("test_a_used_up_quota_is_raised_at_once_with_its_end", _ROLLING, _ZOHO_LIMITS),
    *_zoho("test_a_used_up_quota_is_raised_with_its_end_and_not_waited_for", _ROLLING, _ZOHO_LIMITS),
    *_zoho("test_a_wait_that_the_vendor_asks_for_is_kept", _NO_RETRY_AFTER, _ZOHO_LIMITS),
    *_zoho("test_an_act_waits_as_long_as_the_vendor_asks", _NO_RETRY_AFTER, _ZOHO_LIMITS),
    *_zoho(
        "test_what_is_accepted_for_later_is_requested_with_its_time",
        "deletions by id are done when they are answered; what is a job (emptying the bin, a transfer) takes one at a time",
        _ZOHO_SPEC,
    ),
    *_zoho(
        "test_a_closed_account_is_absent_under_the_configured_tenant",
        "what a deleted org answers is documented nowhere: a person confirms it",
        _ZOHO_SPEC,
    ),
    *_zoho(
        "test_a_page_that_comes_for_ever_is_raised",
        "one answer a module, or for all of them: there are no pages that could repeat",
        _ZOHO_SPEC,
        (Kind.DATASET, Verb.LIST),
        (Kind.BIN, Verb.LIST),
    ),
    *_zoho(
        "test_a_credential_without_the_right_submits_nothing",
        "bulk read asks for the scope of reading alone: a credential that only reads may submit it",
        _ZOHO_SPEC,
    ),
    *_zoho(
        "test_a_result_that_has_ended_is_gone",
        "an access token that nothing renews ends after an hour, before any result; tests/providers/test_zoho_jobs.py has one gone",
        _ZOHO_SPEC,
    ),
    *_zoho(
        _HIDING,
        "what hides are converted leads, which nobody can make by API; tests/providers/test_zoho.py sees that they are asked for",
        _ZOHO_SPEC,
    ),
)
_SANDBOX: tuple[Knob, ...] = (
    Knob("sandbox", None, None, _HIDING, "rows are there or in the bin, which has a kind of its own", _SANDBOX_API),
)


def _tryton() -> Iterator[Knob]:
    def each(situation: str, reason: str, link: str, *cells: tuple[Kind, Verb]) -> Iterator[Knob]:
        for kind, verb in cells or ((None, None),):
            yield Knob("tryton", kind, verb, situation, reason, link)

    transaction = "one call is one transaction: it does all of its items or none"
    access = [(Kind.USER, Verb.DEACTIVATE), (Kind.USER, Verb.RESUME), (Kind.SESSION, Verb.SIGN_OUT)]
    access += [(Kind.API_KEY, Verb.REVOKE), (Kind.INTEGRATION, Verb.DISABLE), (Kind.INTEGRATION, Verb.RESUME)]
    access += [(Kind.INTEGRATION, Verb.DELETE)]
    yield from each(
        "test_a_batch_that_fails_in_part_says_which", transaction, f"{TRYTOND}/protocols/dispatcher.py", *access
    )

    quota = "a server of one's own has no quota; it throttles wrong logins alone"
    for situation in (
        "test_a_used_up_quota_is_raised_at_once_with_its_end",
        "test_a_used_up_quota_is_raised_with_its_end_and_not_waited_for",
    ):
        yield from each(situation, quota, f"{TRYTOND}/res/user.py (LoginAttempt)")
    yield from each(
        "test_what_is_accepted_for_later_is_requested_with_its_time",
        "whatever a call does is done when it answers",
        f"{TRYTOND}/protocols/dispatcher.py",
    )
    yield from each(
        "test_a_token_that_cannot_be_renewed_is_raised_as_expired",
        "a session is always had by login and password, so it can always be renewed; a login that ended is another test",
        f"{TRYTOND}/protocols/dispatcher.py (login)",
    )
    yield from each(
        "test_rows_that_were_deleted_softly_are_found_by_their_ids",
        "what is deleted is gone: there is no bin",
        f"{TRYTOND}/model/modelsql.py (delete)",
    )
    yield from each(
        "test_an_address_that_has_ended_is_raised_as_expired",
        "attachments come inside of answers; no address is handed out",
        f"{TRYTOND}/ir/attachment.py",
    )
    yield from each(
        "test_a_closed_account_is_absent_under_the_configured_tenant",
        "the account is the database: a person stops the server and removes it",
        "docs.tryton.org, Administration Guide, Setup",
    )
    yield from each(
        "test_names_of_every_script_come_as_they_are",
        "a key has no name",
        f"{TRYTOND}/res/user.py (UserApplication)",
        (Kind.API_KEY, Verb.LIST),
    )
    for situation in (
        "test_names_of_every_script_come_as_they_are",
        "test_a_listing_that_moves_once_is_whole_in_the_end",
        "test_a_listing_is_called_complete_only_if_no_row_slipped_through",
        "test_a_page_that_comes_for_ever_is_raised",
    ):
        yield from each(
            situation,
            "models come with the server's modules, named by them, and in one answer without pages",
            f"{TRYTOND}/protocols/dispatcher.py (list_method)",
            (Kind.DATASET, Verb.LIST),
        )
    yield from each(
        "test_lesson_11_a_listing_without_ids_is_refused",
        "models are listed by their names alone, which are their ids",
        f"{TRYTOND}/protocols/dispatcher.py (list_method)",
        (Kind.DATASET, Verb.LIST),
    )


_FX = "https://developer.fxiaoke.com/openapi_v2/"
_FX_CODES, _FX_RATES = f"{_FX}start/guide/codes.html", f"{_FX}start/guide/rate.html"
_FX_SIGN_IN, _FX_PAGES = f"{_FX}start/auth/app-info.html", f"{_FX}FAQ/deep-paging.html"


def _fxiaoke() -> Iterator[Knob]:
    def each(situation: str, reason: str, link: str, *cells: tuple[Kind, Verb]) -> Iterator[Knob]:
        for kind, verb in cells or ((None, None),):
            yield Knob("fxiaoke", kind, verb, situation, reason, link)

    for situation in ("test_a_wait_that_the_vendor_asks_for_is_kept", "test_an_act_waits_as_long_as_the_vendor_asks"):
        yield from each(situation, _NO_WAIT, _FX_RATES)
    yield from each(
        "test_a_token_that_cannot_be_renewed_is_raised_as_expired",
        "a token is always had by the app's secret and code, so it can always be renewed; an app that ended is another test",
        _FX_SIGN_IN,
    )
    yield from each(
        "test_what_is_accepted_for_later_is_requested_with_its_time",
        "the answer is the same where an approval begins, which every act is told to leave out; the row then stays, and is failed",
        _FX_CODES,
    )
    yield from each(
        "test_a_batch_that_fails_in_part_says_which",
        "a batch is answered with a code for all; who was not stopped shows when the people are listed again",
        _FX_CODES,
        (Kind.USER, Verb.DEACTIVATE),
    )
    yield from each(
        "test_rows_that_were_deleted_softly_are_found_by_their_ids",
        "a purge makes rows invalid and deletes them for good; what is only invalid is no purge that is done",
        f"{_FX} (data/invalid, data/delete)",
    )
    yield from each(
        "test_lesson_07_rows_that_are_counted_and_listed_no_more_are_looked_for_by_their_ids",
        "rows are read by their ids with the call that lists them: no other has a documented form",
        _FX_PAGES,
    )
    yield from each(
        "test_an_address_that_has_ended_is_raised_as_expired",
        "files are asked for by their npath; no address is handed out",
        f"{_FX} (media/download)",
    )
    yield from each(
        "test_a_closed_account_is_absent_under_the_configured_tenant",
        "no code tells a closed account from an app that is switched off",
        _FX_CODES,
    )
    for situation in (
        "test_a_listing_that_moves_once_is_whole_in_the_end",
        "test_a_listing_is_called_complete_only_if_no_row_slipped_through",
        "test_a_page_that_comes_for_ever_is_raised",
    ):
        yield from each(
            situation,
            "all objects come in one answer: there are no pages that could move, shrink or repeat",
            f"{_FX} (object/list)",
            (Kind.DATASET, Verb.LIST),
        )
    yield from each(_HIDING, "no call is documented to archive a row, or to list rows apart", _FX_PAGES)


TRYTOND = "trytond 8.0.12"


def _odoo() -> Iterator[Knob]:
    def each(situation: str, reason: str, link: str, *cells: tuple[Kind, Verb]) -> Iterator[Knob]:
        for kind, verb in cells or ((None, None),):
            yield Knob("odoo", kind, verb, situation, reason, link)

    whole = [(Kind.USER, Verb.DEACTIVATE), (Kind.USER, Verb.RESUME), (Kind.API_KEY, Verb.REVOKE)]
    whole += [(Kind.INTEGRATION, Verb.DISABLE), (Kind.INTEGRATION, Verb.RESUME), (Kind.INTEGRATION, Verb.DELETE)]
    yield from each(
        "test_a_batch_that_fails_in_part_says_which",
        "the server refuses none of these for the sake of one item, and does a call whole or not at all",
        f"{ODOO}/base/models/res_users.py",
        *whole,
    )
    for situation in (
        "test_a_used_up_quota_is_raised_at_once_with_its_end",
        "test_a_used_up_quota_is_raised_with_its_end_and_not_waited_for",
    ):
        yield from each(situation, "a server of one's own has no quota", f"{ODOO}/rpc/controllers/json2.py")
    yield from each(
        "test_what_is_accepted_for_later_is_requested_with_its_time",
        "whatever a call does is done when it answers",
        f"{ODOO}/rpc/controllers/json2.py",
    )
    for situation in (
        "test_a_token_that_ends_midway_is_renewed_unseen",
        "test_a_token_that_ends_midway_is_renewed_and_the_act_happens_once",
    ):
        yield from each(situation, "a credential is one key, which nothing renews", f"{ODOO}/base/models/res_users.py")
    yield from each(
        "test_rows_that_were_deleted_softly_are_found_by_their_ids",
        "what is deleted is gone: there is no bin",
        f"{ODOO}/base/models/res_partner.py",
    )
    yield from each(
        "test_an_address_that_has_ended_is_raised_as_expired",
        "attachments come inside of answers; no address is handed out",
        f"{ODOO}/base/models/ir_attachment.py",
    )
    yield from each(
        "test_a_closed_account_is_absent_under_the_configured_tenant",
        "the account is the database: a person drops it, and the server's own list goes on naming it",
        f"{ODOO}/web/controllers/database.py",
    )
    for situation in (
        "test_names_of_every_script_come_as_they_are",
        "test_a_listing_that_moves_once_is_whole_in_the_end",
        "test_a_listing_is_called_complete_only_if_no_row_slipped_through",
        "test_a_page_that_comes_for_ever_is_raised",
    ):
        yield from each(
            situation,
            "models come with the server's modules, named by them, and in one answer without pages",
            f"{ODOO}/base/models/ir_model.py",
            (Kind.DATASET, Verb.LIST),
        )


ODOO = "Odoo 19.0, odoo/addons"
KNOBS: tuple[Knob, ...] = (*_SANDBOX, *_JIANDAOYUN, *_ZOHO, *_tryton(), *_fxiaoke(), *_odoo())


def knob(provider: str, kind: Kind | None, verb: Verb | None, situation: str) -> Knob | None:
    """The knob of this cell in this situation, if somebody wrote one."""
    for each in KNOBS:
        if (each.provider, each.situation) == (provider, situation) and (each.kind, each.verb) in {
            (kind, verb),
            (None, None),
        }:
            return each
    return None

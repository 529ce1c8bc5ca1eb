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


TRYTOND = "trytond 8.0.12"
KNOBS: tuple[Knob, ...] = tuple(_tryton())


def knob(provider: str, kind: Kind | None, verb: Verb | None, situation: str) -> Knob | None:
    """The knob of this cell in this situation, if somebody wrote one."""
    for each in KNOBS:
        if (each.provider, each.situation) == (provider, situation) and (each.kind, each.verb) in {
            (kind, verb),
            (None, None),
        }:
            return each
    return None

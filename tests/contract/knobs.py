"""Knobs: where a vendor deviates from what the suite expects, with the reason and where it is written. There is no
other way around the suite (`test_meta.py`).
"""

from __future__ import annotations

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


def _whole(situation: str, reason: str, link: str) -> Knob:
    return Knob("jiandaoyun", None, None, situation, reason, link)


def _cell(kind: Kind, verb: Verb, situation: str, reason: str, link: str) -> Knob:
    return Knob("jiandaoyun", kind, verb, situation, reason, link)


KNOBS: tuple[Knob, ...] = (
    _whole("test_a_used_up_quota_is_raised_at_once_with_its_end", _NO_QUOTA, _GUIDE),
    _whole("test_a_used_up_quota_is_raised_with_its_end_and_not_waited_for", _NO_QUOTA, _GUIDE),
    _whole("test_a_wait_that_the_vendor_asks_for_is_kept", _NO_WAIT, _GUIDE),
    _whole("test_an_act_waits_as_long_as_the_vendor_asks", _NO_WAIT, _GUIDE),
    _whole("test_a_token_that_ends_midway_is_renewed_unseen", _ONE_SECRET, _KEYS),
    _whole("test_a_token_that_ends_midway_is_renewed_and_the_act_happens_once", _ONE_SECRET, _KEYS),
    _whole("test_whoami_names_the_user_and_the_key", "no call says whose key it is, or which", _KEYS),
    _whole(
        "test_a_credential_that_only_reads_is_known_for_it",
        "no call shows a key's interfaces; the first act is refused with 17054 before anything is done",
        _KEYS,
    ),
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
)


def knob(provider: str, kind: Kind | None, verb: Verb | None, situation: str) -> Knob | None:
    """The knob of this cell in this situation, if somebody wrote one."""
    for each in KNOBS:
        if (each.provider, each.situation) == (provider, situation) and (each.kind, each.verb) in {
            (kind, verb),
            (None, None),
        }:
            return each
    return None

"""Page tokens: where a reader stands, signed, bound to who asks and to the parameters, good for a day."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta

from ... import times
from ...world import World
from . import errors

GOOD_FOR = timedelta(hours=24)


def bound(*words: object) -> str:
    """What a token is good for, in short."""
    return hashlib.blake2b("\0".join(map(str, words)).encode(), digest_size=6).hexdigest()


def written(world: World, last: str | None, served: int, bound_to: str) -> tuple[str, str]:
    """A token for whoever has `served` rows, `last` (the vendor's id) the last of them; and when it ends."""
    ends = times.later(world.now, GOOD_FOR)
    text = f"{int(last or 0):x}-{served:x}-{int(times.moment(ends).timestamp()):x}-{bound_to}"
    return f"{text}-{_signature(world, text)}", ends


def read(world: World, token: str, bound_to: str) -> tuple[str | None, int]:
    """The vendor's id of the last row that a token's bearer has, and how many rows those were."""
    text, _, signature = token.rpartition("-")
    if not hmac.compare_digest(signature.encode(), _signature(world, text).encode()):
        raise errors.refusal("INVALID_DATA", param_name="page_token")
    last, served, ends, given_for = text.split("-")
    if given_for != bound_to:
        raise errors.refusal(
            "TOKEN_BOUND_DATA_MISMATCH", "the page token belongs to another user or to other parameters"
        )
    if int(ends, 16) <= times.moment(world.now).timestamp():
        raise errors.refusal("EXPIRED_VALUE", "the page token has expired", param_name="page_token")
    return (str(int(last, 16)) if int(last, 16) else None), int(served, 16)


def _signature(world: World, text: str) -> str:
    return hmac.new(world.secret("pages").encode(), text.encode(), hashlib.sha256).hexdigest()[:16]

"""Who calls: from tokens to keys to users, and access tokens from refresh tokens. It never shows a stored secret."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from . import times
from .acts import Caller
from .wire import Refused

if TYPE_CHECKING:
    from .world import World

ACCESS = timedelta(seconds=3600)


def caller(world: World, token: str | None) -> Caller:
    """The key and user behind a token; `Refused` with unauthenticated, token_expired or key_revoked. Notes the key's
    last use.
    """
    if not token:
        raise Refused("unauthenticated", "A bearer token is needed.")
    now = world.now
    issued = (
        world.one("SELECT key_id, expires_at FROM access_tokens WHERE token = ?", token)
        if token.startswith("at_")
        else None
    )
    column, value = ("k.id", issued[0]) if issued else ("k.secret", token)
    found = world.one(
        "SELECT k.id, k.name, k.scopes, k.status, k.last_used_at, u.id, u.email, u.role "
        f"FROM api_keys k JOIN users u ON u.id = k.user_id WHERE {column} = ?",
        value,
    )
    if found is None:
        raise Refused("unauthenticated", "This token is not known.")
    id, name, scopes, status, last_used, user_id, email, role = found
    if status == "revoked":
        raise Refused("key_revoked", "The key of this token was revoked.")
    if issued and issued[1] <= now:
        raise Refused("token_expired", "The access token has expired.")
    if last_used != now:
        world.run("UPDATE api_keys SET last_used_at = ? WHERE id = ?", now, id)
    return Caller(id, name, tuple(msgspec.json.decode(scopes)), user_id, email, role)


def issue(world: World, refresh_token: str, seq: int) -> tuple[str, str]:
    """A new access token and its key's id."""
    found = world.one("SELECT id, status FROM api_keys WHERE refresh_token = ?", refresh_token)
    if found is None:
        raise Refused("unauthenticated", "This refresh token is not known.")
    if found[1] == "revoked":
        raise Refused("key_revoked", "The key of this refresh token was revoked.")
    token = f"at_{world.secret('at', found[0], seq)}"
    world.run("INSERT INTO access_tokens VALUES (?, ?, ?)", token, found[0], times.later(world.now, ACCESS))
    return token, str(found[0])


def expire(world: World, token: str | None) -> None:
    """An access token ends now."""
    if token:
        world.run("UPDATE access_tokens SET expires_at = ? WHERE token = ?", world.now, token)

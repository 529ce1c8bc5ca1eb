"""Vault: the access token of one session, got by logging in where the credential is no token itself.

Tokens live in memory, and those of vendors that give out only so many also in a file (`Kept`). The scrubber learns each
one before it is used.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace

from crmstate.core.diagnostic import Problem
from crmstate.core.failure import Code, Failure
from crmstate.core.secret import SHORTEST, Secret
from crmstate.providers.kit.call import Call
from crmstate.providers.kit.kept import Kept, name_of
from crmstate.providers.kit.line import Grant, Line
from crmstate.providers.kit.wire import Gate


class Vault:
    """Safe between threads: one login at a time, and none where another thread has just done it. `kept`: where tokens
    outlive the run; none are kept without."""

    def __init__(
        self, line: Line, credential: Mapping[str, Secret], learn: Callable[[Secret], None], kept: Kept | None = None
    ) -> None:
        self._line = line
        self._credential = dict(credential)
        self._learn = learn
        self._lock = threading.Lock()
        for name, secret in credential.items():
            if name not in line.provider.plain:
                self._take(secret)
        self._token = credential.get(line.dialect.access or "")
        self._user: str | None = None
        self._origin: str | None = None
        self._kept = kept
        self._name = name_of(line.provider.name, line.url, self._credential)

    def token(self) -> Secret:
        """The access token. Logs in when there is none yet; raises what the login raises."""
        with self._lock:
            if self._token is None:
                self._token = self._found() or self._login()
            return self._token

    def user(self) -> str | None:
        """Whom the login named; None for a credential that is a token itself."""
        self.token()
        return self._user

    def secret(self, name: str) -> Secret | None:
        """A field of the credential; None where it has none of this name."""
        return self._credential.get(name)

    def origin(self) -> str | None:
        """Where a login said that the API is; None where none did so far."""
        return self._origin

    def renew(self, used: Secret) -> bool:
        """Replaces the token that was `used`. False where this credential cannot log in: a plain token that ended
        stays ended."""
        dialect = self._line.dialect
        if dialect.login is None or not all(name in self._credential for name in dialect.login_needs):
            return False
        with self._lock:
            if self._token == used:
                self._token = self._found(used) or self._login()
        return True

    def _found(self, used: Secret | None = None) -> Secret | None:
        """A token that an earlier or another run left; not the one that was `used` in vain."""
        found = self._kept.find(self._name, self._line.clock.now()) if self._kept else None
        if found is None or found.access == used:
            return None
        try:
            return self._taken(found)
        except (Failure, Problem):
            return None

    def _login(self) -> Secret:
        dialect = self._line.dialect
        assert dialect.login is not None, "connect() checks that the credential can log in"
        place = dialect.login_at(self._line.url) if dialect.login_at else None
        call = Call(replace(self._line, vault=None, origin=place), Gate(dialect.login_requests), acts=False)
        try:
            grant = dialect.login(call, self._credential)
        except Failure:
            if self._kept:
                self._kept.forget(self._name)
            raise
        token = self._taken(grant)
        if grant.refresh is not None:
            self._take(grant.refresh)
            self._credential[dialect.login_needs[-1]] = grant.refresh
        if self._kept:
            self._kept.keep(self._name, grant, self._line.clock.now())
        return token

    def _taken(self, grant: Grant) -> Secret:
        """The token of a grant, and what it says beside. Raises Failure where it sends us to an address that is not the
        vendor's: nothing is sent there."""
        for secret in (grant.access, *grant.more):
            self._take(secret)
        if grant.origin is not None:
            try:
                self._line.belongs(grant.origin)
            except Problem:
                why = "the login names an address of the API that is not the vendor's"
                raise Failure(Code.DENIED, why, vendor="kit.origin") from None
        self._user, self._origin = grant.user, grant.origin
        return grant.access

    def _take(self, secret: Secret) -> None:
        self._learn(secret)
        text = secret.reveal()
        quoted = json.dumps(text)[1:-1]
        for form in (text, quoted, quoted.replace("/", "\\/")):
            if len(text) >= SHORTEST and form.encode() not in self._line.own_secrets:
                self._line.own_secrets.append(form.encode())

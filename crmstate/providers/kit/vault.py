"""Vault: the access token of one session, got by logging in where the credential is no token itself.

Tokens live in memory only, and the scrubber learns each one before it is used.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace

from crmstate.core.secret import SHORTEST, Secret
from crmstate.providers.kit.call import Call, Line
from crmstate.providers.kit.wire import Gate


class Vault:
    """Safe between threads: one login at a time, and none where another thread has just done it."""

    def __init__(self, line: Line, credential: Mapping[str, Secret], learn: Callable[[Secret], None]) -> None:
        self._line = line
        self._credential = dict(credential)
        self._learn = learn
        self._lock = threading.Lock()
        for name, secret in credential.items():
            if name not in line.provider.plain:
                self._take(secret)
        self._token = credential.get(line.dialect.access or "")
        self._user: str | None = None

    def token(self) -> Secret:
        """The access token. Logs in when there is none yet; raises what the login raises."""
        with self._lock:
            if self._token is None:
                self._token = self._login()
            return self._token

    def user(self) -> str | None:
        """Whom the login named; None for a credential that is a token itself."""
        self.token()
        return self._user

    def secret(self, name: str) -> Secret | None:
        """A field of the credential; None where it has none of this name."""
        return self._credential.get(name)

    def renew(self, used: Secret) -> bool:
        """Replaces the token that was `used`. False where this credential cannot log in: a plain token that ended
        stays ended."""
        dialect = self._line.dialect
        if dialect.login is None or not all(name in self._credential for name in dialect.login_needs):
            return False
        with self._lock:
            if self._token == used:
                self._token = self._login()
        return True

    def _login(self) -> Secret:
        dialect = self._line.dialect
        assert dialect.login is not None, "connect() checks that the credential can log in"
        call = Call(replace(self._line, vault=None), Gate(dialect.login_requests), acts=False)
        grant = dialect.login(call, self._credential)
        for secret in (grant.access, *grant.more):
            self._take(secret)
        self._user = grant.user
        if grant.refresh is not None:
            self._take(grant.refresh)
            self._credential[dialect.login_needs[-1]] = grant.refresh
        return grant.access

    def _take(self, secret: Secret) -> None:
        self._learn(secret)
        text = secret.reveal()
        quoted = json.dumps(text)[1:-1]
        for form in (text, quoted, quoted.replace("/", "\\/")):
            if len(text) >= SHORTEST and form.encode() not in self._line.own_secrets:
                self._line.own_secrets.append(form.encode())

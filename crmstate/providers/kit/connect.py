"""connect(): a session to a vendor, from a provider's table and a credential. It sends nothing; the first call does.

It refuses addresses that are not the vendor's own, credentials without a usable field, and unencrypted addresses
beyond this machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Literal, overload
from urllib.parse import urlsplit

from crmstate.core.diagnostic import problem
from crmstate.core.ports import Clock, Effects, ReadSession, Session
from crmstate.core.provider import Provider
from crmstate.core.secret import Secret
from crmstate.core.words import READING, Exit
from crmstate.providers.kit.call import Call
from crmstate.providers.kit.kept import Kept
from crmstate.providers.kit.line import Dialect, Line
from crmstate.providers.kit.pace import Pace
from crmstate.providers.kit.session import Acting, Reading
from crmstate.providers.kit.text import Scrub
from crmstate.providers.kit.vault import Vault
from crmstate.providers.kit.wire import Gate, Wire

TIMEOUT = 30.0
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@overload
def connect(
    provider: Provider,
    url: str,
    credential: Mapping[str, Secret],
    use: Literal["read"] = "read",
    *,
    effects: Effects,
    clock: Clock,
    learn: Callable[[Secret], None],
    scrub: Scrub,
    tenant: str | None = None,
    timeout: float = TIMEOUT,
    hosts: Sequence[str] = (),
    attested: bool = False,
    kept: Kept | None = None,
) -> ReadSession: ...


@overload
def connect(
    provider: Provider,
    url: str,
    credential: Mapping[str, Secret],
    use: Literal["write"],
    *,
    effects: Effects,
    clock: Clock,
    learn: Callable[[Secret], None],
    scrub: Scrub,
    tenant: str | None = None,
    timeout: float = TIMEOUT,
    hosts: Sequence[str] = (),
    attested: bool = False,
    kept: Kept | None = None,
) -> Session: ...


def connect(
    provider: Provider,
    url: str,
    credential: Mapping[str, Secret],
    use: Literal["read", "write"] = "read",
    *,
    effects: Effects,
    clock: Clock,
    learn: Callable[[Secret], None],
    scrub: Scrub,
    tenant: str | None = None,
    timeout: float = TIMEOUT,
    hosts: Sequence[str] = (),
    attested: bool = False,
    kept: Kept | None = None,
) -> ReadSession | Session:
    """A session. `use` read: its wire lets nothing through but what reading cells declare. `tenant`: the id that the
    configuration expects (some providers need it when the account is gone). `timeout` in seconds. `hosts`: patterns
    that the operator allows beside the vendor's own. `attested`: somebody vouches in writing that the credential sees
    everything, which counts where the vendor cannot prove it. `kept`: where access tokens outlive the run, for vendors
    that give out only so many. Raises Problem (exit 7)."""
    dialect = _dialect(provider)
    check_address(provider, url, hosts)
    _check_credential(provider, dialect, credential)
    wire = Wire(url, effects, clock, _gate(provider, dialect) if use == "read" else None, timeout)
    line = Line(
        provider,
        dialect,
        wire,
        Pace(provider.limits, clock),
        clock,
        scrub,
        tenant,
        attested=attested,
        url=url.rstrip("/"),
        belongs=lambda place: check_address(provider, place, hosts),
    )
    line.vault = Vault(line, credential, learn, kept)
    return Reading(line, use) if use == "read" else Acting(line, use)


def vendor_time(
    provider: Provider, url: str, *, effects: Effects, clock: Clock, scrub: Scrub, timeout: float = TIMEOUT
) -> Callable[[], datetime]:
    """A function that asks the vendor's own clock (`Provider.own_clock`); one request each time, without a
    credential. `clock` serves only waits between retries."""
    dialect = _dialect(provider)
    ask = dialect.clock
    if ask is None:
        raise ValueError(f"{provider.name} has no clock of its own")
    gate = Gate(dialect.clock_requests)
    wire = Wire(url, effects, clock, gate, timeout, connections=1)
    call = Call(Line(provider, dialect, wire, Pace(provider.limits, clock), clock, scrub), gate, acts=False)
    return lambda: ask(call)


def check_address(provider: Provider, url: str, hosts: Sequence[str] = ()) -> None:
    """Raises Problem where `url` is not the vendor's own, or would send the credential unencrypted over a network."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise problem(Exit.CREDENTIALS, "CRM-V006", url=url, hosts=", ".join(provider.hosts)) from None
    safe = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    odd = parts.username or parts.password or parts.query or parts.fragment
    if not host or not safe or odd or not any(fnmatchcase(host, each) for each in (*provider.hosts, *hosts)):
        shown = f"{parts.scheme}://{host}"
        raise problem(Exit.CREDENTIALS, "CRM-V006", url=shown, hosts=", ".join(provider.hosts))


def _check_credential(provider: Provider, dialect: Dialect, credential: Mapping[str, Secret]) -> None:
    direct = dialect.access is not None and dialect.access in credential
    login = dialect.login is not None and all(name in credential for name in dialect.login_needs)
    strange = sorted(set(credential) - set(provider.credential))
    if strange or not (direct or login):
        fields = " | ".join(provider.credential)
        raise problem(Exit.CREDENTIALS, "CRM-V002", provider=provider.title, fields=fields)
    for name, secret in credential.items():
        text = secret.reveal()
        named = name in dialect.login_needs or name not in provider.plain
        in_a_body = named and name != dialect.access
        if not text or not text.isprintable() or not (in_a_body or (text.isascii() and " " not in text)):
            raise problem(Exit.CREDENTIALS, "CRM-V003", provider=provider.title, field=name)


def _gate(provider: Provider, dialect: Dialect) -> Gate:
    patterns = [each for cell in provider.table.values() if cell.verb in READING for each in cell.requests]
    return Gate((*patterns, *dialect.login_requests))


def _dialect(provider: Provider) -> Dialect:
    if not isinstance(provider.dialect, Dialect):
        raise ValueError(f"{provider.name} has no dialect")
    return provider.dialect

"""Locked: an archive that is encrypted to age recipients, each file an age file of its own.

Rows, attachments and field metadata are encrypted to the recipients alone. What an export needs to go on and a purge
needs to know (ids, index files, lists of attachments, cursors) is encrypted to a working key as well, where there is
one. `encryption.json` says to whom, and keeps the key that attachments are named with, encrypted: a plain digest as a
name would tell who has which file.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from crmstate.archive import age
from crmstate.archive.disk import Disk, read
from crmstate.archive.layout import ATTACHMENTS, DATA, ENCRYPTION, JOURNAL, LOCKED, MANIFEST, SCHEMA, VIEWS
from crmstate.archive.marks import FileMark, canonical, mark
from crmstate.archive.store import ReadStore, Store
from crmstate.archive.wrap import PLAIN, Wrap
from crmstate.core import recipient
from crmstate.core.diagnostic import problem
from crmstate.core.ports import Effects
from crmstate.core.secret import Secret
from crmstate.core.words import Exit

FORMAT = "age-encryption.org/v1"
_ROWS = re.compile(
    rf"{DATA}/[^/]+/[0-9]{{6}}\.(?:jsonl\.zst|source\..*)|{SCHEMA}/.*|{VIEWS}/.*|{DATA}/{ATTACHMENTS}/.*"
)


class Lock(msgspec.Struct, frozen=True):
    """`encryption.json`. `names`: an age file in base64, with the key that attachments are named with."""

    format: str
    recipients: tuple[str, ...]
    names: str


_LOCKS = msgspec.json.Decoder(Lock)
"""Built while one thread is there: msgspec 0.22 crashes the interpreter where two meet a type for the first time."""


class Locked:
    """The encryption of one archive (`wrap.Wrap`). `to`: its recipients; `own`: the working key; `mine`: the identities
    that somebody gave; `names`: what attachments are named with, None where no key is at hand."""

    locked = True

    def __init__(self, to: Sequence[Any], own: Any | None, mine: Sequence[Any], names: bytes | None) -> None:
        self._to = list(to)
        self._own = own
        self._mine = list(mine)
        self._names = names

    @property
    def reads_index(self) -> bool:
        return self._names is not None

    @property
    def reads_rows(self) -> bool:
        return bool(self._mine)

    def name(self, plain: str) -> str:
        return plain + LOCKED

    def content(self, dataset: str, sha256: str) -> str:
        if self._names is None:
            raise problem(Exit.CREDENTIALS, "CRM-A080", file=ENCRYPTION)
        text = f"{dataset}\0{sha256}".encode("utf-8", "surrogatepass")
        return hmac.new(self._names, text, hashlib.sha256).hexdigest() + LOCKED

    def on(self, plain: str, data: bytes) -> bytes:
        return age.encrypted(data, self._whom(plain))

    def streamed(self, plain: str, parts: Iterator[bytes]) -> Iterator[bytes]:
        return age.encrypting(parts, self._whom(plain))

    def off(self, name: str, parts: Iterator[bytes]) -> Iterator[bytes]:
        own = [] if self._own is None or _ROWS.fullmatch(name.removesuffix(LOCKED)) else [self._own]
        keys = [*self._mine, *own]
        if not keys:
            raise problem(Exit.CREDENTIALS, "CRM-A080", file=name)
        try:
            yield from age.decrypting(parts, keys)
        except age.NoKey:
            raise problem(Exit.CREDENTIALS, "CRM-A081", file=name) from None

    def hidden(self, cursor: str | None) -> str | None:
        if cursor is None:
            return None
        return base64.b64encode(age.encrypted(cursor.encode("utf-8", "surrogatepass"), self._all())).decode()

    def shown(self, cursor: str | None) -> str | None:
        if cursor is None:
            return None
        data = b"".join(self.off(JOURNAL, iter([base64.b64decode(cursor)])))
        return data.decode("utf-8", "surrogatepass")

    def _whom(self, plain: str) -> list[Any]:
        return self._to if _ROWS.fullmatch(plain) else self._all()

    def _all(self) -> list[Any]:
        return [*self._to, *([] if self._own is None else [age.public(self._own)])]


@dataclass(frozen=True)
class Wanted:
    """What an export was told: whom to encrypt to (`recipient.plain`), the identity that reads back, or the file of
    the working key that does where there is none; it is made with the archive."""

    to: tuple[str, ...]
    identity: Secret | None
    working: Path
    effects: Effects


def ready(store: Store, wanted: Wanted | None, known: FileMark | None) -> Wrap:
    """What an archive is wrapped in that is written to; makes its `encryption.json` where nothing is there yet. Raises
    Problem as `agreed` does."""
    there = known is not None or store.read(ENCRYPTION) is not None
    if wanted is None or there or store.names(JOURNAL):
        return agreed(store, wanted, known)
    mine = _identities(wanted.identity)
    own = _working(wanted, make=not mine)
    names = secrets.token_bytes(32) if own is None else _derived(own)
    to = [recipient.parsed(each) for each in wanted.to]
    kept = age.encrypted(names, [*to, *([] if own is None else [age.public(own[1])])])
    store.put({ENCRYPTION: canonical(Lock(FORMAT, wanted.to, base64.b64encode(kept).decode())) + b"\n"})
    return agreed(store, wanted, None)


def agreed(store: ReadStore, wanted: Wanted | None, known: FileMark | None) -> Wrap:
    """What an archive that is there is wrapped in, for whoever exports to it. `known`: what its manifest says of
    `encryption.json`. Raises Problem: CRM-A083 where it is encrypted to others, CRM-A084 where it is encrypted and is
    not to be, or the reverse, CRM-A085 where neither an identity nor the working key is at hand, CRM-A001 and CRM-A002
    where the file is not what it was."""
    data = _kept(store, known)
    if wanted is None or data is None:
        if wanted is None and data is None:
            return PLAIN
        there, other = ("-", "age") if data is None else ("age", "-")
        raise problem(Exit.REFUSED, "CRM-A084", file=store.where, there=there, wanted=other)
    lock = _parsed(data)
    if lock.recipients != wanted.to:
        shown = [", ".join(map(recipient.fingerprint, each)) for each in (lock.recipients, wanted.to)]
        raise problem(Exit.REFUSED, "CRM-A083", file=store.where, there=shown[0], wanted=shown[1])
    mine = _identities(wanted.identity)
    own = _working(wanted, make=False)
    if not mine and own is None:
        raise problem(Exit.CREDENTIALS, "CRM-A085", file=str(wanted.working))
    names = _opened(lock, [*mine, *([] if own is None else [own[1]])])
    if own is not None and not hmac.compare_digest(names, _derived(own)):
        raise problem(Exit.ERROR, "CRM-A002", file=ENCRYPTION)  # somebody put another in its place
    if mine:
        _opens(lock, mine)
    return Locked([recipient.parsed(each) for each in lock.recipients], None if own is None else own[1], mine, names)


def found(store: ReadStore, identity: Secret | None, known: FileMark | None) -> Wrap:
    """What an archive that was found anywhere is wrapped in. Raises Problem CRM-A081 where the identity does not open
    it, CRM-A082 where it is none, CRM-A001 and CRM-A002 where `encryption.json` is not what it was."""
    if known is None:
        return PLAIN
    mine = _identities(identity)
    if not mine:
        return Locked((), None, (), None)
    return Locked((), None, mine, _opened(_parsed(_kept(store, known) or b""), mine))


def recipients(store: ReadStore, known: FileMark | None) -> tuple[str, ...]:
    """The fingerprints of those who can open an archive."""
    if known is None:
        return ()
    return tuple(map(recipient.fingerprint, _parsed(_kept(store, known) or b"").recipients))


def existing(store: ReadStore) -> tuple[str, ...] | None:
    """The fingerprints of those who can open what lies there, sealed or not; none of them where it is plain, None where
    nothing is there."""
    data = store.read(ENCRYPTION)
    if data is None:
        return () if store.size(MANIFEST) is not None or store.names(JOURNAL) else None
    return tuple(map(recipient.fingerprint, _parsed(data).recipients))


def _kept(store: ReadStore, known: FileMark | None) -> bytes | None:
    data = store.read(ENCRYPTION)
    if known is not None and data is None:
        raise problem(Exit.ERROR, "CRM-A001", file=ENCRYPTION)
    if known is not None and data is not None and mark(ENCRYPTION, data) != known:
        raise problem(Exit.ERROR, "CRM-A002", file=ENCRYPTION)
    return data


def _identities(identity: Secret | None) -> list[Any]:
    if identity is None:
        return []
    try:
        return age.identities(identity)
    except ValueError:
        raise problem(Exit.CREDENTIALS, "CRM-A082") from None


def _working(wanted: Wanted, make: bool) -> tuple[Secret, Any] | None:
    """The working key, from its file; None where there is none and none is to be made."""
    kept = read(wanted.working)
    if kept is None and not make:
        return None
    text = Secret(age.generated() if kept is None else kept.decode("ascii", "replace").strip())
    if kept is None:
        disk = Disk(wanted.effects)
        disk.replace(wanted.working, text.reveal().encode() + b"\n")
        disk.flush(wanted.working.parent)
    try:
        (own,) = age.identities(text)
    except ValueError:
        raise problem(Exit.CREDENTIALS, "CRM-A085", file=str(wanted.working)) from None
    return text, own


def _derived(own: tuple[Secret, Any]) -> bytes:
    """What attachments are named with, from the working key: nobody can put another in its place in the archive."""
    return hmac.new(own[0].reveal().encode(), b"crmstate: names of attachments", hashlib.sha256).digest()


def _parsed(data: bytes) -> Lock:
    try:
        lock = msgspec.convert(json.loads(data), Lock)
        if canonical(lock) + b"\n" != data or lock.format != FORMAT:
            raise ValueError
        base64.b64decode(lock.names, validate=True)
    except (ValueError, msgspec.ValidationError, RecursionError):
        raise problem(Exit.ERROR, "CRM-A002", file=ENCRYPTION) from None
    return lock


def _opened(lock: Lock, keys: Sequence[Any]) -> bytes:
    try:
        return b"".join(age.decrypting(iter([base64.b64decode(lock.names)]), keys))
    except age.NoKey:
        raise problem(Exit.CREDENTIALS, "CRM-A081", file=ENCRYPTION) from None
    except ValueError:
        raise problem(Exit.ERROR, "CRM-A002", file=ENCRYPTION) from None


def _opens(lock: Lock, mine: Sequence[Any]) -> None:
    """Refuses an identity that would not open what is written, before hours are spent on it."""
    _opened(lock, mine)

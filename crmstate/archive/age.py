"""Age: what is said to `pyrage`: identities from text, contents encrypted and decrypted
(the format of the `age` command, age-encryption.org/v1).

pyrage holds the interpreter's lock while it works, so large contents go through it in pieces. Whatever it says about a
key or a content is not passed on: only what kind of trouble it is.
"""

from __future__ import annotations

import queue
import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crmstate.core.secret import Secret

AT_ONCE = 2_000_000
"""A content up to this size is held in memory; a larger one goes through a thread of its own."""
_NATIVE = re.compile(r"AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}")
BOM = "\ufeff"
"""The mark that some editors write before a text."""
_NO_MATCH = "No matching keys"


class NoKey(Exception):
    """None of the identities opens it."""


def identities(secret: Secret) -> list[Any]:
    """The identities in a text: a file of `age-keygen`, lines of it, or one SSH private key. Raises ValueError where
    there is none that can be used, one behind a passphrase included."""
    import pyrage

    text = secret.reveal().removeprefix(BOM)
    if "PRIVATE KEY-----" in text:
        try:
            return [pyrage.ssh.Identity.from_buffer(text.strip().encode() + b"\n")]
        except (pyrage.IdentityError, ValueError):
            raise ValueError("not an identity") from None
    found = []
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            if not _NATIVE.fullmatch(line.strip()):
                raise ValueError("not an identity")
            try:
                found.append(pyrage.x25519.Identity.from_str(line.strip()))
            except (pyrage.IdentityError, ValueError):
                raise ValueError("not an identity") from None
    if not found:
        raise ValueError("not an identity")
    return found


def generated() -> str:
    """A new identity, as text."""
    import pyrage

    return str(pyrage.x25519.Identity.generate())


def public(identity: Any) -> Any:
    """The recipient of an age identity."""
    return identity.to_public()


def encrypted(data: bytes, recipients: Sequence[Any]) -> bytes:
    """A content, whole, as one age file."""
    import pyrage

    made: bytes = pyrage.encrypt(data, list(recipients))
    return made


def encrypting(parts: Iterable[bytes], recipients: Sequence[Any]) -> Iterator[bytes]:
    """A content of any length as one age file, in flat memory. What `parts` raises passes through."""
    import pyrage

    held, rest = _begun(parts)
    if rest is None:
        yield encrypted(b"".join(held), recipients)
        return
    yield from _through(chain(held, rest), lambda given, taken: pyrage.encrypt_io(given, taken, list(recipients)))


def decrypting(parts: Iterable[bytes], identities: Sequence[Any]) -> Iterator[bytes]:
    """The content of an age file, in flat memory: each piece is authentic, and only the end says that it is whole.
    Raises ValueError where it is damaged or cut short, NoKey where no identity opens it."""
    import pyrage

    held, rest = _begun(parts)
    try:
        if rest is None:
            data = pyrage.decrypt(b"".join(held), list(identities))
            if data:
                yield data
            return
        yield from _through(chain(held, rest), lambda given, taken: pyrage.decrypt_io(given, taken, list(identities)))
    except pyrage.DecryptError as error:
        if _NO_MATCH in str(error):
            raise NoKey from None
        raise ValueError("a damaged age file") from None


def _begun(parts: Iterable[bytes]) -> tuple[list[bytes], Iterator[bytes] | None]:
    """What is held at once of a content, and the rest; None where that is all."""
    stream = iter(parts)
    held: list[bytes] = []
    size = 0
    for part in stream:
        held.append(part)
        size += len(part)
        if size > AT_ONCE:
            return held, stream
    return held, None


class _Abandoned(Exception):
    """Whoever wanted the content went away."""


class _Given:
    """What pyrage reads from: pieces that another thread hands over, one at a time."""

    def __init__(self) -> None:
        self.pieces: queue.Queue[bytes | None] = queue.Queue(1)
        self.abandoned = False
        self._piece = memoryview(b"")
        self._ended = False

    def read(self, size: int) -> bytes:
        while not self._piece and not self._ended:
            found = self.pieces.get()
            if self.abandoned:
                raise _Abandoned
            self._ended = found is None
            self._piece = memoryview(found or b"")
        part, self._piece = self._piece[:size], self._piece[size:]
        return bytes(part)


class _Taken:
    """What pyrage writes to. Nothing ever waits here: there is never more than what one piece gave. Parts are taken away
    one by one while another thread adds to them: a list that is exchanged for a new one can still get what nobody
    looks at any more."""

    def __init__(self) -> None:
        self.parts: deque[bytes] = deque()

    def write(self, data: bytes) -> int:
        self.parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def all(self) -> bytes:
        """What was written since the last call."""
        return b"".join(self.parts.popleft() for _ in range(len(self.parts)))


def _through(parts: Iterable[bytes], work: Callable[[_Given, _Taken], None]) -> Iterator[bytes]:
    """Pieces through a function that reads and writes files. `parts` is read in the caller's thread: it may belong to
    a connection."""
    given, taken = _Given(), _Taken()
    failed: list[BaseException] = []
    whole = False

    def run() -> None:
        try:
            work(given, taken)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="age", daemon=True)
    thread.start()
    try:
        for part in parts:
            if not _hand(given, part, thread):
                break
            if found := taken.all():
                yield found
        else:
            whole = _hand(given, None, thread)
        thread.join()
        if failed and isinstance(failed[0], OSError):  # pyrage's own: what `parts` raises comes out of the loop
            raise ValueError("a damaged age file") from None
        if failed:
            raise failed[0]
        if not whole:
            raise ValueError("something behind the age file")
        if found := taken.all():
            yield found
    finally:
        given.abandoned = True
        while thread.is_alive():
            _hand(given, None, thread)
            thread.join(0.05)


def _hand(given: _Given, piece: bytes | None, thread: threading.Thread) -> bool:
    """Hands a piece over; whether somebody takes it. An empty piece is left out."""
    while thread.is_alive() and piece != b"":
        try:
            given.pieces.put(piece, timeout=0.05)
        except queue.Full:
            continue
        return True
    return thread.is_alive()

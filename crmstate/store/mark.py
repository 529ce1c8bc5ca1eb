"""Mark: the file `head`, which remembers how far the journal came, so that chunks lost at its end are missed.

Written over in place after each append, never flushed: it may be behind or torn, and is then ignored. It is never
ahead of the journal, because the chunk is durable first; so a mark ahead of the journal means that chunks are gone.
"""

from __future__ import annotations

import hashlib
import re

from crmstate.store import files
from crmstate.store.files import Disk
from crmstate.store.home import Home
from crmstate.store.snapshot import Head

_FORM = re.compile(rb"([0-9]{15}) ([0-9a-f]{64}) ([0-9a-f]{16})\n")


def encode(head: Head) -> bytes:
    """The mark's bytes; always as many, so that writing over never leaves a tail."""
    text = f"{head.seq:015d} {head.sha256}"
    return f"{text} {_check(text.encode())}\n".encode()


def read(home: Home) -> Head | None:
    """The mark, or None where it is missing, torn or altered."""
    match = _FORM.fullmatch(files.read(home.mark) or b"")
    if match is None or _check(match[1] + b" " + match[2]) != match[3].decode():
        return None
    return Head(int(match[1]), match[2].decode())


def write(home: Home, disk: Disk, head: Head) -> None:
    """Moves the mark. Raises Problem where it cannot be written."""
    disk.overwrite(home.mark, encode(head))


def _check(text: bytes) -> str:
    return hashlib.blake2b(text, digest_size=8).hexdigest()

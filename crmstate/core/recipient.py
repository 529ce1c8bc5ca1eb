"""Recipient: whom an archive can be encrypted to: a public key of age, or one of SSH. Passphrases, and keys that need a
plugin, are refused: what opens the archive must do so in twenty years."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

_SSH = re.compile(r"(ssh-ed25519|ssh-rsa) ([A-Za-z0-9+/=]+)( .*)?")


def plain(recipient: str) -> str:
    """A recipient as it is compared and kept: without blanks around it, and an SSH key without its comment. Raises
    ValueError where it is none that can be encrypted to."""
    text = recipient.strip()
    if match := _SSH.fullmatch(text):
        text = f"{match[1]} {match[2]}"
    parsed(text)
    return text


def parsed(text: str) -> Any:
    """A recipient for pyrage. Raises ValueError."""
    import pyrage

    if not text.startswith(("age1", "ssh-")):
        raise ValueError("not a recipient")
    try:
        kind = pyrage.ssh.Recipient if text.startswith("ssh-") else pyrage.x25519.Recipient
        return kind.from_str(text)
    except (pyrage.RecipientError, ValueError, TypeError):
        raise ValueError("not a recipient") from None


def fingerprint(recipient: str) -> str:
    """What a person compares: an age recipient is its own, an SSH key has the one that `ssh-keygen -l` shows."""
    if not recipient.startswith("ssh-"):
        return recipient
    kind, data = recipient.split()[:2]
    digest = base64.b64encode(hashlib.sha256(base64.b64decode(data)).digest()).decode().rstrip("=")
    return f"{kind} SHA256:{digest}"

"""Proof: what a person hands in who has opened an encrypted archive elsewhere. What `crmstate archive verify` printed there
is looked at, so that nobody hands in that of another archive, one without the contents, or what it printed where it
failed; a file that is no JSON is taken as that person's word."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from crmstate.core.diagnostic import problem
from crmstate.core.words import Exit

_LARGEST = 16_000_000


def shows_all(path: Path, contents: Mapping[str, str]) -> None:
    """`contents`: the digest on record by dataset. Raises Problem: CRM-A087 where it is JSON and no verification that
    read the contents, CRM-A088 where a dataset is missing in it, or has another content."""
    try:
        with path.open("rb") as opened:
            found = json.loads(opened.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        return
    try:
        known = {each["dataset"]: each["content"] for each in found["datasets"]}
        read = found["contents_read"]
    except (KeyError, TypeError):
        known, read = {}, False
    if read is not True:
        raise problem(Exit.REFUSED, "CRM-A087", file=str(path))
    for dataset, content in sorted(contents.items()):
        if known.get(dataset) != content:
            said = str(known.get(dataset, "-"))[:64]
            raise problem(Exit.REFUSED, "CRM-A088", file=str(path), dataset=dataset, found=said, expected=content)

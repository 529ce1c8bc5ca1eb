"""Layout: where everything of an archive lies. Names come from us alone; a dataset's id only lends letters to its slug.

README.txt
data/<slug>/000000.jsonl               rows, one a line, the vendor's own text
data/<slug>/000000.index               one line for each row seen, in order: what came of it, its SHA-256 and its id
data/<slug>/000001.attachments.jsonl   which record has which attachment
data/<slug>/ids-0000.jsonl             the ids that the archive holds as of a generation
data/attachments/<aa>/<sha256>         attachments by content
journal/<slug>.jsonl                   one line for each durable segment
sealed/<slug>.json                     the commit point; a delta adds sealed/<slug>.0001.json and so on
sealed/<slug>.sha256sums               for `sha256sum -c` from the archive's top folder
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

README = "README.txt"
DATA, JOURNAL, SEALED = "data", "journal", "sealed"
ATTACHMENTS = "attachments"
TOP = frozenset({README, DATA, JOURNAL, SEALED})

_SLUG = r"[a-z0-9-]{1,50}-[0-9a-f]{8}"
SLUG = re.compile(_SLUG)
SEAL_FILE = re.compile(rf"({_SLUG})(?:\.(\d{{4}}))?\.(json|sha256sums)")
JOURNAL_FILE = re.compile(rf"({_SLUG})\.jsonl")
OURS = re.compile(r"\d{6}\.(jsonl|index|attachments\.jsonl)|ids-\d{4}\.jsonl|[a-z0-9.-]+\.tmp")
CONTENT = re.compile(r"[0-9a-f]{64}")


def slug(dataset: str) -> str:
    """A file name for a dataset's id: a few of its letters and eight hexadecimal digits of its digest."""
    letters = re.sub(r"[^a-z0-9]+", "-", dataset.lower()).strip("-")[:40].strip("-")
    return f"{letters or 'dataset'}-{hashlib.sha256(dataset.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def content(sha256: str) -> str:
    """Where an attachment of this digest lies."""
    return f"{DATA}/{ATTACHMENTS}/{sha256[:2]}/{sha256}"


class Place:
    """The paths of one dataset in the archive at `root`. Methods give paths relative to `root`, with slashes."""

    def __init__(self, root: Path, dataset: str) -> None:
        self.root = root
        self.dataset = dataset
        self.slug = slug(dataset)
        self.folder = root / DATA / self.slug
        self.journal = root / JOURNAL / f"{self.slug}.jsonl"
        self.sealed = root / SEALED

    def data(self, name: str) -> str:
        """A file in the dataset's folder."""
        return f"{DATA}/{self.slug}/{name}"

    def seal(self, generation: int) -> str:
        """The seal of a generation."""
        return f"{SEALED}/{self.slug}{_part(generation)}.json"

    def sums(self, generation: int) -> str:
        """The list for `sha256sum -c` of a generation."""
        return f"{SEALED}/{self.slug}{_part(generation)}.sha256sums"

    def ids(self, generation: int) -> str:
        """The list of the ids that the archive holds as of a generation."""
        return self.data(f"ids-{generation:04d}.jsonl")


def _part(generation: int) -> str:
    return f".{generation:04d}" if generation else ""


README_TEXT = """\
crmstate archive, format 1
==========================

Data that was taken out of a CRM, dataset by dataset. Nothing but standard tools is needed to check and read it.
本文件夹是从 CRM 导出的数据归档，只需标准工具即可核对和读取。

To check it, in this folder (核对):

    for list in sealed/*.sha256sums; do sha256sum --check --quiet "$list"; done
    sha256sum sealed/*.json        # compare with the digests in your record of the decommissioning

To read it (读取):

    sealed/NAME.json               what was sealed: numbers, files and their SHA-256, when, by whom.
                                   NAME.0001.json and so on are later additions; the highest number counts for all.
    data/NAME/000000.jsonl         records, one a line, exactly as the vendor wrote them
    data/NAME/000000.index         a line for each record met: "+" written here (with SHA-256 and id), "=" met again
                                   unchanged, "-" no longer at the vendor. The n-th "+" is the n-th line of the .jsonl.
                                   Where an id has several "+", the last one counts.
    data/NAME/000001.attachments.jsonl   which record has which attachment, with its name, size and SHA-256
    data/NAME/ids-0000.jsonl       the ids of all records that the archive holds, one a line
    data/attachments/ab/abcd...    the attachments, named by the SHA-256 of their content
    journal/NAME.jsonl             what was written when

A dataset without a file in sealed/ is not complete.
""".encode()
README_START = README_TEXT.split(b"\n", 1)[0]

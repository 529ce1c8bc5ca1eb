"""Layout: where everything of an archive lies. Names come from us alone; a dataset's id only lends letters to its slug.

README.txt                                 how to check and read it without us
manifest.json                              the seal of it all, written last: what it does not name is not archived
coverage.json                              what is exported, and what is not, and why
SHA256SUMS                                 for `sha256sum -c` from the archive's top folder
bagit.txt bag-info.txt manifest-sha256.txt tagmanifest-sha256.txt      the same folder as a BagIt bag (RFC 8493)
data/<slug>/000000.jsonl.zst               rows of whole pages, one a line, the vendor's own text
data/<slug>/000000.index.zst               one line for each row seen, in order: what came of it, its SHA-256 and its id
data/<slug>/000000.source.zip              a file of an export job as the vendor gave it, where rows came by jobs
data/<slug>/000001.attachments.jsonl.zst   which record has which attachment
data/<slug>/ids-0000.jsonl.zst             the ids that the archive holds as of a generation
data/attachments/<aa>/<sha256>             attachments by content
schema/<slug>-0000.json                    the vendor's own field metadata, where its provider gives it
encryption.json                            only where it is encrypted: to whom. Everything in data/ and schema/ ends in .age then
journal/<slug>.jsonl                       one line for each durable segment
views/<form>/<slug>.csv                    copies of the rows for people, made from data/; no part of what is sealed
"""

from __future__ import annotations

import hashlib
import re

from crmstate.archive.store import ReadStore
from crmstate.archive.wrap import PLAIN, Wrap

README, MANIFEST, COVERAGE, SUMS = "README.txt", "manifest.json", "coverage.json", "SHA256SUMS"
ENCRYPTION = "encryption.json"
LOCKED = ".age"
"""The ending of a file that is encrypted."""
BAGIT, BAG_INFO = "bagit.txt", "bag-info.txt"
PAYLOAD, TAGS = "manifest-sha256.txt", "tagmanifest-sha256.txt"
DATA, JOURNAL, SCHEMA = "data", "journal", "schema"
VIEWS = "views"
"""Never in the seal, and never believed: whoever relies on a view compares it with the rows (`views`)."""
VIEW_FORMS = ("csv", "csv-spreadsheet")
ATTACHMENTS = "attachments"
FOLDERS = (DATA, JOURNAL, SCHEMA)
TAG_FILES = (README, BAGIT, BAG_INFO, PAYLOAD, COVERAGE, SUMS, TAGS)
TOP = frozenset({*TAG_FILES, *FOLDERS, MANIFEST, ENCRYPTION, VIEWS})
FORMER = "sealed"
"""The folder by which an archive of the first format is known."""

_SLUG = r"[a-z0-9-]{1,50}-[0-9a-f]{8}"
SLUG = re.compile(_SLUG)
SCHEMA_FILE = re.compile(rf"({_SLUG})-(\d{{4}})\.json(?:\.age)?")
JOURNAL_FILE = re.compile(rf"({_SLUG})\.jsonl")
VIEW_FILE = re.compile(rf"({_SLUG})\.csv(?:\.json)?(?:\.age)?")
OURS = re.compile(
    r"(\d{6}\.(?:(jsonl|index|attachments\.jsonl)\.zst|source\.(?:csv|zip|jsonl|jsonl\.gz))|ids-\d{4}\.jsonl\.zst)(\.age)?|[a-z0-9.-]+\.tmp"
)
CONTENT = re.compile(r"[0-9a-f]{64}(\.age)?")
ROWS_END, INDEX_END, FILES_END = ".jsonl.zst", ".index.zst", ".attachments.jsonl.zst"


def slug(dataset: str) -> str:
    """A file name for a dataset's id: a few of its letters and eight hexadecimal digits of its digest."""
    letters = re.sub(r"[^a-z0-9]+", "-", dataset.lower()).strip("-")[:40].strip("-")
    return f"{letters or 'dataset'}-{hashlib.sha256(dataset.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def content(name: str) -> str:
    """Where an attachment lies that is called so: by its digest, or by a keyed one."""
    return f"{DATA}/{ATTACHMENTS}/{name[:2]}/{name}"


def bare(file: str) -> str:
    """What a file is called without encryption."""
    return file.removesuffix(LOCKED)


class Place:
    """The names of one dataset's files in an archive, the store that they are in, and what they are wrapped in."""

    def __init__(self, store: ReadStore, dataset: str, wrap: Wrap = PLAIN) -> None:
        self.store = store
        self.dataset = dataset
        self.wrap = wrap
        self.slug = slug(dataset)
        self.folder = f"{DATA}/{self.slug}"
        self.journal = f"{JOURNAL}/{self.slug}.jsonl"

    def data(self, name: str) -> str:
        """A file in the dataset's folder."""
        return f"{self.folder}/{name}"

    def put(self, plain: str, data: bytes) -> tuple[str, bytes]:
        """A file as the store gets it: its name, and its bytes."""
        return self.wrap.name(plain), self.wrap.on(plain, data)

    def content(self, sha256: str) -> str:
        """Where an attachment of this digest lies."""
        return content(self.wrap.content(self.dataset, sha256))

    def ids(self, generation: int) -> str:
        """The list of the ids that the archive holds as of a generation."""
        return self.data(f"ids-{generation:04d}.jsonl.zst")

    def schema(self, generation: int) -> str:
        """The vendor's field metadata as of a generation."""
        return f"{SCHEMA}/{self.slug}-{generation:04d}.json"


README_START = b"crmstate archive, format 2"
README_FORMER = b"crmstate archive, format 1"
_README = """
==========================

Data that was taken out of a CRM, dataset by dataset. Nothing but {tools} is needed to check and read it.
本文件夹是从 CRM 导出的数据归档，只需 {tools_zh} 即可核对和读取。

To check it, in this folder (核对):

    sha256sum --check --quiet SHA256SUMS
    sha256sum --check --quiet tagmanifest-sha256.txt
{test}    sed 's/"root":"[0-9a-f]*"/"root":""/' manifest.json | sha256sum     # the digest is the "root" in manifest.json

The folder is also a BagIt bag (RFC 8493): any BagIt tool can validate it.
manifest.json says for each dataset which files it has, and its "content": the digest in the record of the
decommissioning. It depends on the records and attachments alone, not on how or when they were written.

{locked}To read it (读取):

{read}
    data/NAME/000000.index.zst{age}             a line for each record met: "+" written here (with SHA-256 and id), "=" met
                                           again unchanged, "-" no longer at the vendor. The n-th "+" is the n-th line
                                           of the .jsonl.zst{age} beside it. Where an id has several "+", the last counts.
    data/NAME/000001.attachments.jsonl.zst{age} which record has which attachment, with its name, size and SHA-256
    data/NAME/000000.source.zip{age}            where the records came in files: the file as the vendor gave it
    data/NAME/ids-0000.jsonl.zst{age}           the ids of all records that the archive holds, one a line; the highest
                                           number counts
{contents}
    schema/NAME-0000.json{age}                  the vendor's own description of the fields, where it gives one
    journal/NAME.jsonl                     what was written when
    coverage.json                          what is exported, and what is not, and why
    views/FORM/NAME.csv{age}                 where there are any: copies of the records as tables, made from data/. They are
                                           no part of the archive, and no checksum here covers them: where it matters,
                                           read data/. The .csv.json{age} beside each says how to turn it back.

A dataset that manifest.json does not name is not complete.
"""
_OPEN = {
    "tools": "coreutils and zstd", "tools_zh": "coreutils 与 zstd", "age": "", "locked": "",
    "test": "    zstd --test --quiet data/*/*.zst\n",
    "read": "    zstd -dc data/NAME/[0-9]*[0-9].jsonl.zst     records, one a line, exactly as the vendor wrote them",
    "contents": "    data/attachments/ab/abcd...            the attachments, named by the SHA-256 of their content",
}  # fmt: skip
_CLOSED = {
    "tools": "coreutils, age, zstd and a key", "tools_zh": "coreutils、age、zstd 和密钥", "age": LOCKED, "test": "",
    "locked": """\
It is encrypted: each file whose name ends in .age is an age file (age-encryption.org/v1) of its own. The check above
needs no key. encryption.json says to whom it is encrypted; an SSH key opens it as well, if it is one of those.
归档已加密：每个以 .age 结尾的文件都是独立的 age 文件；上面的核对不需要密钥。encryption.json 列出了收件人。

""",
    "read": """\
    age -d -i key.txt data/NAME/000000.jsonl.zst.age | zstd -dc      records, one a line, exactly as the vendor wrote
                                           them; all of a dataset, with bash:
    for f in data/NAME/[0-9]*[0-9].jsonl.zst.age; do age -d -i key.txt "$f" | zstd -dc; done""",
    "contents": """\
    data/attachments/ab/abcd....age        the attachments, each a plain file within: age -d -i key.txt FILE > COPY. The
                                           name is the HMAC-SHA256 of "DATASET<NUL>SHA-256 OF THE CONTENT", with the
                                           dataset's id, and with the key that is "names" in encryption.json:
                                           sed 's/.*"names":"\\([^"]*\\)".*/\\1/' encryption.json | base64 -d | age -d -i key.txt""",
}  # fmt: skip


def readme(locked: bool) -> bytes:
    """The README of an archive, or of one that is encrypted."""
    return README_START + _README.format(**(_CLOSED if locked else _OPEN)).encode()


README_TEXT = readme(False)

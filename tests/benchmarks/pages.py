"""A vendor that costs nothing: a process that answers with pages rendered beforehand, in the sandbox's own words
(docs/reference/sandbox-api.md), so that what is measured is ours.

`python -m tests.benchmarks.pages DELAY` prints its port and serves. A dataset's name says how many rows it has: `a-100000`. A page has
200 rows of about 1 KB and 25 fields. After a hundred pages the same rows come again under other ids, too far apart for
zstd to see it.
"""

from __future__ import annotations

import json
import random
import re
import socket
import sys
import time
from contextlib import AbstractContextManager
from typing import Any

from tests.benchmarks.server import head, listen, serving

SIZE, PAGES = 200, 100
_SPOT = b"########"
_FIRST = "Anna Boris Chen Dana Emil Fatima Goran Hana Igor Jun Karim Lena Mei Nils Olga Pavel Qian Rosa Sven Tomas"
_LAST = "Adler Bauer Chan Dvorak Fischer Garcia Huang Ivanov Jensen Kowalski Li Meyer Novak Olsen Petrov Quinn Rossi"
_WORDS = (
    "call back customer asked about renewal price contract offer sent meeting next week budget approved decision open "
    "waiting for reply old account new contact partner visit trade fair delivery order invoice paid reminder"
)


def record(rnd: random.Random) -> dict[str, Any]:
    """A contact: 25 fields, about 1 KB as JSON."""
    first, last = rnd.choice(_FIRST.split()), rnd.choice(_LAST.split())

    def instant() -> str:
        day = f"20{rnd.randint(15, 26)}-{rnd.randint(1, 12):02}-{rnd.randint(1, 28):02}"
        return f"{day}T{rnd.randint(0, 23):02}:{rnd.randint(0, 59):02}:{rnd.randint(0, 59):02}Z"

    return {
        "id": _SPOT.decode(),
        "first_name": first,
        "last_name": last,
        "email": f"{first}.{last}{rnd.randint(1, 999)}@example.com".lower(),
        "phone": f"+49 30 {rnd.randint(1_000_000, 9_999_999)}",
        "mobile": None,
        "title": rnd.choice(["CEO", "CTO", "Buyer", "Head of Sales", "Assistant"]),
        "company": f"{rnd.choice(_LAST.split())} & {last} GmbH",
        "street": f"Hauptstr. {rnd.randint(1, 200)}",
        "city": rnd.choice(["Berlin", "Shanghai", "Praha", "Oslo", "Wien", "Madrid", "Warszawa", "Shenzhen"]),
        "postal_code": f"{rnd.randint(10_000, 99_999)}",
        "country": "DE",
        "owner_id": f"u{rnd.randint(1, 40)}",
        "status": rnd.choice(["open", "won", "lost", "new"]),
        "lead_source": rnd.choice(["web", "fair", "phone", "partner"]),
        "amount": f"{rnd.randint(0, 99_999)}.{rnd.randint(0, 99):02}",
        "currency": "EUR",
        "score": rnd.randint(0, 100),
        "tags": rnd.sample(["vip", "eu", "mail", "old", "new"], 2),
        "opt_in": rnd.random() < 0.5,
        "birthday": None,
        "created_at": instant(),
        "updated_at": instant(),
        "description": " ".join(rnd.choices(_WORDS.split(), k=60)),
        "custom": {"region": rnd.randint(0, 9), "note": None},
    }


def rendered() -> list[list[bytes]]:
    """The pages, each cut where an id belongs."""
    rnd = random.Random(7)
    pages = (b",".join(json.dumps(record(rnd)).encode() for _ in range(SIZE)) for _ in range(PAGES))
    return [page.split(_SPOT) for page in pages]


def page(pages: list[list[bytes]], number: int) -> bytes:
    """The rows of a page; ids ascend."""
    parts = pages[number % PAGES]
    woven = [b""] * (2 * len(parts) - 1)
    woven[::2] = parts
    woven[1::2] = [b"%08d" % each for each in range(number * SIZE, number * SIZE + len(parts) - 1)]
    return b"".join(woven)


def answer(pages: list[list[bytes]], target: str) -> bytes:
    """A whole HTTP answer."""
    found = re.match(r"/v1/datasets/[^/?]*-(\d+)/(rows|count|attachments)(?:\?.*?cursor=(\d+))?", target)
    if found is None:
        refusal = b'{"error":{"code":"not_found"}}'
        return head(len(refusal), b"404 Not Found") + refusal
    total, number = int(found[1]), int(found[3] or 0)
    if found[2] == "count":
        body = b'{"rows":%d}' % total
    elif found[2] == "attachments":
        body = b'{"data":[],"next":null,"total":0}'
    else:
        next = b'"%d"' % (number + 1) if (number + 1) * SIZE < total else b"null"
        body = b'{"data":[' + page(pages, number) + b'],"next":' + next + b"}"
    return head(len(body)) + body


def main(delay: float) -> None:
    """Serves until it is killed."""
    pages = rendered()

    def give(connection: socket.socket, _: bytes, target: str) -> None:
        whole = answer(pages, target)
        if delay:
            time.sleep(delay)
        connection.sendall(whole)

    listen(give)


def served(delay: float = 0.0) -> AbstractContextManager[str]:
    """The address of such a process, which ends with the block."""
    return serving("tests.benchmarks.pages", str(delay))


if __name__ == "__main__":
    main(float(sys.argv[1]))

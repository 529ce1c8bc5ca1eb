"""The script that somebody writes on the last day: httpx, and a CSV with the columns of the first page (`plain`), or JSON
lines (`careful`).

    python with_httpx.py URL TOKEN DATASET FOLDER plain|careful
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx


def rows(url: str, token: str, dataset: str) -> Iterator[dict[str, Any]]:
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
        cursor = ""
        while cursor is not None:
            found = client.get(f"{url}/{dataset}", params={"cursor": cursor}).raise_for_status().json()
            yield from found["rows"]
            cursor = found["next"]


def main(url: str, token: str, dataset: str, folder: Path, mode: str) -> None:
    found = rows(url, token, dataset)
    if mode == "careful":
        with (folder / "out.jsonl").open("w", encoding="utf-8") as out:
            out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in found)
        return
    first = next(found)
    with (folder / "out.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(first), extrasaction="ignore")
        writer.writeheader()
        writer.writerow(first)
        writer.writerows(found)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]), sys.argv[5])

"""Remarks: the comments of a text, as the very scanner takes them that reads its values: what it passes over is a comment,
whatever stands before its sign. So nobody else has to know where YAML lets one begin.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scanner import Scanner


def listening(heard: list[tuple[int, str]]) -> Any:
    """A reader of YAML that adds each comment it passes over to `heard`: where it begins, and its text from its sign on."""
    reader = YAML(typ="safe", pure=True)
    reader.Scanner = lambda loader: _Listening(loader, heard)
    return reader


def remarks(text: str) -> list[str]:
    """The comments of a text, in its order. It knows nothing of what they stand by."""
    heard: list[tuple[int, str]] = []
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in listening(heard).scan(text):
            pass
    return [said for _, said in heard]


class _Listening(Scanner):
    """The scanner, overheard: between two things of meaning, and behind the head of a block, it passes over nothing but
    blanks, line ends and comments."""

    def __init__(self, loader: Any, heard: list[tuple[int, str]]) -> None:
        self._heard = heard
        super().__init__(loader)

    def scan_to_next_token(self) -> Any:
        return self._listen(super().scan_to_next_token)

    def scan_block_scalar_ignored_line(self, start_mark: Any) -> Any:
        return self._listen(lambda: super(_Listening, self).scan_block_scalar_ignored_line(start_mark))

    def _listen(self, scan: Callable[[], Any]) -> Any:
        at = self.reader.index
        found = scan()
        for line in self.reader.buffer[at : self.reader.index].split("\n"):  # of a text, the whole of it
            blank, sign, said = line.partition("#")
            if sign:
                self._heard.append((at + len(blank), (sign + said).rstrip()))
            at += len(line) + 1
        return found

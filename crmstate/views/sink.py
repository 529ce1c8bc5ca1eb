"""Sink: the one place where crmstate speaks. Every text passes the scrubber here; nothing else writes to standard
output or error.

Where JSON is asked for, standard output carries nothing else: text that is no JSON goes to standard error instead. A
reader who closed the pipe early is no error, and a terminal that cannot show a character gets an escape instead of a
traceback.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

import msgspec

from crmstate.core.diagnostic import problem
from crmstate.core.words import Exit


class Sink:
    """Standard output and standard error, scrubbed. `scrub` is `Scrubber.scrub`; `json`: standard output is for JSON
    alone. `closed` is true once the reader of standard output has gone away: there is nobody left to tell."""

    def __init__(self, out: TextIO, err: TextIO, scrub: Callable[[str], str], *, json: bool = False) -> None:
        self._out = out
        self._err = err
        self._scrub = scrub
        self._json = json
        self.closed = False

    def out(self, text: str) -> None:
        """A result, for standard output."""
        text = self._scrub(text)
        if self._json and not _is_json(text):
            self._write(self._err, text)
        elif not self.closed:
            self._write(self._out, text)

    def err(self, text: str) -> None:
        """Findings, questions, progress: for standard error."""
        self._write(self._err, self._scrub(text))

    def _write(self, stream: TextIO, text: str) -> None:
        if not text:
            return
        if not text.endswith("\n"):
            text += "\n"
        try:
            stream.write(_showable(text, stream))
            stream.flush()
        except BrokenPipeError:
            self._hang_up(stream)
        except OSError as error:
            if stream is self._out:
                raise problem(Exit.ERROR, "CRM-C021", path="-", why=error.strerror or type(error).__name__) from None
        except ValueError:
            if not stream.closed:
                raise

    def _hang_up(self, stream: TextIO) -> None:
        """The reader is gone: nothing more is written, and the interpreter finds nothing left to flush at its end."""
        self.closed = self.closed or stream is self._out
        with suppress(OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream.fileno())
            os.close(null)


def _is_json(text: str) -> bool:
    """Whether every line is a JSON value of its own, or the whole is one."""
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        pass
    else:
        return True
    try:
        for line in text.splitlines():
            msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return False
    return bool(text.strip())


def _showable(text: str, stream: TextIO) -> str:
    """The text in what the stream can encode; the rest as `\\uXXXX`."""
    encoding = stream.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.encode(encoding, "backslashreplace").decode(encoding)
    except LookupError:
        return text.encode("ascii", "backslashreplace").decode("ascii")
    return text

"""Bytes of any length from a vendor: whole, gone on with where they broke off, or as the answer of a POST. A stream that
ends early is a Failure, never a short file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from crmstate.core.failure import Code, Failure
from crmstate.core.secret import Secret
from crmstate.providers.kit.answers import classified
from crmstate.providers.kit.exchange import ATTEMPTS, FIRST_WAIT, attempt_at, origin_of, retrying
from crmstate.providers.kit.line import Line
from crmstate.providers.kit.wire import HANDED_OUT, Gate, Lost, Request


def streamed(line: Line, url: str, gate: Gate | None, name: str) -> Iterator[bytes]:
    try:
        yield from _opened(line, url, gate, {}, name)[1]
    except Lost as lost:
        raise Failure(Code.UNAVAILABLE, lost.why, vendor="wire.lost") from None


def _opened(
    line: Line, url: str, gate: Gate | None, headers: Mapping[str, str], name: str = HANDED_OUT
) -> tuple[Mapping[str, str], Iterator[bytes]]:
    """The head of the answer of an address that was handed out, and its bytes."""
    hosts = (*line.dialect.file_hosts, *line.dialect.token_hosts)
    line.wire.place(url, gate, hosts, origin_of(line))
    plain = Request("GET", "/", headers=headers)

    def send(token: Secret | None) -> tuple[Mapping[str, str], Iterator[bytes]]:
        request = line.dialect.authorise(plain, token) if token else plain
        try:
            ready = replace(request, origin=origin_of(line))
            answer, pieces = line.wire.stream(ready, url, gate, hosts)
        except Lost as lost:
            raise Failure(Code.UNAVAILABLE, lost.why, vendor="wire.lost") from None
        failure = classified(line, answer)
        if failure is not None:
            raise failure
        return answer.headers, pieces

    without = replace(line, vault=None) if line.dialect.file_hosts else line
    return retrying(line, attempt_at(without, name, send))


def resumed(line: Line, url: str, gate: Gate | None) -> Iterator[bytes]:
    """The bytes behind those that came, and their digest: what is sent again is compared by it, and not held."""
    size, digest, tag = 0, hashlib.sha256(), ""
    for left in reversed(range(ATTEMPTS)):
        asked = {"Range": f"bytes={size}-", **({"If-Range": tag} if tag else {})} if size else {}
        try:
            headers, pieces = _opened(line, url, gate, asked)
            tag = tag or _strong(headers.get("etag", ""))
            begins = _begins(headers) if size else 0
            for piece in pieces if begins == size else _behind(pieces, size, digest.digest()):
                size += len(piece)
                digest.update(piece)
                yield piece
            return
        except Lost as lost:
            if not left:
                raise Failure(Code.UNAVAILABLE, lost.why, vendor="wire.lost") from None
            line.clock.sleep(FIRST_WAIT)


def _strong(tag: str) -> str:
    """A tag that stands for exactly these bytes."""
    return tag if tag.startswith('"') else ""


def _begins(headers: Mapping[str, str]) -> int:
    """Where the bytes of an answer begin: a part says so."""
    found = re.match(r"bytes (\d{1,18})-", headers.get("content-range", ""))
    return int(found[1]) if found else 0


def _behind(pieces: Iterator[bytes], size: int, known: bytes) -> Iterator[bytes]:
    """What follows the first `size` bytes, whose digest is known. Raises Failure where it is another file than before."""
    left, digest = size, hashlib.sha256()
    for piece in pieces:
        if left:
            digest.update(piece[:left])
            piece, left = piece[left:], max(0, left - len(piece))
            if not left and digest.digest() != known:
                raise Failure(Code.UNAVAILABLE, "another file than before", vendor="kit.other_file")
        if piece:
            yield piece
    if left:
        raise Failure(Code.UNAVAILABLE, "the file ends before what was read of it", vendor="kit.other_file")


def downloaded(
    line: Line, request: Request, gate: Gate | None, is_file: Callable[[Mapping[str, str]], bool]
) -> Iterator[bytes]:
    line.wire.check(line.dialect.name(request), gate)

    def send(token: Secret | None) -> Iterator[bytes]:
        ready = line.dialect.authorise(request, token) if token else request
        ready = replace(ready, origin=origin_of(line))
        try:
            answer, pieces = line.wire.download(ready, line.dialect.name(ready), gate, is_file)
        except Lost as lost:
            raise Failure(Code.UNAVAILABLE, lost.why, vendor="wire.lost") from None
        if pieces is None:
            raise classified(line, answer) or Failure(Code.UNAVAILABLE, "no file", vendor="kit.malformed")
        return pieces

    try:
        yield from retrying(line, attempt_at(line, line.dialect.name(request), send))
    except Lost as lost:
        raise Failure(Code.UNAVAILABLE, lost.why, vendor="wire.lost") from None

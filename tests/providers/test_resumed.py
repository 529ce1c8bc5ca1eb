"""A large file whose stream breaks off: the rest is asked for, from a real server that sends parts or knows none; and what is
another file than before never passes for the rest."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

import pytest

from crmstate.core.failure import Code, Failure
from crmstate.providers.kit import HANDED_OUT, Call
from crmstate.providers.kit.wire import Gate

from .vendor import talking

FILE = hashlib.shake_256(b"file").digest(300_000)


def begins(heard: str) -> int:
    found = re.search(r"range: bytes=(\d+)-", heard.lower())
    return int(found[1]) if found else 0


def part(start: int, most: int, tag: str = '"one"', file: bytes = FILE) -> bytes:
    """An answer with a part, of which so many bytes come."""
    rest = file[start:]
    head = f"HTTP/1.1 206 Partial\r\nContent-Length: {len(rest)}\r\nETag: {tag}\r\n"
    return f"{head}Content-Range: bytes {start}-{len(file) - 1}/{len(file)}\r\n\r\n".encode() + rest[:most]


def whole(most: int, file: bytes = FILE) -> bytes:
    return f'HTTP/1.1 200 OK\r\nContent-Length: {len(file)}\r\nETag: "one"\r\n\r\n'.encode() + file[:most]


def read(say: Callable[[str], bytes]) -> tuple[bytes, list[str]]:
    with talking(say) as (session, toy, _, _):
        call = Call(session._line, Gate([HANDED_OUT]), False)  # type: ignore[attr-defined]
        return b"".join(call.resumed(f"{toy.url}/big")), toy.heard


def test_the_rest_of_a_file_is_asked_for_where_the_vendor_sends_parts() -> None:
    found, heard = read(lambda said: part(begins(said), 90_000) if begins(said) else whole(90_000))
    assert found == FILE
    asked = [begins(each) for each in heard]
    assert asked[0] == 0 and asked == sorted(set(asked)) and len(asked) == 4
    assert all('if-range: "one"' in each.lower() for each in heard[1:])


def test_a_vendor_that_sends_everything_again_is_read_up_to_where_it_broke_off() -> None:
    times = iter([70_000, 200_000, 300_000])
    found, heard = read(lambda _: whole(next(times)))
    assert (found, len(heard)) == (FILE, 3)


@pytest.mark.parametrize("other", [b"x" + FILE[1:], FILE[:50_000]])
def test_another_file_than_before_is_refused(other: bytes) -> None:
    answers = iter([whole(70_000), whole(300_000, other)])
    with pytest.raises(Failure) as raised:
        read(lambda _: next(answers))
    assert (raised.value.code, raised.value.vendor) == (Code.UNAVAILABLE, "kit.other_file")


def test_a_stream_that_breaks_off_each_time_is_given_up() -> None:
    with pytest.raises(Failure) as raised:
        read(lambda said: whole(70_000))
    assert (raised.value.code, raised.value.vendor) == (Code.UNAVAILABLE, "wire.lost")

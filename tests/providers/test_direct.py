"""An answer is whole, or it is Lost: what a server may do to the framing of one, at a socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from crmstate.providers.kit.direct import Direct
from crmstate.providers.kit.wire import Lost

OK = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def server(*answers: bytes, keep: bool = False) -> Iterator[tuple[str, list[bytes]]]:
    """Gives each request the next of these answers; closes after each, or keeps the connection."""
    asked: list[bytes] = []
    waiting = list(answers)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection:
            while waiting:
                head = b""
                while b"\r\n\r\n" not in head:
                    data = connection.recv(65536)
                    if not data:
                        return
                    head += data
                asked.append(head)
                connection.sendall(waiting.pop(0))
                if not keep:
                    return

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            serve(connection)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def got(direct: Direct, url: str, method: str = "GET", body: bytes | None = None) -> tuple[int, bytes]:
    found = direct.open(method, url, {"Accept": "application/json"}, body)
    try:
        return found.status, b"".join(found.pieces())
    finally:
        found.close()


def direct(timeout: float = 5.0) -> Direct:
    return Direct(timeout, 2, 5.0, False)


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (OK + b"Content-Length: 5\r\n\r\nhello", b"hello"),
        (OK + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: x\r\n\r\n", b"hello"),
        (OK + b"\r\nhello", b"hello"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok", b"ok"),
        (OK + b"Content-Length: 0\r\n\r\n", b""),
    ],
)
def test_a_whole_answer_is_taken(answer: bytes, body: bytes) -> None:
    with server(answer) as (url, _):
        assert got(direct(), url)[1] == body


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        OK,
        OK + b"Content-Type: text/plain\r\nContent-Le",
        OK + b"Content-Type: text/plain\r\n",
        OK + b"Content-Length: 6\r\n\r\nhello",
        OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        OK + b"Content-Length: 5, 5\r\n\r\nhello",
        OK + b"Content-Length: -1\r\n\r\nhello",
        OK + b"Content-Length: +5\r\n\r\nhello",
        OK + b"Content-Length: five\r\n\r\nhello",
        OK + b"no colon here\r\nContent-Length: 6\r\n\r\nhello",
        OK + b"Transfer-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
        OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nhello",
        b"HTTP/1.1 103 Early Hints\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
        OK + b"X: " + b"y" * 70_000 + b"\r\n\r\n",
        OK + b"X: y\r\n" * 200 + b"\r\n",
    ],
)
def test_an_answer_that_is_cut_short_or_framed_in_two_ways_is_lost(answer: bytes) -> None:
    with server(answer) as (url, _), pytest.raises(Lost) as lost:
        got(direct(), url)
    assert lost.value.sent


def test_a_connection_is_used_again_only_where_the_answer_was_read_to_its_end() -> None:
    answer = OK + b"Content-Length: 5\r\n\r\nhello"
    with server(answer, answer, answer, answer, keep=True) as (url, asked):
        line = direct()
        assert [got(line, url)[1] for _ in range(2)] == [b"hello"] * 2
        kept = line._idle[0][2]
        unread = line.open("GET", url, {}, None)
        unread.close()
        assert line._idle == [] and kept.sock is None
        line.close()
    assert len(asked) == 3


def test_what_nobody_asked_for_is_not_taken_for_the_next_answer() -> None:
    answer = OK + b"Content-Length: 5\r\n\r\nhello"
    with server(answer + OK + b"Content-Length: 4\r\n\r\nevil", answer) as (url, _):
        line = direct()
        assert got(line, url)[1] == b"hello"
        assert got(line, url)[1] == b"hello"


def test_silence_is_lost_after_the_timeout_and_no_connection_was_never_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as quiet, pytest.raises(Lost, match="no answer in time") as lost:
        got(direct(0.2), f"http://127.0.0.1:{quiet.getsockname()[1]}")
    assert lost.value.sent
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(Lost, match="no connection") as lost:
        got(direct(), f"http://127.0.0.1:{port}")
    assert not lost.value.sent


def test_no_more_connections_than_allowed_are_open_at_once() -> None:
    answer = OK + b"Content-Length: 5\r\n\r\nhello"
    with server(answer, answer, answer, keep=True) as (url, _):
        line = Direct(0.2, 1, 5.0, False)
        held = line.open("GET", url, {}, None)
        with pytest.raises(Lost, match="no free connection") as lost:
            line.open("GET", url, {}, None)
        assert not lost.value.sent
        held.close()
        held.close()


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "http:///x", "http://127.0.0.1:99999/", "no address"])
def test_what_is_no_address_is_not_sent(url: str) -> None:
    with pytest.raises(Lost) as lost:
        got(direct(), url)
    assert not lost.value.sent


def test_a_request_is_sent_as_it_is_meant_and_line_breaks_stay_out_of_its_head() -> None:
    answer = OK + b"Content-Length: 2\r\n\r\nok"
    with server(answer, answer, answer, keep=True) as (url, asked):
        line = direct()
        got(line, url + "/a b/\u5408\u540c.pdf?x=%20", "POST", b'{"a":1}')
        got(line, url, "POST")
        with pytest.raises(Lost) as lost:
            line.open("GET", url, {"X": "a\r\nY: b"}, None)
        assert not lost.value.sent
    first = asked[0].split(b"\r\n")
    assert first[0] == b"POST /a%20b/%E5%90%88%E5%90%8C.pdf?x=%20 HTTP/1.1"
    assert {b"Content-Length: 7", b"Host: " + url.removeprefix("http://").encode()} <= set(first)
    assert b"Content-Length: 0" in asked[1]


def test_a_refusal_that_came_early_is_heard() -> None:
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"
    with server(refusal) as (url, _):
        assert got(direct(), url, "POST", b"x" * 100_000)[0] == 413

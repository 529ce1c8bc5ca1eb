"""What a wire sends and what it never does, by what a server hears; and whether a request that failed was sent."""

from __future__ import annotations

import socket
import time

import pytest

from crmstate.providers.kit.wire import Lost, Request, Wire

from .vendor import Patience, Straight, Toy, ok

ENVIRONMENT = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def wire(url: str, timeout: float = 5.0) -> Wire:
    return Wire(url, Straight(), Patience(), None, timeout)


def asked(line: Wire, request: Request) -> bytes:
    return line.send(request, request.label, None).body


def test_a_request_says_what_is_wanted_and_nothing_that_a_vendor_planted() -> None:
    toy = Toy(lambda heard: ok(b"fine", "200 OK", "Set-Cookie: who=you; Path=/", "Location: /elsewhere"))
    line = wire(toy.url)
    assert [asked(line, Request("GET", "/a", (("q", "ä b"),))), asked(line, Request("POST", "/b", json={"a": 1}))] == [
        b"fine",
        b"fine",
    ]
    head, body = toy.heard[1].lower().rsplit("\n", 1)
    assert toy.heard[0].startswith("GET /a?q=%C3%A4+b HTTP/1.1\r\n") and len(toy.heard) == 2
    assert "cookie" not in head and body == '{"a":1}'
    assert {"accept: application/json", "accept-encoding: gzip", "user-agent: crmstate"} <= set(head.split("\r\n"))
    line.close()
    toy.close()


def test_a_proxy_that_the_environment_names_is_used_but_not_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, toy = Toy(lambda heard: ok(b"", "403 No")), Toy(lambda heard: ok(b"straight"))
    for name in ENVIRONMENT[:3]:
        monkeypatch.setenv(name, proxy.url)
    assert asked(wire(toy.url), Request("GET", "/a")) == b"straight"
    assert proxy.heard == []
    with pytest.raises(Lost):
        asked(wire("https://vendor.invalid"), Request("POST", "/b", json={}))
    assert proxy.heard[0].startswith("CONNECT vendor.invalid:443 ")
    monkeypatch.setenv("NO_PROXY", "vendor.invalid")
    with pytest.raises(Lost) as lost:
        asked(wire("https://vendor.invalid"), Request("POST", "/b", json={}))
    assert (len(proxy.heard), lost.value.sent) == (1, False)


def test_no_connection_proves_that_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Lost) as lost:
        asked(wire(f"http://127.0.0.1:{port}"), Request("POST", "/b", json={}))
    assert not lost.value.sent


@pytest.mark.parametrize("how", ["closes", "is silent", "stops in the head", "stops in the body"])
def test_whatever_happens_after_a_connection_may_have_been_heard(how: str) -> None:
    said = {"closes": b"", "stops in the head": b"HTTP/1.1 200 OK\r\nConte", "stops in the body": ok(b"whole")[:-1]}

    def say(heard: str) -> bytes:
        if how == "is silent":
            time.sleep(1)
        return said.get(how, b"")

    toy = Toy(say)
    with pytest.raises(Lost) as lost:
        asked(wire(toy.url, timeout=0.3), Request("POST", "/b", json={}))
    assert lost.value.sent
    assert len(toy.heard) == 1
    toy.close()


def test_a_connection_is_used_again_only_while_it_is_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    connections = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)

        def serve() -> None:
            while len(connections) < 2:
                connection, _ = server.accept()
                connections.append(connection)
                while connection.recv(65536):
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + b"%d" % len(connections))

        import threading

        threading.Thread(target=serve, daemon=True).start()
        line = wire(f"http://127.0.0.1:{server.getsockname()[1]}")
        found = [asked(line, Request("GET", "/a")), asked(line, Request("GET", "/a"))]
        later = time.monotonic() + 6
        monkeypatch.setattr(time, "monotonic", lambda: later)
        assert [*found, asked(line, Request("GET", "/a"))] == [b"1", b"1", b"2"]
        line.close()

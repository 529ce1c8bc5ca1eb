"""The server as a process and as a speaker of HTTP."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import trustme

from crmstate.sandbox import Server, World, advance, ready_path, seed, serve, world_truth


def raw(server: Server, *parts: bytes) -> bytes:
    """Everything the server answers to these bytes."""
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        for part in parts:
            connection.sendall(part)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


def test_one_connection_serves_many_requests(wire: httpx.Client, server: Server) -> None:
    assert {200, 404} == {wire.get(path).status_code for path in ("/v1/users", "/v1/nowhere") * 20}
    assert len(server._open) == 1


def test_requests_sent_at_once_are_answered_in_turn(server: Server) -> None:
    answer = raw(server, b"GET /v1/clock HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
    assert answer.count(b"HTTP/1.1 200 OK") == 3


def test_an_old_client_is_answered_and_left(server: Server) -> None:
    answer = raw(server, b"GET /v1/clock HTTP/1.0\r\n\r\nGET /v1/clock HTTP/1.0\r\n\r\n")
    assert (answer.count(b"HTTP/1.1 200 OK"), b"Connection: close" in answer) == (1, True)


def test_a_chunked_body_is_read(wire: httpx.Client) -> None:
    answer = wire.post("/v1/users/deactivate", content=iter([b'{"ids": [', b'"u5"]}']))
    assert answer.json()["results"][0]["status"] == "done"


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET /v1/clock\r\n\r\n",
        b"GET /v1/clock SPDY/3\r\n\r\n",
        b"GET /v1/clock HTTP/1.1\r\nbroken\r\n\r\n",
        b"GET /v1/clock HTTP/1.1\r\nA: " + b"x" * 70_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 70_000,
        b"POST /v1/token HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/token HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST /v1/token HTTP/1.1\r\nContent-Length: 10\r\n\r\n{}",
        b"POST /v1/token HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n",
    ],
)
def test_what_is_no_http_is_answered_400(server: Server, sent: bytes) -> None:
    answer = raw(server, sent)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"X-Request-Id: " in answer


def test_small_replies_leave_at_once(server: Server) -> None:
    """Without this a reply may wait 40 ms for the client's delayed acknowledgement."""
    with httpx.Client(base_url=server.url) as client:
        client.get("/v1/clock")
        assert [each.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0 for each in server._open] == [True]


def test_many_clients_at_once_lose_nothing(server: Server, world: World) -> None:
    for number in range(60):
        world.add_user(f"x{number}")

    def end(number: int) -> str:
        with httpx.Client(base_url=server.url, headers={"Authorization": "Bearer sk_write"}) as client:
            return str(client.post("/v1/users/delete", json={"ids": [f"x{number}"]}).json()["results"][0]["status"])

    with ThreadPoolExecutor(8) as pool:
        assert {"done"} == set(pool.map(end, range(60)))
    assert (len(world.effects(verb="delete")), world.twice()) == (60, [])
    assert list(range(1, 61)) == [each["seq"] for each in world.log()]


def test_another_holder_of_the_file_is_seen_at_once(wire: httpx.Client, world: World, tmp_path: Path) -> None:
    assert wire.get("/v1/clock").json()["now"] == "2026-11-01T08:00:00Z"
    advance(tmp_path / "world.db", "1d")
    assert wire.get("/v1/clock").json()["now"] == "2026-11-02T08:00:00Z"


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`serve` in a process of its own, over an absent file, ready."""
    data = tmp_path / "fresh.db"
    command = [sys.executable, "-m", "crmstate.sandbox", "serve", "--data", str(data)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as running:
        for _ in range(200):
            if ready_path(data).exists():
                break
            time.sleep(0.05)
        yield running
        running.kill()


def test_a_process_seeds_announces_itself_and_stops_cleanly(process: subprocess.Popen[bytes], tmp_path: Path) -> None:
    data = tmp_path / "fresh.db"
    ready = json.loads(ready_path(data).read_text())
    assert (process.pid, str(data)) == (ready["pid"], ready["data"])
    private = [data, ready_path(data), Path(f"{data}.keys.json")]
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in private}
    token = json.loads(private[2].read_text())["write"]["token"]
    assert httpx.get(f"{ready['url']}/v1/users", headers={"Authorization": f"Bearer {token}"}).json()["total"] == 12
    second = subprocess.run(
        [sys.executable, "-m", "crmstate.sandbox", "serve", "--data", str(data)], capture_output=True, check=False
    )
    assert (second.returncode, b"another server" in second.stderr) == (1, True)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0
    assert not ready_path(data).exists()


def test_faults_clock_and_truth_reach_a_running_process_from_outside(
    process: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    data = tmp_path / "fresh.db"
    url = json.loads(ready_path(data).read_text())["url"]

    def run(*words: str) -> object:
        done = subprocess.run([sys.executable, "-m", "crmstate.sandbox", *words], capture_output=True, check=True)
        return json.loads(done.stdout)

    with httpx.Client(base_url=url) as client:
        assert client.get("/v1/users").status_code == 401
        run(
            "fault",
            "--data",
            str(data),
            "add",
            "unavailable",
            "--path",
            "/v1/users",
            "--set",
            "status=502",
            "--times",
            "1",
        )
        assert [client.get("/v1/users").status_code for _ in range(2)] == [502, 401]
        assert run("advance", "--data", str(data), "30d") == {"now": "2026-12-01T08:00:00Z"}
        assert client.get("/v1/clock").json()["now"] == "2026-12-01T08:00:00Z"
    seen = world_truth(data, log=True)["log"]
    assert [each["status"] for each in seen] == [401, 502, 401, 200]


def test_a_killed_server_leaves_a_whole_world_and_can_be_followed(
    process: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    data = tmp_path / "fresh.db"
    url = json.loads(ready_path(data).read_text())["url"]
    stop = threading.Event()

    def load() -> None:
        with httpx.Client(base_url=url) as client:
            while not stop.is_set():
                try:
                    client.get("/v1/users")
                except httpx.TransportError:
                    return

    worker = threading.Thread(target=load)
    worker.start()
    time.sleep(0.2)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=10)
    stop.set()
    worker.join(timeout=10)
    with World.open(data) as world, Server(world) as server:
        assert world.one("PRAGMA integrity_check")[0] == "ok"
        assert httpx.get(f"{server.url}/v1/clock").status_code == 200


def test_ids_that_climb_are_served_over_the_wire(tmp_path: Path) -> None:
    key = seed(tmp_path / "hostile.db", hostile=True)["write"]
    bearer = {"Authorization": f"Bearer {key.token}"}
    with (
        World.open(tmp_path / "hostile.db") as world,
        Server(world) as server,
        httpx.Client(base_url=server.url) as client,
    ):
        files = client.get("/v1/datasets/hostile/attachments?limit=1000", headers=bearer).json()["data"]
        assert [row["size"] for row in files] == [len(client.get(row["url"]).content) for row in files]


def test_a_stopping_server_does_not_wait_for_a_latency(world: World) -> None:
    world.add_fault("latency", path="/v1/users", ms=600_000)
    server = Server(world).start()
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{server.url}/v1/users", timeout=0.2)
    start = time.monotonic()
    server.stop()
    assert time.monotonic() - start < 60


def test_a_server_with_a_certificate_speaks_https_alone(world: World) -> None:
    """For clients that insist on it; faults and stopping work as without."""
    ca, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ca.configure_trust(trusting)
    with Server(world, tls=context) as server, httpx.Client(base_url=server.url, verify=trusting, timeout=10) as client:
        assert server.url.startswith("https://")
        assert [200, 200] == [client.get("/v1/clock").status_code for _ in range(2)]
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://{server.url.partition('://')[2]}/v1/clock", timeout=10)
        for fault in ("refused", "cut_after", "torn_body"):
            number = world.add_fault(fault, path="/v1/users", times=1)
            with pytest.raises(httpx.TransportError):
                client.get("/v1/users")
            world.clear_faults(number)
        assert 200 == client.get("/v1/clock").status_code
        start = time.monotonic()
        server.stop()
        assert time.monotonic() - start < 8
        with pytest.raises(httpx.TransportError):
            client.get("/v1/clock")


def test_the_ready_file_goes_once_nothing_is_written_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, closed = tmp_path / "w.db", []
    ready = ready_path(data)
    World.create(data).close()
    close = World.close

    def noted(world: World) -> None:
        closed.append(ready.exists())
        close(world)

    def end() -> None:
        while not ready.exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    monkeypatch.setattr(World, "close", noted)
    threading.Thread(target=end, daemon=True).start()
    try:
        serve(data)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

    assert closed[-1:] == [True] and not ready.exists(), "whoever waits for it may clear the folder away"

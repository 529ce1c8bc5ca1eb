"""Mail over a line that is encrypted and asks for a password, and what its answers mean."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmstate.cli.effects import Straight
from crmstate.core.around import MailGoal
from crmstate.core.secret import Secret
from crmstate.core.words import Fate
from crmstate.people.addresses import Person
from crmstate.people.mail import Connection, _quoted, message
from crmstate.people.wording import Said

from .smtp import mail_server

LOGIN = (Secret("robot"), Secret("swordfish"))
NOW = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    made += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(cert)]
    try:
        subprocess.run(made, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.fail("openssl makes the test's certificate, and is not here")
    both = folder / "both.pem"
    both.write_bytes(key.read_bytes() + cert.read_bytes())
    return both


def send(goal: MailGoal, login: tuple[Secret, Secret] | None = LOGIN) -> tuple[Fate, str, int]:
    line = Connection(goal, login, Straight())
    made = message(goal, Person("ann@example.com", "Ann"), Said("Hi 你好", "Text\n.dot\n"), None, NOW, "mark")
    try:
        return line.send("ann@example.com", made)
    finally:
        line.close()


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_mail_goes_encrypted_and_signed_in_to_a_server_whose_certificate_is_right(
    tls: str, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mail_server(tmp_path, tls=tls, cert=str(certificate)) as server:
        goal = MailGoal("localhost", server.port, tls, "revops@example.com", "RevOps", login=True)
        assert (Fate.DEFERRED, "tls", 0) == send(goal)  # nobody vouches for it
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert (Fate.DEFERRED, "login", 0) == send(goal, (Secret("robot"), Secret("wrong")))
        assert (Fate.DELIVERED, "250", 0) == send(goal)
        (found,) = server.taken()
    assert (["ann@example.com"], True) == (found["to"], found["encrypted"])
    assert ("<mark@example.com>", "Text\r\n.dot\r\n") == (found["headers"]["Message-ID"], found["text"])


def test_a_server_that_does_not_encrypt_gets_no_mail(tmp_path: Path) -> None:
    with mail_server(tmp_path) as server:
        goal = MailGoal("localhost", server.port, "starttls", "revops@example.com")
        assert (Fate.DEFERRED, "no_starttls", 0) == send(goal, None)
        assert [] == server.taken()


@given(st.binary(max_size=80))
def test_no_text_ends_the_message_before_its_end(data: bytes) -> None:
    wire = _quoted(data)
    assert wire.endswith(b".\r\n") and b"\r\n.\r\n" not in wire[: -len(b".\r\n")]
    assert b"\n" not in wire.replace(b"\r\n", b"") and b"\r" not in wire.replace(b"\r\n", b"")
    assert not wire[:-3].startswith(b".\r\n")


def test_a_password_that_no_server_could_take_is_a_refused_login_and_shown_nowhere(
    tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mail_server(tmp_path, tls="starttls", cert=str(certificate)) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        goal = MailGoal("localhost", server.port, "starttls", "revops@example.com", "RevOps", login=True)
        assert (Fate.DEFERRED, "login", 0) == send(goal, (Secret("robot"), Secret("schlüssel")))

"""A session for reading cannot write, and no session sends what nobody declared."""

from __future__ import annotations

import pytest

from crmstate.core.provider import Cell
from crmstate.core.words import READING
from crmstate.providers.kit import call_for
from crmstate.providers.kit.wire import Gate, NotDeclared

from .stage import Company, Stage


def test_no_act_leaves_a_session_for_reading(stage: Stage, company: Company, acting: Cell) -> None:
    batch = stage.batch(acting, 1)
    session = company.reader()
    assert not hasattr(session, "perform")

    with pytest.raises(NotDeclared):
        acting.run(call_for(session._line, acting), batch)  # type: ignore[attr-defined, misc]

    reading = [each for cell in stage.provider.table.values() if cell.verb in READING for each in cell.requests]
    harmless = Gate((*reading, *stage.provider.dialect.login_requests))
    assert [each for each in stage.truth.received() if not harmless.lets(each)] == []
    assert len(company.effects.done) == len(stage.truth.received())


def test_a_cell_cannot_send_what_it_does_not_declare(stage: Stage, company: Company, reading: Cell) -> None:
    call = call_for(company.writer()._line, reading)  # type: ignore[attr-defined]

    for method, path in (("POST", "/v1/anything"), ("DELETE", "/"), ("GET", "/v1/other/../users"), ("GET", "/v1//x")):
        with pytest.raises(NotDeclared):
            call.send(method, path)
    assert stage.truth.received() == []


def test_no_address_of_another_host_is_fetched(stage: Stage, company: Company) -> None:
    from crmstate.core.provider import File

    session = company.reader()
    for url in ("http://127.0.0.1:1/x", "//example.com/x", "https://127.0.0.1/x", "file:///etc/passwd"):
        with pytest.raises(NotDeclared):
            b"".join(session.fetch(File("f", "r", "n", url)))
    assert stage.truth.received() == []

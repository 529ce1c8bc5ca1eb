"""A plan says where this machine's clock and the vendor's are far apart, since its dates go by ours."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from crmstate.core.words import Severity

from .scenes import READER, WRITER, plan, tenant, wish


@pytest.mark.parametrize(
    ("ahead", "code", "minutes"),
    [((0, 0), None, 0), ((6, 0), "CRM-P034", 6), ((6, -120), "CRM-P035", 120)],
)
def test_clocks_that_are_far_apart_are_told_of(ahead: tuple[int, int], code: str | None, minutes: int) -> None:
    ours = tuple(replace(who, ahead=apart) for who, apart in zip((READER, WRITER), ahead, strict=True))

    said = plan(wish(), tenant(identities=ours)).diagnostics

    expected = [(code, Severity.WARNING, {"provider": "Model", "minutes": minutes})] if code else []
    assert [(each.code, each.severity, dict(each.params)) for each in said] == expected

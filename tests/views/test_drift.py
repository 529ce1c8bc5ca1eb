"""The words of drift: "Nothing changed" is said only where everything was looked at."""

from __future__ import annotations

import json

import pytest

from crmstate.core.address import Address
from crmstate.core.drift import Drift
from crmstate.core.words import Kind
from crmstate.views.catalogue import Catalogue
from crmstate.views.drift import drift_json, drift_text

LOOKED = {"unseen": (Kind.API_KEY,), "unsure": (Kind.INTEGRATION,), "unshown": (Address("user/u7"),)}
NAMED = {"unseen": ("API keys", "API 密钥"), "unsure": ("integrations", "集成"), "unshown": ("user/u7", "user/u7")}


@pytest.mark.parametrize("what", LOOKED)
@pytest.mark.parametrize("known", [0, 3])
def test_nothing_changed_is_not_said_where_something_was_not_looked_at(what: str, known: int) -> None:
    found = Drift("exit", "acme", "", 4, known=known, **{what: LOOKED[what]})  # type: ignore[arg-type]
    for words, named, whole in zip(
        (Catalogue("en", strict=True), Catalogue("zh-CN", strict=True)),
        NAMED[what],
        ("Nothing changed", "没有变化："),
        strict=True,
    ):
        said = drift_text(found, words)
        assert named in said and whole not in said
        assert json.loads(drift_json(found, words))[what] == [str(each) for each in LOOKED[what]]
    assert "Nothing changed" in drift_text(Drift("exit", "acme", "", 4, known=3), Catalogue("en"))

"""A rehearsal for machines: everything that it says fits the schema that is published, in any language."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from crmstate.core.diagnostic import Diagnostic
from crmstate.core.plan import Blocked
from crmstate.core.rehearsed import By, Proved, Rehearsed, Scene
from crmstate.core.survey import Gap
from crmstate.core.words import Kind, Mode, Proof, Verb
from crmstate.views.catalogue import Catalogue
from crmstate.views.rehearsal import rehearsal_text
from crmstate.views.rehearsal_json import rehearsal_json, rehearsal_schema
from tests.views.samples import representative

SCHEMA = Draft202012Validator(rehearsal_schema())


def rehearsed(
    blocked: tuple[Blocked, ...] = (), found: tuple[Diagnostic, ...] = (), left: tuple[Blocked, ...] = ()
) -> Rehearsed:
    scenes = tuple(
        Scene(
            "2026-11-29T00:00:00Z", "user/张", Kind.USER, Verb.DELETE, Mode.MANUAL, by, "张\u202e", True, "hr@x.io", proof
        )
        for by in By
        for proof in (None, *Proof)
    )  # fmt: skip
    return Rehearsed(
        "exit",
        "zoho",
        "1",
        "2026-11-29T00:00:00Z",
        "2026-12-01T00:00:00Z",
        False,
        scenes,
        representative().estimate,
        3,
        2,
        500,
        {"Leads": 9000},
        (Proved("dataset/Leads", "export", Proof.OBSERVED, 3), Proved("user/1", "read_back", Proof.NONE)),
        blocked,
        left,
        found,
        (Gap(Kind.USER, "gap.partial_view"), Gap(Kind.DATASET, "gap.denied", "Leads"), Gap(Kind.BIN, "gap.unknown")),
    )


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_whatever_a_rehearsal_says_fits_the_schema(language: str) -> None:
    plan = representative()
    assert plan.blocked and plan.diagnostics

    found = json.loads(
        rehearsal_json(rehearsed(plan.blocked, plan.diagnostics, plan.blocked), Catalogue(language, strict=True))
    )

    assert list(SCHEMA.iter_errors(found)) == []
    assert (found["format_version"], found["scaled"]) == ("1.2", {"Leads": 9000})
    words = [each["summary"] for each in (*found["blocked"], *found["left"], *found["found"], *found["unseen"])]
    assert all(any("\u4e00" <= char <= "\u9fff" for char in text) == (language == "zh-CN") for text in words), words


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_what_still_waited_is_named_the_first_of_it(language: str) -> None:
    words, one = Catalogue(language, strict=True), replace(representative().blocked[0], address="api_key/own")

    said = rehearsal_text(rehearsed(left=(one,) * 12), words)

    assert said.count("api_key/own") == 10 and words.text_of("rehearse.left_more", n=2) in said


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_an_end_that_was_reached_without_seeing_everything_is_not_said_plainly(language: str) -> None:
    words = Catalogue(language, strict=True)
    done = replace(rehearsed(), finished=True)

    plain = rehearsal_text(replace(done, unseen=()), words).splitlines()
    seen = rehearsal_text(done, words)

    assert plain[1] not in seen.splitlines()
    for kind in ("user", "dataset", "bin"):
        assert any(words.word("kinds", kind) in line for line in seen.splitlines() if line not in plain), kind
    assert "Leads" in seen and words.text_of("gap.partial_view") in seen


def test_what_a_rehearsal_could_not_say_does_not_fit_the_schema() -> None:
    Draft202012Validator.check_schema(rehearsal_schema())
    found = json.loads(rehearsal_json(rehearsed(), Catalogue("en")))

    for wrong in ({"finished": "yes"}, {"scenes": [{**found["scenes"][0], "by": "nobody"}]}, {"estimate": None}):
        assert list(SCHEMA.iter_errors({**found, **wrong})) != [], wrong
    assert list(SCHEMA.iter_errors({key: found[key] for key in found if key != "blocked"})) != []

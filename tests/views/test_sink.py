"""The one place of output."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys

import pytest

from crmstate.core.secret import Scrubber
from crmstate.views.catalogue import Catalogue
from crmstate.views.plan_json import encode_plan
from crmstate.views.sink import Sink
from tests.views.samples import representative

CANARY = "canary-123456789"


def sink(json_only: bool = False) -> tuple[Sink, io.StringIO, io.StringIO]:
    scrubber = Scrubber()
    scrubber.learn(CANARY)
    out, err = io.StringIO(), io.StringIO()
    return Sink(out, err, scrubber.scrub, json=json_only), out, err


def test_every_text_is_scrubbed() -> None:
    speaker, out, err = sink()
    speaker.out(f"x {CANARY}")
    speaker.err(f"y {CANARY}")
    assert (out.getvalue(), err.getvalue()) == ("x [secret]\n", "y [secret]\n")


def test_standard_output_carries_nothing_but_json_when_json_is_asked_for() -> None:
    speaker, out, err = sink(json_only=True)
    speaker.out("Plan for acme\n")
    speaker.out(encode_plan(representative(), Catalogue()).decode())
    speaker.out('{"event":"a"}\n{"event":"b"}\n')
    speaker.out('{\n  "pretty": true\n}\n')
    speaker.out("{broken\n")
    speaker.out("warning: x")
    text = out.getvalue()
    assert json.loads(text.splitlines()[0])["name"] == "acme-exit"
    assert text.endswith('{"event":"a"}\n{"event":"b"}\n{\n  "pretty": true\n}\n')
    assert err.getvalue() == "Plan for acme\n{broken\nwarning: x\n"


def test_a_scrubbed_plan_is_still_json() -> None:
    speaker, out, _ = sink(json_only=True)
    speaker.out(json.dumps({"label": f"a {CANARY} b"}))
    assert json.loads(out.getvalue()) == {"label": "a [secret] b"}


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("ascii", "\\u5ba2 x\n"), ("latin-1", "\\u5ba2 x\n"), ("utf-8", "客 x\n"), ("gbk", "客 x\n")],
)
def test_a_terminal_that_cannot_show_a_character_gets_an_escape(encoding: str, expected: str) -> None:
    raw = io.BytesIO()
    speaker = Sink(io.TextIOWrapper(raw, encoding=encoding), io.StringIO(), str)
    speaker.out("客 x")
    assert raw.getvalue().decode(encoding) == expected


def test_half_a_character_is_no_traceback() -> None:
    raw = io.BytesIO()
    speaker = Sink(io.TextIOWrapper(raw, encoding="utf-8"), io.StringIO(), str)
    speaker.out("a\ud800b")
    assert raw.getvalue() == b"a\\ud800b\n"


def test_a_reader_who_has_gone_is_no_error() -> None:
    program = (
        "import sys\nfrom crmstate.views.sink import Sink\nsink = Sink(sys.stdout, sys.stderr, str)\n"
        "for _ in range(5): sink.out('x' * 100000)\nsink.err(f'closed {sink.closed}')\n"
    )
    reader, writer = os.pipe()
    os.close(reader)
    run = subprocess.run([sys.executable, "-c", program], stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(writer)
    assert (run.returncode, run.stderr) == (0, "closed True\n")


def test_nothing_is_written_for_nothing() -> None:
    speaker, out, err = sink()
    speaker.out("")
    speaker.err("")
    assert (out.getvalue(), err.getvalue()) == ("", "")

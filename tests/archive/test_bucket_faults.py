"""A store that fails: answers lost, outages, stalls, missing rights, and servers that do not keep their word. A real
server stands behind a loopback proxy that makes the trouble."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from archive_vendor import Clock, Dataset, Effects, Vendor, attachment, resource, row, small
from grounds import Buckets

from crmstate.archive import objects, s3
from crmstate.archive.folder import Archive
from crmstate.archive.layout import slug
from crmstate.archive.objects import Objects
from crmstate.archive.uploads import Uploads, encoded, signed
from crmstate.core.diagnostic import Problem
from crmstate.core.words import Exit
from tests.contract.stage import Trouble
from tests.real.bucket import SECRET, Bucket, environ
from tests.real.proxy import Asked, Manners, Proxy, Told

DATASETS = ("people", "deals")
PATIENCE = timedelta(seconds=2)


class Front(Proxy):
    """The way to the server. `answer`: what is said to a request instead; `sent`: what is passed on in its place."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self.answer: Callable[[Asked], Told | None] = lambda asked: None
        self.sent: Callable[[Asked], Asked] = lambda asked: asked
        super().__init__(bucket.server.port, Manners(), slow=3.0)

    def ask(self, asked: Asked) -> Told:
        return self.answer(asked) or super().ask(self.sent(asked))

    def store(self, archive: str = "a", bucket: str = "") -> Objects:
        store = s3.objects(bucket or self.bucket.name, s3.access(environ(self.url)), PATIENCE, PATIENCE)
        return Objects(store, f"s3://{self.bucket.name}/crm/{archive}", f"crm/{archive}/", Effects())

    def path(self, file: str, archive: str = "a") -> str:
        """The path of the requests for a file."""
        return f"/{self.bucket.name}/crm/{archive}/{file}"


@pytest.fixture
def front(bucket: Bucket) -> Iterator[Front]:
    proxy = Front(bucket)
    yield proxy
    proxy.stop()


def taken(store: Objects, vendor: Vendor | None = None) -> list[str]:
    archive = Archive(store, Clock(), "me")
    return [archive.archive(vendor or small(), resource(id), True).sha256 for id in DATASETS]


def error(code: str, status: int) -> Told:
    """An error as Amazon's documentation words it."""
    body = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>m</Message></Error>"
    return Told(status, {"Content-Type": "application/xml"}, body.encode())


def refused(act: Callable[[], object]) -> tuple[str, Exit]:
    with pytest.raises(Problem) as found:
        act()
    assert SECRET not in repr(found.value.diagnostics) and SECRET not in str(found.value.__cause__)
    return found.value.diagnostics[0].code, found.value.exit


FILES = [
    "README.txt",
    "data/{people}/000000.jsonl.zst",
    "journal/{people}/000001.json",
    "data/attachments/e3/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "data/{people}/ids-0000.jsonl.zst",
    "journal/{people}.jsonl",
    "SHA256SUMS",
    "manifest.json",
]


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize(
    "trouble",
    [
        Trouble.CUT_BEFORE_THE_EFFECT, Trouble.CUT_AFTER_THE_EFFECT, Trouble.RESET_AT_ONCE, Trouble.OUTAGE_500,
        Trouble.OUTAGE_503, Trouble.OUTAGE_AFTER_THE_EFFECT,
    ],
)  # fmt: skip
def test_one_answer_lost_changes_nothing(front: Front, bucket: Bucket, file: str, trouble: Trouble) -> None:
    """What cannot be known is looked at; at the most the run ends with its reason, and the next one goes on."""
    file = file.format(people=slug("people"))
    wanted = taken(Buckets(bucket).store("whole", Effects()))
    front.trouble(trouble, f"PUT {front.path(file)}")
    try:
        assert taken(front.store()) == wanted
    except Problem as found:
        assert (found.exit, found.diagnostics[0].code) == (Exit.ERROR, "CRM-A064")
        assert taken(front.store()) == wanted
    assert f"PUT {front.path(file)}" in front.received()
    assert Buckets(bucket).files("a") == Buckets(bucket).files("whole")


def test_a_stalled_answer_is_not_waited_for_and_what_it_did_is_found(front: Front, bucket: Bucket) -> None:
    wanted = taken(Buckets(bucket).store("whole", Effects()))
    front.trouble(Trouble.SLOW_AFTER_THE_EFFECT, f"PUT {front.path('manifest.json')}")
    begun = time.monotonic()
    with suppress(Problem):
        taken(front.store())
    assert time.monotonic() - begun < 20
    assert taken(front.store()) == wanted
    assert Buckets(bucket).files("a") == Buckets(bucket).files("whole")


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (error("SlowDown", 503), "CRM-A064"), (error("InternalError", 500), "CRM-A064"), (error("QuotaExceeded", 403), "CRM-A066"),
        (error("InvalidArgument", 422), "CRM-A065"), (error("SomethingElse", 418), "CRM-A065"),
    ],
)  # fmt: skip
def test_a_store_that_goes_on_failing_is_given_up_with_its_word(front: Front, told: Told, code: str) -> None:
    taken(front.store("b"))
    front.answer = lambda asked: told if asked.method == "PUT" and "/crm/a/data/" in asked.path else None
    assert refused(lambda: taken(front.store())) == (code, Exit.ERROR)
    front.answer = lambda asked: None
    assert taken(front.store()) == taken(front.store("b"))


@pytest.mark.deep
def test_a_store_that_goes_away_midway_loses_nothing(front: Front, bucket: Bucket) -> None:
    count = 0

    def gone(asked: Asked) -> Told | None:
        nonlocal count
        count += asked.method == "PUT"
        return None

    front.answer = gone
    wanted = taken(front.store("b"))
    for stop in range(2, count, 12):
        seen, name = 0, f"stop-{stop}"

        def ends(asked: Asked, stop: int = stop) -> Told | None:
            nonlocal seen
            seen += asked.method == "PUT"
            return error("ServiceUnavailable", 503) if seen >= stop else None

        front.answer = ends
        assert refused(lambda name=name: taken(front.store(name))) == ("CRM-A064", Exit.ERROR)
        front.answer = lambda asked: None
        assert taken(front.store(name)) == wanted
        assert Buckets(bucket).files(name) == Buckets(bucket).files("b")


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("InvalidAccessKeyId", 403, "CRM-A061"), ("SignatureDoesNotMatch", 403, "CRM-A061"), ("ExpiredToken", 400, "CRM-A061"),
        ("AccessDenied", 403, "CRM-A062"), ("AllAccessDisabled", 403, "CRM-A062"),
    ],
)  # fmt: skip
def test_a_key_that_is_wrong_is_told_from_one_without_rights(front: Front, code: str, status: int, said: str) -> None:
    front.answer = lambda asked: error(code, status)
    assert refused(lambda: taken(front.store())) == (said, Exit.CREDENTIALS)
    front.answer = lambda asked: error(code, status) if asked.method == "PUT" else None
    assert refused(lambda: taken(front.store())) == (said, Exit.CREDENTIALS)
    assert front.bucket.keys() == []


def test_a_key_that_may_not_delete_is_told_so(front: Front) -> None:
    taken(front.store())
    front.bucket.put(f"crm/a/data/{slug('people')}/000099.jsonl.zst", b"left over")
    front.answer = lambda asked: error("AccessDenied", 403) if asked.method == "DELETE" else None
    assert refused(lambda: taken(front.store())) == ("CRM-A062", Exit.CREDENTIALS)


def test_a_bucket_that_is_not_there(front: Front) -> None:
    store = front.store(bucket="no-such-bucket")
    assert refused(lambda: taken(store)) == ("CRM-A060", Exit.ERROR)
    assert refused(lambda: store.names("")) == ("CRM-A060", Exit.ERROR)


def unconditional(asked: Asked) -> Asked:
    """A request without its conditions."""
    kept = {name: text for name, text in asked.headers.items() if name.lower() not in ("if-none-match", "if-match")}
    return Asked(asked.method, asked.target, kept, asked.body)


def conditional(asked: Asked) -> bool:
    return unconditional(asked).headers != asked.headers


@pytest.mark.parametrize("status", [501, 400])
def test_a_store_that_knows_no_conditions_is_refused_before_anything_is_archived(front: Front, status: int) -> None:
    front.answer = lambda asked: error("NotImplemented", status) if conditional(asked) else None
    assert refused(lambda: taken(front.store())) == ("CRM-A063", Exit.ERROR)
    assert front.bucket.keys() == ["crm/a/README.txt"]


def test_a_store_that_silently_ignores_conditions_is_refused_too(front: Front) -> None:
    front.sent = unconditional
    assert refused(lambda: taken(front.store())) == ("CRM-A063", Exit.ERROR)
    assert front.bucket.keys() == ["crm/a/README.txt"]


def test_each_segment_is_one_request_with_its_digest_and_a_condition(front: Front) -> None:
    seen: list[Asked] = []

    def note(asked: Asked) -> Told | None:
        seen.append(asked)
        return None

    front.answer = note
    taken(front.store())
    puts = [each for each in seen if each.method == "PUT"]
    names = [each.path.removeprefix(front.path("")) for each in puts]
    for asked, name in zip(puts, names, strict=True):
        headers = {key.lower(): text for key, text in asked.headers.items()}
        assert "x-amz-checksum-sha256" in headers and "uploadid" not in asked.target.lower(), name
        if (name.startswith("data/") and "attachments/" not in name) or (
            name.startswith("journal/") and name.count("/") > 1
        ):
            assert headers["if-none-match"] == "*", name
            assert names.count(name) == 1
    last = {key.lower(): text for key, text in puts[-1].headers.items()}
    assert (names[-1], "if-match" in last) == ("manifest.json", True)


def test_the_bytes_that_verify_reads_come_from_the_store(front: Front) -> None:
    taken(front.store())
    file = f"data/{slug('people')}/000000.jsonl.zst"

    def flipped(asked: Asked) -> Told | None:
        if asked.path != front.path(file) or asked.method != "GET":
            return None
        told = Proxy.ask(front, asked)
        return told.with_body(told.body[:-1] + bytes([told.body[-1] ^ 1]))

    front.answer = flipped
    archive = Archive(front.store(), Clock(), "me")
    assert refused(lambda: archive.verify(small(), resource("people")))[0] == "CRM-A002"
    front.answer = lambda asked: None
    front.trouble(Trouble.TORN_BODY, f"GET {front.path(file)}", None)
    assert refused(lambda: archive.verify(small(), resource("people")))[0] == "CRM-A064"


@pytest.mark.parametrize("trouble", [Trouble.ECHO_IN_ERROR, Trouble.ECHO_IN_HTML])
def test_what_a_store_echoes_is_shown_to_nobody(front: Front, trouble: Trouble) -> None:
    front.trouble(trouble, f"PUT {front.path('README.txt')}", None)
    with pytest.raises(Problem) as found:
        taken(front.store())
    assert "AWS4" not in repr(found.value.diagnostics)


LARGE = 20_000_000


def test_parts_that_fail_become_no_object_and_are_given_up(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "ONE_PUT", LARGE // 2)
    vendor = Vendor(t=Dataset({"1": row("1")}, [attachment("f", "1", b"x" * LARGE)]))
    monkeypatch.setattr(vendor, "fetch", lambda file: iter([b"x" * LARGE]))
    front.answer = lambda asked: error("AccessDenied", 403) if "partNumber=3" in asked.target else None
    archive = Archive(front.store(), Clock(), "me")
    assert refused(lambda: archive.archive(vendor, resource("t"), True)) == ("CRM-A062", Exit.CREDENTIALS)
    assert front.bucket.uploads() == []
    assert front.bucket.keys("crm/a/data/attachments/") == []
    front.answer = lambda asked: None
    evidence = archive.archive(vendor, resource("t"), True)
    assert archive.verify(vendor, resource("t"), evidence.sha256).rows == 1


KILLED = """
import sys
sys.path.insert(0, {here!r})
from archive_vendor import Clock, Dataset, Effects, Vendor, attachment, resource, row
from crmstate.archive import objects, s3
from crmstate.archive.folder import Archive
from crmstate.archive.uploads import Uploads
objects.ONE_PUT = {size} // 2
vendor = Vendor(t=Dataset({{"1": row("1")}}, [attachment("f", "1", b"x" * {size})]))
vendor.fetch = lambda file: iter([b"x" * {size}])
access = s3.access({env!r})
store = objects.Objects(s3.objects({bucket!r}, access), "s3://b/crm/a", "crm/a/", Effects(), Uploads({bucket!r}, access))
Archive(store, Clock(), "me").archive(vendor, resource("t"), True)
print("done")
"""


def test_a_kill_between_two_parts_leaves_no_object_and_the_next_run_clears_up_and_goes_on(front: Front) -> None:
    foreign = f"/{front.bucket.name}/crm/another/key?uploads"
    assert front.bucket.server.ask("POST", foreign)[0] == 200
    text = KILLED.format(
        here=str(Path(__file__).parent), size=LARGE, bucket=front.bucket.name, env=environ(front.url)
    )  # fmt: skip
    command = [sys.executable, "-c", textwrap.dedent(text)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)

    def kill(asked: Asked) -> Told | None:
        if "partNumber=2" in asked.target:
            process.kill()
        return None

    front.answer = kill
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (-9, b"")
    assert front.bucket.keys("crm/a/data/attachments/") == []
    assert len(front.bucket.uploads()) == 2
    front.answer = lambda asked: None
    assert subprocess.run(command, check=True, capture_output=True, timeout=60).stdout == b"done\n"
    assert len(front.bucket.keys("crm/a/data/attachments/")) == 1
    assert front.bucket.uploads() == ["crm/another/key"]


@pytest.mark.parametrize("status", [403, 501, 0])
def test_uploads_that_may_not_be_listed_stop_nothing(front: Front, status: int) -> None:
    front.answer = lambda asked: error("AccessDenied", status) if "uploads=" in asked.target else None
    if not status:
        front.trouble(Trouble.RESET_AT_ONCE, f"GET /{front.bucket.name}", 1)
    store = front.store()
    store._uploads = Uploads(front.bucket.name, s3.access(environ(front.url)))
    assert len(taken(store)) == len(DATASETS)


EXAMPLE = s3.Access("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "", "us-east-1", "", False)


@pytest.mark.parametrize(
    ("query", "signature"),
    [
        ({"lifecycle": ""}, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ({"max-keys": "2", "prefix": "J"}, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
)
def test_requests_are_signed_as_in_amazons_own_examples(query: dict[str, str], signature: str) -> None:
    at = datetime(2013, 5, 24, tzinfo=UTC)
    headers = signed(EXAMPLE, "GET", "examplebucket.s3.amazonaws.com", "/", encoded(query), at)
    assert headers["authorization"].endswith(f"Signature={signature}")

"""A content of any size passes in flat memory, to a store and back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.real.bucket import Bucket

PASSES = """
import json, resource, sys
sys.path.insert(0, {here!r})
from archive_vendor import Clock, Dataset, Effects, Vendor, attachment, resource as dataset, row
from crmstate.archive import objects, s3
from crmstate.archive.folder import Archive
vendor = Vendor(t=Dataset({{"1": row("1")}}, [attachment("f", "1", b"x", said=False)]))
piece = bytes(range(256)) * 4096
vendor.fetch = lambda file: (piece for _ in range({mebibytes}))
store = objects.Objects(s3.objects({bucket!r}, s3.access({env!r})), "s3://b/crm/a", "crm/a/", Effects())
archive = Archive(store, Clock(), "me")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
evidence = archive.archive(vendor, dataset("t"), True)
between = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
read = archive.verify(vendor, dataset("t"), evidence.sha256)
print(json.dumps([before, between, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, read.checks[0].bytes]))
"""


def peaks(bucket: Bucket, mebibytes: int) -> list[int]:
    """MiB at most: before, once it is archived, once it is verified; and the bytes that were read back."""
    text = PASSES.format(
        here=str(Path(__file__).parent), bucket=bucket.name, env=bucket.server.env, mebibytes=mebibytes
    )
    done = subprocess.run([sys.executable, "-c", text], check=True, capture_output=True, timeout=500)
    before, archived, verified, read = json.loads(done.stdout)
    assert read > mebibytes << 20
    return [before // 1024, archived // 1024, verified // 1024]


@pytest.mark.deep
def test_an_attachment_of_half_a_gibibyte_passes_in_flat_memory(bucket: Bucket) -> None:
    before, archived, verified = peaks(bucket, 512)
    assert archived - before < 96 and verified - before < 96


def test_an_attachment_of_many_parts_passes_in_flat_memory(bucket: Bucket) -> None:
    before, archived, verified = peaks(bucket, 200)
    assert archived - before < 96 and verified - before < 96

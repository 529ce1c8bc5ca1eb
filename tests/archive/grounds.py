"""Where an archive can lie, for tests that hold for every place: each makes stores, and shows what lies there by other
means than ours."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import obstore
from archive_vendor import tree
from obstore.store import MemoryStore

from crmstate.archive import s3
from crmstate.archive.local import Local
from crmstate.archive.objects import Objects
from crmstate.archive.store import Store
from crmstate.core.ports import Effects
from tests.real.bucket import Bucket


class Ground(Protocol):
    """`name`: folder, memory or s3."""

    name: str

    def store(self, archive: str, effects: Effects) -> Store: ...

    def files(self, archive: str) -> dict[str, bytes]: ...

    def write(self, archive: str, file: str, data: bytes) -> None: ...

    def remove(self, archive: str, file: str) -> None: ...


class Folders:
    """Folders on this machine."""

    name = "folder"

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(exist_ok=True)  # so that each archive costs as many effects as the first

    def store(self, archive: str, effects: Effects) -> Store:
        return Local(self.root / archive, effects)

    def files(self, archive: str) -> dict[str, bytes]:
        return tree(self.root / archive)

    def write(self, archive: str, file: str, data: bytes) -> None:
        (self.root / archive / file).parent.mkdir(parents=True, exist_ok=True)
        (self.root / archive / file).write_bytes(data)

    def remove(self, archive: str, file: str) -> None:
        (self.root / archive / file).unlink()


class Memory:
    """An object store without a network: fast enough to stop at every effect."""

    name = "memory"

    def __init__(self) -> None:
        self.objects = MemoryStore()

    def store(self, archive: str, effects: Effects) -> Store:
        return Objects(self.objects, f"memory://{archive}", f"{archive}/", effects)

    def files(self, archive: str) -> dict[str, bytes]:
        keys = [each["path"] for batch in obstore.list(self.objects, archive) for each in batch]
        return {
            key.removeprefix(archive + "/"): obstore.get(self.objects, key).bytes().to_bytes() for key in sorted(keys)
        }

    def write(self, archive: str, file: str, data: bytes) -> None:
        obstore.put(self.objects, f"{archive}/{file}", data)

    def remove(self, archive: str, file: str) -> None:
        obstore.delete(self.objects, f"{archive}/{file}")


class Buckets:
    """A real server."""

    name = "s3"

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self.objects = s3.objects(bucket.name, s3.access(bucket.server.env))

    def store(self, archive: str, effects: Effects) -> Store:
        return Objects(self.objects, f"s3://{self.bucket.name}/crm/{archive}", f"crm/{archive}/", effects)

    def files(self, archive: str) -> dict[str, bytes]:
        prefix = f"crm/{archive}/"
        return {key.removeprefix(prefix): self.bucket.get(key) for key in sorted(self.bucket.keys(prefix))}

    def write(self, archive: str, file: str, data: bytes) -> None:
        self.bucket.put(f"crm/{archive}/{file}", data)

    def remove(self, archive: str, file: str) -> None:
        self.bucket.delete(f"crm/{archive}/{file}")

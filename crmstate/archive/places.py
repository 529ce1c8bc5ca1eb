"""Places: an address becomes the store that it names. `file:///...`, `./...` and plain paths are folders on this
machine, `s3://bucket/prefix/` is a bucket. Others are refused by their name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from crmstate.archive import location, s3
from crmstate.archive.local import Local, LocalReads
from crmstate.archive.store import ReadStore, Store
from crmstate.core.diagnostic import Problem, problem
from crmstate.core.ports import Effects
from crmstate.core.words import Exit

SOON = timedelta(seconds=5)


def refuse(to: str, base: Path, environ: Mapping[str, str]) -> None:
    """Raises the Problem that `store` would, for what can be known without asking anybody. Sends nothing."""
    if to.startswith(s3.SCHEME):
        s3.parse(to)
        s3.installed()
        s3.access(environ)
        return
    location.resolve(to, base)


def store(to: str, base: Path, name: str, environ: Mapping[str, str], effects: Effects) -> Store:
    """The store of the archive `name` at an address. `base`: what relative paths are relative to."""
    if not to.startswith(s3.SCHEME):
        return Local(location.resolve(to, base) / name, effects)
    bucket = s3.parse(to).within(name)
    s3.installed()
    from crmstate.archive.objects import Objects
    from crmstate.archive.uploads import Uploads

    access = s3.access(environ)
    uploads = None if environ.get("AWS_VIRTUAL_HOSTED_STYLE_REQUEST") else Uploads(bucket.name, access)
    return Objects(s3.objects(bucket.name, access), str(bucket), bucket.prefix, effects, uploads)


def glance(to: str, base: Path, name: str, environ: Mapping[str, str]) -> ReadStore:
    """The archive `name` at an address, to look at in passing: a store that does not answer soon is not waited for."""
    if not to.startswith(s3.SCHEME):
        return LocalReads(location.resolve(to, base) / name)
    bucket = s3.parse(to).within(name)
    s3.installed()
    from crmstate.archive.objects import ObjectReads

    return ObjectReads(s3.objects(bucket.name, s3.access(environ), SOON, SOON), str(bucket), bucket.prefix)


def found(where: str, environ: Mapping[str, str]) -> ReadStore:
    """What a person names on the command line, to look at: a path as the shell has it, or an address."""
    try:
        return _named(where, environ)
    except Problem as refused:
        if refused.exit is not Exit.INVALID:
            raise
        raise Problem(Exit.USAGE, *refused.diagnostics) from None  # it stands in no manifest


def _named(where: str, environ: Mapping[str, str]) -> ReadStore:
    scheme, mark, _ = where.partition("://")
    if where.startswith(s3.SCHEME):
        bucket = s3.parse(where)
        s3.installed()
        from crmstate.archive.objects import ObjectReads

        return ObjectReads(s3.objects(bucket.name, s3.access(environ)), str(bucket), bucket.prefix)
    if not mark or "/" in scheme:
        return LocalReads(Path(where))
    if scheme.lower() != "file":
        raise problem(Exit.USAGE, "CRM-A016", to=where, scheme=scheme)
    return LocalReads(location.resolve(where, Path()))

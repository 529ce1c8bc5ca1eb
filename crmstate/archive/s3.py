"""S3: an address `s3://bucket/prefix/` and the environment become a store. The address comes from a manifest, which is
untrusted: it names a bucket and a prefix and nothing else. Where requests go and who signs them comes from the
environment alone, by the names that every tool for S3 knows.

AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN; AWS_REGION or AWS_DEFAULT_REGION; AWS_ENDPOINT_URL_S3 or
AWS_ENDPOINT_URL; AWS_ALLOW_HTTP=true for an endpoint on loopback.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from crmstate.core.diagnostic import problem
from crmstate.core.location import BUCKETS, bucket
from crmstate.core.words import Exit

if TYPE_CHECKING:
    from obstore.store import ObjectStore

SCHEME = BUCKETS
SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
PATIENCE = timedelta(seconds=300)
"""The longest that one request may take, its body included."""
CONNECT = timedelta(seconds=10)
RETRY = timedelta(seconds=120)
RETRIES = 6
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Bucket:
    """A place in a bucket. `prefix` is empty or ends in a slash."""

    name: str
    prefix: str

    def __str__(self) -> str:
        return f"{SCHEME}{self.name}/{self.prefix}"

    def within(self, folder: str) -> Bucket:
        return Bucket(self.name, f"{self.prefix}{folder}/")


@dataclass(frozen=True)
class Access:
    """Who asks, and where."""

    key: str
    secret: str
    token: str
    region: str
    endpoint: str
    plain: bool

    def __repr__(self) -> str:
        return f"Access({self.endpoint or self.region})"


def parse(to: str) -> Bucket:
    """The place that an address names. Raises Problem CRM-A067."""
    try:
        name, parts = bucket(to)
    except ValueError:
        raise problem(Exit.INVALID, "CRM-A067", to=to) from None
    return Bucket(name, "".join(f"{part}/" for part in parts))


def access(environ: Mapping[str, str]) -> Access:
    """What the environment says. Raises Problem: CRM-A068 where a name is missing, CRM-A069 for an endpoint that
    secrets must not go to."""
    missing = [name for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY") if not environ.get(name)]
    endpoint = (environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL") or "").rstrip("/")
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or ("us-east-1" if endpoint else "")
    if not region:
        missing.append("AWS_REGION")
    if missing:
        raise problem(Exit.CREDENTIALS, "CRM-A068", names=", ".join(missing))
    plain = bool(endpoint) and _checked(endpoint, environ)
    token = environ.get("AWS_SESSION_TOKEN", "")
    return Access(environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"], token, region, endpoint, plain)


def _checked(endpoint: str, environ: Mapping[str, str]) -> bool:
    """Whether an endpoint is spoken to without TLS."""
    try:
        found = urlsplit(endpoint)
        host, _ = found.hostname or "", found.port
    except ValueError:
        host, found = "", urlsplit("")
    plain = found.scheme == "http" and host in _LOOPBACK and environ.get("AWS_ALLOW_HTTP", "").lower() in ("true", "1")
    if not host or found.username or found.query or found.fragment or not (plain or found.scheme == "https"):
        raise problem(Exit.CREDENTIALS, "CRM-A069")
    return plain


def installed() -> None:
    """Raises Problem CRM-A070 where the library for it is not there."""
    try:
        import obstore  # noqa: F401
    except ImportError as error:
        raise problem(Exit.REFUSED, "CRM-A070") from error


def objects(bucket: str, access: Access, patience: timedelta = PATIENCE, retry: timedelta = RETRY) -> ObjectStore:
    """The bucket. Every upload carries its SHA-256, which the store compares. Raises Problem CRM-A070."""
    installed()
    from obstore.store import S3Store

    config: dict[str, object] = {
        "access_key_id": access.key,
        "secret_access_key": access.secret,
        "region": access.region,
        "checksum_algorithm": "SHA256",
        "conditional_put": "etag",
        "skip_signature": False,
        "disable_tagging": True,
        "disable_bulk_delete": True,
    }
    if access.token:
        config["session_token"] = access.token
    if access.endpoint:
        config["endpoint"] = access.endpoint
        config["aws_endpoint_url_s3"] = access.endpoint
    return S3Store(
        bucket,
        config=config,  # type: ignore[arg-type]
        client_options={"allow_http": access.plain, "timeout": patience, "connect_timeout": min(CONNECT, patience)},
        retry_config={"max_retries": RETRIES, "retry_timeout": retry},
    )

"""Uploads: ends the uploads in parts that a killed run left behind. Nobody sees them, and they cost money; obstore
neither lists nor ends them, so the two requests that do are signed here (AWS Signature Version 4).

It is done where it can be: a key without the right to list uploads, or a store that does not know the request, leaves
it to the bucket's lifecycle rule.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

import httpx

from crmstate.archive.s3 import Access
from crmstate.core.ports import Effects

ROUNDS = 20
"""Listings of up to a thousand uploads."""
_EMPTY = hashlib.sha256(b"").hexdigest()
_UPLOAD = re.compile(r"<Upload>(.*?)</Upload>", re.S)
_KEY = re.compile(r"<Key>([^<]*)</Key>")
_ID = re.compile(r"<UploadId>([^<]*)</UploadId>")
_PATIENCE = 30.0


class Uploads:
    """The uploads of one bucket."""

    def __init__(self, bucket: str, access: Access) -> None:
        self._access = access
        self._base = access.endpoint or f"https://s3.{access.region}.amazonaws.com"
        self._path = f"{urlsplit(self._base).path}/{bucket}"

    def end(self, prefix: str, effects: Effects) -> int:
        """Ends every upload below a prefix; how many. What cannot be ended stays."""
        ended, tried = 0, set[tuple[str, str]]()
        with httpx.Client(timeout=_PATIENCE) as client:
            for _ in range(ROUNDS):
                fresh = [each for each in self._under_way(client, prefix) if each not in tried]
                if not fresh:
                    break
                for key, id in fresh:
                    tried.add((key, id))
                    ended += effects.do("http", f"ABORT {key}", lambda key=key, id=id: self._abort(client, key, id))  # type: ignore[misc]
        return ended

    def _under_way(self, client: httpx.Client, prefix: str) -> Iterator[tuple[str, str]]:
        """Key and id of each upload that the store lists first."""
        answer = self._ask(client, "GET", "", {"uploads": "", "prefix": prefix})
        for text in _UPLOAD.findall(answer.text if answer is not None and answer.status_code == 200 else ""):
            key, id = _KEY.search(text), _ID.search(text)
            if key and id and html.unescape(key[1]).startswith(prefix):
                yield html.unescape(key[1]), html.unescape(id[1])

    def _abort(self, client: httpx.Client, key: str, id: str) -> bool:
        answer = self._ask(client, "DELETE", "/" + quote(key, safe="/-_.~"), {"uploadId": id})
        return answer is not None and answer.is_success

    def _ask(self, client: httpx.Client, method: str, key: str, query: Mapping[str, str]) -> httpx.Response | None:
        """One request; None where no answer came."""
        parts = urlsplit(self._base)
        path, text = self._path + key, encoded(query)
        headers = signed(self._access, method, parts.netloc, path, text, datetime.now(UTC))
        try:
            return client.request(method, f"{parts.scheme}://{parts.netloc}{path}?{text}", headers=headers)
        except httpx.HTTPError:
            return None


def encoded(query: Mapping[str, str]) -> str:
    """A query as it is signed: sorted, with everything escaped that is no letter, digit or one of `-_.~`."""
    return "&".join(f"{quote(name, safe='-_.~')}={quote(query[name], safe='-_.~')}" for name in sorted(query))


def signed(access: Access, method: str, host: str, path: str, query: str, at: datetime) -> dict[str, str]:
    """The headers of a request without a body (docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html)."""
    time, day = at.strftime("%Y%m%dT%H%M%SZ"), at.strftime("%Y%m%d")
    headers = {"host": host, "x-amz-content-sha256": _EMPTY, "x-amz-date": time}
    if access.token:
        headers["x-amz-security-token"] = access.token
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    request = "\n".join((method, path, query, lines, names, _EMPTY))
    scope = f"{day}/{access.region}/s3/aws4_request"
    text = "\n".join(("AWS4-HMAC-SHA256", time, scope, hashlib.sha256(request.encode()).hexdigest()))
    key = ("AWS4" + access.secret).encode()
    for part in (day, access.region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={access.key}/{scope},SignedHeaders={names},Signature={signature}"
    )
    return headers

"""Trust: a manifest is untrusted input. Whoever opens a pull request writes it, and CI reads it with secrets in its
environment.

Everything that a manifest can make crmstate read, start, call or write is checked here before it happens: environment
names, files, commands, keyrings, hosts, the place of the archive. What is refused says exactly which line the
operator's file needs. Nothing is read or resolved over the network; only symbolic links of the local disk are
followed.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from ipaddress import ip_address
from pathlib import Path as FilePath
from urllib.parse import urlsplit

from crmstate.core.diagnostic import Diagnostic, Problem, diagnostic
from crmstate.core.words import Exit
from crmstate.manifest import codes
from crmstate.manifest.leak import mask
from crmstate.manifest.load import Loaded
from crmstate.manifest.operator import VARIABLE, Operator
from crmstate.manifest.rules_end import local_path
from crmstate.manifest.tree import Mapping, Path, Scalar, Tree

ALWAYS_ENV = "CRMSTATE_*"
_KINDS = frozenset({"env", "file", "keyring", "command"})
_GIT = ".git"
_NEVER_ENV = frozenset({VARIABLE})


def require_trust(loaded: Loaded, operator: Operator, env: Sequence[str] = (), hosts: Sequence[str] = ()) -> None:
    """Raises Problem (exit 3) with everything that the manifest reaches for and may not have."""
    found = refusals(loaded, operator, env, hosts)
    if found:
        raise Problem(Exit.REFUSED, *found)


def refusals(
    loaded: Loaded, operator: Operator, env: Sequence[str] = (), hosts: Sequence[str] = ()
) -> list[Diagnostic]:
    """What the manifest reaches for and may not have. `env`: the provider's prefixes (`ZOHO_`); `hosts`: its host
    patterns (`*.zoho.eu`)."""
    tree, folder = loaded.tree, loaded.folder
    found = [each for path, _ in references(tree) for each in reference_refused(tree, path, folder, operator, env)]
    found += _files(tree, folder, operator)
    found += _url(tree, operator, hosts)
    found += _mail(tree, operator)
    found += _archive(tree, folder, operator)
    return found


def references(tree: Tree) -> Iterator[tuple[Path, Mapping]]:
    """Every `{env: ...}`, `{file: ...}`, `{keyring: ...}`, `{command: ...}` of a manifest."""
    for path, node in tree.walk():
        if isinstance(node, Mapping) and len(node.items) == 1 and set(node.items) <= _KINDS and _is_secret(path):
            yield path, node


def _is_secret(path: Path) -> bool:
    """Whether a reference at this path names a secret (recipients' files are checked apart)."""
    return path[:2] == ("provider", "credentials") or path[-1] in ("url", "identity", "secret") or path[:1] == ("mail",)


def reference_refused(
    tree: Tree, path: Path, folder: FilePath, operator: Operator, env: Sequence[str]
) -> Iterator[Diagnostic]:
    """Why a reference is refused; nothing where it may be used."""
    node = tree.mapping(*path)
    kind = next(iter(node.items)) if node else ""
    value, span = tree.text(*path, kind) or "", tree.span(*path, kind)
    if kind == "env" and not env_allowed(value, operator, env):
        yield diagnostic(
            codes.ENV_REFUSED, span=span, name=value, allow=_line("allow_env", value), operator=_where(operator)
        )
    elif kind == "file" and not file_allowed(value, folder, operator):
        yield _file_refused(tree, (*path, kind), folder, operator)
    elif kind == "keyring" and not _matches(value, operator.allow_keyring):
        yield diagnostic(
            codes.KEYRING_REFUSED, span=span, allow=_line("allow_keyring", value), operator=_where(operator)
        )
    elif kind == "command":
        words = [item.text for item in tree.items(*path, kind) if isinstance(item, Scalar)]
        line = shlex.join(words)
        if line not in operator.allow_commands and not _matches(line, operator.allow_commands):
            allow = _line("allow_commands", line)
            yield diagnostic(
                codes.COMMAND_REFUSED, span=span, program=mask(words[0])[:80], allow=allow, operator=_where(operator)
            )


def env_allowed(name: str, operator: Operator, prefixes: Sequence[str]) -> bool:
    """Whether a manifest may name this environment variable."""
    if name in _NEVER_ENV:
        return False
    return _matches(name, (ALWAYS_ENV, *operator.allow_env)) or any(
        prefix and name.startswith(prefix) for prefix in prefixes
    )


def file_allowed(written: str, folder: FilePath, operator: Operator) -> bool:
    """Whether a path leads to something inside the folder, or to what the operator allows, after links and `..` are
    followed."""
    try:
        target = (folder / written).resolve()
        roots = [folder.resolve(), *(FilePath(allowed).resolve() for allowed in operator.allow_files)]
    except (OSError, RuntimeError, ValueError):
        return False
    inside = any(target.is_relative_to(root) for root in roots)
    return inside and _GIT not in target.parts


def _files(tree: Tree, folder: FilePath, operator: Operator) -> Iterator[Diagnostic]:
    """Files that are read or made: the embedded vendor, what a vendor exported, lists of recipients."""
    embedded = tree.text("provider", "embedded")
    if embedded and not file_allowed(embedded, folder, operator):
        allow = _allow_file(embedded, folder)
        span = tree.span("provider", "embedded")
        yield diagnostic(codes.EMBEDDED_REFUSED, span=span, path=embedded[:200], allow=allow, operator=_where(operator))
    exports = tree.text("provider", "exports")
    if exports and not file_allowed(exports, folder, operator):
        yield _file_refused(tree, ("provider", "exports"), folder, operator)
    for index in range(len(tree.items("notices"))):
        for path in (("notices", index, "recipients", "file"), ("notices", index, "opt_out")):
            written = tree.text(*path)
            if written and not file_allowed(written, folder, operator):
                yield _file_refused(tree, path, folder, operator)


def _file_refused(tree: Tree, path: Path, folder: FilePath, operator: Operator) -> Diagnostic:
    written = tree.text(*path) or ""
    allow = _allow_file(written, folder)
    return diagnostic(
        codes.FILE_REFUSED, span=tree.span(*path), path=written[:200], allow=allow, operator=_where(operator)
    )


def _allow_file(written: str, folder: FilePath) -> str:
    return _line("allow_files", local_path(written, folder))


def _url(tree: Tree, operator: Operator, hosts: Sequence[str]) -> Iterator[Diagnostic]:
    """The server is the vendor's own, this machine, or one that the operator allows; over a network only with TLS."""
    url = tree.text("provider", "url")
    if not url:
        return
    span = tree.span("provider", "url")
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".").lower()
    if is_loopback(host):
        return
    if not _matches(host, (*hosts, *operator.allow_hosts)):
        yield diagnostic(
            codes.HOST_REFUSED, span=span, host=host, allow=_line("allow_hosts", host), operator=_where(operator)
        )
    elif parts.scheme != "https" and f"http://{host}" not in operator.allow_hosts:
        yield diagnostic(
            codes.HTTP_REFUSED,
            span=span,
            host=host,
            allow=_line("allow_hosts", host, f"http://{host}"),
            operator=_where(operator),
        )


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its own name; nothing is looked up."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _archive(tree: Tree, folder: FilePath, operator: Operator) -> Iterator[Diagnostic]:
    """Customers' data is written beside the manifest, or where the operator allows."""
    place = tree.text("end_state", "data", "archive", "to")
    if not place:
        return
    span = tree.span("end_state", "data", "archive", "to")
    path = local_path(place, folder)
    if path is not None:
        if not file_allowed(str(path), folder, operator):
            yield diagnostic(
                codes.ARCHIVE_REFUSED,
                span=span,
                place=place[:200],
                allow=_line("allow_files", path),
                operator=_where(operator),
            )
        return
    scheme, _, rest = place.partition("://")
    bucket = f"{scheme}://{rest.partition('/')[0]}"
    if not _matches(bucket, operator.allow_hosts):
        allow = _line("allow_hosts", bucket)
        yield diagnostic(codes.ARCHIVE_REFUSED, span=span, place=place[:200], allow=allow, operator=_where(operator))


def _mail(tree: Tree, operator: Operator) -> Iterator[Diagnostic]:
    """Mail goes to this machine, or to a server that the operator allows: who writes a manifest could otherwise send
    people's addresses, and the password, anywhere."""
    host = (tree.text("mail", "host") or "").rstrip(".").lower()
    if not host or is_loopback(host):
        return
    span = tree.span("mail", "host")
    if tree.text("mail", "tls") == "none" and f"smtp://{host}" not in operator.allow_hosts:
        allow = _line("allow_hosts", host, f"smtp://{host}")
        yield diagnostic(
            codes.MAIL_REFUSED, span=tree.span("mail", "tls"), host=host, allow=allow, operator=_where(operator)
        )
    elif not _matches(host, operator.allow_hosts):
        allow = _line("allow_hosts", host)
        yield diagnostic(codes.HOST_REFUSED, span=span, host=host, allow=allow, operator=_where(operator))


def robot_allowed(url: str, operator: Operator, hosts: Sequence[str]) -> bool:
    """Whether a message may go to this webhook: encrypted to a chat's own host or to one that the operator allows, or to
    this machine."""
    try:
        parts = urlsplit(url)
        host, _ = (parts.hostname or "").rstrip(".").lower(), parts.port
    except ValueError:
        return False
    if not host or "@" in parts.netloc or parts.scheme not in ("https", "http"):
        return False
    if is_loopback(host):
        return True
    allowed = _matches(host, (*hosts, *operator.allow_hosts))
    return allowed and (parts.scheme == "https" or f"http://{host}" in operator.allow_hosts)


def _matches(text: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def _line(key: str, *values: object) -> str:
    """The line that the operator's file needs."""
    return f"{key} = {json.dumps([mask(str(value))[:300] for value in values], ensure_ascii=False)}"


def _where(operator: Operator) -> str:
    return operator.source or f"${VARIABLE}"

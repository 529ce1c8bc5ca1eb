"""Credentials: references -> Secrets, at the last moment and after the checks of `trust.py`. No value ever enters a
diagnostic."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module

from crmstate.core.diagnostic import Problem, Span, problem
from crmstate.core.secret import Secret
from crmstate.core.words import Exit
from crmstate.manifest import codes
from crmstate.manifest.load import Loaded
from crmstate.manifest.operator import Operator
from crmstate.manifest.reference import Reference
from crmstate.manifest.tree import Path
from crmstate.manifest.trust import reference_refused

_LARGEST = 64 * 1024
_SECONDS = 30
Run = Callable[[Sequence[str]], str]


def read_credential(
    loaded: Loaded,
    side: str,
    environ: Mapping[str, str],
    operator: Operator,
    env: Sequence[str] = (),
    run: Run | None = None,
) -> dict[str, Secret]:
    """The fields of the `read` or `write` credential as Secrets; `env` are the provider's prefixes.

    Raises Problem: exit 3 where a reference is refused, exit 7 where one leads to nothing, each with the place and all
    at once.
    """
    credentials = loaded.model.provider.credentials
    fields = getattr(credentials, side) if credentials else None
    if fields is None:
        raise problem(Exit.CREDENTIALS, codes.NO_CREDENTIALS, loaded.tree.key_span("provider"), side=side)
    paths = {name: ("provider", "credentials", side, name) for name in fields}
    refused = [
        each for path in paths.values() for each in reference_refused(loaded.tree, path, loaded.folder, operator, env)
    ]
    if refused:
        raise Problem(Exit.REFUSED, *refused)
    secrets: dict[str, Secret] = {}
    missing: list[Problem] = []
    for name, reference in fields.items():
        try:
            secrets[name] = _secret(reference, loaded, loaded.tree.span(*paths[name]), environ, run or _started)
        except Problem as trouble:
            missing.append(trouble)
    if missing:
        raise Problem(Exit.CREDENTIALS, *(each for trouble in missing for each in trouble.diagnostics))
    return secrets


def read_reference(
    loaded: Loaded,
    path: Path,
    reference: Reference,
    environ: Mapping[str, str],
    operator: Operator,
    env: Sequence[str] = (),
    run: Run | None = None,
) -> Secret:
    """The secret that a single reference at `path` leads to. Raises Problem as `read_credential` does."""
    refused = tuple(reference_refused(loaded.tree, path, loaded.folder, operator, env))
    if refused:
        raise Problem(Exit.REFUSED, *refused)
    return _secret(reference, loaded, loaded.tree.span(*path), environ, run or _started)


def _secret(reference: Reference, loaded: Loaded, span: Span, environ: Mapping[str, str], run: Run) -> Secret:
    if reference.env is not None:
        if reference.env not in environ:
            raise problem(Exit.CREDENTIALS, codes.ENV_MISSING, span, name=reference.env)
        text, where = environ[reference.env], reference.env
    elif reference.file is not None:
        text, where = _from_file(reference.file, loaded, span), reference.file
    elif reference.keyring is not None:
        text, where = _from_keyring(reference.keyring, span), "keyring"
    else:
        command = reference.command or []
        text, where = _from_command(command, span, run), command[0] if command else "command"
    text = text.strip("\r\n")
    if not text.strip():
        raise problem(Exit.CREDENTIALS, codes.CREDENTIAL_EMPTY, span, where=where)
    return Secret(text)


def _from_file(name: str, loaded: Loaded, span: Span) -> str:
    try:
        with (loaded.folder / name).open("rb") as opened:
            raw = opened.read(_LARGEST + 1)
        if len(raw) <= _LARGEST:
            return raw.decode("utf-8-sig")
        reason = "too_large"
    except UnicodeDecodeError:
        reason = "not_utf8"
    except OSError as error:
        reason = error.strerror or type(error).__name__
    raise problem(Exit.CREDENTIALS, codes.CREDENTIAL_FILE, span, path=name, reason=reason)


def _from_keyring(name: str, span: Span) -> str:
    service, _, account = name.rpartition("/")
    try:
        found = import_module("keyring").get_password(service or "crmstate", account)
    except ImportError:
        raise problem(Exit.CREDENTIALS, codes.CREDENTIAL_KEYRING, span, name=name, reason="not_installed") from None
    except Exception as error:  # a keyring's own errors may quote what they hold
        raise problem(
            Exit.CREDENTIALS, codes.CREDENTIAL_KEYRING, span, name=name, reason=type(error).__name__
        ) from None
    if found is None:
        raise problem(Exit.CREDENTIALS, codes.CREDENTIAL_KEYRING, span, name=name, reason="no_entry")
    return str(found)


def _from_command(command: Sequence[str], span: Span, run: Run) -> str:
    try:
        return run(command)
    except subprocess.CalledProcessError as error:
        reason = f"exit {error.returncode}"
    except subprocess.TimeoutExpired:
        reason = f"{_SECONDS} s"
    except (OSError, ValueError) as error:
        reason = type(error).__name__
    raise problem(Exit.CREDENTIALS, codes.CREDENTIAL_COMMAND, span, program=command[0], reason=reason)


def _started(command: Sequence[str]) -> str:
    """What a command prints; without a shell, and with nothing to read."""
    done = subprocess.run(list(command), stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=True)
    return done.stdout[:_LARGEST].decode("utf-8")

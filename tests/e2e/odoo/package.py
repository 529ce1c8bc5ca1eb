"""The server's code: Debian's package of Odoo 19, fetched once a machine into a folder outside of the clone, and unpacked
there. It is in the unstable suite alone, where file names move: apt looks the present one up in an index that is signed,
with a state of its own, and the machine's apt knows nothing of it."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

NAME = "odoo-19"
SUITE = "sid"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
LEFT_OUT = ("*/i18n/*.po", "*/addons/l10n_*", "./usr/share/doc*", "./usr/lib/python3/dist-packages/doc")
"""Translations and the countries' charts of accounts: three quarters of the package."""


def home() -> Path:
    """Where everything lies that is made once a machine: `$CRMSTATE_ODOO`, or a folder in the user's cache."""
    named = os.environ.get("CRMSTATE_ODOO")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    found = Path(named) if named else cache / "crmstate-odoo"
    found.mkdir(parents=True, exist_ok=True)
    return found


def code() -> Path:
    """The folder of the unpacked package, which is made where it is not there."""
    package = _package()
    root = home() / "code" / package.stem
    if not (root / ".whole").exists():
        making = root.with_name(root.name + ".making")
        shutil.rmtree(making, ignore_errors=True)
        shutil.rmtree(root, ignore_errors=True)
        making.mkdir(parents=True)
        without = [f"--exclude={each}" for each in LEFT_OUT]
        opened = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE)
        subprocess.run(["tar", "-x", "-C", str(making), "--no-same-owner", *without], stdin=opened.stdout, check=True)
        assert opened.wait() == 0, f"{package} cannot be opened"
        (making / ".whole").touch()
        making.rename(root)
    return root


def _package() -> Path:
    """The package that was fetched before, or the present one. Its digest is the index's, and is looked at each time."""
    folder = home() / "package"
    kept = sorted(folder.glob(f"{NAME}_*.deb"))
    found = kept[-1] if kept else _fetched(folder)
    wanted = found.with_suffix(".sha256").read_text().strip()
    with found.open("rb") as file:
        seen = hashlib.file_digest(file, "sha256").hexdigest()
    if seen != wanted:
        found.unlink()
        raise AssertionError(f"{found.name} was not what the index says, and is gone: run this again")
    return found


def _fetched(folder: Path) -> Path:
    apt = folder / "apt"
    (apt / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    (apt / "cache" / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    (apt / "sources").write_text(f"deb [signed-by={KEYRING}] {_mirror()} {SUITE} main\n")
    options = {
        "Dir::Etc::sourcelist": apt / "sources",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": apt / "lists",
        "Dir::Cache": apt / "cache",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        "Acquire::Retries": 3,
    }
    said = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    _run(["apt-get", *said, "update", "-qq"], folder)
    shown = _run(["apt-cache", *said, "show", "--no-all-versions", NAME], folder)
    digest = re.search(r"^SHA256: ([0-9a-f]{64})$", shown, re.M)
    assert digest, f"the index names no digest of {NAME}"
    _run(["apt-get", *said, "download", "-qq", NAME], folder)
    (found,) = folder.glob(f"{NAME}_*.deb")
    found.with_suffix(".sha256").write_text(digest[1] + "\n")
    shutil.rmtree(apt)
    return found


def _mirror() -> str:
    """The archive that this machine's apt uses already."""
    places = [*Path("/etc/apt/sources.list.d").glob("*.sources"), Path("/etc/apt/sources.list")]
    for place in (each for each in places if each.exists()):
        for line in place.read_text().splitlines():
            found = re.match(r"(?:URIs:|deb\s+(?:\[[^]]*\]\s+)?)\s*(https?://\S+)", line.strip())
            if found and "security" not in found[1]:
                return found[1]
    raise AssertionError("this machine's apt names no archive")


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, f"{command[0]} {command[-1]}: {done.stderr.strip()[-500:]}"
    return done.stdout

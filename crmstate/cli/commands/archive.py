"""crmstate archive: looks into an archive found anywhere, without the state and without the vendor; verifies it and
restores from it; and adds to the one of a manifest, under its lock and on its record."""

from __future__ import annotations

import os
import sys
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crmstate.cli.options import ColorOption, Format, FormatOption, LangOption, ManifestArgument, QuietOption
from crmstate.cli.screen import KNOWN, Screen
from crmstate.core.diagnostic import problem
from crmstate.core.secret import Secret
from crmstate.core.words import Exit

if TYPE_CHECKING:
    from crmstate.archive.store import ReadStore

IDENTITY = "CRMSTATE_IDENTITY"
LARGEST = 64 * 1024
app = typer.Typer(help="Look into an archive, verify it, restore from it.", no_args_is_help=True)
Archive = Annotated[
    str, typer.Argument(help="The archive's folder, or the folder that it lies in; or s3://bucket/prefix/ likewise.")
]
DatasetOption = Annotated[
    list[str] | None, typer.Option("--dataset", help="Only this dataset (id, label or folder); may be repeated.")
]
IdentityOption = Annotated[
    Path | None,
    typer.Option("--identity", help="A file with the key of an encrypted archive; or its text in CRMSTATE_IDENTITY."),
]
HERE = "archive"
HERE_MANIFEST = Path("crmstate.yaml")


class Form(str, Enum):  # noqa: UP042  typer shows the values of str enums
    """What an archive is restored to."""

    folder = "folder"
    sqlite = "sqlite"
    csv = "csv"
    spreadsheet = "csv-spreadsheet"


def _at(archive: str) -> ReadStore:
    """What a person named, to look at."""
    from crmstate.archive import places
    from crmstate.cli.compose import learn_keys

    learn_keys(KNOWN, os.environ)
    return places.found(archive, os.environ)


def _identity(file: Path | None) -> Secret | None:
    """The key that a person gave; nothing that is shown from here on shows it."""
    from crmstate.cli.compose import learn_lines

    text = os.environ.get(IDENTITY, "") if file is None else _key_text(file)
    if not text.strip() and file is None:
        return None
    secret = Secret(text)
    learn_lines(KNOWN, secret)
    return secret


def _key_text(file: Path) -> str:
    """The text of a key file, in whatever way an editor or a shell has written it."""
    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST + 1)
        wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
        text = data.decode("utf-16" if wide else "utf-8-sig")
        said = f"larger than {LARGEST // 1024} KiB" if len(data) > LARGEST else "not text" if "\0" in text else ""
    except (OSError, UnicodeDecodeError) as error:
        said = (error.strerror if isinstance(error, OSError) else "not text") or "-"
    if said:
        raise problem(Exit.CREDENTIALS, "CRM-A086", file=str(file), error=said) from None
    return text


@app.command("list")
def list_(archive: Archive = HERE, format: FormatOption = Format.text, lang: LangOption = None) -> int:
    """The archives in a folder."""
    from crmstate.archive import opening
    from crmstate.views.archive_text import archive_list

    screen = Screen(format.value, lang)
    found = [opening.holdings(root) for root in opening.find(_at(archive))]
    screen.out(archive_list(found, screen.catalogue, screen.format))
    return 0


@app.command()
def show(
    archive: Archive,
    dataset: Annotated[
        str | None, typer.Argument(help="Its records instead, one a line, as the vendor wrote them.")
    ] = None,
    head: Annotated[int | None, typer.Option("--head", min=1, help="Only so many records.")] = None,
    identity: IdentityOption = None,
    format: FormatOption = Format.text,
    lang: LangOption = None,
) -> int:
    """What an archive holds, or the records of one dataset; what is read of it is compared with its checksums."""
    from crmstate.archive import opening, reading
    from crmstate.archive.guarded import Guarded
    from crmstate.archive.layout import Place
    from crmstate.views.archive_text import archive_show
    from crmstate.views.escape import terminal

    screen = Screen(format.value, lang)
    root, found = opening.opened(_at(archive))
    if dataset is None:
        screen.out(archive_show(opening.holdings(root), screen.catalogue, screen.format))
        return 0
    (seal,) = opening.chosen(found, [dataset])
    wrap = opening.unwrapped(root, found, _identity(identity))
    place = Place(Guarded(root, seal), seal.dataset.id, wrap)
    for row in islice(reading.rows(place, seal), head):
        if sys.stdout.isatty():
            screen.out(terminal(row.raw.decode("utf-8", "replace")) + "\n")
        else:  # byte for byte, for whoever reads on
            sys.stdout.buffer.write(row.raw + b"\n")
    sys.stdout.flush()
    return 0


@app.command()
def verify(
    archive: Archive,
    dataset: DatasetOption = None,
    content: Annotated[
        str | None,
        typer.Option("--content", help="The digest on record that the dataset must have; with one --dataset."),
    ] = None,
    restore_test: Annotated[
        bool, typer.Option("--restore-test", help="Restore each dataset into a database, too, and compare.")
    ] = False,
    identity: IdentityOption = None,
    format: FormatOption = Format.text,
    lang: LangOption = None,
    no_color: ColorOption = False,
) -> int:
    """Read an archive back, every byte, and say what was read."""
    from crmstate.archive import opening
    from crmstate.views.archive_text import archive_verified

    screen = Screen(format.value, lang, no_color=no_color)
    root, found = opening.opened(_at(archive))
    seals = opening.chosen(found, dataset or [])
    opening.expect(seals, content)
    wrap = opening.unwrapped(root, found, _identity(identity))
    results = opening.checked(root, found, seals, restore_test, wrap, copies=True)
    screen.out(archive_verified(root.where, results, screen.catalogue, screen.format))
    return 0


@app.command()
def delta(
    manifest: ManifestArgument = HERE_MANIFEST,
    dataset: Annotated[
        list[str] | None, typer.Option("--dataset", help="Only this dataset (id or label); may be repeated.")
    ] = None,
    jobs: Annotated[
        bool,
        typer.Option(
            "--jobs",
            help="Submit the vendor's export jobs, which count against its quota, where the archive was made by them.",
        ),
    ] = False,
    format: FormatOption = Format.text,
    lang: LangOption = None,
    no_color: ColorOption = False,
) -> int:
    """Add what is new at the vendor to the archive of a manifest, and verify the whole."""
    from crmstate.cli.continuing import continue_archive
    from crmstate.cli.opening import open_house
    from crmstate.views.archive_text import archive_verified

    screen = Screen(format.value, lang, no_color=no_color)
    house = open_house(manifest, screen)
    where, results = continue_archive(house, dataset or [], jobs)
    screen.out(archive_verified(where, results, screen.catalogue, screen.format))
    return 0


@app.command()
def restore(
    archive: Archive,
    to: Annotated[Path, typer.Option("--to", help="A new folder, or a new file for sqlite.")],
    form: Annotated[Form, typer.Option("--as", help="What to restore to.")] = Form.folder,
    dataset: DatasetOption = None,
    identity: IdentityOption = None,
    lang: LangOption = None,
    quiet: QuietOption = False,
) -> int:
    """Verify an archive, and copy what it holds out of it."""
    from crmstate.archive import opening
    from crmstate.archive import restore as restoring

    screen = Screen(lang=lang, quiet=quiet)
    root, found = opening.opened(_at(archive))
    _check_to(to, root.where)
    seals = opening.chosen(found, dataset or [])
    wrap = opening.unwrapped(root, found, _identity(identity))
    if not wrap.reads_rows:
        raise problem(Exit.CREDENTIALS, "CRM-A080", file=root.where)
    opening.checked(root, found, seals, False, wrap)
    rows = restoring.restore(root, seals, to, form.value, wrap)
    screen.say("archive.restored", count=len(seals), rows=rows, path=to)
    return 0


def _check_to(to: Path, archive: str) -> None:
    """Refuses to restore into the archive itself, which nothing may be added to, and to an address."""
    if ":/" in str(to):
        raise problem(Exit.USAGE, "CRM-C001", text="--to: a folder or a file on this machine")
    place = to.absolute().resolve()
    if "://" not in archive and Path(archive).resolve() in (place, *place.parents):
        raise problem(Exit.USAGE, "CRM-C001", text="--to: a place outside the archive")

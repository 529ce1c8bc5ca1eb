"""crmstate evaluate: looking back at the end: cost before and after, measures, feedback, lessons, the verdict, a report."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from crmstate.cli.opening import open_house, opened
from crmstate.cli.options import HERE, ByOption, Format, FormatOption, LangOption, ManifestArgument, QuietOption
from crmstate.cli.recording import Paper, recording, refuse, start
from crmstate.cli.screen import Screen
from crmstate.core import evaluation
from crmstate.core.diagnostic import problem
from crmstate.core.event import Remark, Remarked
from crmstate.core.words import Exit, Proof
from crmstate.engine.observe import stamp

app = typer.Typer(help="Look back: cost, measures, feedback, lessons.", no_args_is_help=True)


class Kind(str, Enum):  # noqa: UP042  typer shows the values of str enums
    """What a line is."""

    cost = "cost"
    measure = "measure"
    feedback = "feedback"
    lesson = "lesson"
    verdict = "verdict"


class Shape(str, Enum):  # noqa: UP042
    """What a report is written as."""

    markdown = "markdown"
    html = "html"
    json = "json"


@app.command()
def add(
    manifest: ManifestArgument = HERE,
    kind: Annotated[Kind, typer.Option("--kind", help="What it is.")] = ...,  # type: ignore[assignment]
    name: Annotated[str, typer.Option("--name", help="Of a cost or a measure, such as response_time.")] = "",
    side: Annotated[str, typer.Option("--side", help="Of a cost or a measure: before or after.")] = "",
    value: Annotated[str, typer.Option("--value", help="A number; of a verdict: yes or no, adopt again.")] = "",
    unit: Annotated[str, typer.Option("--unit", help="Of a cost its currency, of a measure such as hours.")] = "",
    per: Annotated[str, typer.Option("--per", help="Of a cost: month, quarter, year or once.")] = "",
    text: Annotated[str, typer.Option("--text", help="Of feedback, a lesson, a verdict.")] = "",
    who: Annotated[str, typer.Option("--who", help="Whose feedback it is.")] = "",
    by: ByOption = None,
    lang: LangOption = None,
    quiet: QuietOption = False,
) -> int:
    """Enter one line. Of a cost or a measure the last entry counts."""
    from crmstate.people.remarks import refused

    screen = Screen(lang=lang, quiet=quiet)
    house = open_house(manifest, screen)
    line = Remark(kind.value, name, side, value, unit, per, text, who)
    with house.store() as store:
        refuse(refused(line, store.state.remarks))
        start(store, house)
        store.append([Remarked(stamp(house.clock.now()), by or house.by, (line,))])
    screen.say("evaluate.recorded", n=1)
    return 0


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A CSV file: kind,name,side,value,unit,per,text,who.")],
    manifest: ManifestArgument = HERE,
    by: ByOption = None,
    lang: LangOption = None,
    quiet: QuietOption = False,
) -> int:
    """Enter all lines of a sheet, or none."""
    from crmstate.people.remarks import read

    screen = Screen(lang=lang, quiet=quiet)
    house = open_house(manifest, screen)
    paper = Paper(file)
    with recording(house, by) as (store, at, name):
        lines = read(paper.data, str(file), store.state.remarks)
        start(store, house)
        kept = paper.keep(store, house, Proof.ATTESTED, at, name)
        store.append([Remarked(at, name, lines, kept)])
    screen.say("evaluate.recorded", n=len(lines))
    return 0


@app.command()
def show(manifest: ManifestArgument = HERE, format: FormatOption = Format.text, lang: LangOption = None) -> int:
    """What was entered and what is still missing."""
    return _report(manifest, "json" if format is Format.json else "markdown", None, lang)


@app.command()
def report(
    manifest: ManifestArgument = HERE,
    format: Annotated[Shape, typer.Option("--format", help="markdown, html or json.")] = Shape.markdown,
    earlier: Annotated[Shape | None, typer.Option("--as", hidden=True)] = None,
    out: Annotated[Path | None, typer.Option("--out", help="A file to write; else it is shown.")] = None,
    lang: LangOption = None,
) -> int:
    """The evaluation as a report."""
    return _report(manifest, (earlier or format).value, out, lang)


def _report(manifest: Path, shape: str, out: Path | None, lang: str | None) -> int:
    from crmstate.views.evaluation import report_html, report_json, report_markdown

    screen = Screen("json" if shape == "json" else "text", lang)
    house, state = opened(manifest, screen)
    found = evaluation.review(state.remarks)
    words = screen.catalogue
    if shape == "json":
        text = report_json(house.desired, state, found, screen.mask)
    elif shape == "html":
        text = report_html(house.desired, state, found, words)
    else:
        text = report_markdown(house.desired, state, found, words)
    if out is None:
        screen.out(text)
        return 0
    from crmstate.store.files import Disk
    from crmstate.store.home import refuse_inside

    refuse_inside(out)
    if out.exists() or out.is_symlink():
        raise problem(Exit.ERROR, "CRM-C012", path=out)
    Disk(house.effects).replace(out, screen.scrubber.scrub(text).encode("utf-8"))
    screen.say("evaluate.written", path=out)
    return 0

"""The page: docs/reference/fidelity.md, from the results of one run."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence

from tests.benchmarks.neighbours import truth
from tests.benchmarks.neighbours.judge import LOSSES, Verdict, loads
from tests.benchmarks.neighbours.measure import Cost
from tests.benchmarks.neighbours.results import Killed, Result

NOTE = "<!-- Written by `make compare`. -->\n\n"
SAYS = {
    "lost": "values lost: the field is not there",
    "null": "nulls lost: absent, or an empty text",
    "flattened": "objects and lists that became text, columns or tables",
    "type": "numbers and booleans that became text",
    "number": "numbers with another value",
    "text": "texts that changed",
    "spelling": "numbers spelt in another way (1.10, 1e5)",
}
FIELDS = 6
HOLDS = (
    "They hold what a reader may trip over: fields that are always null, sometimes null, or appear in the second half only; "
    "empty texts, objects and lists; objects and lists inside; integers over 2^53 and 2^63, decimals that end in a zero or have "
    "more digits than a double, exponents; names with spaces, dots, leading digits, Chinese, and two that differ by case; times "
    "in several formats; texts with line breaks, emoji, right-to-left marks, formulas, and texts that look like numbers, null "
    "or true; a field that is a number in one row and a text in the next."
)
MEASURED = (
    f"The server is a process of its own with finished pages of {truth.PAGE} rows behind an opaque cursor and a bearer token, on "
    "the same machine, without a delay: with a real vendor's the times would lie closer together.",
    "Each tool runs in an environment of its own, from locked requirements (`requirements/neighbours/`), with a configuration "
    "written from its documentation (`tests/benchmarks/neighbours/tools/`). `careful` means: with the options that we found to "
    "keep more. We found none for Airbyte.",
    "The comparison (`judge.py`) knows no tool. Rows are told apart by `id`. What lies in tables of its own is counted as "
    "flattened and not compared further.",
    "Not compared: rows that change while they are read, attachments, and vendors that answer slowly, wrongly or not at all.",
)


def page(results: Sequence[Result], rows: int, date: str, repeat: int) -> str:
    """The whole page."""
    ran = [each for each in results if each.verdict]
    return (
        f"# What comes out: crmstate and its neighbours\n\n{NOTE}"
        f"The same {_n(rows)} rows from the same server, read by each tool in one run on {date}, and compared with what the "
        "server sent, value by value. `make compare` runs it all again and writes this page; nothing on it is from elsewhere.\n\n"
        + _speed(ran)
        + _fidelity(ran, rows)
        + _kills([each for each in ran if each.killed])
        + _what(ran)
        + _stopped([each for each in results if not each.verdict])
        + _how(results, rows, repeat)
    )


def _speed(ran: Sequence[Result]) -> str:
    first = ran[0].cost
    assert first
    lines = [
        "## How fast\n",
        "Ratios to crmstate in the same run come first: they depend least on the machine, and of them CPU least.\n",
    ]
    lines += ["| | time | CPU | memory | rows/s | CPU s | MiB |", "|---|---|---|---|---|---|---|"]
    for each in ran:
        assert each.cost and each.verdict
        lines.append(f"| {each.tool.title} | {_costs(each.cost, first, each.verdict.rows)} |")
    return "\n".join(lines) + (
        "\n\nTime is from the start of the tool's processes to their end, starting included; CPU and memory are those of its "
        "own processes (two for Singer), not of the server. crmstate's run ends with an archive: compressed segments, each flushed "
        "to the disk, hashed, and sealed. Verifying it is not in the time. Airbyte's ends where a destination would begin.\n\n"
    )


def _costs(cost: Cost, first: Cost, rows: int) -> str:
    ratios = (cost.wall / first.wall, cost.cpu / first.cpu, cost.mib / first.mib)
    return " | ".join(
        [*(f"{each:.1f}" for each in ratios), _n(round(rows / cost.wall, -2)), f"{cost.cpu:.1f}", f"{cost.mib:.0f}"]
    )


def _fidelity(ran: Sequence[Result], rows: int) -> str:
    first = ran[0].verdict
    assert first
    shape: list[tuple[str, Callable[[Verdict], str]]] = [
        ("rows missing, doubled", lambda verdict: _zero(f"{_n(verdict.missing)}, {_n(verdict.doubled)}", "0, 0")),
        *((SAYS[loss], _loss(loss)) for loss in LOSSES),
        ("fields under another name", lambda verdict: str(len(verdict.renamed))),
        ("fields added", lambda verdict: str(len(verdict.added))),
        ("rows with their keys in another order", lambda verdict: _n(verdict.reordered)),
        ("rows that are the server's text, byte for byte", lambda verdict: _n(verdict.identical)),
    ]
    lines = [
        "## What becomes of the rows\n",
        f"{_n(first.values)} values in {_n(rows)} rows. A value counts once, under the worst that happened to it; the number of "
        "fields that it happened to stands before it.\n",
        "| | " + " | ".join(each.tool.title for each in ran) + " |",
        "|---" * (len(ran) + 1) + "|",
    ]
    for text, cell in shape:
        lines.append(f"| {text} | " + " | ".join(cell(each.verdict) for each in ran if each.verdict) + " |")
    lines.append("| an integer of 21 digits | " + " | ".join(each.large for each in ran) + " |")
    return "\n".join(lines) + "\n\n"


def _loss(loss: str) -> Callable[[Verdict], str]:
    def cell(verdict: Verdict) -> str:
        found = verdict.losses[loss]
        return f"{len(found)}: {_n(found.total())}" if found else "0"

    return cell


def _kills(ran: Sequence[Result]) -> str:
    if not ran:
        return ""
    lines = ["## Killed and run again\n"]
    first = ran[0].killed
    assert first
    lines.append(
        f"Killed without a warning at the moment when page {first.at + 1} of {first.pages} was asked for, and run again with the "
        "same command (with the state that it had given, where it had given one). What lay in place is what can be read under final "
        "names: of Airbyte, what it had given to its destination, which a second run in overwrite mode replaces; of target-jsonl, "
        "the files of both runs.\n"
    )
    lines.append(
        "| | rows in place after the kill, as if complete | pages asked for again | rows missing, doubled in the end |"
    )
    lines.append("|---|---|---|---|")
    for each in ran:
        assert each.killed
        lines.append(f"| {each.tool.title} | {_kill(each.killed)} |")
    return "\n".join(lines) + "\n\n"


def _kill(killed: Killed) -> str:
    end = f"{_n(killed.verdict.missing)}, {_n(killed.verdict.doubled)}"
    if killed.failed:
        end += " (the second run failed)"
    return f"{_n(killed.left)} | {killed.again} of {killed.at} | {_zero(end, '0, 0')}"


def _what(ran: Sequence[Result]) -> str:
    lines = ["## Which fields\n"]
    for each in ran:
        verdict = each.verdict
        assert verdict
        if verdict.clean:
            lines.append(f"**{each.tool.title}**: nothing.\n")
            continue
        lines.append(f"**{each.tool.title}**\n")
        for loss in LOSSES:
            if found := verdict.losses[loss]:
                names = _few([f"`{name}`" for name, _ in found.most_common()])
                lines.append(f"- {SAYS[loss]}: {names}; for example {_code(verdict.examples[loss])}")
        if verdict.renamed:
            lines.append("- renamed: " + _few([f"`{was}` → `{now}`" for was, now in verdict.renamed.items()]))
        if verdict.added:
            lines.append("- added: " + _few([f"`{name}`" for name in sorted(verdict.added)]))
        lines.append("")
    return "\n".join(lines) + "\n"


def _stopped(results: Sequence[Result]) -> str:
    if not results:
        return ""
    lines = ["## What could not be run\n"]
    lines += [f"- {each.tool.title}: {each.why or 'its run failed: ' + _code(each.failed)}" for each in results]
    return "\n".join(lines) + "\n\n"


def _how(results: Sequence[Result], rows: int, repeat: int) -> str:
    count = len(loads(truth.contact(rows, rows)))
    runs = f"Of {repeat} clean runs of each tool the quickest counts" if repeat > 1 else "One clean run of each tool"
    lines = [
        "## How it is measured\n",
        f"- The rows (`truth.py`) are made up and the same every time: {count} fields, {_bytes(rows)} bytes on average. {HOLDS}",
        *(f"- {text}" for text in MEASURED),
        f"- {runs}. {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}; {_load()}.\n",
        "| | how it is used | version |",
        "|---|---|---|",
    ]
    lines += [f"| {each.tool.title} | {each.tool.how} | {', '.join(each.versions) or '-'} |" for each in results]
    return "\n".join(lines) + "\n"


def _load() -> str:
    """How busy the machine was, which is what times suffer from."""
    load = os.getloadavg()[2] - 1
    return (
        "nothing else ran" if load < 0.5 else f"busy with other work as well (about {load:.0f} processes wanted to run)"
    )


def _bytes(rows: int) -> int:
    """Bytes of a row on average, of the first thousand."""
    some = [len(truth.contact(number, rows)) for number in range(min(rows, 1000))]
    return round(sum(some) / len(some) / 10) * 10


def _few(names: list[str]) -> str:
    more = len(names) - FIELDS
    return ", ".join(names[:FIELDS]) + (f" and {more} more" if more > 0 else "")


def _code(text: str) -> str:
    return "`" + text.replace("`", "'").replace("|", "\\|") + "`"


def _n(number: float) -> str:
    return f"{int(number):,}".replace(",", " ")


def _zero(text: str, zero: str) -> str:
    return "0" if text == zero else text

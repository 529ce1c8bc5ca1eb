"""Each tool of the comparison: how it is installed, how it is run, and how what it left is read."""

from __future__ import annotations

import csv
import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.neighbours import truth
from tests.benchmarks.neighbours.judge import Found, loads
from tests.benchmarks.neighbours.measure import Line

ROOT = Path(__file__).parents[3]
TOOLS = Path(__file__).parent / "tools"
CACHE = ROOT / ".neighbours"
LOCKED = ROOT / "requirements" / "neighbours"
PLAIN, CAREFUL = "plain", "careful"


@dataclass(frozen=True)
class Tool:
    """A tool in one of the ways to use it. `needs`: the environments that it runs in, by the name of their locked
    requirements; none for those that run in ours. `packages`: whose versions the page names. `how`: what the page says
    about the way it is used. `again`: what is done before it is run again after a kill."""

    name: str
    title: str
    mode: str
    how: str
    line: Callable[[str, str, Path], Line]
    read: Callable[[Path, str], Iterator[Found]]
    needs: tuple[str, ...] = ()
    packages: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        """One word for it."""
        return self.name if self.mode == PLAIN else f"{self.name}-{self.mode}"


def python(environment: str = "") -> str:
    """The Python of a tool's own environment, or ours."""
    return str(CACHE / environment / "bin" / "python") if environment else sys.executable


def install(environment: str) -> str:
    """Builds a tool's environment from its locked requirements, unless it is there; why it cannot be, or nothing."""
    folder, locked = CACHE / environment, LOCKED / f"{environment}.txt"
    ready = folder / ".ready"
    if ready.exists() and ready.read_text() == locked.read_text():
        return ""
    shutil.rmtree(folder, ignore_errors=True)
    pip = [python(environment), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    for command in ([sys.executable, "-m", "venv", str(folder)], [*pip, "-r", str(locked)]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return f"`{environment}` could not be installed: {(done.stderr.strip().splitlines() or ['?'])[-1][:200]}"
    ready.write_text(locked.read_text())
    return ""


def version(package: str, environment: str) -> str:
    """The version of a package in a tool's environment."""
    program = f"import importlib.metadata as m; print(m.version({package!r}))"
    return subprocess.run([python(environment), "-c", program], capture_output=True, text=True).stdout.strip() or "?"


def _program(name: str, environment: str, *words: str) -> list[str]:
    return [python(environment), str(TOOLS / name), *words]


def _lines(path: Path) -> Iterator[bytes]:
    """The lines of a file that have an end; a torn last one is left out. A packed file may end early."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            for line in stream:
                if line.endswith(b"\n"):
                    yield line[:-1]
    except (OSError, EOFError):
        return


def _json_rows(path: Path) -> Iterator[Found]:
    for line in _lines(path):
        yield Found(loads(line), line)


def crmstate_line(url: str, dataset: str, folder: Path) -> Line:
    env = {"PYTHONPATH": str(ROOT)}
    return Line([_program("with_crmstate.py", "", url, truth.TOKEN, dataset, str(folder))], folder, env=env)


def crmstate_read(folder: Path, dataset: str) -> Iterator[Found]:
    """What `crmstate archive show` prints of the sealed archive, after `verify` has passed it."""
    command = [sys.executable, "-m", "crmstate", "archive"]
    archive = str(folder / "archive")
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    if subprocess.run([*command, "verify", archive], env=env, capture_output=True, check=False).returncode:
        return
    with (folder / "shown.jsonl").open("wb") as out:
        subprocess.run([*command, "show", archive, dataset], env=env, stdout=out, check=True)
    yield from _json_rows(folder / "shown.jsonl")


def httpx_line(mode: str) -> Callable[[str, str, Path], Line]:
    def line(url: str, dataset: str, folder: Path) -> Line:
        return Line([_program("with_httpx.py", "", url, truth.TOKEN, dataset, str(folder), mode)], folder)

    return line


def csv_read(folder: Path, dataset: str) -> Iterator[Found]:
    path = folder / "out.csv"
    if path.exists():
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                yield Found(row)


def httpx_read(folder: Path, dataset: str) -> Iterator[Found]:
    return _json_rows(folder / "out.jsonl")


def dlt_line(mode: str) -> Callable[[str, str, Path], Line]:
    careful = {"DLT_USE_JSON": "simplejson", "SCHEMA__NAMING": "direct"}

    def line(url: str, dataset: str, folder: Path) -> Line:
        env = {"DLT_DATA_DIR": str(folder / "dlt"), "RUNTIME__LOG_LEVEL": "ERROR"}
        words = (url, truth.TOKEN, dataset, str(folder), mode)
        return Line([_program("with_dlt.py", "dlt", *words)], folder, env=env | (careful if mode == CAREFUL else {}))

    return line


def dlt_read(folder: Path, dataset: str) -> Iterator[Found]:
    """The rows of the dataset's own table, and which tables of its lists there are."""
    base = folder / "out" / "crm"
    tables = frozenset(each.name for each in base.iterdir() if each.is_dir()) if base.is_dir() else frozenset()
    parts = frozenset(name.removeprefix(f"{dataset}__") for name in tables if name.startswith(f"{dataset}__"))
    for path in sorted((base / dataset).glob("*.jsonl*")):
        for found in _json_rows(path):
            yield Found(found.values, found.line, parts)


def singer_line(mode: str) -> Callable[[str, str, Path], Line]:
    def line(url: str, dataset: str, folder: Path) -> Line:
        config = {"url": url, "token": truth.TOKEN, "dataset": dataset, "mode": mode}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tap.json").write_text(json.dumps(config))
        (folder / "target.json").write_text(json.dumps({"destination_path": str(folder / "out")}))
        state = _last_state(folder)
        tap = _program("with_singer.py", "singer", "--config", "tap.json", *(["--state", state] if state else []))
        target = [str(CACHE / "singer-target" / "bin" / "target-jsonl"), "--config", "target.json"]
        return Line([tap, target], folder, out="state.json")

    return line


def _last_state(folder: Path) -> str:
    """The state that the target said last, in a file for the tap; none where it said none."""
    lines = [line for line in _lines(folder / "state.json") if line.strip()]
    if lines:
        (folder / "last-state.json").write_bytes(lines[-1])
    return "last-state.json" if lines else ""


def singer_read(folder: Path, dataset: str) -> Iterator[Found]:
    """All files that the target left: it writes one for each run, with the time in its name."""
    for path in sorted((folder / "out").glob("*.jsonl")):
        yield from _json_rows(path)


def airbyte_line(url: str, dataset: str, folder: Path) -> Line:
    folder.mkdir(parents=True, exist_ok=True)
    schema = {"type": "object", "additionalProperties": True, "properties": {"id": {"type": "string"}}}
    stream = {"name": dataset, "json_schema": schema, "supported_sync_modes": ["full_refresh"]}
    catalog = {"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
    (folder / "catalog.json").write_text(json.dumps({"streams": [catalog]}))
    (folder / "config.json").write_text(json.dumps({"url": url, "token": truth.TOKEN}))
    words = ["read", "--config", "config.json", "--catalog", "catalog.json"]
    states = [json.loads(line)["state"] for line in _lines(folder / "messages.jsonl") if b'"type":"STATE"' in line[:20]]
    if states:
        (folder / "state.json").write_text(json.dumps(states[-1:]))
        words += ["--state", "state.json"]
    program = [str(CACHE / "airbyte" / "bin" / "source-declarative-manifest"), *words]
    return Line([[*program, "--manifest-path", str(TOOLS / "with_airbyte.yaml")]], folder, out="messages.jsonl")


def airbyte_read(folder: Path, dataset: str) -> Iterator[Found]:
    """The records that the source gave, as a destination gets them; those of the last run, which replace earlier ones."""
    for line in _lines(folder / "messages.jsonl"):
        if line.startswith(b'{"type":"RECORD"'):
            yield Found(loads(line)["record"]["data"])


ALL = (
    Tool("crmstate", "crmstate", PLAIN, "a provider and the archive, as they are", crmstate_line, crmstate_read),
    Tool(
        "dlt", "dlt", PLAIN, "its declarative REST source and its filesystem destination, as its guide shows them",
        dlt_line(PLAIN), dlt_read, ("dlt",), (("dlt", "dlt"),),
    ),
    Tool(
        "dlt", "dlt, careful", CAREFUL,
        "the same with the naming convention `direct`, `max_table_nesting=0`, no detection of times, and simplejson",
        dlt_line(CAREFUL), dlt_read, ("dlt",), (("dlt", "dlt"),),
    ),
    Tool(
        "singer", "Singer", PLAIN,
        "a tap of the Singer SDK that declares the fields of the vendor's first page, piped into target-jsonl",
        singer_line(PLAIN), singer_read, ("singer", "singer-target"),
        (("singer-sdk", "singer"), ("target-jsonl", "singer-target")),
    ),
    Tool(
        "singer", "Singer, careful", CAREFUL,
        "the same with an open schema (`additionalProperties`) and `TypeConformanceLevel.NONE`",
        singer_line(CAREFUL), singer_read, ("singer", "singer-target"),
        (("singer-sdk", "singer"), ("target-jsonl", "singer-target")),
    ),
    Tool(
        "airbyte", "Airbyte", PLAIN,
        "a declarative source with an open schema, run by `source-declarative-manifest`; what is judged and timed are the "
        "records that the source gives to a destination, without a destination",
        airbyte_line, airbyte_read, ("airbyte",), (("airbyte-cdk", "airbyte"),),
    ),
    Tool(
        "script", "httpx and csv", PLAIN, "thirty lines that write a CSV with the columns of the first row",
        httpx_line(PLAIN), csv_read, (), (("httpx", ""),),
    ),
    Tool(
        "script", "httpx and json", CAREFUL, "the same, as JSON lines", httpx_line(CAREFUL), httpx_read, (),
        (("httpx", ""),),
    ),
)  # fmt: skip

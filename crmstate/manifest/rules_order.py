"""Rules of order: `before`, `after`, `send` and `due` refer to something that exists, and to nothing in a circle."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from graphlib import CycleError, TopologicalSorter
from itertools import islice, pairwise
from typing import NamedTuple

from crmstate.core.diagnostic import Diagnostic, Span, diagnostic
from crmstate.core.words import Milestone
from crmstate.manifest import codes
from crmstate.manifest.suggest import near
from crmstate.manifest.tree import Path, Tree
from crmstate.manifest.written import read_date, read_moment, read_time

MOST = 20
SHOWN = 12
MILESTONES = frozenset(milestone.value for milestone in Milestone)
ALWAYS: tuple[tuple[str, str], ...] = (
    ("freeze", "access_ends"),
    ("freeze", "purged"),
    ("archive_verified", "purged"),
    ("purged", "closed"),
    ("cancel_effective", "closed"),
)
"""What comes first among the milestones, whatever a manifest says."""


class Edge(NamedTuple):
    """`first` comes before `then`; `span` is the line that says so, None for what is always so."""

    first: str
    then: str
    span: Span | None


def people_ids(tree: Tree) -> dict[str, int]:
    """The ids of the person steps, with their index; the first of each."""
    found: dict[str, int] = {}
    for index in range(len(tree.items("people"))):
        name = tree.text("people", index, "id")
        if name is not None:
            found.setdefault(name, index)
    return found


def ids_once(tree: Tree) -> Iterator[Diagnostic]:
    """An id names one step, and no milestone."""
    first = people_ids(tree)
    for index in range(len(tree.items("people"))):
        name = tree.text("people", index, "id")
        if name is None:
            continue
        span = tree.span("people", index, "id")
        if name in MILESTONES:
            yield diagnostic(codes.ID_IS_MILESTONE, span=span, id=name)
        elif first[name] != index:
            yield diagnostic(codes.ID_TWICE, span=span, id=name[:63], first=tree.span("people", first[name], "id").line)


def points_exist(tree: Tree) -> Iterator[Diagnostic]:
    """Every point that is referred to exists."""
    known = MILESTONES | set(people_ids(tree))
    unknown = ((path, point) for path, point in _references(tree) if point not in known)
    for path, point in islice(unknown, MOST):
        span = tree.span(*path)
        suggestion = near(point, sorted(known))
        if suggestion:
            yield diagnostic(codes.UNKNOWN_POINT_NEAR, span=span, point=point[:63], suggestion=suggestion)
        else:
            yield diagnostic(codes.UNKNOWN_POINT, span=span, point=point[:63], known=", ".join(sorted(known)[:40]))


def _references(tree: Tree) -> Iterator[tuple[Path, str]]:
    for index in range(len(tree.items("people"))):
        for key in ("before", "after"):
            point = tree.text("people", index, key)
            if point is not None:
                yield ("people", index, key), point
        yield from _moment(tree, ("people", index, "due"))
    for index in range(len(tree.items("notices"))):
        yield from _moment(tree, ("notices", index, "send"))
    yield from _moment(tree, ("settlement", "due"))


def _moment(tree: Tree, path: Path) -> Iterator[tuple[Path, str]]:
    moment = read_moment(tree.text(*path) or "")
    if moment and moment.point:
        yield path, moment.point


def no_circles(tree: Tree) -> Iterator[Diagnostic]:
    """Nothing waits for itself, not even by way of the milestones."""
    yield from _circles(_edges(tree), codes.CYCLE)


def dues_begin(tree: Tree) -> Iterator[Diagnostic]:
    """No due date counts from itself, not even by way of others: it would never be a day."""
    ids = people_ids(tree)
    edges = []
    for name, index in ids.items():
        moment = read_moment(tree.text("people", index, "due") or "")
        if moment and moment.point in ids:
            edges.append(Edge(moment.point, name, tree.span("people", index, "due")))
    yield from _circles(edges, codes.DUE_CIRCLE)


def dues_in_order(tree: Tree) -> Iterator[Diagnostic]:
    """What is to be done before a point is not due after it, and what comes after a point not before it: as far as both days
    are written out, or one counts from the other. The plan sees the days that a contract makes."""
    for index in range(len(tree.items("people"))):
        due = tree.text("people", index, "due") or ""
        moment = read_moment(due)
        for side, wrong in (("before", "after"), ("after", "before")):
            point = tree.text("people", index, side)
            if moment is None or point is None:
                continue
            counted = moment.point == point and moment.side == wrong and moment.duration and moment.duration.count > 0
            day = _written_day(tree, point)
            late = moment.day and day and (moment.day > day if side == "before" else moment.day < day)
            if counted or late:
                shown = f"{point} ({day.isoformat()})" if day and late else point
                span = tree.span("people", index, "due")
                yield diagnostic(codes.DUE_OUT_OF_ORDER, span=span, due=due, side=side, point=shown)


def _written_day(tree: Tree, point: str) -> date | None:
    """The day of a point, where the manifest writes it out."""
    if point == Milestone.FREEZE:
        time = read_time(tree.text("cutover", "freeze") or "")
        return time.date() if time else None
    if point == Milestone.CANCEL_EFFECTIVE:
        return read_date(tree.text("end_state", "subscription", "effective", "date") or "")
    index = people_ids(tree).get(point)
    moment = read_moment(tree.text("people", index, "due") or "") if index is not None else None
    return moment.day if moment else None


def _circles(edges: list[Edge], code: str) -> Iterator[Diagnostic]:
    """Each circle is told once, with its lines."""
    for _ in range(MOST):
        circle = _circle(edges)
        if not circle:
            return
        written = sorted((edge for edge in circle if edge.span), key=_place)
        told = written[0]
        start = circle.index(told)
        names = [edge.first for edge in (*circle[start:], *circle[:start])]
        lines = sorted({edge.span.line for edge in written[1:] if edge.span}) or [told.span.line if told.span else 0]
        yield diagnostic(
            code,
            span=told.span,
            circle=" -> ".join((*names[:SHOWN], *(["..."] if len(names) > SHOWN else []), told.first)),
            other_line=", ".join(map(str, lines[:SHOWN])),
        )
        edges = [edge for edge in edges if (edge.first, edge.then) != (told.first, told.then)]


def _circle(edges: list[Edge]) -> list[Edge]:
    """The edges of a circle, in order; empty where there is none."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for edge in edges:
        sorter.add(edge.then, edge.first)
    try:
        sorter.prepare()
    except CycleError as error:
        names = error.args[1]
        by_ends = {(edge.first, edge.then): edge for edge in reversed(edges)}
        return [by_ends[pair] for pair in pairwise(names)]
    return []


def _place(edge: Edge) -> tuple[int, int]:
    return (edge.span.line, edge.span.column) if edge.span else (0, 0)


def _edges(tree: Tree) -> list[Edge]:
    known = MILESTONES | set(people_ids(tree))
    edges = [Edge(first, then, None) for first, then in ALWAYS]
    for name, index in people_ids(tree).items():
        before, after = tree.text("people", index, "before"), tree.text("people", index, "after")
        if before in known and before is not None:
            edges.append(Edge(name, before, tree.span("people", index, "before")))
        if after in known and after is not None:
            edges.append(Edge(after, name, tree.span("people", index, "after")))
    return edges


RULES = (ids_once, points_exist, no_circles, dues_begin, dues_in_order)

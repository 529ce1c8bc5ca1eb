"""Which models there are in a database, by name, and `ir.model`, which says so itself: with how many rows each table has, past
every rule, for administrators alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from . import files, machine, numbers, people, tables
from .domains import Row, Span
from .models import SYSTEM, Env, Field, Model, with_magic


@cache
def _built_in() -> dict[str, Model]:
    return {
        **machine.models(),
        **{each.name: each for each in (people.USER, people.KEY, people.WIZARD, files.FILE, MODEL)},
    }


def find(env: Env, name: str) -> Model | None:
    """A model that knows its neighbours; None where there is none of this name."""
    found = _built_in().get(name) or tables.model_of(env, name)
    return None if found is None else replace(found, of=env.model)


def names(env: Env) -> list[str]:
    """Every model, in the order of names."""
    return sorted({*_built_in(), numbers.PARTNERS, *tables.datasets(env.world)})


def _models(env: Env, span: Span) -> Iterator[Row]:
    for name in names(env):
        number = numbers.take(env.world, "ir.model", name)
        if people.within(span, number):
            yield _row(env, number, name)


def _row(env: Env, number: int, name: str) -> Row:
    model = env.model(name)
    return {
        "id": number, "key": None, "model": name, "name": model.label, "transient": model.transient, "abstract": False,
        "modules": model.modules, "count": lambda: 0 if model.transient else model.count(env),
        "state": "manual" if name.startswith("x_") else "base", "create_uid": 1, "write_uid": 1, "order": "id",
    }  # fmt: skip


MODEL = Model(
    "ir.model",
    "Models",
    with_magic({
        "model": Field("char", "Model", required=True), "name": Field("char", "Model Description", required=True),
        "transient": Field("boolean", "Transient Model"), "abstract": Field("boolean", "Abstract Model"),
        "modules": Field("char", "In Apps", store=False), "count": Field("integer", "Count (Incl. Archived)", store=False),
        "state": Field("selection", "Type"), "order": Field("char", "Order", required=True),
    }),
    lambda env, span: iter(sorted(_models(env, span), key=lambda row: int(row["id"]))),
    lambda env: len(names(env)),
    may={"read": SYSTEM},
)  # fmt: skip

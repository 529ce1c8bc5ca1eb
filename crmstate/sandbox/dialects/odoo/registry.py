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
        **machine.MODELS,
        **{each.name: each for each in (people.USER, people.KEY, people.WIZARD, files.FILE, MODEL, FIELD)},
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
        "id": number, "key": None, "model": name, "name": model.label, "transient": model.transient, "abstract": model.abstract,
        "modules": model.modules, "count": lambda: 0 if model.transient or model.abstract else model.count(env),
        "state": "manual" if name.startswith("x_") else "base", "create_uid": 1, "write_uid": 1, "order": "id",
        "is_mail_thread": name in tables.THREADS,
    }  # fmt: skip


def _fields(env: Env, span: Span) -> Iterator[Row]:
    """Every field of every model."""
    number = 0
    for name in names(env):
        model = env.model(name)
        for each, field in model.fields.items():
            number += 1
            if people.within(span, number):
                yield _field(env, number, model, each, field)


def _field(env: Env, number: int, model: Model, name: str, field: Field) -> Row:
    single = field.type == "many2one"
    return {
        "id": number, "key": None, "name": name, "model": model.name, "field_description": field.string,
        "model_id": lambda: numbers.take(env.world, "ir.model", model.name), "ttype": field.type,
        "relation": field.relation or False, "required": field.required, "readonly": field.readonly,
        "store": field.store, "on_delete": ("restrict" if field.required else "set null") if single else False,
        "create_uid": 1, "write_uid": 1, "state": "base",
    }  # fmt: skip


MODEL = Model(
    "ir.model",
    "Models",
    with_magic({
        "model": Field("char", "Model", required=True), "name": Field("char", "Model Description", required=True),
        "transient": Field("boolean", "Transient Model"), "abstract": Field("boolean", "Abstract Model"),
        "modules": Field("char", "In Apps", store=False), "count": Field("integer", "Count (Incl. Archived)", store=False),
        "state": Field("selection", "Type"), "order": Field("char", "Order", required=True),
        "is_mail_thread": Field("boolean", "Has Mail Thread"),
    }),
    lambda env, span: iter(sorted(_models(env, span), key=lambda row: int(row["id"]))),
    lambda env: len(names(env)),
    may={"read": SYSTEM},
)  # fmt: skip
FIELD = Model(
    "ir.model.fields",
    "Fields",
    with_magic({
        "name": Field("char", "Field Name", required=True), "model": Field("char", "Model Name", required=True),
        "model_id": Field("many2one", "Model", "ir.model", required=True), "ttype": Field("selection", "Field Type"),
        "field_description": Field("char", "Field Label"), "relation": Field("char", "Related Model"),
        "required": Field("boolean", "Required"), "readonly": Field("boolean", "Readonly"),
        "store": Field("boolean", "Stored"), "on_delete": Field("selection", "On Delete"), "state": Field("selection", "Type"),
    }),
    _fields,
    lambda env: sum(len(env.model(name).fields) for name in names(env)),
    may={"read": SYSTEM},
)  # fmt: skip

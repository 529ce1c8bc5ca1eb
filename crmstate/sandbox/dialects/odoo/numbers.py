"""The vendor's ids, which are numbers of each model's own, for what the World calls by short texts. A number is given once,
in the order in which things come, and never again.

They stand in a table of the World's file that triggers fill, so that whoever puts something there, it has its number. What the
World calls by a number already (an adopted tenant) keeps it. The first owner is user 2, as an Odoo's administrator is.
"""

from __future__ import annotations

from ...world import World

USERS, PARTNERS, KEYS, FILES = "res.users", "res.partner", "res.users.apikeys", "ir.attachment"
RULES, ACTIONS, MODULES = "base.automation", "ir.actions.server", "ir.module.module"
FIRST = 100
"""The World's things come behind this one; the server's own before it."""
ADMIN, ADMINS_PARTNER = 2, 3
DONE = "odoo/numbered"

_TABLE = (
    "CREATE TABLE IF NOT EXISTS odoo_numbers (model TEXT NOT NULL, number INTEGER NOT NULL, key TEXT NOT NULL, "
    "PRIMARY KEY (model, number)) WITHOUT ROWID",
    "CREATE UNIQUE INDEX IF NOT EXISTS odoo_keys ON odoo_numbers (model, key)",
)
# Table, the model (SQL over its row `NEW`), the key, and the number of an owner where there is such a thing.
_SOURCES: tuple[tuple[str, str, str, int | None], ...] = (
    ("users", f"'{USERS}'", "NEW.id", ADMIN),
    ("users", f"'{PARTNERS}'", "'left-' || NEW.id", ADMINS_PARTNER),
    ("api_keys", f"'{KEYS}'", "NEW.id", None),
    ("integrations", f"'{RULES}'", "NEW.id", None),
    ("integrations", f"'{ACTIONS}'", "NEW.id", None),
    ("modules", f"'{MODULES}'", "NEW.id", None),
    ("rows", "NEW.dataset", "NEW.id", None),
    ("attachments", f"'{FILES}'", "NEW.dataset || char(10) || NEW.id", None),
)


def partner_key(user: str) -> str:
    """The World's id of the contact that a user has, which is left when the user is deleted."""
    return f"left-{user}"


def file_key(dataset: str, id: str) -> str:
    return f"{dataset}\n{id}"


def ready(world: World) -> None:
    """Sees to it that everything has a number. Within a transaction."""
    if world.remembered(DONE):
        return
    for sql in _TABLE:
        world.run(sql)
    for place, (table, model, key, owner) in enumerate(_SOURCES):
        world.run(f"DROP TRIGGER IF EXISTS odoo_{place}")
        world.run(
            f"CREATE TRIGGER odoo_{place} AFTER INSERT ON {table} BEGIN {_numbered(model, key, owner, 'NEW')}; END"
        )
        if table == "rows":  # of which there may be many
            _every_row(world)
            continue
        order = "role <> 'owner', id" if table == "users" else "id"
        for (id,) in world.all(f"SELECT id FROM {table} ORDER BY {order}") if table != "attachments" else ():
            world.run(
                _numbered(model, key, owner, "t") + f" FROM {table} t WHERE t.id = ? AND {_new(model, key, 't')}", id
            )
    _every_file(world)
    world.put(DONE, True)


def _numbered(model: str, key: str, owner: int | None, row: str) -> str:
    """SQL that gives a row its number: its own where it is called by one that is free, else the next."""
    model, key = model.replace("NEW", row), key.replace("NEW", row)
    plain = f"{row}.id GLOB '[1-9]*' AND {row}.id NOT GLOB '*[^0-9]*' AND length({row}.id) < 10"
    free = f"NOT EXISTS (SELECT 1 FROM odoo_numbers WHERE model = {model} AND number = {{}})"
    following = f"max({FIRST}, coalesce((SELECT max(number) FROM odoo_numbers WHERE model = {model}), 0)) + 1"
    first = f"WHEN {row}.role = 'owner' AND {free.format(owner)} THEN {owner} " if owner else ""
    own = f"WHEN {plain} AND {free.format(f'CAST({row}.id AS INTEGER)')} THEN CAST({row}.id AS INTEGER) "
    number = f"CASE {'WHEN 0 THEN 0 ' if 'left-' in key or 'char(10)' in key else own}{first}ELSE {following} END"
    return f"INSERT INTO odoo_numbers (model, number, key) SELECT {model}, {number}, {key}" + (
        f" WHERE {_new(model, key, row)}" if row == "NEW" else ""
    )


def _new(model: str, key: str, row: str) -> str:
    model, key = model.replace("NEW", row), key.replace("NEW", row)
    return f"NOT EXISTS (SELECT 1 FROM odoo_numbers o WHERE o.model = {model} AND o.key = {key})"


def _every_row(world: World) -> None:
    world.run(
        "INSERT INTO odoo_numbers SELECT r.dataset, "
        f"max({FIRST}, coalesce((SELECT max(number) FROM odoo_numbers o WHERE o.model = r.dataset), 0)) "
        "+ row_number() OVER (PARTITION BY r.dataset ORDER BY r.id), r.id FROM rows r "
        "WHERE NOT EXISTS (SELECT 1 FROM odoo_numbers o WHERE o.model = r.dataset AND o.key = r.id)"
    )


def _every_file(world: World) -> None:
    world.run(
        f"INSERT INTO odoo_numbers SELECT '{FILES}', "
        f"max({FIRST}, coalesce((SELECT max(number) FROM odoo_numbers o WHERE o.model = '{FILES}'), 0)) "
        "+ row_number() OVER (ORDER BY dataset, id), dataset || char(10) || id FROM attachments"
    )


def of(world: World, model: str, key: str) -> int | None:
    """The number of something, or None."""
    found = world.one("SELECT number FROM odoo_numbers WHERE model = ? AND key = ?", model, key)
    return None if found is None else int(found[0])


def key(world: World, model: str, number: int) -> str | None:
    """What the World calls that which has this number, or had it."""
    found = world.one("SELECT key FROM odoo_numbers WHERE model = ? AND number = ?", model, number)
    return None if found is None else str(found[0])


def take(world: World, model: str, key: str) -> int:
    """The number of something that is in no table of the World's."""
    found = of(world, model, key)
    if found is None:
        found = int(world.one("SELECT coalesce(max(number), 0) + 1 FROM odoo_numbers WHERE model = ?", model)[0])
        world.run("INSERT INTO odoo_numbers VALUES (?, ?, ?)", model, found, key)
    return found


def put_before(world: World, model: str, key: str, number: int) -> None:
    """Gives something that just came the largest free number below one, as if its transaction had begun long ago."""
    taken = {n for (n,) in world.all("SELECT number FROM odoo_numbers WHERE model = ? AND number < ?", model, number)}
    free = next((n for n in range(number - 1, ADMINS_PARTNER + 3, -1) if n not in taken), None)
    if free is not None:
        world.run("UPDATE odoo_numbers SET number = ? WHERE model = ? AND key = ?", free, model, key)

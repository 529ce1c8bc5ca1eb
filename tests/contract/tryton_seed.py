"""Run by the server's Python (`CONFIG DATABASE`): people of every kind of right, through proteus; then, in the file
itself, triggers that note each effect that really happened, and every name of a cache, so that caches can be declared
stale from outside."""

import sqlite3
import sys

from proteus import Model
from proteus import config as connection

EVERYTHING = {"perm_read": True, "perm_write": True, "perm_create": True, "perm_delete": True}
READING = {"perm_read": True}
GUARDED = ("res.user", "res.user.application", "ir.attachment", "party.party", "party.category")
PEOPLE = {"a-admin": True, "a-read": False, "a-weak": False, "a-none": False, "a-dead": False}

EFFECTS = """
CREATE TABLE seen_effects (id INTEGER PRIMARY KEY, kind TEXT, thing TEXT);
CREATE TRIGGER seen_user AFTER UPDATE OF active ON res_user WHEN OLD.active AND NOT NEW.active
  BEGIN INSERT INTO seen_effects (kind, thing) VALUES ('user', OLD.id); END;
CREATE TRIGGER seen_cancel AFTER UPDATE OF state ON res_user_application
  WHEN OLD.state <> 'cancelled' AND NEW.state = 'cancelled'
  BEGIN INSERT INTO seen_effects (kind, thing) VALUES ('api_key', OLD.id); END;
CREATE TRIGGER seen_key AFTER DELETE ON res_user_application WHEN OLD.state <> 'cancelled'
  BEGIN INSERT INTO seen_effects (kind, thing) VALUES ('api_key', OLD.id); END;
CREATE TRIGGER seen_party AFTER DELETE ON party_party
  BEGIN INSERT INTO seen_effects (kind, thing) VALUES ('party.party', OLD.id); END;
CREATE TRIGGER seen_opportunity AFTER DELETE ON sale_opportunity
  BEGIN INSERT INTO seen_effects (kind, thing) VALUES ('sale.opportunity', OLD.id); END;
"""


def clear(database: str) -> None:
    """The rights that the server comes with, of the guarded models: it refuses to let anybody change them."""
    with sqlite3.connect(database) as file:
        file.executemany("UPDATE ir_model_access SET active = 0 WHERE model = ?", [(model,) for model in GUARDED])


def rights() -> None:
    """Of the guarded models administrators may do everything, everybody of the house may read, and nobody else may do
    anything."""
    group, access = Model.get("res.group"), Model.get("ir.model.access")
    (administration,) = group.find([("name", "=", "Administration")])
    house = group(name="House")
    house.save()
    for model in GUARDED:
        access(model=model, group=administration, **EVERYTHING).save()
        access(model=model, group=house, **READING).save()
        access(model=model, group=None).save()


def people() -> None:
    group, user, key = Model.get("res.group"), Model.get("res.user"), Model.get("res.user.application")
    (house,) = group.find([("name", "=", "House")])
    every = group.find([])
    for login, strong in PEOPLE.items():
        made = user(name=login, login=login, email=f"{login}@example.com", password=f"Pw-of-{login}-2026")
        made.groups.extend(group(each.id) for each in (every if strong else [house] if login != "a-none" else []))
        made.save()
        key(user=made, application="rest").save()
    dead = user.find([("login", "=", "a-dead")])[0]
    for each in key.find([("user", "=", dead.id)]):
        each.click("cancel")
    dead.active = False
    dead.save()


def marks(database: str) -> None:
    from trytond.cache import BaseCache

    with sqlite3.connect(database) as file:
        file.executescript(EFFECTS)
        names = [(name,) for name in BaseCache._instances]
        file.executemany(
            "INSERT INTO ir_cache (name, timestamp) VALUES (?, '2000-01-01') ON CONFLICT DO NOTHING", names
        )


if __name__ == "__main__":
    clear(f"{sys.argv[2]}.sqlite")
    connection.set_trytond(sys.argv[2], user="admin", config_file=sys.argv[1])
    rights()
    people()
    marks(f"{sys.argv[2]}.sqlite")

"""Run by the server's Python (`CONFIG DATABASE`): people of every kind of right, through proteus; then, in the file
itself, triggers that note each effect that really happened, and every name of a cache, so that caches can be declared
stale from outside."""

import sqlite3
import sys

from proteus import Model
from proteus import config as connection

EVERYTHING = {"perm_read": True, "perm_write": True, "perm_create": True, "perm_delete": True}
READING = {"perm_read": True}
GUARDED = ("res.user", "res.user.application", "ir.trigger", "ir.module", "ir.attachment", "party.party")
PEOPLE = {"a-admin": None, "a-read": "Audit", "a-weak": "House", "a-none": "", "a-dead": "House"}
"""Each with the group that it belongs to; None: to all of them."""

EFFECTS = """
CREATE TABLE seen_effects (id INTEGER PRIMARY KEY, kind TEXT, thing TEXT);
CREATE TRIGGER seen_user AFTER UPDATE OF active ON res_user WHEN OLD.active IS NOT NEW.active
  BEGIN INSERT INTO seen_effects (kind, thing) VALUES ('user', OLD.id); END;
CREATE TRIGGER seen_cancel AFTER UPDATE OF state ON res_user_application
  WHEN OLD.state <> 'cancelled' AND NEW.state = 'cancelled'
  BEGIN INSERT INTO seen_effects (kind, thing) VALUES ('api_key', OLD.id); END;
CREATE TRIGGER seen_key AFTER DELETE ON res_user_application WHEN OLD.state <> 'cancelled'
  BEGIN INSERT INTO seen_effects (kind, thing) VALUES ('api_key', OLD.id); END;
CREATE TRIGGER seen_session AFTER DELETE ON ir_session
  BEGIN INSERT INTO seen_effects (kind, thing) VALUES ('session', OLD.create_uid); END;
CREATE TRIGGER seen_trigger AFTER UPDATE OF active ON ir_trigger WHEN OLD.active IS NOT NEW.active
  BEGIN INSERT INTO seen_effects (kind, thing) VALUES ('integration', OLD.id); END;
CREATE TRIGGER seen_trigger_gone AFTER DELETE ON ir_trigger
  BEGIN INSERT INTO seen_effects (kind, thing) VALUES ('integration', OLD.id); END;
CREATE TRIGGER seen_party AFTER DELETE ON party_party
  BEGIN INSERT INTO seen_effects (kind, thing) VALUES ('party.party', OLD.id); END;
"""


def clear(database: str) -> None:
    """The rights that the server comes with, of the guarded models: it refuses to let anybody change them."""
    with sqlite3.connect(database) as file:
        file.executemany("UPDATE ir_model_access SET active = 0 WHERE model = ?", [(model,) for model in GUARDED])


def rights() -> None:
    """Of the guarded models administrators may do everything, everybody of the house may read, and nobody else may do
    anything. Auditors see everybody's keys, which the server shows to administrators alone."""
    group, access = Model.get("res.group"), Model.get("ir.model.access")
    (administration,) = group.find([("name", "=", "Administration")])
    house, audit = group(name="House"), group(name="Audit")
    house.save()
    audit.save()
    for model in GUARDED:
        access(model=model, group=administration, **EVERYTHING).save()
        access(model=model, group=house, **READING).save()
        access(model=model, group=audit, **READING).save()
        access(model=model, group=None).save()
    (everybodys,) = Model.get("ir.rule.group").find([("name", "=", "Any user application")])
    everybodys.groups.append(group(audit.id))
    everybodys.save()


def people() -> None:
    group, user, key = Model.get("res.group"), Model.get("res.user"), Model.get("res.user.application")
    for login, wanted in PEOPLE.items():
        member = group.find([] if wanted is None else [("name", "=", wanted)])
        made = user(name=login, login=login, email=f"{login}@example.com", password=f"Pw-of-{login}-2026")
        made.groups.extend(group(each.id) for each in member)
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

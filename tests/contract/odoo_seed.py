# ruff: noqa: F821
"""Run in the server's own shell (`env` is there): people of every kind of right, each with a key; then, in the database
itself, triggers that note each effect that really happened, and a copy of every table that tests change."""

import json
import os
from pathlib import Path

from passlib.context import CryptContext

PASSWORD = "Pw-of-{}-2026"
GUARDED = {
    "res.users": (1, 0), "res.users.apikeys": (1, 0), "base.automation": (1, 0), "ir.actions.server": (1, 0),
    "ir.module.module": (1, 0), "ir.attachment": (1, 0), "res.partner": (1, 0), "ir.model": (1, 0), "ir.model.data": (1, 0),
    "ir.model.fields": (1, 0), "ir.config_parameter": (1, 0), "ir.rule": (1, 0),
}  # fmt: skip
"""What an auditor may read, and not write; somebody weak most of it."""

TABLES = (
    "res_users res_partner res_users_apikeys res_groups_users_rel res_company_users_rel base_automation ir_act_server"
)
TABLES += " ir_attachment ir_module_module res_users_settings mail_message mail_followers utm_campaign"

EFFECTS = """
CREATE SCHEMA seen;
CREATE TABLE seen.effects (id serial, kind text, thing integer);
CREATE FUNCTION seen.note() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO seen.effects (kind, thing) VALUES (TG_ARGV[0], OLD.id); RETURN NULL; END $$;
CREATE TRIGGER seen_user AFTER UPDATE OF active ON res_users FOR EACH ROW WHEN (OLD.active IS DISTINCT FROM NEW.active)
  EXECUTE FUNCTION seen.note('user');
CREATE TRIGGER seen_user_gone AFTER DELETE ON res_users FOR EACH ROW EXECUTE FUNCTION seen.note('user');
CREATE TRIGGER seen_key AFTER DELETE ON res_users_apikeys FOR EACH ROW EXECUTE FUNCTION seen.note('api_key');
CREATE TRIGGER seen_automation AFTER UPDATE OF active ON base_automation FOR EACH ROW
  WHEN (OLD.active IS DISTINCT FROM NEW.active) EXECUTE FUNCTION seen.note('integration');
CREATE TRIGGER seen_automation_gone AFTER DELETE ON base_automation FOR EACH ROW EXECUTE FUNCTION seen.note('integration');
CREATE TRIGGER seen_partner AFTER DELETE ON res_partner FOR EACH ROW EXECUTE FUNCTION seen.note('res.partner');
"""


def allowed(group, models):
    for model, (read, write) in models.items():
        row = env["ir.model"]._get(model)
        env["ir.model.access"].create(
            {
                "name": f"{group.name} {model}",
                "model_id": row.id,
                "group_id": group.id,
                "perm_read": read,
                "perm_write": write,
            }
        )


def groups():
    audit, house = env["res.groups"].create([{"name": "Audit"}, {"name": "House"}])
    allowed(audit, GUARDED)
    allowed(house, {model: rights for model, rights in GUARDED.items() if model not in {"ir.model", "ir.rule"}})
    every = env.ref("base.api_key_admin")
    every.groups = [(4, audit.id)]
    return {"audit": audit, "house": house}


def person(login, *groups):
    made = (
        env["res.users"]
        .with_context(no_reset_password=True)
        .create(
            {
                "name": login,
                "login": login,
                "email": f"{login}@example.com",
                "password": PASSWORD.format(login),
                "group_ids": [(6, 0, [each.id for each in groups])],
            }
        )
    )
    return made, env["res.users.apikeys"].with_user(made).sudo()._generate(None, "rpc", None)


cheap = CryptContext(["pbkdf2_sha512"], pbkdf2_sha512__rounds=1)
"""To check a key takes half of the time of a call, for every call of some hundred tests."""

made = groups()
user, system = env.ref("base.group_user"), env.ref("base.group_system")
people = {
    "a-admin": (user, system),
    "a-read": (user, made["audit"]),
    "a-weak": (user, made["house"]),
    "a-none": (),
    "a-dead": (user,),
    "held": (user,),
}
keys = {}
for login, wanted in people.items():
    who, keys[login] = person(login, *wanted)
    if login == "a-dead":
        who.active = False
env.flush_all()
for key in keys.values():
    env.cr.execute("UPDATE res_users_apikeys SET key = %s WHERE index = %s", (cheap.hash(key), key[:8]))
env.cr.execute("SELECT key, index FROM res_users_apikeys a JOIN res_users u ON u.id = user_id WHERE u.login = 'held'")
keys["hash"], keys["index"] = env.cr.fetchone()
env.cr.execute("DELETE FROM res_users_apikeys USING res_users u WHERE u.id = user_id AND u.login = 'held'")
env.cr.execute("DELETE FROM mail_message")
env.cr.execute(EFFECTS)
for table in TABLES.split():
    env.cr.execute(f"CREATE TABLE seen.{table} AS SELECT * FROM {table}")
env.cr.commit()
Path(os.environ["HOME"]).parent.joinpath("keys.json").write_text(json.dumps(keys))

# ruff: noqa: F821
"""Run in the server's own shell (`env` is there): a small company on Odoo. People with keys, one person who left with a
key, contacts and leads of which some are archived, attachments in the file store, webhooks in both directions."""

import json
import os
import sys
from pathlib import Path

from passlib.context import CryptContext

sys.path.insert(0, os.environ["SEED_FOLDER"])

from seed_counts import CONTACTS, FILES, LEADS, REPS

PASSWORD = "Pw-of-{}-2026"
keys = {}


def person(login, groups):
    made = env["res.users"].with_context(no_reset_password=True).create({
        "name": f"{login} 张伟", "login": login, "email": f"{login}@example.com", "password": PASSWORD.format(login),
        "group_ids": [(6, 0, [env.ref(each).id for each in groups])],
    })  # fmt: skip
    keys[login] = env["res.users.apikeys"].with_user(made).sudo()._generate(None, "integration", None)
    return made


admin = env.ref("base.user_admin")
admin.write({"email": "admin@example.com", "password": "admin-pw-1"})
leaver = person("leaver", ["base.group_system", "sales_team.group_sale_manager", "base.group_partner_manager"])
reps = [person(f"rep{number}", ["sales_team.group_sale_salesman_all_leads"]) for number in range(REPS)]
reps[-1].active = False

ours = env(user=leaver.id)
tags = ours["res.partner.category"].create([{"name": "VIP"}, {"name": "客户"}])
contacts = ours["res.partner"].create([
    {"name": f"客户 {number}", "email": f"c{number}@example.org", "street": f"Street {number}\nline 2",
     "category_id": [(6, 0, tags.ids)], "is_company": number % 3 == 0}
    for number in range(CONTACTS)
])  # fmt: skip
for number, each in enumerate(contacts):
    if number % 3:
        each.parent_id = contacts[number - number % 3]
contacts[CONTACTS - 1].active = False
label = ours["crm.tag"].create({"name": "Angebot"})
leads = ours["crm.lead"].create([
    {"name": f"Deal {number}", "type": "opportunity", "expected_revenue": 100.5 + number, "tag_ids": [(6, 0, label.ids)],
     "partner_id": contacts[number].id, "user_id": reps[number % (REPS - 1)].id}
    for number in range(LEADS)
])  # fmt: skip
leads[LEADS - 1].action_set_lost()
leads[0].message_post(body="Called: 下周再谈", message_type="comment")
ours["ir.attachment"].create([
    {"name": f"Angebot-{number} 报价.pdf", "res_model": "crm.lead", "res_id": leads[number].id,
     "raw": b"%PDF-1.4 " + bytes([number]) * 2000}
    for number in range(FILES)
])  # fmt: skip
model = env["ir.model"]._get("res.partner")
for number in range(2):
    rule = ours["base.automation"].create(
        {"name": f"Out {number}", "model_id": model.id, "trigger": "on_create_or_write"}
    )
    ours["ir.actions.server"].create({
        "name": f"POST {number}", "model_id": model.id, "state": "webhook", "usage": "base_automation",
        "webhook_url": f"http://127.0.0.1:9/secret-path-{number}", "base_automation_id": rule.id,
    })  # fmt: skip
ours["base.automation"].create({"name": "In", "model_id": model.id, "trigger": "on_webhook"})
ours["base.automation"].create({"name": "Off", "model_id": model.id, "trigger": "on_unlink", "active": False})
cheap = CryptContext(["pbkdf2_sha512"], pbkdf2_sha512__rounds=1)  # otherwise half of the time of every call
for key in keys.values():
    env.cr.execute("UPDATE res_users_apikeys SET key = %s WHERE index = %s", (cheap.hash(key), key[:8]))
env.cr.commit()
Path(os.environ["HOME"]).parent.joinpath("keys.json").write_text(json.dumps(keys))

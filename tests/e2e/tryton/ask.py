"""Run by the server's Python (`URL PASSWORD`): what is really there, asked by proteus over XML-RPC, which has nothing in common
with how crmstate asks. Prints one JSON object."""

import json
import sys

from proteus import Model
from proteus import config as connection

MODELS = ("party.party", "party.address", "party.contact_mechanism", "sale.opportunity", "ir.attachment")
EVERYBODY = [("active", "in", [True, False])]


def truth() -> dict[str, object]:
    counts = {}
    for name in MODELS:
        model = Model.get(name)
        domain = EVERYBODY if "active" in model._fields else []
        counts[name] = len(model.find(domain))
    users = {each.login: bool(each.active) for each in Model.get("res.user").find(EVERYBODY)}
    keys = {
        str(each.id): [each.user.login if each.user else None, each.state, each.key]
        for each in Model.get("res.user.application").find([])
    }
    return {"users": users, "keys": keys, "rows": counts}


if __name__ == "__main__":
    with connection.set_xmlrpc_session(sys.argv[1], "admin", sys.argv[2]):
        print(json.dumps(truth()))

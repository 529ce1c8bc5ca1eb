"""Run by the server's Python (`CONFIG DATABASE`): a small company on Tryton, made by proteus, an independent client.
People with keys, one key that was only asked for, one person who left with a key that still works, parties with
addresses, opportunities in several states, attachments."""

import sys
from decimal import Decimal
from pathlib import Path

from proteus import Model
from proteus import config as connection

sys.path.insert(0, str(Path(__file__).parent))

from seed_counts import FILES, OPPORTUNITIES, PARTIES, REPS


def company() -> None:
    currency = Model.get("currency.currency")(name="Euro", code="EUR", symbol="€")
    currency.save()
    own = Model.get("party.party")(name="Acme 公司")
    own.save()
    made = Model.get("company.company")(party=own, currency=currency)
    made.save()
    admin = Model.get("res.user")(connection.get_config().user)
    admin.companies.append(made)
    admin.company = made
    admin.save()
    connection.get_config()._context = Model.get("res.user")._proxy.get_preferences(True, {})


def people() -> None:
    user, key, group = Model.get("res.user"), Model.get("res.user.application"), Model.get("res.group")
    every = group.find([])
    sales = group.find([("name", "=", "Sale Opportunity")])
    leaver = user(name="Leaver", login="leaver", email="leaver@example.com", password="Pw-of-leaver-2026")
    leaver.groups.extend(group(each.id) for each in every)
    leaver.save()
    key(user=leaver, application="rest").save()
    for number in range(REPS):
        rep = user(name=f"Rep {number} 张伟", login=f"rep{number}", email=f"rep{number}@example.com")
        rep.password = f"Str0ng-pw-rep-{number}"
        rep.groups.extend(group(each.id) for each in sales)
        rep.save()
        key(user=rep, application="rest").save()
    gone = user.find([("login", "=", f"rep{REPS - 1}")])[0]
    gone.active = False
    gone.save()


def data() -> None:
    party, opportunity = Model.get("party.party"), Model.get("sale.opportunity")
    (own,) = Model.get("company.company").find([])
    made = []
    for number in range(PARTIES):
        each = party(name=f"客户 {number}", code=f"C{number:03}")
        each.addresses[0].street = f"Street {number}\nline 2" if each.addresses else ""
        each.contact_mechanisms.new(type="email", value=f"c{number}@example.org")
        each.save()
        made.append(each)
    for number in range(OPPORTUNITIES):
        deal = opportunity(description=f"Deal {number}", party=made[number], company=own)
        deal.amount = Decimal(f"{100 + number}.50")
        deal.save()
        if number % 4 == 3:
            deal.click("lost")
        if number < FILES:
            Model.get("ir.attachment")(
                name=f"Angebot-{number} 报价.pdf",
                type="data",
                resource=deal,
                data=b"%PDF-1.4 " + bytes([number]) * 2000,
            ).save()


if __name__ == "__main__":
    connection.set_trytond(sys.argv[2], user="admin", config_file=sys.argv[1])
    company()
    people()
    data()

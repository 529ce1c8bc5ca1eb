"""Groups, and which of them the World's roles are."""

from __future__ import annotations

NAMES = {
    1: ("base", "group_user", "Role / User"),
    2: ("base", "group_portal", "Role / Portal"),
    3: ("base", "group_public", "Role / Public"),
    4: ("base", "group_system", "Role / Administrator"),
    5: ("base", "group_erp_manager", "Access Rights"),
    6: ("base", "group_partner_manager", "Contact Creation"),
    7: ("sales_team", "group_sale_salesman", "User: Own Documents Only"),
    8: ("sales_team", "group_sale_salesman_all_leads", "User: All Documents"),
    9: ("sales_team", "group_sale_manager", "Administrator"),
}
"""By number: the module, its external id there, and the name."""
NUMBERS = {f"{module}.{name}": number for number, (module, name, _) in NAMES.items()}
SYSTEM = "base.group_system"
OF = {
    "owner": (1, 4, 5, 6, 7, 8, 9),
    "admin": (1, 4, 5, 6, 7, 8, 9),
    "member": (1, 7),
    "root": (1, 4, 5),
    "public": (3,),
}
"""The groups of a role of the World's, and of the server's own users."""

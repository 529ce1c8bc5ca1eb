"""Everything that a person or an inbox does. What people hand in becomes values here; nothing here knows a vendor."""

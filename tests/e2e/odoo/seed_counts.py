"""How much of everything `seed.py` makes."""

REPS = 4
CONTACTS = 12
LEADS = 9
FILES = 6

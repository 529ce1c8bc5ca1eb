"""How much of everything the seed makes (`seed.py`, run by the server's Python, finds this file beside itself)."""

PARTIES, REPS, OPPORTUNITIES, FILES = 24, 5, 8, 4

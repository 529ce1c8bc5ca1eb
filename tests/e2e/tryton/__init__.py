"""A real Tryton server, which nobody of this project wrote: prepared once, started on loopback with a database file of
its own, and a decommission of it from end to end.

It lives in a virtual environment of its own (`make .venv-tryton/.ready`), so that its needs never meet ours. The files
`serve.py`, `seed.py` and `ask.py` are run by that environment's Python and import nothing of ours.
"""

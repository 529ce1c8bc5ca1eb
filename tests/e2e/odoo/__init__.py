"""A real Odoo 19 server, which nobody of this project wrote: prepared once a machine, started on loopback over a database
cluster of its own, and a decommission of it from end to end.

The server's code is Debian's package, unpacked and not installed; its needs lie in a virtual environment of their own
(`make .venv-odoo/.ready`); PostgreSQL's programs are the machine's. `guard.py` and the seeds are run apart and import
nothing of ours.
"""

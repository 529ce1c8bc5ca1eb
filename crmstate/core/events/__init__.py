"""Every event, by what it is about: one file each. `core/event.py` has them all under one name."""

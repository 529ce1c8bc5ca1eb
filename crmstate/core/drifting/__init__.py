"""The vendor beside the record: one file for each way in which they can differ. `core/drift.py` puts them together."""

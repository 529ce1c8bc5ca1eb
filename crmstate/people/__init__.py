"""Everything that a person or an inbox does: letters, notices, and what people hand in. Imports core and nothing else of ours;
nothing here knows a vendor.
"""

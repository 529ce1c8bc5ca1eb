"""The kit, part by part, against a vendor of a few lines that answers what the test says."""

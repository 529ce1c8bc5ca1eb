"""One suite over all providers: vendor x cell x situation. The vendors stand on stages (`stage.py`); nothing else
knows them.
"""

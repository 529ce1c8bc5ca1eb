"""One thin file a command: parse, compose, run, return an exit code."""

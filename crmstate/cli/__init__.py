"""The command line: arguments in, exit code out. The only wing that imports all others."""

"""What comes out of crmstate and of its neighbours (dlt, Singer, Airbyte, a script) when they read the same rows from the
same server: `python -m tests.benchmarks.neighbours` runs them all and writes docs/reference/fidelity.md.

    truth.py    the rows, as the vendor spells them, with everything in them that gets lost on the way
    server.py   the vendor: a process that gives pages of them, and counts who asks for which
    tools/      one program for each tool, run by the Python of that tool's own environment
    tooling.py  how each tool is installed, run, and read
    measure.py  runs a tool: time, CPU, memory, and killing it
    judge.py    compares what came out with the truth, value by value
    page.py     the page
"""

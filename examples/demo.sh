#!/bin/sh
# The main job from end to end, on the embedded sandbox: a process of its own that plays the vendor over HTTP. It archives,
# verifies and restores, and only then purges; and it checks the archive again after the vendor is gone.
set -eu
cd "$(dirname "$0")/.."
say() { printf '\n\033[1m$ %s\033[0m\n' "$*"; }
run() { say "$@"; "$@"; }

[ -f demo/world/acme.db ] && crmstate sandbox stop --data demo/world/acme.db
rm -rf demo && mkdir -p demo/world && cp examples/sandbox-exit/crmstate.yaml demo/ && cd demo
trap 'crmstate sandbox stop --data world/acme.db' EXIT

run crmstate sandbox seed --data world/acme.db --size large --users 200
run crmstate validate
run crmstate plan --out plan.json
run crmstate apply plan.json --yes            # archives and verifies, then waits for a person; nothing is purged yet
run crmstate archive list
run crmstate archive verify archive/sandbox-exit --restore-test
run crmstate archive restore archive/sandbox-exit --to restored.db --as sqlite
say "rows in restored.db"
python - <<'COUNT'
import sqlite3

base = sqlite3.connect("restored.db")
tables = [name for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
for table in tables:
    (rows,) = base.execute(f'SELECT count(*) FROM "{table}"').fetchone()
    print(f"{table:30} {rows:>10,}")
COUNT
run crmstate confirm human_step/training --by hr@example.com --note "Two sessions, all of sales"
run crmstate apply --yes                      # the freeze is reached: everything else follows
run crmstate status
run crmstate sandbox advance 8d --data world/acme.db
run crmstate apply --yes                      # the account has closed by now: seen, and recorded
run crmstate plan --detailed-exitcode         # no changes, and the dates on which something falls due
run crmstate sandbox advance 90d --data world/acme.db
run crmstate apply --yes                      # the archive is read back again, although the vendor is gone
run crmstate plan --detailed-exitcode

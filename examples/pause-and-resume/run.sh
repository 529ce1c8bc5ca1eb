#!/bin/sh
# A pause from its first day to the day on which work goes on, with the evidence of both.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=${1:-pause-and-resume-run}
[ -e "$work" ] && { echo "$work is there already: name another folder" >&2; exit 1; }
mkdir "$work" && cp "$here/crmstate.yaml" "$work/" && cd "$work"
trap 'crmstate sandbox stop --data acme.db' EXIT
say() { printf '\n$ %s\n' "$*"; }
run() { say "$@"; "$@"; }

run crmstate validate
run crmstate plan                                       # where the subscription stands, and what the pause costs
run crmstate apply --yes
run crmstate sandbox advance 35d --data acme.db         # the vendor's own clock: December has come
run crmstate plan                                       # paused, and nothing to do

# Work begins earlier than was thought: the end state is written anew, and nothing else.
sed 's/  subscription: .*/  subscription: {status: active}/' "$here/crmstate.yaml" > crmstate.yaml
run crmstate plan
run crmstate apply --yes
run crmstate status
run crmstate evidence bundle --out bundle.zip
run crmstate evidence verify bundle.zip

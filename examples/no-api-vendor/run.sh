#!/bin/sh
# The whole of it, by somebody with a contract and a telephone: from the manifest to a bundle that an auditor can check. What the
# vendor writes lies in papers/; a real end takes weeks between these lines.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=${1:-no-api-vendor-run}
[ -e "$work" ] && { echo "$work is there already: name another folder" >&2; exit 1; }
mkdir "$work" && cp -r "$here/crmstate.yaml" "$here/exports" "$here/papers" "$work/" && cd "$work"
sed "s/^date: .*/date: $(date -u +%F)/" "$here/papers/destruction.txt.yaml" > papers/destruction.txt.yaml  # written today
say() { printf '\n$ %s\n' "$*"; }
run() { say "$@"; "$@"; }

run crmstate validate
run crmstate deadlines
run crmstate plan
run crmstate apply --yes                        # archives and verifies what was exported; then it waits for people

run crmstate letter non-renewal --format eml --out notice.eml
say crmstate contact add --kind acknowledgement --channel mail --step notice/contract --attach papers/acknowledgement.eml
answer=$(crmstate contact add --kind acknowledgement --channel mail --person "Contracts, Papertrail" \
    --outcome "Ends on 31 January 2029, no renewal" --step notice/contract --attach papers/acknowledgement.eml)
run crmstate confirm notice/contract --proof acknowledged --contact "$answer" --evidence notice.eml
run crmstate confirm human_step/training --by sales@example.com --note "Two sessions, everybody"
run crmstate apply --yes --quiet                # the freeze: from now on nobody works there any more

touch exports/*                                 # exported once more, after the freeze: here the files are the same
for step in subscription/contract integration/all user/all; do
    run crmstate confirm $step --note "Done, and looked at again" --evidence papers/acknowledgement.eml
done
run crmstate apply --yes --quiet                # what was exported last is added to the archive and verified

run crmstate letter deletion --out deletion.txt
run crmstate contact add --kind request --channel mail --person "Data protection, Papertrail" \
    --outcome "Instructed to delete, backups included" --step certificate/destruction --attach deletion.txt
for step in dataset/Contacts dataset/Deals dataset/files; do
    run crmstate confirm $step --proof certified --note "The vendor's own document" --evidence papers/destruction.txt
done
run crmstate confirm bin/all --note "Empty, looked at" --evidence papers/destruction.txt
run crmstate certificate check papers/destruction.txt
run crmstate confirm certificate/destruction --proof certified --evidence papers/destruction.txt

run crmstate settle add --kind invoice --amount 120.00 --currency EUR --document papers/invoice-2026-881.txt
run crmstate settle add --kind credit --for 1 --amount 120.00 --currency EUR --document papers/credit-2026-102.txt
run crmstate settle list
run crmstate confirm settlement/final --by finance@example.com --evidence papers/credit-2026-102.txt --note "Closed on both sides"

run crmstate status
run crmstate report --out report.html
run crmstate evidence bundle --out bundle.zip
run crmstate evidence verify bundle.zip

#!/bin/sh
# Runs all checks that need no running stack. Stops at the first that fails.
set -eu

GO=${GO:-go}

# The tools are pinned in a separate module, so that the product doesn't depend on them.
tool() { timeout 300 "$GO" tool -modfile=tools/go.mod "$@"; }
step() { printf '== %s\n' "$*"; }

step gofmt
unformatted=$(find . -name '*.go' -not -path './.git/*' -exec gofmt -l {} +)
if [ -n "$unformatted" ]; then
    echo "These files are not formatted; run gofmt -w on them:" >&2
    echo "$unformatted" >&2
    exit 1
fi

step go vet
"$GO" vet ./...
"$GO" vet -tags stack ./...

# Developers and auditors run the CLI on their own machines.
step the CLI on other systems
for system in windows darwin; do
    GOOS=$system CGO_ENABLED=0 "$GO" build ./cmd/sbs-cli ./client/... # of several packages, no file is written
    GOOS=$system CGO_ENABLED=0 "$GO" vet ./cmd/sbs-cli ./client ./client/atomicfile ./client/config ./client/certs
done

step staticcheck
tool staticcheck ./...
tool staticcheck -tags stack ./...

# tools/plot is a separate module. Tools of another module can only run there as programs.
step tools/plot
staticcheck=$(tool -n staticcheck)
(cd tools/plot && "$GO" vet ./... && "$GO" test ./... && timeout 300 "$staticcheck" ./...)

step shellcheck
scripts=$(git ls-files --cached --others --exclude-standard '*.sh' .ci/run)
if command -v shellcheck >/dev/null; then
    # shellcheck disable=SC2086 # a list of words
    shellcheck $scripts
else
    echo "not run: shellcheck is not installed (package shellcheck)"
fi

step words
tools/words.sh

# govulncheck exits with 3 when vulnerable code is called, and with another code when it
# could not check: offline and without a copy of the database in GOVULNDB.
step govulncheck
status=0
output=$(tool govulncheck ${GOVULNDB:+-db "$GOVULNDB"} ./... 2>&1) || status=$?
case $status in
0) echo "no known vulnerability is called" ;;
3)
    echo "$output" >&2
    exit 1
    ;;
*)
    echo "not run: its database cannot be reached from here:"
    echo "$output" | tail -n 1
    ;;
esac

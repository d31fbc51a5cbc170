#!/bin/sh
# Runs all fuzz tests, one after the other: Go fuzzes one function at a time.
set -eu

GO=${GO:-go}
FUZZTIME=${FUZZTIME:-10s}

"$GO" list ./... | while read -r package; do
    "$GO" test -list '^Fuzz' "$package" | grep '^Fuzz' | while read -r name; do
        echo "== $package $name"
        "$GO" test -run '^$' -fuzz "^$name\$" -fuzztime "$FUZZTIME" "$package" </dev/null || exit 1
    done || exit 1
done

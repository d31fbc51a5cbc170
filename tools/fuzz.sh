#!/bin/sh
# Go fuzzes one function of one package at a time; this does all, one by one.
set -eu

GO=${GO:-go}
FUZZTIME=${FUZZTIME:-10s}

"$GO" list ./... | while read -r package; do
    "$GO" test -list '^Fuzz' "$package" | grep '^Fuzz' | while read -r name; do
        echo "== $package $name"
        "$GO" test -run '^$' -fuzz "^$name\$" -fuzztime "$FUZZTIME" "$package" </dev/null || exit 1
    done || exit 1
done

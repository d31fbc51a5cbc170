#!/bin/sh
# Runs the stack tests: every test in a file with the build tag stack, and no
# others of their packages, which need nothing but Go and run without it. The kill
# test and the soak test have targets of their own. PKG limits the run to one
# package, RUN to the tests that match it.
set -eu

GO=${GO:-go}
PKG=${PKG:-}
RUN=${RUN:-}

if [ -n "$PKG$RUN" ]; then
    set -x
    exec "$GO" test -tags stack -count=1 -timeout 12m -v -run "${RUN:-.}" "${PKG:-./test/e2e}"
fi

# These packages share the machine's Docker Engine: one at a time. Below test/ are
# some that need no engine.
alone='^\./test/(trust|harness/(gitserver|notaryserver|publisher))$'
sharing='^\./(test/harness|server/dockerd|server/engine|server/sbom/scan|server/signing/dct|signature/dct|test/.*)$'

test='^func ((Test|Fuzz)[^(]*)\([a-z]+ \*testing\.[TF]\).*'
files=$(grep -rl --include='*_test.go' '^//go:build stack' . | grep -v -e '^\./test/crash/' -e '^\./test/soak/' |
    xargs grep -lE "$test") || {
    echo "There is no stack test here, which can't be right." >&2
    exit 1
}
# Both from the same files, so that every package runs a test.
packages=$(echo "$files" | xargs -n 1 dirname | sort -u)
names=$(echo "$files" | xargs sed -nE "s/$test/\1/p" | sort -u | paste -s -d '|' -)

# Never from the cache, because they also test the machine.
run() {
    echo "$GO test -tags stack" "$@"
    "$GO" test -tags stack -count=1 -timeout 12m -run "^($names)\$" "$@"
}

# shellcheck disable=SC2046 # lists of words
run $(echo "$packages" | grep -E "$alone"; echo "$packages" | grep -vE "$sharing")
# shellcheck disable=SC2046
run -p 1 $(echo "$packages" | grep -vE "$alone" | grep -E "$sharing")

#!/bin/sh
# Runs the stack tests: all tests in files with the build tag stack. The other tests of
# these packages need only Go, and run without the tag. The crash test and the soak test
# have separate targets. PKG limits the run to one package, RUN to matching tests.
set -eu

GO=${GO:-go}
PKG=${PKG:-}
RUN=${RUN:-}

if [ -n "$PKG$RUN" ]; then
    set -x
    exec "$GO" test -tags stack -count=1 -timeout 12m -v -run "${RUN:-.}" "${PKG:-./test/e2e}"
fi

# Packages that share the machine's Docker Engine run one at a time. Some packages below
# test/ need no engine.
alone='^\./test/(trust|harness/(gitserver|notaryserver|publisher))$'
sharing='^\./(test/harness|server/buildkitd|server/dockerd|server/engine|server/sbom/scan|server/signing/dct|signature/dct|test/.*)$'

test='^func ((Test|Fuzz)[^(]*)\([a-z]+ \*testing\.[TF]\).*'
files=$(grep -rl --include='*_test.go' '^//go:build stack' . | grep -v -e '^\./test/crash/' -e '^\./test/soak/' |
    xargs grep -lE "$test") || {
    echo "No stack tests were found: run this in the repository's root folder." >&2
    exit 1
}
# Both lists are from the same files, so that every package runs a test.
packages=$(echo "$files" | xargs -n 1 dirname | sort -u)
names=$(echo "$files" | xargs sed -nE "s/$test/\1/p" | sort -u | paste -s -d '|' -)

# With -p 1 the go command also compiles one package at a time, so compile before.
echo "$GO list -export -test -tags stack"
# shellcheck disable=SC2086 # a list of words
"$GO" list -export -test -tags stack $packages >/dev/null

# Results are never cached, because they depend on the machine. make lint vets the tests.
run() {
    echo "$GO test -tags stack" "$@"
    "$GO" test -tags stack -vet=off -count=1 -timeout 12m -run "^($names)\$" "$@"
}

# shellcheck disable=SC2046 # lists of words
run $(echo "$packages" | grep -E "$alone"; echo "$packages" | grep -vE "$sharing")
# shellcheck disable=SC2046
run -p 1 $(echo "$packages" | grep -vE "$alone" | grep -E "$sharing")

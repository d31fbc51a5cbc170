#!/bin/sh
# Runs the tests that need nothing but Go. Those of packages that work concurrently run
# under the race detector; the others take several times as long under it, and it finds
# nothing in code that runs in one goroutine.
#
#     RACE=concurrent tools/unit.sh    # the default where there is a C compiler
#     RACE=all tools/unit.sh           # every package under the race detector
#     RACE=none tools/unit.sh          # none; the default without a C compiler
#     tools/unit.sh list               # print the packages that work concurrently
#
# make lint vets all packages, so that go test need not.
set -eu

GO=${GO:-go}
if command -v gcc >/dev/null; then
    RACE=${RACE:-concurrent}
else
    RACE=${RACE:-none}
fi

# A package works concurrently when it starts goroutines, has a channel, uses sync or
# net/http, which calls handlers and transports in goroutines; or when its tests run
# parts of it at the same time. A lock in a test guards a fake peer and not the package.
# A word in a comment counts too: that only makes a test slower.
start='(^|[;{])[[:space:]]*go [A-Za-z_(]'
product="$start|\\bchan\\b|<-|AfterFunc\\(|\"sync\"|\"sync/atomic\"|\"golang.org/x/sync/|\"net/http\""
test="$start|\\.Parallel\\(\\)|sync\\.WaitGroup|\"golang.org/x/sync/|\"testing/synctest\""

# Each package with tests, its files, and its test files: one line of words.
packages=$("$GO" list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{range .GoFiles}} {{$.Dir}}/{{.}}{{end}} :{{range .TestGoFiles}} {{$.Dir}}/{{.}}{{end}}{{range .XTestGoFiles}} {{$.Dir}}/{{.}}{{end}}{{end}}' ./...)

# any PATTERN FILE...
any() {
    pattern=$1
    shift
    [ $# -gt 0 ] && grep -qE "$pattern" "$@"
}

concurrent='' single=''
while read -r package files; do
    [ -n "$package" ] || continue
    # shellcheck disable=SC2086 # lists of words
    if any "$product" ${files%%:*} || any "$test" ${files#*:}; then
        concurrent="$concurrent $package"
    else
        single="$single $package"
    fi
done <<END
$packages
END

if [ "${1:-}" = list ]; then
    # shellcheck disable=SC2086 # a list of words
    printf '%s\n' $concurrent
    exit 0
fi

# run FLAG PACKAGE...: every package, also after one that fails.
failed=0
run() {
    echo "$GO test -vet=off $*"
    "$GO" test -vet=off "$@" || failed=1
}

# A program under the race detector waits a second before it ends, in case another
# goroutine of it still runs into a race. The tests wait for their goroutines.
raced() {
    export CGO_ENABLED=1 GORACE=atexit_sleep_ms=0
    run -race "$@"
    export CGO_ENABLED=0
}

# shellcheck disable=SC2086 # lists of words
case $RACE in
concurrent)
    run $single
    raced $concurrent
    ;;
all) raced $concurrent $single ;;
none) run $concurrent $single ;;
*)
    echo "RACE is concurrent, all or none, not $RACE." >&2
    exit 1
    ;;
esac
exit "$failed"

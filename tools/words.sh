#!/bin/sh
# Reports the words of tools/words.txt in comments and strings of the Go files of
# the folders below, and in the text of the pages, with file, line and replacement.
# It exits with 1 if there are any. Add a folder here when all its files pass.
set -eu

folders='api buildinfo client cmd enclave envname server signature test tools'

pages='README.md CONTRIBUTING.md SECURITY.md docs'

# docs/bench is generated.
# shellcheck disable=SC2016,SC2086 # awk's own dollars; lists of words
{
    git ls-files --cached --others --exclude-standard $folders | grep '\.go$'
    git ls-files --cached --others --exclude-standard $pages | grep '\.md$' | grep -v '^docs/bench/'
} | tr '\n' '\0' | xargs -0 awk '
FILENAME == "tools/words.txt" {
    if ($0 !~ /^#/ && split($0, field, "\t") == 2) {
        words[++count] = "(^|[^a-z-])(" field[1] ")([^a-z]|$)"
        instead[count] = field[2]
    }
    next
}
FNR == 1 { fenced = 0 }
FILENAME ~ /\.md$/ {
    # Keep the text; blocks of code and quoted names are not prose.
    if ($0 ~ /^ *```/) { fenced = !fenced; next }
    if (fenced || $0 ~ /^    /) next
    text = tolower($0)
    gsub(/`[^`]*`/, "", text)
    report()
    next
}
{
    # Keep interpreted strings and the comment; what remains of the line is code.
    text = ""
    rest = $0
    while (match(rest, /"([^"\\]|\\.)*"|\/\/.*/)) {
        text = text " " substr(rest, RSTART, RLENGTH)
        rest = substr(rest, RSTART + RLENGTH)
    }
    text = tolower(text)
    report()
}
function report(    i) {
    for (i = 1; i <= count; i++)
        if (match(text, words[i])) {
            printf "%s:%d: \"%s\": write %s\n", FILENAME, FNR, substr(text, RSTART, RLENGTH), instead[i]
            found = 1
        }
}
END { exit found }
' tools/words.txt

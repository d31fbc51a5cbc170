#!/bin/sh
# Reports the words of tools/words.txt in comments and strings of the Go files of
# the folders below, with file, line and replacement. It exits with 1 if there are
# any. Add a folder here when its language was revised.
set -eu

folders='api buildinfo client cmd enclave envname server signature test/gate test/gitfolder test/kit test/notaryproxy'

# shellcheck disable=SC2016,SC2086 # awk's own dollars; a list of words
git ls-files --cached --others --exclude-standard $folders | grep '\.go$' | tr '\n' '\0' | xargs -0 awk '
FILENAME == "tools/words.txt" {
    if ($0 !~ /^#/ && split($0, field, "\t") == 2) {
        words[++count] = "(^|[^a-z-])(" field[1] ")([^a-z]|$)"
        instead[count] = field[2]
    }
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
    for (i = 1; i <= count; i++)
        if (match(text, words[i])) {
            printf "%s:%d: \"%s\": write %s\n", FILENAME, FNR, substr(text, RSTART, RLENGTH), instead[i]
            found = 1
        }
}
END { exit found }
' tools/words.txt

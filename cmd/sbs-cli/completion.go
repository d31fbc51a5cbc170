package main

import (
	"fmt"

	"github.com/urfave/cli/v2"
)

func (p program) completion() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print the completion script for a shell",
		ArgsUsage: "bash|zsh",
		Description: `Prints a script that teaches the shell the commands and flags.

    source <(sbs-cli completion bash)`,
		OnUsageError: wrongUsage,
		BashComplete: func(c *cli.Context) {
			fmt.Fprintln(c.App.Writer, "bash\nzsh")
		},
		Action: func(c *cli.Context) error {
			if c.NArg() == 1 {
				switch c.Args().First() {
				case "bash":
					return p.print(bashCompletion)
				case "zsh":
					return p.print(zshCompletion)
				}
			}
			return usageError{fmt.Errorf("completion takes the name of a shell"), "sbs-cli completion bash, or sbs-cli completion zsh"}
		},
	}
}

// The scripts call the program itself, so that they never go out of date. After
// --env and the like they leave it to the shell to offer files.
const bashCompletion = `_sbs_cli() {
    local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"
    case "$before" in
    --env|--server-public-key|--output|--policy|--contract|--plain-contract|--certificate|--chain|--root|--revocation-list|--attestation-key|--signing-key|--workload)
        COMPREPLY=($(compgen -f -- "$word"))
        return ;;
    esac
    local line=("${COMP_WORDS[@]:0:COMP_CWORD}")
    [[ "$word" == -* ]] && line+=("$word")
    COMPREPLY=($(compgen -W "$("${line[@]}" --generate-bash-completion 2>/dev/null)" -- "$word"))
}
complete -o bashdefault -F _sbs_cli sbs-cli
`

const zshCompletion = `#compdef sbs-cli
_sbs_cli() {
    case "${words[CURRENT-1]}" in
    --env|--server-public-key|--output|--policy|--contract|--plain-contract|--certificate|--chain|--root|--revocation-list|--attestation-key|--signing-key|--workload)
        _files
        return ;;
    esac
    local -a line offers
    line=("${(@)words[1,CURRENT-1]}")
    [[ "${words[CURRENT]}" == -* ]] && line+=("${words[CURRENT]}")
    offers=("${(@f)$("${line[@]}" --generate-bash-completion 2>/dev/null)}")
    compadd -- "${(@)offers%%:*}"
}
compdef _sbs_cli sbs-cli
`

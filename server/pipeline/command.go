package pipeline

import (
	"strings"
)

// stepError is why a step failed: the cause, and the step as the command line a
// person would have typed for it.
type stepError struct {
	command string
	cause   error
}

func (e *stepError) Error() string { return e.cause.Error() }
func (e *stepError) Unwrap() error { return e.cause }

// attempt gives err, if there is one, the command line that failed.
func attempt(command string, err error) error {
	if err == nil {
		return nil
	}
	return &stepError{command, err}
}

// commandLine joins words as a shell would need them. A word in angle brackets
// stands for a secret and stays as it is.
func commandLine(words ...string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = shellWord(word)
	}
	return strings.Join(quoted, " ")
}

func shellWord(word string) string {
	if word == "" {
		return "''"
	}
	if strings.HasPrefix(word, "<") && strings.HasSuffix(word, ">") {
		return word
	}
	plain := strings.IndexFunc(word, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("@%+=:,./_-", r))
	}) < 0
	if plain {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

package api

import "log/slog"

// Secret is a text that must not be shown: every format verb gives "<redacted>".
// Its JSON form is the plain text, because that is how it crosses the wire inside
// TLS and how it is sealed; convert it with string(s) where the text itself is
// needed.
type Secret string

const redacted = "<redacted>"

func (Secret) String() string       { return redacted }
func (Secret) GoString() string     { return redacted }
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

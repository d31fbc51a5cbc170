package config

import "github.com/opensbs/sbs/client/advice"

// Codes of the advice on the configuration file.
const (
	NoFile          advice.Code = "config: no file"
	SecretNotStored advice.Code = "config: secret not stored" // though the server has it
)

package config

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/opensbs/sbs/client/advice"
)

const (
	policyKey = "BASE_IMAGE_POLICY"
	keyFile   = "key_file" // in a rule: a file whose text is sent as its key
)

// readPolicyFiles puts the text of each key_file of BASE_IMAGE_POLICY in the
// place of its path. Whatever else a rule may have wrong is found when the whole
// is checked.
func readPolicyFiles(values map[string]json.RawMessage) error {
	var rules []map[string]json.RawMessage
	if json.Unmarshal(values[policyKey], &rules) != nil {
		return nil
	}
	for i, rule := range rules {
		named, ok := rule[keyFile]
		if !ok {
			continue
		}
		where := fmt.Sprintf("%s: rule %d: %s", policyKey, i+1, keyFile)
		if _, both := rule["key"]; both {
			return advice.New(fmt.Errorf("%s and key are both given", where), "keep one of the two")
		}
		var path string
		err := json.Unmarshal(named, &path)
		if err == nil && path == "" {
			err = errors.New("it is empty")
		}
		if err == nil {
			path, err = expandHome(path)
		}
		var data []byte
		if err == nil {
			data, err = readBounded(path)
		}
		if err == nil {
			err = checkText(data)
		}
		if err == nil {
			rule["key"], err = encode(string(data))
		}
		if err != nil {
			return advice.New(fmt.Errorf("%s: %w", where, err), "name a file with a public key as text: PEM, or what gpg --armor --export writes")
		}
		delete(rule, keyFile)
	}
	encoded, err := json.Marshal(rules)
	if err != nil {
		return fmt.Errorf("%s: %w", policyKey, err)
	}
	values[policyKey] = encoded
	return nil
}

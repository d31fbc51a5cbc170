package config

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/opensbs/sbs/client/advice"
)

// keyFile is the member of an object that names a file whose text is sent as its key.
const keyFile = "key_file"

// keyList is a parameter that is a list of objects with keys.
type keyList struct {
	parameter string
	object    func(index int) string // its name in messages
	next      string                 // what to do about a file that holds no key
}

var (
	policyKeys = keyList{
		"BASE_IMAGE_POLICY", func(i int) string { return fmt.Sprintf("rule %d", i+1) },
		"name a file with a public key as text: PEM, or what gpg --armor --export writes",
	}
	credentialKeys = keyList{
		"GITHUB_CREDENTIALS", func(i int) string { return fmt.Sprintf("entry [%d]", i) },
		"name the file of an SSH private key, which is the file without .pub",
	}
)

// readFiles replaces the path of each key_file by the text of the file. Whatever
// else an object may have wrong is found when the whole is checked.
func (l keyList) readFiles(values map[string]json.RawMessage) error {
	var objects []map[string]json.RawMessage
	if json.Unmarshal(values[l.parameter], &objects) != nil {
		return nil
	}
	for i, object := range objects {
		named, ok := object[keyFile]
		if !ok {
			continue
		}
		where := fmt.Sprintf("%s: %s: %s", l.parameter, l.object(i), keyFile)
		if _, both := object["key"]; both {
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
			object["key"], err = encode(string(data))
		}
		if err != nil {
			return advice.New(fmt.Errorf("%s: %w", where, err), l.next)
		}
		delete(object, keyFile)
	}
	encoded, err := json.Marshal(objects)
	if err != nil {
		return fmt.Errorf("%s: %w", l.parameter, err)
	}
	values[l.parameter] = encoded
	return nil
}

// checkSSHKeys checks the keys of GITHUB_CREDENTIALS.
func checkSSHKeys(values map[string]json.RawMessage) error {
	var objects []map[string]json.RawMessage
	if json.Unmarshal(values[credentialKeys.parameter], &objects) != nil {
		return nil // found when the whole is checked
	}
	for i, object := range objects {
		if err := checkSSHKey(credentialKeys.parameter+": "+credentialKeys.object(i), text(object["key"])); err != nil {
			return err
		}
	}
	return nil
}

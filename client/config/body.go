package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/ssh"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client/advice"
)

// fromFiles are parameters whose text is read from a file that another key
// names.
var fromFiles = []fromFile{
	{"GITHUB_KEY", "GITHUB_KEY_FILE"},
	{"GITHUB_KNOWN_HOSTS", "GITHUB_KNOWN_HOSTS_FILE"},
	{"GITHUB_CA", "GITHUB_CA_FILE"},
	{"BASE_REPO_PUBLIC_KEY", "ICR_BASE_REPO_PUBLIC_KEY"},
	{"BASE_IMAGE_SIGSTORE_KEY", "BASE_IMAGE_SIGSTORE_KEY_FILE"},
	{"DOCKER_CONTENT_TRUST_CA", "DOCKER_CONTENT_TRUST_CA_FILE"},
}

type fromFile struct{ parameter, pathKey string }

// next returns the advice how a file that is not text becomes text.
func (f fromFile) next() string {
	switch {
	case f.parameter == "BASE_REPO_PUBLIC_KEY":
		return "export the OpenPGP key as text: gpg --armor --export KEY > FILE"
	case strings.HasSuffix(f.parameter, "_CA"):
		return "convert the certificate to PEM: openssl x509 -inform der -in FILE -out ca.pem"
	case f.parameter == "BASE_IMAGE_SIGSTORE_KEY":
		return "convert the public key to PEM: openssl pkey -pubin -inform der -in FILE -out key.pem"
	}
	return "name a text file"
}

// notSent are parameters that do not leave this machine as they are written in the
// file: a path means nothing to the server, and a new secret is only ever made by
// BeginRotation.
var notSent = []string{"ICR_BASE_REPO_PUBLIC_KEY", "NEW_SECRET"}

// stores are the prefixes of the two object stores that COS_* configures.
var stores = []string{"MANIFEST_", "STATE_"}

// Parameters returns the JSON body of init and update, secrets in clear: what the
// file and the environment give, checked as the server will check it. newSecret is
// empty, or the value that replaces SECRET. An error that the owner of the file can
// fix names the key that is wrong.
func (c *Config) Parameters(newSecret string) ([]byte, error) {
	return c.parameters(c.given(), newSecret)
}

// Described returns the parameters that the file and the environment describe, for
// commands that send none of them: a SECRET need not be among them.
func (c *Config) Described() (api.Parameters, error) {
	values := c.given()
	if c.Text("SECRET") == "" {
		secret, err := NewSecret()
		if err != nil {
			return api.Parameters{}, fmt.Errorf("parameters: %w", err)
		}
		if values["SECRET"], err = encode(secret); err != nil {
			return api.Parameters{}, fmt.Errorf("parameters: %w", err)
		}
	}
	body, err := c.parameters(values, "")
	if err != nil {
		return api.Parameters{}, err
	}
	return api.ParseParameters(body)
}

func (c *Config) parameters(values map[string]json.RawMessage, newSecret string) ([]byte, error) {
	if err := c.readFiles(values); err != nil {
		return nil, fmt.Errorf("parameters: %w", err)
	}
	texts := map[string]string{"NEW_SECRET": newSecret}
	if tag := c.Text("IMAGE_TAG"); tag != "" {
		texts["BUILD_IMAGE_TAG"] = tag
	}
	for _, key := range fromEnvironment {
		if _, ok := values[key]; !ok && isParameter(key) {
			texts[key] = c.Text(key)
		}
	}
	for _, key := range []string{"COS_API_KEY_ID", "COS_RESOURCE_CRN", "COS_AUTH_ENDPOINT", "COS_ENDPOINT", "COS_HMAC_ACCESS_KEY_ID", "COS_HMAC_SECRET_ACCESS_KEY", "COS_CA"} {
		for _, store := range stores {
			if _, ok := values[store+key]; !ok && texts[store+key] == "" {
				texts[store+key] = c.Text(key)
			}
		}
	}
	for key, text := range texts {
		if text == "" {
			continue
		}
		value, err := encode(text)
		if err != nil {
			return nil, fmt.Errorf("parameters: %s: %w", key, err)
		}
		values[key] = value
	}
	return c.checked(values)
}

// given returns the parameters that the file has a value for.
func (c *Config) given() map[string]json.RawMessage {
	values := map[string]json.RawMessage{}
	for _, m := range c.doc.members {
		key := strings.ToUpper(m.key)
		if value := api.WithoutSpace(key, c.doc.value(key)); !isEmpty(value) && isParameter(key) && !slices.Contains(notSent, key) {
			values[key] = value
		}
	}
	return values
}

// isEmpty leaves empty lists to the server: an empty list may have a meaning.
func isEmpty(value json.RawMessage) bool {
	return slices.Contains([]string{"", `""`, "null", "{}"}, string(value))
}

func (c *Config) readFiles(values map[string]json.RawMessage) error {
	for _, from := range fromFiles {
		path := c.Text(from.pathKey)
		if path == "" {
			continue
		}
		if _, both := values[from.parameter]; both {
			return advice.New(fmt.Errorf("%s and %s are both given", from.parameter, from.pathKey), "keep one of the two")
		}
		path, err := expandHome(path)
		if err != nil {
			return fmt.Errorf("%s: %w", from.pathKey, err)
		}
		data, err := readBounded(path)
		if err != nil {
			return advice.New(fmt.Errorf("%s: %w", from.pathKey, err), "correct the path, or leave "+from.pathKey+" empty when it is not needed")
		}
		if err := checkText(data); err != nil {
			return advice.New(fmt.Errorf("%s: %s %w", from.pathKey, path, err), from.next())
		}
		if values[from.parameter], err = encode(string(data)); err != nil {
			return fmt.Errorf("%s: %w", from.pathKey, err)
		}
	}
	if err := policyKeys.readFiles(values); err != nil {
		return err
	}
	return credentialKeys.readFiles(values)
}

// checked makes the body, which package api validates.
func (c *Config) checked(values map[string]json.RawMessage) ([]byte, error) {
	if err := checkSSHKey("GITHUB_KEY_FILE", text(values["GITHUB_KEY"])); err != nil {
		return nil, fmt.Errorf("parameters: %w", err)
	}
	if err := checkSSHKeys(values); err != nil {
		return nil, fmt.Errorf("parameters: %w", err)
	}
	// The stock client always sends these two.
	for _, key := range []string{"GITHUB_KEY", "BASE_REPO_PUBLIC_KEY"} {
		if _, ok := values[key]; !ok {
			values[key] = json.RawMessage(`""`)
		}
	}
	body, err := json.Marshal(values)
	if err != nil {
		return nil, fmt.Errorf("parameters: %w", err)
	}
	if len(body) > api.MaxBody {
		return nil, advice.New(fmt.Errorf("parameters: they have %d bytes together, the server takes %d", len(body), api.MaxBody), "look for a file that is not a key or a certificate")
	}
	if _, err := api.ParseParameters(body); err != nil {
		return nil, c.explain(err)
	}
	return body, nil
}

// checkText refuses what is not text. JSON would change it without a word.
func checkText(data []byte) error {
	if !utf8.Valid(data) || bytes.ContainsRune(data, 0) {
		return errors.New("is not text")
	}
	return nil
}

// explain names the key of the file, or of the environment, that a wrong parameter
// came from, and where to correct it.
func (c *Config) explain(err error) error {
	wrapped := fmt.Errorf("parameters: %w", err)
	var parameter *api.ParameterError
	if !errors.As(err, &parameter) {
		return wrapped
	}
	next := "correct " + c.origin(parameter.Key) + " in " + c.path
	if slices.Contains(fromEnvironment, parameter.Key) {
		next += ", or set SBS_" + parameter.Key + " in the environment"
	}
	return advice.New(wrapped, next)
}

// origin returns the key of the file that gives a parameter: another one where the
// parameter is read from a file or has a short form.
func (c *Config) origin(parameter string) string {
	if text(c.doc.value(parameter)) != "" && !slices.Contains(notSent, parameter) {
		return parameter
	}
	for _, from := range fromFiles {
		if from.parameter == parameter && c.Text(from.pathKey) != "" {
			return from.pathKey
		}
	}
	for _, store := range stores {
		if short, ok := strings.CutPrefix(parameter, store); ok && text(c.doc.value(short)) != "" {
			return short
		}
	}
	if parameter == "BUILD_IMAGE_TAG" {
		return "IMAGE_TAG"
	}
	return parameter
}

// checkSSHKey finds keys that no server could use. They are as easily mistaken
// as they are late to fail.
func checkSSHKey(where, key string) error {
	if key == "" {
		return nil
	}
	_, err := ssh.ParseRawPrivateKey([]byte(key))
	var passphrase *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &passphrase):
		return advice.New(fmt.Errorf("the SSH key of %s has a passphrase, which the server can't know", where), "use a deploy key without one: ssh-keygen -N '' -t ed25519 -f deploy-key")
	case err != nil:
		return advice.New(fmt.Errorf("%s holds no SSH private key: %w", where, err), "name the private key, which is the file without .pub")
	}
	return nil
}

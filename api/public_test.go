package api

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"
)

// TestPrivateKeysAreRefused tries every parameter that is published, but for ARG,
// whose values are the build's own and are warned of.
func TestPrivateKeysAreRefused(t *testing.T) {
	certificate, key := selfSigned(t)
	for _, f := range fields {
		if f.secret {
			continue
		}
		var p Parameters
		target, isText := f.at(&p).(*string)
		if !isText && f.key == "ARG" {
			continue
		}
		for _, text := range []string{key, certificate + key, key + certificate, "# comment\n" + key + "\n# comment"} {
			err := f.decode(&p, asJSON(t, text))
			var refused *ParameterError
			if !errors.As(err, &refused) || refused.Key != f.key {
				t.Errorf("%s took a private key: %v", f.key, err)
				continue
			}
			if strings.Contains(err.Error(), "BEGIN") || strings.Contains(err.Error(), key[40:60]) || isText && *target != "" {
				t.Errorf("%s: the error shows the key, or it was kept: %v", f.key, err)
			}
		}
	}
	for _, key := range []string{"GITHUB_CA", "DOCKER_CONTENT_TRUST_CA", "MANIFEST_COS_CA", "STATE_COS_CA"} {
		if _, err := parse(t, with(key, certificate)); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
	for key, says := range map[string]string{"GITHUB_KNOWN_HOSTS": "holds a private key", "BASE_REPO_PUBLIC_KEY": "holds a private key"} {
		if _, err := parse(t, with(key, "a b c\n"+strings.ReplaceAll(keyText, "\n", " x y\n"))); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", key, err)
		}
	}
	_, err := parse(t, with("BASE_IMAGE_POLICY", []any{map[string]any{"image": "a.b/c", "method": "simple", "key": key}}))
	if err == nil || !strings.Contains(err.Error(), "BASE_IMAGE_POLICY: holds a private key") {
		t.Errorf("a rule: %v", err)
	}
}

const keyText = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE=\n-----END OPENSSH PRIVATE KEY-----"

func selfSigned(t *testing.T) (certificate, key string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

func asJSON(t *testing.T, text string) []byte {
	t.Helper()
	encoded, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

package contract

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opensbs/sbs/client/advice"
)

func TestCertificateDates(t *testing.T) {
	key := testKey(t)
	day := 24 * time.Hour
	for what, test := range map[string]struct {
		end, at time.Time
		valid   bool
		soon    bool
	}{
		"fresh":    {now.AddDate(1, 0, 0), now, true, false},
		"31 days":  {now.Add(31 * day), now, true, false},
		"30 days":  {now.Add(30*day - time.Second), now, true, true},
		"expired":  {now, now.Add(time.Second), false, true},
		"too soon": {now.AddDate(1, 0, 0), now.Add(-25 * time.Hour), false, false},
	} {
		t.Run(what, func(t *testing.T) {
			c, err := ParseCertificate(certificatePEM(t, key, test.end))
			if err != nil {
				t.Fatal(err)
			}
			err = c.Check(test.at)
			if (err == nil) != test.valid || c.ExpiresSoon(test.at) != test.soon {
				t.Errorf("%v, soon %v", err, c.ExpiresSoon(test.at))
			}
			if err != nil && (!errors.Is(err, ErrNotValidNow) || advice.Next(err) == "") {
				t.Errorf("%v, advice %q", err, advice.Next(err))
			}
		})
	}
}

func TestParseCertificateRefuses(t *testing.T) {
	key, short := testKey(t), shortKey(t)
	good := string(certificatePEM(t, key, now.AddDate(1, 0, 0)))
	for what, text := range map[string]string{
		"nothing":      "",
		"not PEM":      "x",
		"a key":        pemOf(t, key),
		"two":          good + good,
		"a short key":  string(certificatePEM(t, short, now.AddDate(1, 0, 0))),
		"a broken one": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
	} {
		t.Run(what, func(t *testing.T) {
			if _, err := ParseCertificate([]byte(text)); err == nil || advice.Next(err) == "" {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestParseSigningKey(t *testing.T) {
	key := testKey(t)
	pkcs1 := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	if got, err := ParseSigningKey([]byte(pkcs1)); err != nil || !got.Equal(key) {
		t.Errorf("PKCS #1: %v", err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	certificate := string(certificatePEM(t, key, now.AddDate(1, 0, 0)))
	for what, test := range map[string]struct{ text, next string }{
		"nothing":      {"", "openssl genpkey"},
		"certificate":  {certificate, "openssl genpkey"},
		"a curve":      {pemOf(t, curve), "openssl genpkey"},
		"short":        {pemOf(t, shortKey(t)), "openssl genpkey"},
		"passphrase":   {strings.ReplaceAll(pemOf(t, key), "PRIVATE", "ENCRYPTED PRIVATE"), "openssl pkey"},
		"passphrase 1": {strings.Replace(pkcs1, "KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n", 1), "openssl pkey"},
	} {
		t.Run(what, func(t *testing.T) {
			if _, err := ParseSigningKey([]byte(test.text)); err == nil || !strings.Contains(advice.Next(err), test.next) {
				t.Errorf("got %v, advice %q", err, advice.Next(err))
			}
		})
	}
}

func TestIsPublicKey(t *testing.T) {
	text, err := os.ReadFile("testdata/example/attestation.pem")
	if err != nil {
		t.Fatal(err)
	}
	short, err := publicPEM(&shortKey(t).PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if !isPublicKey(string(text)) || isPublicKey(short) || isPublicKey(pemOf(t, testKey(t))) || isPublicKey("") {
		t.Error("a public key is RSA of 2048 bits or more in PEM, and nothing else is")
	}
}

// The other keys of these tests: to make one takes longer than a test.
var (
	makeOther = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, minBits) })
	makeShort = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 1024) })
)

// otherKey has nothing to do with testKey.
func otherKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := makeOther()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// shortKey is one that this package never takes.
func shortKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := makeShort()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func pemOf(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

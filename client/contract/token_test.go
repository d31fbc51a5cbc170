package contract

import (
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"os"
	"strings"
	"testing"
)

// by-openssl.token was made with the commands of IBM's documentation.
func TestOpenWhatOpensslMade(t *testing.T) {
	value, err := os.ReadFile("testdata/by-openssl.token")
	if err != nil {
		t.Fatal(err)
	}
	opened, err := Open(string(value), testKey(t))
	if err != nil || string(opened) != "type: workload\n" {
		t.Errorf("opened %q, %v", opened, err)
	}
}

func TestEncryptTextsOfEveryLength(t *testing.T) {
	key := testKey(t)
	for length := range 34 {
		text := strings.Repeat("x", length)
		value, err := encrypt(HPVS, &key.PublicKey, text)
		if err != nil {
			t.Fatal(err)
		}
		if opened, err := Open(value, key); err != nil || string(opened) != text {
			t.Errorf("%d bytes: opened %q, %v", length, opened, err)
		}
		// openssl reads the password as one line of text.
		parsed, err := parseToken(value)
		if err != nil {
			t.Fatal(err)
		}
		//lint:ignore SA1019 The runtime takes no other padding.
		password, err := rsa.DecryptPKCS1v15(nil, key, parsed.password)
		if err != nil || len(password) < 32 || strings.ContainsAny(string(password), "\n\x00") {
			t.Errorf("a password of %d bytes, %v", len(password), err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	key := testKey(t)
	value, err := encrypt(CCRT, &key.PublicKey, "type: env\n")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := Open(value, otherKey(t)); err == nil {
		t.Errorf("another key opened %q", text)
	}
	parts := strings.Split(value, ".")
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	body := func(change func([]byte) []byte) string {
		return parts[0] + "." + parts[1] + "." + base64.StdEncoding.EncodeToString(change([]byte(string(raw))))
	}
	for what, value := range map[string]string{
		"nothing":         "",
		"plain":           "type: env\n",
		"other prefix":    "basic." + parts[1] + "." + parts[2],
		"two parts":       parts[0] + "." + parts[1],
		"four parts":      value + ".",
		"line feed":       value + "\n",
		"no password":     parts[0] + ".." + parts[2],
		"not base64":      parts[0] + ".%." + parts[2],
		"no magic":        body(func(b []byte) []byte { b[0]++; return b }),
		"no text":         body(func(b []byte) []byte { return b[:16] }),
		"half a block":    body(func(b []byte) []byte { return b[:len(b)-1] }),
		"long beyond all": "contract-basic." + strings.Repeat("A", maxToken),
	} {
		t.Run(what, func(t *testing.T) {
			if text, err := Open(value, key); !errors.Is(err, ErrNotToken) {
				t.Errorf("opened %q, %v", text, err)
			}
		})
	}
	// One text in 256 of random ones has a padding that looks right.
	damaged := 0
	for i := range 8 {
		if _, err := Open(body(func(b []byte) []byte { b[len(b)-1-i]++; return b }), key); err != nil {
			damaged++
		}
	}
	if damaged < 6 {
		t.Errorf("%d of 8 damaged texts were refused", damaged)
	}
}

func FuzzParseToken(f *testing.F) {
	value, err := os.ReadFile("testdata/by-openssl.token")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(value))
	f.Add("contract-basic.YQ==.U2FsdGVkX18AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
	key := testKey(f)
	f.Fuzz(func(t *testing.T, value string) {
		parsed, err := parseToken(value)
		if err != nil {
			return
		}
		if parsed.String() != value {
			t.Errorf("%q became %q", value, parsed)
		}
		if _, err := Open(value, key); errors.Is(err, ErrNotToken) {
			t.Errorf("a token is no token: %v", err)
		}
	})
}

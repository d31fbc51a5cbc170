package instanceenv

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/opensbs/sbs/client/advice"
	"github.com/opensbs/sbs/client/certs"
)

var now = time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)

const host = "sbs.example.com"

// imageKey makes the key pair of a server image, valid for a day.
func imageKey(t *testing.T) *openpgp.Entity {
	t.Helper()
	entity, err := openpgp.NewEntity("server image", "", "image@example.com", &packet.Config{
		Time: func() time.Time { return now.Add(-time.Hour) }, KeyLifetimeSecs: 24 * 60 * 60, Algorithm: packet.PubKeyAlgoEdDSA,
	})
	if err != nil {
		t.Fatal(err)
	}
	return entity
}

func publicKeyFile(t *testing.T, armoured bool, entities ...*openpgp.Entity) string {
	t.Helper()
	var text bytes.Buffer
	var w io.WriteCloser = nopCloser{&text}
	if armoured {
		var err error
		if w, err = armor.Encode(&text, openpgp.PublicKeyType, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, entity := range entities {
		if err := entity.Serialize(w); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return write(t, text.Bytes())
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func write(t *testing.T, text []byte) string {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "key")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Name()
}

func certificates(t *testing.T) certs.Files {
	t.Helper()
	t.Chdir(t.TempDir())
	f := certs.Locate("SBContainer", "1", certs.Named{})
	if _, err := certs.CreateClient(f, now); err != nil {
		t.Fatal(err)
	}
	if _, err := certs.CreateServer(f, host, now); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestValuesAreAcceptedByServer(t *testing.T) {
	image := imageKey(t)
	f := certificates(t)
	key, err := ReadPublicKey(publicKeyFile(t, true, image), now)
	if err != nil {
		t.Fatal(err)
	}
	values, err := Make(f, host, key, now)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ value, path string }{
		"CLIENT_CRT": {values.ClientCert, f.ClientCert},
		"CLIENT_CA":  {values.ClientCA, f.CA},
		"SERVER_CRT": {values.ServerCert, f.ServerCert},
	} {
		want, err := os.ReadFile(test.path)
		if err != nil {
			t.Fatal(err)
		}
		if got := decode(t, test.value); !bytes.Equal(got, want) {
			t.Errorf("%s is not %s: %s", name, test.path, got)
		}
	}
	message := decode(t, values.ServerKey)
	block, err := armor.Decode(bytes.NewReader(message))
	if err != nil || block.Type != "PGP MESSAGE" {
		t.Fatalf("SERVER_KEY is no armoured message: %v", err)
	}
	opened, err := openpgp.ReadMessage(block.Body, openpgp.EntityList{image}, nil, &packet.Config{Time: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(opened.UnverifiedBody)
	if err != nil {
		t.Fatal(err)
	}
	if want, err := os.ReadFile(f.ServerKey); err != nil || !bytes.Equal(got, want) {
		t.Errorf("SERVER_KEY does not hold the server's key (%v)", err)
	}
}

func decode(t *testing.T, text string) []byte {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestForms(t *testing.T) {
	values := Values{"a", "b", "c", "d"}
	if got, want := values.YAML(), "CLIENT_CRT: \"a\"\nCLIENT_CA: \"b\"\nSERVER_CRT: \"c\"\nSERVER_KEY: \"d\"\n"; got != want {
		t.Errorf("got %q", got)
	}
	if got, want := values.Arguments(), "-e CLIENT_CRT=a -e CLIENT_CA=b -e SERVER_CRT=c -e SERVER_KEY=d\n"; got != want {
		t.Errorf("got %q", got)
	}
	if got, err := json.Marshal(values); err != nil || string(got) != `{"CLIENT_CRT":"a","CLIENT_CA":"b","SERVER_CRT":"c","SERVER_KEY":"d"}` {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestReadPublicKey(t *testing.T) {
	image := imageKey(t)
	revoked := imageKey(t)
	if err := revoked.RevokeKey(packet.KeyCompromised, "lost", &packet.Config{Time: func() time.Time { return now.Add(-time.Minute) }}); err != nil {
		t.Fatal(err)
	}
	var private bytes.Buffer
	if err := image.SerializePrivate(&private, nil); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, path string
		at         time.Time
		want       string // "" for success
	}{
		{"armoured", publicKeyFile(t, true, image), now, ""},
		{"binary", publicKeyFile(t, false, image), now, ""},
		{"expired", publicKeyFile(t, true, image), now.Add(48 * time.Hour), "expired on 2026-05-07"},
		{"revoked", publicKeyFile(t, true, revoked), now, "revoked"},
		{"private", write(t, private.Bytes()), now, "holds a private key"},
		{"two keys", publicKeyFile(t, false, image, revoked), now, "2 keys instead of one"},
		{"not a key", write(t, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE"})), now, "public key"},
		{"no file", "/no/such", now, "no such file"},
		{"no name", "", now, "missing"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := ReadPublicKey(test.path, test.at)
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q in it", err, test.want)
			}
			if advice.Next(err) == "" {
				t.Errorf("%v comes without advice", err)
			}
		})
	}
}

func TestMakeRefusesWhatWouldNotWork(t *testing.T) {
	f := certificates(t)
	key, err := ReadPublicKey(publicKeyFile(t, true, imageKey(t)), now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Make(f, "other.example.com", key, now); err == nil || !strings.Contains(err.Error(), "not for the HOSTNAME") {
		t.Errorf("a certificate for another host: %v", err)
	}
	if err := os.Remove(f.ServerCert); err != nil {
		t.Fatal(err)
	}
	if _, err := Make(f, host, key, now); err == nil || advice.CodeOf(err) != certs.NoServerCertificate {
		t.Errorf("got %v, advice %q", err, advice.CodeOf(err))
	}
}

package enclave

import (
	"bytes"
	"errors"
	"testing"
)

// lookUp gives generated values as an environment does.
func lookUp(made Generated) func(string) string {
	return func(name string) string {
		for _, value := range made.Values {
			if value[0] == name {
				return value[1]
			}
		}
		return ""
	}
}

func generate(t *testing.T, previous func(string) string) (Generated, *Enclave) {
	t.Helper()
	made, err := Generate(previous)
	if err != nil {
		t.Fatal(err)
	}
	encl, err := FromContract(lookUp(made))
	if err != nil {
		t.Fatal(err)
	}
	return made, encl
}

func TestGeneratedSecretsMakeAnEnclave(t *testing.T) {
	made, encl := generate(t, nil)
	if !bytes.Equal(made.SecretID, encl.SecretID()) || len(made.PreviousIDs) != 0 || len(made.Values) != 2 {
		t.Errorf("secret %x, previous %x, %d values", made.SecretID, made.PreviousIDs, len(made.Values))
	}
	text, err := encl.OpenMessage(encryptTo(t, made.PublicKey, "server key", nil))
	if err != nil || string(text) != "server key" {
		t.Errorf("opened %q, %v", text, err)
	}
	other, _ := generate(t, nil)
	if bytes.Equal(other.SecretID, made.SecretID) || other.Fingerprint == made.Fingerprint {
		t.Error("two images have the same secrets")
	}
}

func TestGeneratedSecretsSucceedEachOther(t *testing.T) {
	first, oldest := generate(t, nil)
	second, older := generate(t, lookUp(first))
	third, newest := generate(t, lookUp(second))
	if len(third.PreviousIDs) != 2 || !bytes.Equal(third.PreviousIDs[0], older.SecretID()) || !bytes.Equal(third.PreviousIDs[1], oldest.SecretID()) {
		t.Errorf("previous %x, want %x and %x", third.PreviousIDs, older.SecretID(), oldest.SecretID())
	}
	for _, before := range []*Enclave{oldest, older} {
		sealed, err := before.Seal("name", []byte("text"))
		if err != nil {
			t.Fatal(err)
		}
		if text, err := newest.Unseal("name", sealed); err != nil || string(text) != "text" {
			t.Errorf("opened %q, %v", text, err)
		}
	}
	sealed, err := newest.Seal("name", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := older.Unseal("name", sealed); !errors.Is(err, ErrOtherSecret) {
		t.Errorf("the image before opens what its successor sealed: %v", err)
	}
}

func TestGenerateRefusesBrokenPredecessors(t *testing.T) {
	made, _ := generate(t, nil)
	for name, value := range map[string]string{EnvImageSecret: "QUFB", EnvImagePrivateKey: "", EnvImageSecretPrevious: "%"} {
		t.Run(name, func(t *testing.T) {
			_, err := Generate(func(asked string) string {
				if asked == name {
					return value
				}
				return lookUp(made)(asked)
			})
			if err == nil {
				t.Error("no error")
			}
		})
	}
}

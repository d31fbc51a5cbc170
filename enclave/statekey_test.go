package enclave

import (
	"bytes"
	"errors"
	"testing"
)

func TestStateKeyNeedsBothSecrets(t *testing.T) {
	e, salt := withSecret(1), make([]byte, 32)
	key, err := e.StateKey(e.SecretID(), []byte("developer"), salt)
	if err != nil || len(key) != 32 {
		t.Fatalf("%x, %v", key, err)
	}
	again, err := withSecret(1).StateKey(e.SecretID(), []byte("developer"), salt)
	if err != nil || !bytes.Equal(key, again) {
		t.Errorf("the same secrets make another key, %v", err)
	}
	other := withSecret(2)
	for name, ask := range map[string]func() ([]byte, error){
		"developer's": func() ([]byte, error) { return e.StateKey(e.SecretID(), []byte("other"), salt) },
		"image":       func() ([]byte, error) { return other.StateKey(other.SecretID(), []byte("developer"), salt) },
		"salt": func() ([]byte, error) {
			return e.StateKey(e.SecretID(), []byte("developer"), bytes.Repeat([]byte{1}, 32))
		},
	} {
		if got, err := ask(); err != nil || bytes.Equal(got, key) {
			t.Errorf("another %s makes the same key, %v", name, err)
		}
	}
	if _, err := e.StateKey(other.SecretID(), []byte("developer"), salt); !errors.Is(err, ErrOtherSecret) {
		t.Errorf("got %v, want ErrOtherSecret", err)
	}
}

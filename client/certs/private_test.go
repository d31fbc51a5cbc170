package certs

import (
	"errors"
	"os"
	"testing"

	"github.com/opensbs/sbs/api/public"
)

// A private key in a file that others get is refused, and stays where it is.
func TestPrivateKeysAreRefusedInPublicFiles(t *testing.T) {
	f := inFolder(t)
	createBoth(t, f)
	whole := f.ServerCert + ".whole"
	replace(t, whole, f.ServerCert, f.ServerKey)
	replace(t, f.ServerCert, whole)
	if _, err := LoadServer(f, host, now); !errors.Is(err, public.ErrPrivate) {
		t.Errorf("the server's certificate: got %v", err)
	}
	if _, err := CreateServer(f, host, now); !errors.Is(err, public.ErrPrivate) {
		t.Errorf("make the server's certificate again: got %v", err)
	}
	before, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(f.ServerCert); err != nil || string(after) != string(before) {
		t.Error("the file with the key was overwritten")
	}

	replace(t, "ca-and-key.pem", f.CA, f.CAKey)
	f.CA = "ca-and-key.pem"
	if _, err := LoadClient(f, now); !errors.Is(err, public.ErrPrivate) {
		t.Errorf("CAPATH: got %v", err)
	}
}

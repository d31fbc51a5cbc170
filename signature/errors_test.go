package signature_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/signature"
)

// The texts of all errors are different, and name the image.
func TestReasons(t *testing.T) {
	reasons := []error{
		&signature.AbsentError{},
		&signature.UnsignedError{Where: "the registry"},
		&signature.OtherKeyError{Want: "AB12"},
		&signature.OtherNameError{Signed: "docker.io/ns/other:v1"},
		&signature.OtherDigestError{Signed: digest, Found: "sha256:0b"},
		&signature.MalformedError{Err: errors.New("no type")},
		&signature.RolledBackError{Role: "targets", Seen: 3, Got: 2},
		&signature.RootChangedError{Want: "ab12", Found: []string{"cd34"}},
		&signature.ExpiredError{Err: errors.New("yesterday")},
		&signature.UnreachableError{Server: "registry.example.com", Err: errors.New("refused")},
		&signature.CertificateError{Server: "registry.example.com", Err: errors.New("unknown authority")},
		&signature.AccessError{Server: "registry.example.com", Status: 401},
	}
	reference, err := signature.ParseReference("ns/app:v1")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, reason := range reasons {
		err := fmt.Errorf("step: %w", &signature.Error{Image: reference, Method: api.SigningSimple, Err: reason})
		if !errors.Is(err, reason) || !strings.Contains(err.Error(), "docker.io/ns/app:v1 (simple)") || seen[err.Error()] {
			t.Errorf("%T: %v", reason, err)
		}
		seen[err.Error()] = true
		if refusal := new(signature.Error); !errors.As(err, &refusal) || refusal.Image != reference {
			t.Errorf("%T: the image is lost", reason)
		}
	}
}

func TestMostSpecific(t *testing.T) {
	var (
		key       = &signature.OtherKeyError{}
		name      = &signature.OtherNameError{}
		copied    = &signature.OtherDigestError{}
		malformed = &signature.MalformedError{}
	)
	for _, test := range []struct {
		reasons []error
		want    error
	}{
		{nil, nil},
		{[]error{key}, key},
		{[]error{key, malformed, key}, malformed},
		{[]error{key, malformed, copied}, copied},
		{[]error{key, name, copied, malformed}, name},
	} {
		if got := signature.MostSpecific(test.reasons); got != test.want {
			t.Errorf("of %v: %v, want %v", test.reasons, got, test.want)
		}
	}
}

//go:build stack

package dct

import (
	"io"
	"testing"

	"github.com/opensbs/sbs/test/kit/memstore"
)

// Prepare gives the key that Sign signs with, and leads no tag anywhere.
func TestPrepare(t *testing.T) {
	s := newStack(t)
	signer := New(memstore.New())
	request := s.request(s.push(t, "v1"))
	for range 2 {
		prepared, err := signer.Prepare(t.Context(), request, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if signed, _ := s.inspect(t, request.Image.Repository); len(signed) != 0 {
			t.Errorf("signed are %v", signed)
		}
		again, err := signer.Prepare(t.Context(), request, io.Discard)
		if err != nil || again != prepared {
			t.Errorf("the key is %+v, then %+v (%v)", prepared, again, err)
		}
	}
	prepared, err := signer.Prepare(t.Context(), request, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	key, err := signer.Sign(t.Context(), request, io.Discard)
	if err != nil || key != prepared {
		t.Errorf("prepared %+v, signed with %+v (%v)", prepared, key, err)
	}
	if digest := s.pulled(t, request.Image.Repository, "v1"); digest != request.Image.Digest {
		t.Errorf("docker pulls %s", digest)
	}
}

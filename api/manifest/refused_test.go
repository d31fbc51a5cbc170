package manifest

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestTampered(t *testing.T) {
	key := goldenKey(t)
	c := contents(`{"status":"success"}`, sample)
	var tbz bytes.Buffer
	digest, err := Write(context.Background(), &tbz, c)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := Sign(digest, key)
	if err != nil {
		t.Fatal(err)
	}
	pack := func(tbz, signature []byte) []byte {
		var out bytes.Buffer
		if err := WriteSigned(context.Background(), &out, name, bytes.NewReader(tbz), int64(len(tbz)), signature, modified); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	var other bytes.Buffer
	if _, err := Write(context.Background(), &other, contents(`{"status":"succesS"}`, sample)); err != nil {
		t.Fatal(err)
	}
	flipped := slices.Clone(signature)
	flipped[100] ^= 1
	for what, tampered := range map[string][]byte{
		"other contents":     pack(other.Bytes(), signature),
		"a byte at the end":  pack(append(slices.Clone(tbz.Bytes()), 'x'), signature),
		"a flipped bit":      pack(tbz.Bytes(), flipped),
		"no signature":       pack(tbz.Bytes(), nil),
		"a longer signature": pack(tbz.Bytes(), append(slices.Clone(signature), 0)),
	} {
		t.Run(what, func(t *testing.T) {
			if _, _, err := Verify(bytes.NewReader(tampered), &key.PublicKey); !errors.Is(err, ErrSignature) {
				t.Errorf("got %v, want ErrSignature", err)
			}
		})
	}
}

func TestNotAManifest(t *testing.T) {
	key := goldenKey(t)
	make := func(members ...string) []byte {
		var out bytes.Buffer
		err := archive(context.Background(), &out, signedStream, func(w *tar.Writer) error {
			a := newArchiver(context.Background(), w, modified)
			for _, member := range members {
				if err := a.file(member, 0o644, 2, strings.NewReader("00")); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	whole := signed(t, contents("{}", sample), key)
	for what, input := range map[string][]byte{
		"empty":          {},
		"text":           []byte("hello"),
		"no member":      make(),
		"one member":     make("manifest.a.tbz"),
		"other names":    make("manifest.a.tbz", "manifest.b.sig"),
		"a path":         make("../manifest.a.tbz", "../manifest.a.sig"),
		"three members":  make("manifest.a.tbz", "manifest.a.sig", "more"),
		"not a manifest": make("a.tbz", "a.sig"),
		"cut short":      whole[:len(whole)/2],
	} {
		t.Run(what, func(t *testing.T) {
			if _, _, err := Verify(bytes.NewReader(input), &key.PublicKey); err == nil || errors.Is(err, ErrSignature) {
				t.Errorf("got %v, want an error about the form", err)
			}
		})
	}
}

func TestDeviceIsRefused(t *testing.T) {
	tree := fstest.MapFS{"pipe": {Mode: fs.ModeNamedPipe | 0o644}}
	if _, err := Write(context.Background(), io.Discard, contents("{}", tree)); err == nil || !strings.Contains(err.Error(), "git/pipe") {
		t.Errorf("got %v, want an error that names git/pipe", err)
	}
}

package sbs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// readers read certificates and keys from a text and skip everything else in it: a
// private key in the same text would get into parameters, records and contracts.
var readers = []string{"pem.Decode", "AppendCertsFromPEM", "openpgp.ReadKeyRing", "openpgp.ReadArmoredKeyRing", "tls.LoadX509KeyPair", "tls.X509KeyPair"}

// ownReaders lists the files that may call one of readers, with the reason. All others
// read public keys and certificates with api/public, which refuses texts with a private
// key.
var ownReaders = map[string]string{
	"api/public/public.go":            "refuses private keys",
	"client/attest/decrypt.go":        "reads the private key of an encrypted record",
	"client/attest/tdx.go":            "adds Intel's root, which is compiled in",
	"client/certs/pem.go":             "reads CLIENT_CRT_KEY and keys; CAPATH and CERTPATH go through public.Check",
	"client/contract/env.go":          "distinguishes the certificate from the private key of a syslog client; the certificate goes through public.Check",
	"client/contract/keys.go":         "reads the private signing key",
	"client/instanceenv/publickey.go": "reads an OpenPGP key after public.Check",
	"enclave/enclave.go":              "reads the image's private key",
	"server/signing/dct/keycodec.go":  "reads sealed private keys",
	"server/signing/simple/key.go":    "reads sealed private keys",
	"server/source/authorities.go":    "adds certificates after public.Certificates",
	"server/tls.go":                   "loads SERVER_CRT with its key, after public.Check",
	"signature/simple/message.go":     "reads OpenPGP keys after public.Check",
}

// Public keys and certificates are read only with api/public, except in ownReaders.
func TestPublicKeyReaders(t *testing.T) {
	used := map[string]bool{}
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name != "." && (strings.HasPrefix(entry.Name(), ".") || slices.Contains(anything, filepath.ToSlash(name)+"/")) {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		if call := reads(t, name); call != "" {
			name = filepath.ToSlash(name)
			if used[name] = true; ownReaders[name] == "" {
				t.Errorf("%s calls %s: read public keys and certificates with api/public, or list the file in ownReaders with the reason", name, call)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range ownReaders {
		if !used[name] {
			t.Errorf("%s is listed in ownReaders, but calls none of readers", name)
		}
	}
}

// reads returns the first of readers that a file names, or "".
func reads(t *testing.T, name string) (call string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(node ast.Node) bool {
		selector, ok := node.(*ast.SelectorExpr)
		if !ok || call != "" {
			return call == ""
		}
		spelled := selector.Sel.Name
		if x, ok := selector.X.(*ast.Ident); ok {
			spelled = x.Name + "." + spelled
		}
		if slices.Contains(readers, spelled) || slices.Contains(readers, selector.Sel.Name) {
			call = spelled
		}
		return call == ""
	})
	return call
}

//go:build stack

package secrets

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A search without a result proves something only if the search finds planted values.
func TestSearchFinds(t *testing.T) {
	value := plant()
	key := newSSHKey(t)
	lines := strings.Split(strings.TrimSpace(key), "\n")
	slices.Reverse(lines)
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	quotedOnce, err := json.Marshal(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	if err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	packed := gzip.NewWriter(&archive)
	members := tar.NewWriter(packed)
	if err := members.WriteHeader(&tar.Header{Name: "member", Size: int64(len(value)), Mode: 0o600}); err != nil {
		t.Fatal(err)
	}
	_, _ = members.Write([]byte(value))
	if err := members.Close(); err != nil {
		t.Fatal(err)
	}
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	search := newSearch([]secret{{"value", value}, {"key", key}, {"number", string(private.D.Bytes())}})
	texts := map[string]struct{ shows, text string }{
		"key in another order":           {"key", strings.Join(lines, "\n")},
		"key in one line":                {"key", "x" + strings.ReplaceAll(key, "\n", "") + "y"},
		"number in a PEM file":           {"number", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))},
		"number in a PEM file in JSON":   {"number", string(quotedOnce)},
		"number in DER":                  {"number", string(der)},
		"value in an archive":            {"value", archive.String()},
		"value in an archive as base64":  {"value", `{"payload":"` + base64.StdEncoding.EncodeToString(archive.Bytes()) + `"}`},
		"value as basic authentication":  {"value", base64.StdEncoding.EncodeToString([]byte("user:" + value))},
		"value after one byte more":      {"value", base64.URLEncoding.EncodeToString([]byte("users:" + value + "!"))},
		"value after another byte":       {"value", base64.StdEncoding.EncodeToString([]byte("a user:" + value + "\n"))},
		"value in JSON in base64":        {"value", base64.StdEncoding.EncodeToString([]byte(`{"value":"` + quoted(value, true) + `","and":"so on, for some length"}`))},
		"value at the end of other text": {"value", strings.Repeat("sbs ", 1000) + value},
	}
	for form, text := range forms(value) {
		texts["value "+form] = struct{ shows, text string }{"value", "before " + text + " after"}
	}
	for name, test := range texts {
		found := false
		unpack(name, test.text, func(_, text string) {
			found = found || slices.ContainsFunc(search.in(text), func(p pattern) bool { return p.name == test.shows })
		})
		if !found {
			t.Errorf("%s was not found", name)
		}
	}
	if hits := search.in(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&private.PublicKey)}))); len(hits) > 0 {
		t.Errorf("a public key shows %v", hits)
	}
}

// The watch finds secrets in the arguments and the environment of a running process,
// and in a file.
func TestWatchFinds(t *testing.T) {
	argument, environment, content, allowed := plant(), plant(), plant(), plant()
	dir := t.TempDir()
	w := &watch{
		search:  newSearch([]secret{{"argument", argument}, {"environment", environment}, {"content", content}, {"allowed", allowed}}),
		folders: []string{dir}, program: "sleep 3600", ours: map[string]bool{"OURS": true},
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	program := filepath.Join(dir, "written")
	w.start()
	var running []*exec.Cmd
	for _, command := range [][]string{{"sleep", "3600"}, {"sh", "-c", "read x", argument}} {
		process := exec.CommandContext(ctx, command[0], command[1:]...)
		process.Env = []string{"OURS=" + allowed}
		if command[0] == "sh" {
			process.Env = []string{"THEIRS=" + environment}
		}
		if _, err := process.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		if err := process.Start(); err != nil {
			t.Fatal(err)
		}
		running = append(running, process)
	}
	if err := os.WriteFile(program, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for passed := w.passed(); w.passed() < passed+5; {
		select {
		case <-ticker.C:
		case <-t.Context().Done():
			t.Fatal("the watch makes no progress")
		}
	}
	cancel()
	for _, process := range running {
		_ = process.Wait() // it was killed
	}
	found := w.end()
	for _, where := range []string{"arguments of sh -c read x", "environment of sh -c read x", "file " + program} {
		hit := false
		for text := range found {
			hit = hit || strings.HasPrefix(text, where) && strings.HasSuffix(text, "in clear")
		}
		if !hit {
			t.Errorf("nothing was found in the %s: %v", where, found)
		}
	}
	for text := range found {
		if strings.Contains(text, "allowed") {
			t.Errorf("found: %s", text)
		}
	}
}

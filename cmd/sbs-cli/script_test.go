//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts in testdata run the program itself, as a child process. Where they need a
// server, the real one runs within this test (see server_test.go): it is a program for
// Linux, and so are these tests.

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sbs-cli": main})
}

func TestScripts(t *testing.T) { runScripts(t, "testdata/script") }

func runScripts(t *testing.T, folder string) {
	docs, err := filepath.Abs("../../docs")
	if err != nil {
		t.Fatal(err)
	}
	made := sync.OnceValues(func() (string, error) { return makeCertificates(t.TempDir()) })
	testscript.Run(t, testscript.Params{
		Dir: folder,
		Setup: func(env *testscript.Env) error {
			env.Values[scriptKey{}] = newScript(t)
			env.Setenv("DOCS", docs)
			// Else every command under the race detector would wait a second before it ends.
			env.Setenv("GORACE", "atexit_sleep_ms=0")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve":       serve,
			"proxy":       proxy,
			"attesting":   attesting,
			"followed":    followed,
			"finish":      finish,
			"exits":       exits,
			"json":        oneJSON,
			"jsonlines":   jsonLines,
			"imagekey":    imageKey,
			"mode":        mode,
			"encryptcert": encryptCert,
			"opens":       opens,
			"section":     section,
			"documented":  documented,
			"commands":    commands,
			"certificates": func(ts *testscript.TestScript, _ bool, _ []string) {
				folder, err := made()
				ts.Check(err)
				ts.Check(os.CopyFS(ts.MkAbs("."), os.DirFS(folder)))
				// The files have the UUID in their names.
				config := strings.Replace(ts.ReadFile("sbs-config.json"), "{", `{"UUID": "`+madeUUID+`", `, 1)
				ts.Check(os.WriteFile(ts.MkAbs("sbs-config.json"), []byte(config), 0o600))
			},
		},
	})
}

const madeUUID = "1852e73e-7f74-4cc6-bc78-59d9e0b7fec8"

// makeCertificates makes, with the program itself, what it makes for localhost in a
// folder below dir. Making keys is most of the work of a short script, and under
// the race detector it takes seconds: those scripts that are not about certificates
// get copies, by the command certificates.
func makeCertificates(dir string) (folder string, err error) {
	config := filepath.Join(dir, "sbs-config.json")
	if err := os.WriteFile(config, []byte(`{"HOSTNAME": "localhost", "UUID": "`+madeUUID+`"}`), 0o600); err != nil {
		return "", err
	}
	folder = filepath.Join(dir, "made")
	if err := os.Mkdir(folder, 0o700); err != nil {
		return "", err
	}
	for _, name := range []string{"create-client-cert", "create-server-cert"} {
		command := exec.Command("sbs-cli", name, "--env", config)
		command.Dir = folder
		if out, err := command.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %w: %s", name, err, out)
		}
	}
	return folder, nil
}

// exits CODE COMMAND... runs a command that must exit with CODE.
func exits(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// imageKey FILE [expired] writes the public key of a server image.
func imageKey(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 1 {
		ts.Fatalf("usage: imagekey FILE [expired]")
	}
	config := &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA}
	if len(args) > 1 {
		config.KeyLifetimeSecs = 60
		config.Time = func() time.Time { return time.Now().Add(-time.Hour) }
	}
	entity, err := openpgp.NewEntity("image", "", "", config)
	ts.Check(err)
	file, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	w, err := armor.Encode(file, openpgp.PublicKeyType, nil)
	ts.Check(err)
	ts.Check(entity.Serialize(w))
	ts.Check(w.Close())
	ts.Check(file.Close())
}

// mode OCTAL FILE... checks the mode of files.
func mode(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 2 {
		ts.Fatalf("usage: mode OCTAL FILE...")
	}
	want, err := strconv.ParseUint(args[0], 8, 32)
	ts.Check(err)
	for _, name := range args[1:] {
		info, err := os.Stat(ts.MkAbs(name))
		ts.Check(err)
		if got := info.Mode().Perm(); got != os.FileMode(want) {
			ts.Fatalf("%s has mode %o, want %o", name, got, want)
		}
	}
}

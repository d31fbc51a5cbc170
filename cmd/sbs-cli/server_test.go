//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/opensbs/sbs/client/certs"
	"github.com/opensbs/sbs/server"
	"github.com/opensbs/sbs/server/history"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/parameters"
	"github.com/opensbs/sbs/server/signing/manifestkey"
	"github.com/opensbs/sbs/server/transfer"
	"github.com/opensbs/sbs/server/volume"
)

// The scripts run the program against the real server, within this test: mutual TLS,
// routes, parameters, data volume, state images and the enclave are the product's. Only
// the pipeline, which needs a Docker Engine, is replaced (server_builder_test.go). What
// no real server does, a proxy in front of it does (proxy_test.go).

// script holds what the commands of one script share.
type script struct {
	t         *testing.T
	files     certs.Files
	builder   *builder
	address   string        // of the server; "" before serve
	port      string        // in the configurations
	followers chan struct{} // gets a value for every follower of a build
}

// newScript returns a script whose configurations have the port 65000.
func newScript(t *testing.T) *script {
	return &script{t: t, port: "65000", followers: make(chan struct{}, 100)}
}

type scriptKey struct{}

func scriptOf(ts *testscript.TestScript) *script { return ts.Value(scriptKey{}).(*script) }

// States of the server that scripts name.
const (
	serverFailing  = "failing"  // its builds fail
	serverWaiting  = "waiting"  // its builds wait for the command finish
	serverContract = "contract" // it was deployed by a contract, as a Hyper Protect runtime does
	serverHistory  = "history"  // it has builds from before
	serverBucket   = "bucket"   // it reaches an object store with the bucket states
)

var serverStates = []string{serverFailing, serverWaiting, serverContract, serverHistory, serverBucket}

// serve [STATE...] starts the server with the certificates that the script has made,
// and writes its port into the configurations in place of 65000.
func serve(ts *testscript.TestScript, negated bool, states []string) {
	s := scriptOf(ts)
	for _, state := range states {
		if !slices.Contains(serverStates, state) {
			ts.Fatalf("serve: there is no state %q", state)
		}
	}
	if negated || s.address != "" {
		ts.Fatalf("usage: serve [STATE...], once")
	}
	s.files = certificateFiles(ts)
	s.start(ts, func(state string) bool { return slices.Contains(states, state) })
}

// certificateFiles returns the files of the certificates, which the program makes in
// its working folder.
func certificateFiles(ts *testscript.TestScript) certs.Files {
	folders, err := filepath.Glob(ts.MkAbs(".*.d"))
	ts.Check(err)
	if len(folders) != 1 {
		ts.Fatalf("make certificates first")
	}
	folder := folders[0]
	return certs.Locate("", "", certs.Named{
		Client: strings.TrimSuffix(folder, ".d"), CA: filepath.Join(folder, "client-ca.pem"),
		ServerCert: filepath.Join(folder, "server-cert.pem"),
	})
}

// start starts what a server is made of, as cmd/sbs-server does, until the script ends.
func (s *script) start(ts *testscript.TestScript, is func(state string) bool) {
	machine := s.simulatedMachine(ts)
	if is(serverContract) {
		machine = s.deployedMachine(ts)
	}
	config, err := server.TLSConfig(machine.getenv, machine.inside.OpenMessage)
	ts.Check(err)
	tlsKey, err := server.TLSKey(config)
	ts.Check(err)
	data := s.openVolume(ts, machine, is(serverHistory))
	slot, err := job.Open(data.Job(), func(last job.Record) job.Record { return last })
	ts.Check(err)
	store, err := parameters.Open(data.Secrets(), slot)
	ts.Check(err)
	builds, logger := history.New(data.Builds(), data.Space), slog.New(slog.DiscardHandler)
	transferred := transfer.Config{
		Parameters: store, Secrets: data.Secrets(), Builds: data.Builds(), History: builds, Importer: data, Keys: machine.inside, Logger: logger,
		Sealed: slices.Concat(manifestkey.Sealed(), parameters.Sealed(), transfer.Sealed()),
	}
	if is(serverBucket) {
		transferred.CABundle = s.startBucket(ts)
	}
	s.builder = newBuilder(slot, data, machine.inside.Kind(), is(serverFailing), is(serverWaiting))
	s.serve(ts, config, server.New(server.Config{
		Slot: slot, Builds: data.Builds(), History: builds, Lookaside: data.Lookaside(), Disk: data,
		Parameters: store, Builder: s.builder, Enclave: machine.inside.Kind(), Logger: logger,
		Transfer: transfer.New(transferred), Prove: machine.prove, TLSKey: tlsKey,
	}))
}

// openVolume opens a new data volume with a manifest key until the script ends.
func (s *script) openVolume(ts *testscript.TestScript, machine machine, withHistory bool) *volume.Volume {
	folder := s.t.TempDir()
	data, err := volume.Open(folder, machine.inside)
	ts.Check(err)
	ts.Defer(func() {
		if err := data.Close(); err != nil {
			s.t.Errorf("%s: %v", ts.Name(), err)
		}
	})
	ts.Check(sealManifestKey(data.Secrets()))
	if withHistory {
		ts.Check(storeHistory(data, folder))
	}
	return data
}

// serve serves on loopback until the script ends.
func (s *script) serve(ts *testscript.TestScript, config *tls.Config, running *server.Server) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- running.Serve(ctx, listener, config) }()
	ts.Defer(func() {
		stop()
		if err := <-ended; err != nil {
			s.t.Errorf("%s: %v", ts.Name(), err)
		}
	})
	s.address = listener.Addr().String()
	s.listens(ts, listener)
}

// listens writes the port of the server, or of a proxy in front of it, into the
// configurations.
func (s *script) listens(ts *testscript.TestScript, listener net.Listener) {
	_, port, err := net.SplitHostPort(listener.Addr().String())
	ts.Check(err)
	changeConfigurations(ts, strconv.Quote(s.port), strconv.Quote(port))
	s.port = port
}

// changeConfigurations replaces a text in the JSON files of the script.
func changeConfigurations(ts *testscript.TestScript, before, after string) {
	paths, err := filepath.Glob(ts.MkAbs("*.json"))
	ts.Check(err)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		ts.Check(err)
		ts.Check(os.WriteFile(path, bytes.ReplaceAll(text, []byte(before), []byte(after)), 0o600))
	}
}

// finish lets the build that waits go on.
func finish(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) > 0 {
		ts.Fatalf("usage: finish")
	}
	select {
	case scriptOf(ts).builder.goOn <- struct{}{}:
	case <-time.After(time.Minute):
		ts.Fatalf("no build waits")
	}
}

// followed waits until somebody follows the build.
func followed(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) > 0 {
		ts.Fatalf("usage: followed")
	}
	select {
	case <-scriptOf(ts).followers:
	case <-time.After(time.Minute):
		ts.Fatalf("nobody follows the build")
	}
}

package certs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/opensbs/sbs/client/advice"
)

// Files are the paths of all files. All files are PEM.
type Files struct {
	Folder      string // of the default files, or of the server certificate
	Client      string // the client certificate and its key in one file: what TLS uses (CLIENT_CRT_KEY)
	CA          string // CAPATH
	CAKey       string // CAKEYPATH
	ClientCert  string
	ClientKey   string
	ClientCSR   string
	ClientChain string // the client certificate and the authority's
	ServerCert  string // CERTPATH
	ServerKey   string // next to ServerCert
	ServerCSR   string // CSRPATH

	// OwnClient and OwnServer report that their owner named the files of the
	// client side, or of the server side: then they are not this package's to
	// make, or to delete.
	OwnClient, OwnServer bool
}

// Named are the paths that the configuration gives; empty ones get their
// default.
type Named struct {
	CA, CAKey, Client, ServerCSR, ServerCert string
}

// Locate returns the files of the server named container. The default names
// are the stock client's, relative to the working directory.
func Locate(container, uuid string, named Named) Files {
	base := "." + container + "-" + uuid
	folder := base + ".d"
	f := Files{
		Folder:      folder,
		Client:      base,
		CA:          filepath.Join(folder, "client-ca.pem"),
		CAKey:       filepath.Join(folder, "client-ca-key.pem"),
		ClientCert:  filepath.Join(folder, "client-cert.pem"),
		ClientKey:   filepath.Join(folder, "client-cert-key.pem"),
		ClientCSR:   filepath.Join(folder, "client-csr.pem"),
		ClientChain: filepath.Join(folder, "client-cert-bundle.pem"),
		ServerCert:  filepath.Join(folder, "server-cert.pem"),
		ServerCSR:   filepath.Join(folder, "server-csr.pem"),
		OwnClient:   named.CA != "" || named.CAKey != "" || named.Client != "",
		OwnServer:   named.ServerCSR != "" || named.ServerCert != "",
	}
	for _, override := range []struct {
		path  *string
		named string
	}{
		{&f.CA, named.CA},
		{&f.CAKey, named.CAKey},
		{&f.Client, named.Client},
		{&f.ServerCSR, named.ServerCSR},
		{&f.ServerCert, named.ServerCert},
	} {
		if override.named != "" {
			*override.path = override.named
		}
	}
	f.ServerKey = filepath.Join(filepath.Dir(f.ServerCert), "server-cert-key.pem")
	return f
}

// Delete removes the default files and their folder, and returns what it
// removed. Files that their owner named are left alone.
func (f Files) Delete() (removed []string, err error) {
	if f.OwnClient && f.OwnServer {
		return nil, nil
	}
	for _, path := range f.defaults() {
		err := os.Remove(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return removed, fmt.Errorf("delete certificates: %w", err)
		}
		removed = append(removed, path)
	}
	// The stock client leaves a note on the runtime type in the folder.
	if err := os.Remove(filepath.Join(f.Folder, "sbsRuntime_Type")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return removed, fmt.Errorf("delete certificates: %w", err)
	}
	err = os.Remove(f.Folder)
	switch {
	case err == nil:
		removed = append(removed, f.Folder)
	case errors.Is(err, fs.ErrNotExist):
	default:
		return removed, advice.New(fmt.Errorf("delete certificates: %w", err), "look what else is in "+f.Folder+" and move it away; it is not from here")
	}
	return removed, nil
}

// defaults are the files that this package made or would make.
func (f Files) defaults() []string {
	var paths []string
	if !f.OwnClient {
		paths = append(paths, f.client()...)
	}
	if !f.OwnServer {
		paths = append(paths, f.ServerCert, f.ServerKey, f.ServerCSR)
	}
	return paths
}

func (f Files) client() []string {
	return []string{f.CA, f.CAKey, f.ClientCert, f.ClientKey, f.ClientCSR, f.ClientChain, f.Client}
}

// existing returns those of paths that are there.
func existing(paths []string) ([]string, error) {
	var found []string
	for _, path := range paths {
		_, err := os.Lstat(path)
		switch {
		case err == nil:
			found = append(found, path)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	return found, nil
}

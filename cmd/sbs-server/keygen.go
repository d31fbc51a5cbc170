package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/opensbs/sbs/enclave"
)

// fileValues holds the secrets of a server image, as the env of its contract's
// workload section takes them.
const fileValues = "workload-env.yaml"

// maxValues bounds the file of the previous values, in bytes.
const maxValues = 1 << 20

// keygen makes, in the folder dir, the secrets of a server image and the public key
// for its developers. previous is the values file of the image before, or empty.
// Nothing is overwritten, and the output to out is public.
func keygen(out io.Writer, dir, previous string) error {
	before, err := readValues(previous)
	if err != nil {
		return fmt.Errorf("keygen: %w", err)
	}
	made, err := enclave.Generate(before)
	if err != nil {
		return fmt.Errorf("keygen: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("keygen: %w", err)
	}
	public, values := filepath.Join(dir, enclave.FilePublicKey), filepath.Join(dir, fileValues)
	if err := writeNew(public, made.PublicKey, 0o644); err != nil {
		return fmt.Errorf("keygen: %w", err)
	}
	if err := writeNew(values, valuesFile(made), 0o600); err != nil {
		return errors.Join(fmt.Errorf("keygen: %w", err), os.Remove(public))
	}
	_, err = fmt.Fprintf(out, "%s\tsecret: for the workload section of the contract, and to succeed this image\n%s\tpublic: for developers\nimage secret %x\n%sOpenPGP key  %s\n",
		values, public, made.SecretID, previousLines(made.PreviousIDs), made.Fingerprint)
	return err
}

// readValues returns the values of the file by their names, or nil without one.
func readValues(path string) (func(name string) string, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(file, maxValues+1))
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	values := map[string]string{}
	// The library's error would quote what it can't read.
	if len(text) > maxValues || yaml.Load(text, &values) != nil {
		return nil, fmt.Errorf("%s is not a file of image values: name the %s of the earlier keygen", path, fileValues)
	}
	return func(name string) string { return values[name] }, nil
}

// valuesFile is YAML, and quoted so that it is JSON's strings too.
func valuesFile(made enclave.Generated) []byte {
	var text strings.Builder
	fmt.Fprintf(&text, "# Secrets of the server image. Image secret %x; OpenPGP key %s.\n", made.SecretID, made.Fingerprint)
	for _, value := range made.Values {
		fmt.Fprintf(&text, "%s: %q\n", value[0], value[1])
	}
	return []byte(text.String())
}

func previousLines(ids [][]byte) string {
	var text strings.Builder
	for _, id := range ids {
		text.WriteString("succeeds     " + hex.EncodeToString(id) + "\n")
	}
	return text.String()
}

// writeNew writes a file that must not be there yet.
func writeNew(path string, content []byte, mode fs.FileMode) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already, and is not overwritten: name another folder", path)
	}
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(path))
	}
	return nil
}

// Package memstore is an in-memory store of named entries, for tests of packages
// that store sealed secrets or records. It implements the store interfaces of
// these packages, and returns the errors that a test configures. It seals nothing.
package memstore

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Store holds entries. A test may change the fields while nothing else uses the
// store.
type Store struct {
	mu      sync.Mutex
	Entries map[string][]byte
	Failing map[string]error // by method: Get, Put, List
}

// New returns an empty store.
func New() *Store { return With(map[string][]byte{}) }

// With returns a store with the entries, which it does not copy.
func With(entries map[string][]byte) *Store {
	return &Store{Entries: entries, Failing: map[string]error{}}
}

// Get returns an entry, or an error that is fs.ErrNotExist.
func (s *Store) Get(name string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.Failing["Get"]; err != nil {
		return nil, err
	}
	entry, ok := s.Entries[name]
	if !ok {
		return nil, fmt.Errorf("entry %s: %w", name, fs.ErrNotExist)
	}
	return entry, nil
}

// Put stores a copy of entry.
func (s *Store) Put(name string, entry []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.Failing["Put"]; err != nil {
		return err
	}
	s.Entries[name] = bytes.Clone(entry)
	return nil
}

// List returns the names that begin with prefix, sorted.
func (s *Store) List(prefix string) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.Failing["List"]; err != nil {
		return nil, err
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(s.Entries)) {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return names, nil
}

// Copy returns another store with the same entries, as a restored backup has them.
func (s *Store) Copy() *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	return With(maps.Clone(s.Entries))
}

package sbom

// The inventory of an image, and the form in which the scanning process writes it.

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Bounds of an inventory. An image of a whole Linux desktop has some 3,000
// packages.
const (
	maxInventory = 16 << 20 // bytes of its JSON
	maxPackages  = 20_000
	maxUnread    = 1000
)

// Inventory lists the packages that were found in an image.
type Inventory struct {
	Packages []Package `json:"packages"`
	// Unread are the files that look like a package's description and could not
	// be read as one.
	Unread []Unread `json:"unread,omitempty"`
	// How many of both an inventory can't hold.
	PackagesLeftOut int `json:"packagesLeftOut,omitempty"`
	UnreadLeftOut   int `json:"unreadLeftOut,omitempty"`
}

// Complete reports whether everything was read that looks like a package's
// description, and is in the inventory.
func (i Inventory) Complete() bool {
	return len(i.Unread) == 0 && i.PackagesLeftOut == 0 && i.UnreadLeftOut == 0
}

// Package is one package in an image.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	PURL    string `json:"purl,omitempty"` // https://github.com/package-url/purl-spec
	Path    string `json:"path,omitempty"` // the file in the image that names it
}

// Unread is one file that could not be read, and why.
type Unread struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// Write sorts the inventory, leaves out what is in it twice and, with their number,
// those that it can't hold, and writes it.
func (i Inventory) Write(w io.Writer) error {
	i = i.sorted()
	if over := len(i.Packages) - maxPackages; over > 0 {
		i.Packages, i.PackagesLeftOut = i.Packages[:maxPackages], i.PackagesLeftOut+over
	}
	if over := len(i.Unread) - maxUnread; over > 0 {
		i.Unread, i.UnreadLeftOut = i.Unread[:maxUnread], i.UnreadLeftOut+over
	}
	if err := json.NewEncoder(w).Encode(i); err != nil {
		return fmt.Errorf("write the inventory: %w", err)
	}
	return nil
}

// read takes what Write wrote.
func read(r io.Reader) (Inventory, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxInventory+1))
	if err != nil {
		return Inventory{}, fmt.Errorf("read the inventory: %w", err)
	}
	if len(text) > maxInventory {
		return Inventory{}, fmt.Errorf("read the inventory: it is longer than %d bytes", maxInventory)
	}
	var i Inventory
	if err := json.Unmarshal(text, &i); err != nil {
		return Inventory{}, fmt.Errorf("read the inventory: %w", err)
	}
	if len(i.Packages) > maxPackages || len(i.Unread) > maxUnread || i.PackagesLeftOut < 0 || i.UnreadLeftOut < 0 {
		return Inventory{}, errors.New("read the inventory: it holds more than it may")
	}
	return i.sorted(), nil
}

// sorted is the one order of an inventory, each line of it once.
func (i Inventory) sorted() Inventory {
	packages := slices.SortedFunc(slices.Values(i.Packages), func(a, b Package) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version), cmp.Compare(a.PURL, b.PURL), cmp.Compare(a.Path, b.Path))
	})
	unread := slices.SortedFunc(slices.Values(i.Unread), func(a, b Unread) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Reason, b.Reason))
	})
	return Inventory{slices.Compact(packages), slices.Compact(unread), i.PackagesLeftOut, i.UnreadLeftOut}
}

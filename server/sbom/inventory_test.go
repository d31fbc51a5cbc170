package sbom

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// Packages and files above the limits of an inventory are counted in it and in the
// document, and cause no error.
func TestInventoryIsBounded(t *testing.T) {
	var many Inventory
	for i := range maxPackages + 100 {
		many.Packages = append(many.Packages, Package{Name: fmt.Sprint("package", i)})
	}
	for i := range maxUnread + 20 {
		many.Unread = append(many.Unread, Unread{Path: fmt.Sprint("/file", i), Reason: "broken"})
	}
	many.UnreadLeftOut = 3
	var written bytes.Buffer
	if err := many.Write(&written); err != nil {
		t.Fatal(err)
	}
	held, err := read(&written)
	if err != nil {
		t.Fatal(err)
	}
	if len(held.Packages) != maxPackages || held.PackagesLeftOut != 100 || len(held.Unread) != maxUnread || held.UnreadLeftOut != 23 || held.Complete() {
		t.Errorf("%d packages and %d more, %d unread and %d more", len(held.Packages), held.PackagesLeftOut, len(held.Unread), held.UnreadLeftOut)
	}
	document, err := Document(Image{Repository: "r/a", Digest: "sha256:00", Created: time.Unix(0, 0), Tool: "test"}, held)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"100 packages are left out", "/file0: broken", "and 23 more"} {
		if !strings.Contains(string(document), want) {
			t.Errorf("the document does not have %q", want)
		}
	}
}

package verify_test

import (
	"reflect"
	"testing"

	"github.com/opensbs/sbs/client/verify"
)

// FuzzParseTrust: whatever a trust file holds, it is refused, or requires
// something and is written and read as the same.
func FuzzParseTrust(f *testing.F) {
	f.Add([]byte(`{"version":1,"repository":"registry.example.com/a/b","signatures":[{"method":"dct","id":"` + rootID + `","key":"` + rootID + `"}]}`))
	f.Add([]byte(`{"version":1,"repository":"alpine","published":["sbom"]}`))
	f.Add([]byte(`{"version":1} {}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		first, err := verify.ParseTrust(text)
		if err != nil {
			return
		}
		if len(first.Signatures) == 0 && first.Attestations == nil && first.Manifest == nil {
			t.Fatalf("%s requires nothing", text)
		}
		written, err := first.Encode()
		if err != nil {
			t.Fatal(err)
		}
		second, err := verify.ParseTrust(written)
		if err != nil {
			t.Fatalf("%s: %v", written, err)
		}
		if !reflect.DeepEqual(first, second) {
			t.Fatalf("%+v became %+v", first, second)
		}
	})
}

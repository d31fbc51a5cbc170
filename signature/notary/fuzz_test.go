package notary

import "testing"

// FuzzParseServer: whatever address is given, it is refused or one that keys
// and trust data are kept under, whose own name leads to the same.
func FuzzParseServer(f *testing.F) {
	for _, address := range []string{"https://notary.example.com:4443/", "notary.example.com", "http://[::1]:4443", "https://user:password@host", "notary.docker.io"} {
		f.Add(address)
	}
	f.Fuzz(func(t *testing.T, given string) {
		address, err := ParseServer(given)
		if err != nil {
			return
		}
		if address.Scheme != "https" && address.Scheme != "http" || address.Host == "" || address.User != nil {
			t.Fatalf("%q became %s", given, address)
		}
		again, err := ParseServer(address.String())
		if err != nil || again.String() != address.String() || Name(again) != Name(address) {
			t.Fatalf("%q became %s, and that %v, %v", given, address, again, err)
		}
	})
}

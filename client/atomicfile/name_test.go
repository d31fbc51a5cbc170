package atomicfile

import "testing"

func TestNamesOfFiles(t *testing.T) {
	for _, test := range []struct{ name, windows string }{
		{"manifest.docker.io.ns.name.v1-ad52e76.2026-02-10_15-37-37.178350.sig.tbz", "manifest.docker.io.ns.name.v1-ad52e76.2026-02-10_15-37-37.178350.sig.tbz"},
		{"manifest.localhost:5000.ns.name.v1.sig.tbz", "manifest.localhost_5000.ns.name.v1.sig.tbz"},
		{"[::1]:5000-ns-name-trust.json", "[__1]_5000-ns-name-trust.json"},
		{"sbs-config.json.2026-02-10_15-37-37.178350", "sbs-config.json.2026-02-10_15-37-37.178350"},
		{`a<b>c"d|e?f*g\h/i` + "\x01", "a_b_c_d_e_f_g_h_i_"},
		{"name. .", "name___"},
	} {
		if got := nameOn("windows", test.name); got != test.windows {
			t.Errorf("on Windows %q is %q, want %q", test.name, got, test.windows)
		}
		if got := nameOn("linux", test.name); got != test.name {
			t.Errorf("on Linux %q is %q", test.name, got)
		}
	}
}

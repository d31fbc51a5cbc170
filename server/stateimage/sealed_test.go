package stateimage

import "testing"

func TestOnlyDeclaredNamesTravel(t *testing.T) {
	declarations := Declarations{{Name: "key", Travels: true}, {Name: "dct/", Travels: true}, {Name: "dct/local/"}, {Name: "parameters"}, {}}
	for name, want := range map[string]struct{ declared, travels bool }{
		"key":         {true, true},
		"dct/1":       {true, true},
		"dct/local/1": {true, false},
		"parameters":  {true, false},
		"key2":        {},
		"key/1":       {},
		"dct":         {},
		"dct/":        {},
		"dct/other/1": {},
		"other":       {},
		"":            {},
	} {
		_, declared := declarations.Find(name)
		_, travels := declarations.Travels(name)
		if declared != want.declared || travels != want.travels {
			t.Errorf("%q: declared %v, travels %v; want %+v", name, declared, travels, want)
		}
	}
}

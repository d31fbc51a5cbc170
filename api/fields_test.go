package api

import (
	"encoding/json"
	"reflect"
	"testing"
)

// TestEveryFieldIsReached checks that no field of Parameters was left out of the
// table, and none is there twice.
func TestEveryFieldIsReached(t *testing.T) {
	var p Parameters
	reached := map[any]string{}
	for _, f := range fields {
		if other, twice := reached[f.at(&p)]; twice {
			t.Errorf("%s and %s are the same field", f.key, other)
		}
		reached[f.at(&p)] = f.key
	}
	var missing func(value reflect.Value, name string)
	missing = func(value reflect.Value, name string) {
		if value.Kind() == reflect.Struct {
			for i := range value.NumField() {
				missing(value.Field(i), name+"."+value.Type().Field(i).Name)
			}
			return
		}
		if _, ok := reached[value.Addr().Interface()]; !ok {
			t.Errorf("%s has no key", name)
		}
	}
	missing(reflect.ValueOf(&p).Elem(), "Parameters")
}

// FuzzParameters checks that what is taken is written and taken again as the
// same, which is how parameters survive a restart, and that nothing panics.
func FuzzParameters(f *testing.F) {
	body, err := json.Marshal(good())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte(`{"ARG":{"A":1e3},"GITHUB_URL":"https://u:p@h/x"}`))
	f.Add([]byte(`""`))
	f.Add([]byte(`{"SECRETS":null,"ENV_WHITELIST":[]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		first, err := ParseParameters(body)
		if err != nil {
			return
		}
		written, err := json.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		second, err := ParseParameters(written)
		if err != nil {
			t.Fatalf("%s: %v", written, err)
		}
		if !reflect.DeepEqual(first, second) {
			t.Fatalf("%#v became %#v", first, second)
		}
		for key := range first.Public() {
			if _, secret := first.Secrets()[key]; secret {
				t.Fatalf("%s is both public and secret", key)
			}
		}
	})
}

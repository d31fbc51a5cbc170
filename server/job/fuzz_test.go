package job

import (
	"encoding/json"
	"testing"

	"github.com/opensbs/sbs/api"
)

// FuzzOpen checks for every content of job.json that the slot opens, nothing runs in
// it, and the next start has the same state.
func FuzzOpen(f *testing.F) {
	f.Add([]byte(`{"running":true,"record":{"id":"1","status":"github cloned","steps":{}}}`))
	f.Add([]byte(`{"record":{"status":"success","parameters":{"ARG":{"A":"1"}},"tools":null}}`))
	f.Add([]byte(`{"record":`))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, saved []byte) {
		store := &memory{saved: saved}
		first, err := Open(store, interrupted)
		if err != nil {
			t.Fatal(err)
		}
		if first.State().Running {
			t.Fatal("a build runs that nobody began")
		}
		second, err := Open(store, func(Record) Record { return Record{Status: api.FailureStatus("twice")} })
		if err != nil {
			t.Fatal(err)
		}
		if was, is := encoded(t, first.State()), encoded(t, second.State()); was != is {
			t.Errorf("%s became %s", was, is)
		}
	})
}

func encoded(t *testing.T, state State) string {
	t.Helper()
	text, err := json.Marshal(state)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

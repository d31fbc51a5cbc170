//go:build linux

package main

import (
	"context"
	"encoding/json"
	"os"

	"github.com/rogpeppe/go-internal/testscript"

	local "github.com/opensbs/sbs/test/harness/objectstore"
)

// startBucket starts an object store with the bucket states until the script ends,
// writes its access into sbs-config.json, and returns its CA certificates.
func (s *script) startBucket(ts *testscript.TestScript) (caBundle []byte) {
	store, err := local.Start(context.Background(), local.Options{Buckets: []string{"states"}})
	ts.Check(err)
	ts.Defer(func() {
		if err := store.Close(context.Background()); err != nil {
			s.t.Errorf("%s: close the object store: %v", ts.Name(), err)
		}
	})
	addToConfiguration(ts, map[string]string{
		"STATE_COS_API_KEY_ID": store.APIKey(), "STATE_COS_RESOURCE_CRN": store.ResourceCRN(),
		"STATE_COS_ENDPOINT": store.Endpoint(), "STATE_COS_AUTH_ENDPOINT": store.AuthEndpoint(),
	})
	return store.CABundle()
}

func addToConfiguration(ts *testscript.TestScript, values map[string]string) {
	config := map[string]any{}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("sbs-config.json")), &config))
	for key, value := range values {
		config[key] = value
	}
	text, err := json.Marshal(config)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("sbs-config.json"), text, 0o600))
}

package server

import (
	"context"
	"net/http"
	"strings"
	"testing"

	local "github.com/opensbs/sbs/test/harness/objectstore"
)

// TestStateInBucket follows the guide: init, post-state-image, update.
func TestStateInBucket(t *testing.T) {
	bucket, err := local.Start(t.Context(), local.Options{Buckets: []string{"states"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := bucket.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	given := parametersWith("STATE_BUCKET_NAME", "states", "STATE_COS_API_KEY_ID", bucket.APIKey(), "STATE_COS_RESOURCE_CRN", bucket.ResourceCRN(),
		"STATE_COS_ENDPOINT", bucket.Endpoint(), "STATE_COS_AUTH_ENDPOINT", bucket.AuthEndpoint())
	image := t.TempDir()
	first := built(t, image)
	first.Transfer.CABundle = bucket.CABundle()
	first.mustReturn("POST", "/image", given, http.StatusOK)
	exported := first.export(`{"state_bucket_name":"states"}`)
	if exported.State != "" || exported.Name == "" {
		t.Errorf("exported %+v", exported)
	}
	if got := first.mustReturn("GET", "/state-image", `{"state_bucket_name":"nowhere"}`, http.StatusNotFound); !strings.Contains(got.Status, "bucket nowhere") {
		t.Errorf("got %+v", got)
	}

	second := newFixture(t).inImage(image)
	second.Transfer.CABundle = bucket.CABundle()
	second.mustReturn("POST", "/image", given, http.StatusOK)
	if got := second.mustReturn("POST", "/state-image", `{"secret":"`+secret+`","name":"unknown"}`, http.StatusNotFound); !strings.Contains(got.Status, "no such object") {
		t.Errorf("got %+v", got)
	}
	second.mustReturn("POST", "/state-image", `{"secret":"`+secret+`","state_bucket_name":"states","name":"`+exported.Name+`"}`, http.StatusOK)
	second.mustReturn("PATCH", "/image", given, http.StatusOK)
	second.mustReturn("PUT", "/image", `""`, http.StatusOK)
	if got := second.get("manifest/key"); got != "the manifest key" {
		t.Errorf("the key is %q", got)
	}
}

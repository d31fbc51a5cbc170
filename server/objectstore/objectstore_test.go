package objectstore

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opensbs/sbs/api"
	local "github.com/opensbs/sbs/test/harness/objectstore"
)

const bucket = "manifests"

// running is a local store and the parameters that open it.
func running(t *testing.T, options local.Options) api.ObjectStore {
	t.Helper()
	options.Buckets = []string{bucket}
	server, err := local.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return api.ObjectStore{
		Bucket: bucket, APIKey: api.Secret(server.APIKey()), ResourceCRN: server.ResourceCRN(),
		AuthEndpoint: server.AuthEndpoint(), Endpoint: server.Endpoint(), CA: string(server.CABundle()),
	}
}

func opened(t *testing.T, parameters api.ObjectStore) *Store {
	t.Helper()
	store, err := Open("MANIFEST_", parameters, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	return store
}

func section(content []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(content), 0, int64(len(content)))
}

// poisonEnvironment sets all that the SDK would read by itself.
func poisonEnvironment(t *testing.T) {
	t.Helper()
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_REGION", "AWS_EXECUTION_ENV",
		"AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "AWS_CA_BUNDLE", "IBM_API_KEY_ID", "IBM_AUTH_ENDPOINT", "IBM_SERVICE_INSTANCE_ID", "TRUSTED_PROFILE_ID", "TRUSTED_PROFILE_NAME"} {
		t.Setenv(name, "/poison")
	}
}

func TestPutAndGet(t *testing.T) {
	poisonEnvironment(t)
	store := opened(t, running(t, local.Options{}))
	for name, content := range map[string][]byte{
		"empty":             {},
		"small.sig.tbz":     []byte("manifest"),
		"in parts":          bytes.Repeat([]byte("0123456789abcdef"), (partSize+partSize/2)/16),
		"a b/c?d=%2F&é.tbz": []byte("any name"),
	} {
		if err := store.Put(t.Context(), name, section(content)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := store.Get(t.Context(), name, int64(len(content)))
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s: got %d bytes of %d, %v", name, len(got), len(content), err)
		}
	}
	if _, err := store.Get(t.Context(), "small.sig.tbz", 3); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
}

func TestRefusals(t *testing.T) {
	good := running(t, local.Options{})
	for _, test := range []struct {
		name   string
		change func(*api.ObjectStore)
		kind   error
		says   string
	}{
		{"no such bucket", func(p *api.ObjectStore) { p.Bucket = "nowhere" }, ErrNoBucket, "MANIFEST_BUCKET_NAME"},
		{"wrong key", func(p *api.ObjectStore) { p.APIKey = "gue55ed-key" }, ErrRefused, "MANIFEST_COS_API_KEY_ID"},
		{"another instance", func(p *api.ObjectStore) { p.ResourceCRN = "crn:other" }, ErrRefused, "MANIFEST_COS_RESOURCE_CRN"},
	} {
		t.Run(test.name, func(t *testing.T) {
			parameters := good
			test.change(&parameters)
			store := opened(t, parameters)
			err := store.Put(t.Context(), "x", section([]byte("x")))
			if !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), "bucket "+parameters.Bucket) {
				t.Errorf("got %v", err)
			}
			if strings.Contains(err.Error(), string(parameters.APIKey)) {
				t.Errorf("the error shows the key: %v", err)
			}
		})
	}
	if _, err := opened(t, good).Get(t.Context(), "x", 1); !errors.Is(err, ErrNoObject) {
		t.Errorf("got %v, want ErrNoObject", err)
	}
}

// TestTokensAreRenewed lets the store's clock and the client's run on together,
// as they do in a long upload.
func TestTokensAreRenewed(t *testing.T) {
	var elapsed atomic.Int64
	began := time.Now()
	clock := func() time.Time { return began.Add(time.Duration(elapsed.Load())) }
	parameters := running(t, local.Options{TokenLifetime: time.Minute, Now: clock})
	store, err := open("MANIFEST_", parameters, nil, clock)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for _, after := range []time.Duration{0, 59 * time.Second, 61 * time.Second, time.Hour} {
		elapsed.Store(int64(after))
		if err := store.Put(t.Context(), "x", section([]byte("x"))); err != nil {
			t.Errorf("after %v: %v", after, err)
		}
	}
}

// answering returns a store that replies with the given codes in turn, and then with
// the last one.
func answering(t *testing.T, body string, codes ...int) (api.ObjectStore, *atomic.Int64, *http.Header) {
	t.Helper()
	var asked atomic.Int64
	var header http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header
		n := int(asked.Add(1))
		code := codes[min(n, len(codes))-1]
		if code == 0 {
			panic(http.ErrAbortHandler) // resets the connection
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}))
	server.Config.ErrorLog = nil
	t.Cleanup(server.Close)
	return api.ObjectStore{Bucket: bucket, Endpoint: server.URL, HMACKeyID: "key-id", HMACSecret: "hmac-secret"}, &asked, &header
}

func TestRetries(t *testing.T) {
	for _, test := range []struct {
		name  string
		body  string
		codes []int
		asked int64
		kind  error // nil: success
	}{
		{"after 503", "", []int{503, 500, 200}, 3, nil},
		{"after a reset", "", []int{0, 200}, 2, nil},
		{"not after 403", "<Error><Code>AccessDenied</Code></Error>", []int{403}, 1, ErrRefused},
		{"not after 404", "<Error><Code>NoSuchBucket</Code></Error>", []int{404}, 1, ErrNoBucket},
		{"not when full", "<Error><Code>QuotaExceeded</Code></Error>", []int{403}, 1, ErrFull},
		{"not when there is no room", "", []int{507}, 1, ErrFull},
	} {
		t.Run(test.name, func(t *testing.T) {
			parameters, asked, _ := answering(t, test.body, test.codes...)
			err := opened(t, parameters).Put(t.Context(), "x", section([]byte("x")))
			if test.kind == nil && err != nil || test.kind != nil && !errors.Is(err, test.kind) {
				t.Errorf("got %v, want %v", err, test.kind)
			}
			if asked.Load() != test.asked {
				t.Errorf("asked %d times, want %d", asked.Load(), test.asked)
			}
		})
	}
}

func TestHMACComesFromTheParametersAlone(t *testing.T) {
	poisonEnvironment(t)
	parameters, _, header := answering(t, "", 200)
	if err := opened(t, parameters).Put(t.Context(), "x", section([]byte("x"))); err != nil {
		t.Fatal(err)
	}
	if got := header.Get("Authorization"); !strings.Contains(got, "Credential=key-id/") {
		t.Errorf("signed with %q", got)
	}
	for name, values := range *header {
		if strings.Contains(strings.Join(values, " "), "poison") {
			t.Errorf("%s: %s comes from the environment", name, values)
		}
	}
}

func TestContextIsObeyed(t *testing.T) {
	parameters, _, _ := answering(t, "", 503)
	why := errors.New("stopped by clean")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if err := opened(t, parameters).Put(ctx, "x", section([]byte("x"))); !errors.Is(err, why) {
		t.Errorf("got %v, want the context's cause", err)
	}
}

func TestOpenNamesMissingParameter(t *testing.T) {
	var parameter *api.ParameterError
	if _, err := Open("STATE_", api.ObjectStore{Bucket: bucket, Endpoint: "s3.example.com"}, nil); !errors.As(err, &parameter) || parameter.Key != "STATE_COS_API_KEY_ID" {
		t.Errorf("got %v", err)
	}
}

// An authority that is not trusted would be found hours later, after the build.
func TestOpenRefusesBadAuthorities(t *testing.T) {
	parameters := api.ObjectStore{Bucket: "bucket", APIKey: "key", AuthEndpoint: "https://iam.example.com", Endpoint: "https://s3.example.com"}
	if _, err := Open("MANIFEST_", parameters, []byte("not PEM")); err == nil {
		t.Error("the operator's authorities were passed over")
	}
	parameters.CA = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
	if _, err := Open("MANIFEST_", parameters, nil); err == nil {
		t.Error("the developer's authorities were passed over")
	}
}

package engine

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The files in testdata are what Docker Engine 20.10.24 sent.
func golden(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// A line for each change of a layer's status, not for each tick of its progress.
func TestLayersOfABaseImage(t *testing.T) {
	var output bytes.Buffer
	stream := `{"status":"Pulling from team/app","id":"x"}
{"status":"Downloading","progressDetail":{"current":512,"total":1024},"id":"a77c707164f2"}
{"status":"Downloading","progressDetail":{"current":1024,"total":1024},"id":"a77c707164f2"}
{"status":"Pull complete","progressDetail":{},"id":"a77c707164f2"}
{"status":"Status: Downloaded newer image"}
{"aux":{"ID":"sha256:1"}}
`
	if id, err := followClassic(strings.NewReader(stream), &leftovers{}, &output); id != "sha256:1" || err != nil {
		t.Fatalf("image %q, error %v", id, err)
	}
	const lines = `x: Pulling from team/app
a77c707164f2: Downloading
a77c707164f2: Pull complete
Status: Downloaded newer image
`
	if output.String() != lines {
		t.Errorf("output:\n%s\nwant:\n%s", &output, lines)
	}
}

func TestErrorsInAStream(t *testing.T) {
	cases := map[string]struct {
		stream string
		kind   error
		says   string
	}{
		"unauthorized":       {`{"errorDetail":{"message":"unauthorized: authentication required"},"error":"unauthorized: authentication required"}`, ErrUnauthorized, "authentication required"},
		"denied":             {`{"errorDetail":{"message":"denied: requested access to the resource is denied"}}`, ErrUnauthorized, "denied"},
		"containerd's 401":   {`{"errorDetail":{"message":"failed to authorize: unexpected status from GET request to https://r.example/token: 401 Unauthorized"}}`, ErrUnauthorized, "401"},
		"another failure":    {`{"errorDetail":{"message":"dial tcp: connection refused"}}`, nil, "connection refused"},
		"no image":           {`{"status":"all fine"}`, errNoImage, "image"},
		"not an image":       {`{"aux":{"ID":1}}`, nil, "read the result"},
		"cut short":          {`{"status":"Pus`, io.ErrUnexpectedEOF, "answer"},
		"a message too long": {`{"status":"` + strings.Repeat("x", maxMessage) + `"}`, errMessageTooLong, "longer"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := followClassic(strings.NewReader(c.stream), &leftovers{}, io.Discard)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want one with %q", err, c.says)
			}
			if c.kind != nil && !errors.Is(err, c.kind) || errors.Is(err, ErrUnauthorized) != (c.kind == ErrUnauthorized) {
				t.Errorf("error %v is of the wrong kind", err)
			}
		})
	}
}

func TestLongStreamOfShortMessages(t *testing.T) {
	message := `{"stream":"` + strings.Repeat("x", 1000) + `"}` + "\n"
	stream := strings.Repeat(message, 2*maxMessage/len(message)) + `{"aux":{"ID":"sha256:1"}}`
	if id, err := followClassic(strings.NewReader(stream), &leftovers{}, io.Discard); id != "sha256:1" || err != nil {
		t.Errorf("image %q, error %v", id, err)
	}
}

func TestFollowClassic(t *testing.T) {
	var (
		output bytes.Buffer
		left   leftovers
	)
	id, err := followClassic(bytes.NewReader(golden(t, "classic.jsonl")), &left, &output)
	if err != nil {
		t.Fatal(err)
	}
	if id != "sha256:8680e68780fc08ac03fb95c82daf880307f54f173402aacfec360a61fc47cd15" {
		t.Errorf("image %s", id)
	}
	if want := []string{"af94835be456", "741a132b83b4", "8680e68780fc"}; !slices.Equal(left.images, want) {
		t.Errorf("images of the steps %v, want %v", left.images, want)
	}
	if !strings.Contains(output.String(), "Step 2/4 : RUN echo one; echo two\n ---> Running in 833ca653e16f\none\ntwo\n") {
		t.Errorf("output:\n%s", &output)
	}
}

func TestFollowClassicFailure(t *testing.T) {
	var left leftovers
	_, err := followClassic(bytes.NewReader(golden(t, "classic-failed.jsonl")), &left, io.Discard)
	if err == nil {
		t.Fatal("no error")
	}
	text := left.explain(err).Error()
	if !strings.Contains(text, "Step 2/2 : RUN echo said; exit 7") || !strings.Contains(text, "non-zero code: 7") {
		t.Errorf("error %s", text)
	}
	if left.container != "361dbd7a81f8" {
		t.Errorf("container of the step %q", left.container)
	}
}

func FuzzStreams(f *testing.F) {
	for _, name := range []string{"classic.jsonl", "classic-failed.jsonl"} {
		f.Add(golden(f, name))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		id, err := followClassic(bytes.NewReader(stream), &leftovers{}, io.Discard)
		if err == nil && id == "" {
			t.Error("neither an image nor an error")
		}
	})
}

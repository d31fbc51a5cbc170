package source

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/opensbs/sbs/server/progress"
	"github.com/opensbs/sbs/server/source/gitstore"
	"github.com/opensbs/sbs/signature/httpclient"
)

// Bounds of what an LFS server sends besides content.
const (
	maxLFSReply     = 4 << 20 // bytes of the reply for one batch
	maxLFSRedirects = 5
	lfsMediaType    = "application/vnd.git-lfs+json"
)

// lfsServer speaks the batch API of Git LFS with its basic transfers
// (git-lfs, docs/api/batch.md and basic-transfers.md).
type lfsServer struct {
	endpoint    URL
	header      map[string]string // of SSH's git-lfs-authenticate
	credentials string            // the header Authorization, for the endpoint's host alone
	access      credential        // that header is of
	reference   string            // full name, or empty
	client      *http.Client
	transport   transports
	buffer      []byte
}

// newLFSServer makes a client for an endpoint; connections open with the first request.
func (c *cloner) newLFSServer(ctx context.Context, endpoint URL, reference string) *lfsServer {
	s := &lfsServer{endpoint: endpoint, buffer: make([]byte, 64<<10)}
	if strings.HasPrefix(reference, "refs/") {
		s.reference = reference
	}
	s.access = c.credentialFor(endpoint)
	s.credentials = s.access.header(endpoint)
	s.transport = newTransports(ctx, c.authorities, c.request.Proxy)
	s.client = &http.Client{CheckRedirect: s.checkRedirect, Transport: &httpclient.Retrying{
		Base:     s.transport,
		Notice:   func(text string) { report(c.progress, "%s", text) },
		Progress: func() { progress.Report(ctx) },
	}}
	return s
}

func (s *lfsServer) close() { s.transport.CloseIdleConnections() }

// checkRedirect follows a redirect to an address that would do for a repository.
// To another origin it takes no header along that could open it, and to what the
// credentials of the clone are not for, not these.
func (s *lfsServer) checkRedirect(request *http.Request, before []*http.Request) error {
	if len(before) > maxLFSRedirects {
		return errors.New("too many redirects")
	}
	target, err := lfsURL(request.URL.String())
	if err != nil {
		return fmt.Errorf("redirect: %w", err)
	}
	if first, err := lfsURL(before[0].URL.String()); err != nil || !sameOrigin(first, target) {
		accept := request.Header.Get("Accept")
		request.Header = http.Header{"Accept": {accept}}
	}
	if request.Header.Get("Authorization") == s.credentials && !s.access.isFor(target) {
		request.Header.Del("Authorization")
	}
	return nil
}

func sameOrigin(a, b URL) bool { return a.Scheme == b.Scheme && a.Host == b.Host && a.Port == b.Port }

// lfsURL checks an address to send a request to; its query may hold a signature.
func lfsURL(text string) (URL, error) {
	address, _, _ := strings.Cut(text, "?")
	u, err := ParseURL(address)
	if err != nil {
		return URL{}, errors.New("the address is not one of https, or holds credentials") // it may hold a secret
	}
	if u.Scheme == schemeSSH {
		return URL{}, errors.New("the address is one of SSH where https is needed")
	}
	return u, nil
}

// fetch fetches the objects of some pointers, each another, over the pointers.
func (s *lfsServer) fetch(ctx context.Context, worktree *os.Root, files []pointerFile) error {
	actions, err := s.batch(ctx, files)
	if err != nil {
		return fmt.Errorf("fetch Git LFS objects: %w", err)
	}
	for _, file := range files {
		action, ok := actions[file.object.String()]
		switch {
		case !ok:
			return &LFSError{file.path, errors.New("the server left it out of its reply")}
		case action.err != nil:
			return &LFSError{file.path, action.err}
		}
		if err := s.download(ctx, worktree, file, action.lfsAction); err != nil {
			return err
		}
	}
	return nil
}

// batch requests the addresses of objects.
func (s *lfsServer) batch(ctx context.Context, files []pointerFile) (map[string]lfsAnswer, error) {
	asked := lfsRequest{Operation: "download", Transfers: []string{"basic"}, HashAlgo: "sha256"}
	if s.reference != "" {
		asked.Ref = &lfsReference{s.reference}
	}
	for _, file := range files {
		asked.Objects = append(asked.Objects, lfsIdentifier{file.object.String(), file.object.size})
	}
	body, err := json.Marshal(asked)
	if err != nil {
		return nil, fmt.Errorf("batch request: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.endpoint.String()+"/objects/batch", bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("batch request: the server's address is not valid")
	}
	request.Header.Set("Accept", lfsMediaType)
	request.Header.Set("Content-Type", lfsMediaType)
	s.authorize(request, nil, s.endpoint)
	response, err := s.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("batch request: %w", unquoted(err))
	}
	defer response.Body.Close() //nolint:errcheck // it was read
	if err := lfsStatus(response.StatusCode); err != nil {
		return nil, fmt.Errorf("batch request: %w", err)
	}
	text, err := io.ReadAll(progress.Reader(ctx, &boundedReader{response.Body, gitstore.NewBudget("bytes in a reply of Git LFS", maxLFSReply)}))
	if err != nil {
		return nil, fmt.Errorf("batch reply: %w", err)
	}
	return readLFSReply(text)
}

// download fetches one object.
func (s *lfsServer) download(ctx context.Context, worktree *os.Root, file pointerFile, action *lfsAction) error {
	target, err := lfsURL(action.Href)
	if err != nil {
		return &LFSError{file.path, fmt.Errorf("download: %w", err)}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, action.Href, nil)
	if err != nil {
		return &LFSError{file.path, errors.New("download: the address is not valid")}
	}
	if sameOrigin(target, s.endpoint) {
		s.authorize(request, action.Header, target)
	} else {
		setHeaders(request, action.Header) // the server's own, for that host
	}
	response, err := s.client.Do(request)
	if err != nil {
		return &LFSError{file.path, fmt.Errorf("download: %w", unquoted(err))}
	}
	defer response.Body.Close() //nolint:errcheck // it was read
	if err := lfsStatus(response.StatusCode); err != nil {
		return &LFSError{file.path, fmt.Errorf("download: %w", err)}
	}
	return writeObject(ctx, worktree, file, response.Body, s.buffer)
}

// authorize gives a request to the endpoint's host the headers that SSH and the
// batch reply asked for, and the credentials of the clone if there is no
// authorization in them and they are for target.
func (s *lfsServer) authorize(request *http.Request, header map[string]string, target URL) {
	setHeaders(request, s.header)
	setHeaders(request, header)
	if request.Header.Get("Authorization") == "" && s.credentials != "" && s.access.isFor(target) {
		request.Header.Set("Authorization", s.credentials)
	}
}

func setHeaders(request *http.Request, header map[string]string) {
	for name, value := range header {
		request.Header.Set(name, value)
	}
}

func lfsStatus(code int) error {
	switch code {
	case http.StatusOK:
		return nil
	case http.StatusUnauthorized, http.StatusForbidden:
		return ErrCredentials
	case http.StatusNotFound:
		return errors.New("404: the server has no such repository in Git LFS, or no such object")
	}
	return fmt.Errorf("the server returned the status %d", code)
}

// unquoted returns the error of a request without its address, which may hold a
// signature.
func unquoted(err error) error {
	var quoting *url.Error
	if errors.As(err, &quoting) {
		return quoting.Err
	}
	return err
}

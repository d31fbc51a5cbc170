package client

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/opensbs/sbs/client/certs"
)

// TestConnectionsThatFail checks that the errors distinguish the mistakes of a setup, and
// advise what to do.
func TestConnectionsThatFail(t *testing.T) {
	ids := usualIdentities(t)
	other := makeIdentities(t, host, time.Now())
	elsewhere := makeIdentities(t, "elsewhere.example.com", time.Now())
	old := makeIdentities(t, host, time.Now().AddDate(-1, 0, -1)) // its authority is still valid
	older := peerConfig(ids.server, ids.client)
	older.MinVersion, older.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	for _, test := range []struct {
		name   string
		client certs.Identity
		server *tls.Config
		want   string
		fault  Fault
	}{
		{"client of another authority", ids.client, peerConfig(ids.server, other.client), "refuses the client certificate", FaultClientCertificate},
		{"expired client certificate", old.client, peerConfig(old.server, old.client), "the server's certificate is not valid now", FaultServerExpired},
		{"server of another authority", ids.client, peerConfig(other.server, ids.client), "not signed by the authority in CAPATH", FaultServerAuthority},
		{"server with another name", elsewhere.client, peerConfig(elsewhere.server, elsewhere.client), "not for localhost", FaultServerName},
		{"server without TLS 1.3", ids.client, older, "ended the TLS handshake", FaultHandshake},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := connect(t, test.client, test.server, func(http.ResponseWriter, *http.Request) { t.Error("the request arrived") })
			_, err := c.Status(t.Context())
			var failed *Error
			if !errors.As(err, &failed) || failed.HTTPStatus != 0 {
				t.Fatalf("got %v", err)
			}
			if !strings.Contains(failed.Message, test.want) || failed.Fault != test.fault {
				t.Errorf("got %q, fault %q; want %q and %q", failed.Message, failed.Fault, test.want, test.fault)
			}
			if errors.Unwrap(failed) == nil {
				t.Error("the cause was lost")
			}
		})
	}
}

func TestNothingListens(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	ids := usualIdentities(t)
	_, err = New("127.0.0.1", port, ids.client).Status(t.Context())
	var failed *Error
	if !errors.As(err, &failed) || !strings.Contains(failed.Message, "nothing listens") || failed.Fault != FaultRefused {
		t.Errorf("got %v", err)
	}
}

func TestNotTLS(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	plain := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- plain.Serve(listener) }()
	t.Cleanup(func() {
		if err := plain.Close(); err != nil {
			t.Error(err)
		}
		<-served
	})
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	ids := usualIdentities(t)
	c := New("127.0.0.1", port, ids.client)
	defer c.Close()
	if _, err := c.Status(t.Context()); err == nil || !strings.Contains(err.Error(), "does not speak TLS") {
		t.Errorf("got %v", err)
	}
}

func TestAddressInsteadOfAName(t *testing.T) {
	ids := makeIdentities(t, "127.0.0.1", time.Now())
	c := connect(t, ids.client, peerConfig(ids.server, ids.client), func(w http.ResponseWriter, _ *http.Request) {
		if _, err := w.Write([]byte(`{"status":""}`)); err != nil {
			t.Error(err)
		}
	})
	c = New("127.0.0.1", c.base[strings.LastIndex(c.base, ":")+1:], ids.client)
	defer c.Close()
	if _, err := c.Status(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestConnectionBreaksOff(t *testing.T) {
	c := with(t, func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) })
	if _, err := c.Status(t.Context()); err == nil || !strings.Contains(err.Error(), "closed the connection") {
		t.Errorf("got %v", err)
	}
}

// When the server closes the connection while a request is sent, net/http may report
// that this side closed it.
func TestServerClosesWhileRequestIsSent(t *testing.T) {
	c := New("sbs.example.com", "443", usualIdentities(t).client)
	sent := &net.OpError{Op: "write", Net: "tcp", Err: net.ErrClosed}
	if message, fault := c.explain(sent, true); fault != FaultClosed || message != c.base+" closed the connection" {
		t.Errorf("got %q, %q", message, fault)
	}
}

func TestACanceledRequestReturnsAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := with(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	_, err := c.Clean(ctx)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("got %v", err)
	}
}

// net/http reads HTTPS_PROXY once in a process and never uses it for loopback,
// so that its error is made here.
func TestProxyThatIsNotThere(t *testing.T) {
	c := &Client{base: "https://sbs.example.com:443"}
	message, fault := c.explain(&url.Error{Op: "Get", Err: &net.OpError{Op: "proxyconnect", Err: syscall.ECONNREFUSED}}, false)
	if !strings.Contains(message, "HTTPS_PROXY") || fault != FaultProxy {
		t.Errorf("got %q, fault %q", message, fault)
	}
}

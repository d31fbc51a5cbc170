package server

import (
	"container/list"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
)

// maxUnauthenticated bounds the connections from which no request has come yet. It is
// well below maxConnections, so that they alone can't use up all connections.
const maxUnauthenticated = 256

// unauthenticated tracks the connections from which no request has come yet. Anyone
// who reaches the port can open one, and nobody is authenticated before the handshake
// is done. When there are too many, the oldest is closed: a client completes its
// handshake long before that, and one that keeps its connection silent does not. The
// connections of the client are never closed here.
type unauthenticated struct {
	mu       sync.Mutex
	order    list.List // of net.Conn, oldest first
	elements map[net.Conn]*list.Element
}

func newUnauthenticated() *unauthenticated {
	return &unauthenticated{elements: map[net.Conn]*list.Element{}}
}

// watch is called for every change of the state of a connection: http.Server's
// ConnState.
func (u *unauthenticated) watch(conn net.Conn, state http.ConnState) {
	if oldest := u.track(conn, state); oldest != nil {
		// The goroutine that serves it notices, and closes the rest.
		_ = transport(oldest).Close()
	}
}

// track returns the oldest connection when there is one too many, and otherwise nil.
func (u *unauthenticated) track(conn net.Conn, state http.ConnState) net.Conn {
	u.mu.Lock()
	defer u.mu.Unlock()
	if state != http.StateNew {
		u.untrack(conn)
		return nil
	}
	u.elements[conn] = u.order.PushBack(conn)
	if u.order.Len() <= maxUnauthenticated {
		return nil
	}
	oldest := u.order.Front().Value.(net.Conn)
	u.untrack(oldest)
	return oldest
}

func (u *unauthenticated) untrack(conn net.Conn) {
	if element, tracked := u.elements[conn]; tracked {
		u.order.Remove(element)
		delete(u.elements, conn)
	}
}

// transport returns the connection below TLS. Closing it takes no time, where TLS
// would first send a close_notify alert and wait for that.
func transport(conn net.Conn) net.Conn {
	if secure, ok := conn.(*tls.Conn); ok {
		return secure.NetConn()
	}
	return conn
}

// maxErrorText bounds what one refused connection adds to the log, in bytes.
const maxErrorText = 512

// errorLog is the writer of http.Server's ErrorLog, one text a call. What unauthenticated
// connections cause is logged for debugging only, because anyone can cause it. That no
// connection can be accepted is logged as an error.
type errorLog struct{ logger *slog.Logger }

func (l errorLog) Write(line []byte) (int, error) {
	text := shortened(strings.TrimSpace(string(line)), maxErrorText)
	if strings.HasPrefix(text, "http: Accept error") {
		l.logger.Error("no connection can be accepted", "error", text)
	} else {
		l.logger.Debug("connection refused", "error", text)
	}
	return len(line), nil
}

// shortened returns at most limit bytes of a text that comes from outside.
func shortened(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "..."
}

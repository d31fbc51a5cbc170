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

// maxStrangers bounds the connections from which no request has come yet. It is
// well below maxConnections: strangers alone can't fill the server.
const maxStrangers = 256

// strangers are the connections from which no request has come yet. When there
// are too many, the oldest is cut: a client is through its handshake long before
// that, and one that holds its connection open without a word is not.
type strangers struct {
	mu     sync.Mutex
	order  list.List // of net.Conn, oldest first
	places map[net.Conn]*list.Element
}

func newStrangers() *strangers {
	return &strangers{places: map[net.Conn]*list.Element{}}
}

// watch is told of every connection that changes its state: http.Server's
// ConnState.
func (s *strangers) watch(conn net.Conn, state http.ConnState) {
	if oldest := s.noted(conn, state); oldest != nil {
		// Its goroutine notices, and closes what is left.
		_ = transport(oldest).Close()
	}
}

// noted returns the connection that is one too many, or nil.
func (s *strangers) noted(conn net.Conn, state http.ConnState) net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state != http.StateNew {
		s.forget(conn)
		return nil
	}
	s.places[conn] = s.order.PushBack(conn)
	if s.order.Len() <= maxStrangers {
		return nil
	}
	oldest := s.order.Front().Value.(net.Conn)
	s.forget(oldest)
	return oldest
}

func (s *strangers) forget(conn net.Conn) {
	if place, waits := s.places[conn]; waits {
		s.order.Remove(place)
		delete(s.places, conn)
	}
}

// transport is the connection below TLS: to close that one takes no time, where
// TLS would first wait until it has said goodbye.
func transport(conn net.Conn) net.Conn {
	if secure, ok := conn.(*tls.Conn); ok {
		return secure.NetConn()
	}
	return conn
}

// maxComplaint bounds what one refused connection adds to the log, in bytes.
const maxComplaint = 512

// complaints takes what the HTTP library has to say, one text a call. What
// strangers do is for debugging, however often they do it. What keeps the server
// from accepting connections is not.
type complaints struct{ logger *slog.Logger }

func (c complaints) Write(line []byte) (int, error) {
	text := shortened(strings.TrimSpace(string(line)), maxComplaint)
	if strings.HasPrefix(text, "http: Accept error") {
		c.logger.Error("no connection can be accepted", "error", text)
	} else {
		c.logger.Debug("connection refused", "error", text)
	}
	return len(line), nil
}

// shortened is at most limit bytes of a text that somebody else chose.
func shortened(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "..."
}

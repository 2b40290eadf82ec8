package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"
)

const patience = 10 * time.Second

// settings is a client configuration that offers what browsers of the intermediate profile offer, one curve, so that every
// server does the same arithmetic. Certificates are not verified here: the tests compare them themselves.
func (t target) settings(protocols ...string) *tls.Config {
	return &tls.Config{
		ServerName:         t.name,
		InsecureSkipVerify: true,
		MinVersion:         tls.VersionTLS12,
		CurvePreferences:   []tls.CurveID{tls.X25519},
		NextProtos:         protocols,
	}
}

// dial connects, from a fixed local port if one is given: the kernel then hands every connection of that port to the same
// listening socket, and so to the same worker.
func (t target) dial(port int) (net.Conn, error) {
	dialer := net.Dialer{Timeout: patience}
	if port != 0 {
		dialer.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}
		dialer.Control = func(_, _ string, raw syscall.RawConn) error {
			var inner error
			err := raw.Control(func(fd uintptr) {
				inner = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
			})
			if err != nil {
				return err
			}
			return inner
		}
	}
	return dialer.DialContext(context.Background(), "tcp", t.address)
}

// open dials and shakes hands.
func (t target) open(settings *tls.Config, port int) (*tls.Conn, error) {
	raw, err := t.dial(port)
	if err != nil {
		return nil, err
	}
	_ = raw.SetDeadline(time.Now().Add(patience))
	if port != 0 {
		// No TIME_WAIT on this side: the port is used again at once.
		_ = raw.(*net.TCPConn).SetLinger(0)
	}
	conn := tls.Client(raw, settings)
	if err := conn.Handshake(); err != nil {
		raw.Close()
		return nil, fmt.Errorf("handshake: %w", err)
	}
	return conn, nil
}

// get sends one request on an HTTP/1.1 connection and reads the whole answer.
func (t target) get(conn net.Conn, reader *bufio.Reader, last bool) error {
	end := ""
	if last {
		end = "Connection: close\r\n"
	}
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", t.path, t.name, end); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		return fmt.Errorf("response: %w", err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	if response.StatusCode != 200 {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	return nil
}

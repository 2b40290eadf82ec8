package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

type promiseResult struct {
	Full        int64    `json:"full"`
	Resumed     int64    `json:"resumed"`
	Requests    int64    `json:"requests"`
	Frames      int64    `json:"frames"`
	WentBack    int64    `json:"went_back"`
	NeverIssued int64    `json:"never_issued"`
	Stale       int64    `json:"stale"`
	Failures    int64    `json:"failures"`
	Errors      []string `json:"errors"`
	Newest      []int64  `json:"newest"`
}

// witness holds what has been seen, and what may be seen.
type witness struct {
	mutex   sync.Mutex
	result  promiseResult
	issued  []int64 // by name: the newest serial number that was written
	settled []int64 // by name: the newest that had been written long enough ago to be the only one
}

// settling is the time after which the certificate before the last must not be seen any more.
const settling = 5 * time.Second

func (w *witness) failed(what string, err error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.result.Failures++
	if len(w.result.Errors) < 20 {
		w.result.Errors = append(w.result.Errors, what+": "+err.Error())
	}
}

// listen reads "NAME-NUMBER SERIAL" lines: each is said before the certificate is written.
func (w *witness) listen() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var name int
		var serial int64
		if _, err := fmt.Sscan(lines.Text(), &name, &serial); err != nil || name < 0 || name >= len(w.issued) {
			continue
		}
		w.mutex.Lock()
		w.issued[name] = serial
		w.mutex.Unlock()
		time.AfterFunc(settling, func() {
			w.mutex.Lock()
			if w.settled[name] < serial {
				w.settled[name] = serial
			}
			w.mutex.Unlock()
		})
	}
}

// saw judges one full handshake: old or new, never one that was not there yet, never back on the same worker.
func (w *witness) saw(name int, floor int64, serial *big.Int, last *int64) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	number := serial.Int64()
	switch {
	case number > w.issued[name]:
		w.result.NeverIssued++
	case number < floor:
		w.result.Stale++
	case number < *last:
		w.result.WentBack++
	}
	if number > *last {
		*last = number
	}
	if number > w.result.Newest[name] {
		w.result.Newest[name] = number
	}
}

func (w *witness) floor(name int) int64 {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.settled[name]
}

func (w *witness) count(counter *int64) {
	w.mutex.Lock()
	*counter++
	w.mutex.Unlock()
}

// promise keeps up full and resumed handshakes, requests over HTTP/1.1 and HTTP/2, and WebSockets at /ws, for `length`.
func promise(t target, length time.Duration, clients, names int) promiseResult {
	if names < 1 {
		fail("-names: at least 1")
	}
	w := &witness{issued: make([]int64, names), settled: make([]int64, names)}
	w.result.Newest = make([]int64, names)
	w.result.Errors = []string{}
	for i := range w.issued {
		w.issued[i] = 1
	}
	go w.listen()
	end := time.Now().Add(length)
	var group sync.WaitGroup
	run := func(work func(number int)) {
		for i := 0; i < clients; i++ {
			group.Add(1)
			go func(i int) { defer group.Done(); work(i) }(i)
		}
	}
	run(func(i int) { w.handshakes(t, end, names, localPort(), false, i) })
	run(func(i int) { w.handshakes(t, end, names, localPort(), true, i) })
	run(func(i int) { w.requests(t.of(i%names), end) })
	run(func(i int) { w.requests2(t.of(i%names), end) })
	run(func(i int) { w.socket(t.of(i%names), end) })
	group.Wait()
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.result
}

func (t target) of(number int) target {
	t.name = "n" + strconv.Itoa(number) + "." + t.name
	return t
}

// localPort is a port that was free a moment ago.
func localPort() int {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		fail(err.Error())
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

func (w *witness) handshakes(t target, end time.Time, names, port int, resumed bool, number int) {
	last := make([]int64, names)
	settings := t.settings("http/1.1")
	if resumed {
		settings.ClientSessionCache = tls.NewLRUClientSessionCache(names)
	}
	for turn := number; time.Now().Before(end); turn++ {
		name := turn % names
		host := t.of(name)
		settings.ServerName = host.name
		floor := w.floor(name)
		conn, err := host.open(settings, port)
		if err != nil {
			w.failed("handshake", err)
			time.Sleep(10 * time.Millisecond)
			continue
		}
		state := conn.ConnectionState()
		if state.DidResume {
			w.count(&w.result.Resumed)
		} else {
			w.count(&w.result.Full)
			w.saw(name, floor, state.PeerCertificates[0].SerialNumber, &last[name])
		}
		if err := host.get(conn, bufio.NewReader(conn), false); err != nil {
			w.failed("request after a handshake", err)
		}
		conn.Close()
		time.Sleep(2 * time.Millisecond)
	}
}

func (w *witness) requests(t target, end time.Time) {
	conn, err := t.open(t.settings("http/1.1"), 0)
	if err != nil {
		w.failed("keep-alive", err)
		return
	}
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for time.Now().Before(end) {
		if err := t.get(conn, reader, false); err != nil {
			w.failed("keep-alive request", err)
			return
		}
		w.count(&w.result.Requests)
		time.Sleep(5 * time.Millisecond)
	}
}

func (w *witness) requests2(t target, end time.Time) {
	transport := &http.Transport{TLSClientConfig: t.settings(), ForceAttemptHTTP2: true}
	client := &http.Client{Transport: transport, Timeout: patience}
	defer transport.CloseIdleConnections()
	for time.Now().Before(end) {
		request, _ := http.NewRequest("GET", "https://"+t.address+t.path, nil)
		request.Host = t.name
		response, err := client.Do(request)
		if err == nil {
			_, err = io.Copy(io.Discard, response.Body)
			response.Body.Close()
			if err == nil && (response.StatusCode != 200 || response.ProtoMajor != 2) {
				err = fmt.Errorf("status %d by HTTP/%d", response.StatusCode, response.ProtoMajor)
			}
		}
		if err != nil {
			w.failed("HTTP/2 request", err)
			return
		}
		w.count(&w.result.Requests)
		time.Sleep(5 * time.Millisecond)
	}
}

// socket keeps one WebSocket open the whole time and has a frame echoed on it again and again.
func (w *witness) socket(t target, end time.Time) {
	conn, err := t.open(t.settings("http/1.1"), 0)
	if err != nil {
		w.failed("WebSocket", err)
		return
	}
	defer conn.Close()
	reader := bufio.NewReader(conn)
	fmt.Fprintf(conn, "GET /ws HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c2VraXNobyBzZWtpc2hvIA==\r\n\r\n", t.name)
	response, err := http.ReadResponse(reader, nil)
	if err == nil && response.StatusCode != 101 {
		err = fmt.Errorf("status %d", response.StatusCode)
	}
	for number := uint64(0); err == nil && time.Now().Before(end); number++ {
		_ = conn.SetDeadline(time.Now().Add(patience))
		payload := binary.BigEndian.AppendUint64(nil, number)
		// Masked with zeros: the payload as it is. RFC 6455 §5.3.
		if _, err = conn.Write(append([]byte{0x82, 0x88, 0, 0, 0, 0}, payload...)); err != nil {
			break
		}
		frame := make([]byte, 10)
		if _, err = io.ReadFull(reader, frame); err == nil && !bytes.Equal(frame[2:], payload) {
			err = fmt.Errorf("echo of frame %d was %x", number, frame)
		}
		w.count(&w.result.Frames)
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		w.failed("WebSocket", err)
	}
}

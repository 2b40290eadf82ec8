package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

type handshakeResult struct {
	Done      int64   `json:"done"`
	Failed    int64   `json:"failed"`
	Resumed   int64   `json:"resumed"`
	Seconds   float64 `json:"seconds"`
	P50       float64 `json:"p50_ms"`
	P99       float64 `json:"p99_ms"`
	P999      float64 `json:"p999_ms"`
	LastError string  `json:"last_error,omitempty"`
}

// handshakes does `count` connections of one handshake and one GET each.
func handshakes(t target, count, clients int, resumed bool, names int) handshakeResult {
	var left = int64(count)
	var result handshakeResult
	var mutex sync.Mutex
	var times []float64
	var group sync.WaitGroup
	begun := time.Now()
	for client := 0; client < clients; client++ {
		group.Add(1)
		go func() {
			defer group.Done()
			settings := t.settings("http/1.1")
			if t.rsa {
				// The RSA certificate is the only one configured; nothing to choose.
				settings.MaxVersion = tls.VersionTLS13
			}
			if resumed {
				settings.ClientSessionCache = tls.NewLRUClientSessionCache(8)
				_, _ = once(t, settings) // for the first ticket, not counted
			}
			var own []float64
			for {
				number := atomic.AddInt64(&left, -1)
				if number < 0 {
					break
				}
				target := t
				if names > 0 {
					target.name = fmt.Sprintf("n%d.%s", number%int64(names), t.name)
					settings.ServerName = target.name
				}
				start := time.Now()
				again, err := once(target, settings)
				own = append(own, time.Since(start).Seconds()*1000)
				if err != nil {
					atomic.AddInt64(&result.Failed, 1)
					mutex.Lock()
					result.LastError = err.Error()
					mutex.Unlock()
					continue
				}
				atomic.AddInt64(&result.Done, 1)
				if again {
					atomic.AddInt64(&result.Resumed, 1)
				}
			}
			mutex.Lock()
			times = append(times, own...)
			mutex.Unlock()
		}()
	}
	group.Wait()
	result.Seconds = time.Since(begun).Seconds()
	sort.Float64s(times)
	if n := len(times); n > 0 {
		result.P50, result.P99, result.P999 = times[n/2], times[n*99/100], times[n*999/1000]
	}
	return result
}

// once is one connection: handshake, GET, close. It says whether the session was resumed.
func once(t target, settings *tls.Config) (bool, error) {
	conn, err := t.open(settings, 0)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	err = t.get(conn, bufio.NewReader(conn), true)
	return conn.ConnectionState().DidResume, err
}

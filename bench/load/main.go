// Command load is the client side of the benchmark and of the promise test: handshakes, idle connections and constant mixed
// load against an address on this machine. Every run is bounded in count or time, and ends with one line of JSON.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"time"
)

// target is what every mode needs to know about the server.
type target struct {
	address string
	name    string
	path    string
	rsa     bool
}

func main() {
	if len(os.Args) < 2 {
		fail("usage: load handshakes|idle|promise [options]")
	}
	var t target
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	flags.StringVar(&t.address, "address", "", "host:port on this machine")
	flags.StringVar(&t.name, "name", "www.example.com", "server name")
	flags.StringVar(&t.path, "path", "/", "path of the GET")
	count := flags.Int("count", 1000, "handshakes, or connections")
	clients := flags.Int("clients", 4, "at once")
	resumed := flags.Bool("resumed", false, "resume a session in every handshake")
	names := flags.Int("names", 0, "promise, handshakes: take names n0.NAME to n(N-1).NAME in turn")
	seconds := flags.Int("seconds", 60, "promise: how long")
	flags.BoolVar(&t.rsa, "rsa", false, "TLS 1.2 signature algorithms for RSA only")
	_ = flags.Parse(os.Args[2:])
	if host, _, err := net.SplitHostPort(t.address); err != nil || !net.ParseIP(host).IsLoopback() {
		fail("-address: a loopback address and a port")
	}
	var result any
	switch os.Args[1] {
	case "handshakes":
		result = handshakes(t, *count, *clients, *resumed, *names)
	case "idle":
		result = idle(t, *count)
	case "promise":
		result = promise(t, time.Duration(*seconds)*time.Second, *clients, *names)
	default:
		fail("unknown mode " + os.Args[1])
	}
	_ = json.NewEncoder(os.Stdout).Encode(result)
}

func fail(why string) {
	fmt.Fprintln(os.Stderr, "load: "+why)
	os.Exit(2)
}

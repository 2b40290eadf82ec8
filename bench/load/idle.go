package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

type idleResult struct {
	Open   int `json:"open"`
	Failed int `json:"failed"`
}

// idle opens `count` connections, sends one request on each, says "ready" and keeps them until its standard input ends, ten
// minutes at most.
func idle(t target, count int) idleResult {
	var result idleResult
	var mutex sync.Mutex
	var group sync.WaitGroup
	kept := make([]net.Conn, 0, count)
	slots := make(chan struct{}, 16)
	for i := 0; i < count; i++ {
		group.Add(1)
		slots <- struct{}{}
		go func(i int) {
			defer func() { <-slots; group.Done() }()
			conn, err := t.open(t.settings("http/1.1"), 0)
			if err == nil {
				err = t.get(conn, bufio.NewReaderSize(conn, 512), false)
			}
			mutex.Lock()
			defer mutex.Unlock()
			if err != nil {
				result.Failed++
				return
			}
			kept = append(kept, conn)
		}(i)
	}
	group.Wait()
	result.Open = len(kept)
	fmt.Println("ready")
	time.AfterFunc(10*time.Minute, func() { os.Exit(1) })
	_, _ = io.Copy(io.Discard, os.Stdin)
	for _, conn := range kept {
		_ = conn.Close()
	}
	return result
}

package main

import (
	"io"
	"math"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"time"
)

// cutter is a load balancer on a bad line: it takes each connection to one of the
// instances that are there, by chance, and cuts it in the midst of what the instance
// sends, after a number of bytes drawn by chance.
type cutter struct {
	addr string

	tasks sync.WaitGroup
	l     net.Listener

	mu          sync.Mutex
	rand        *rand.Rand
	instances   []string              // addresses
	open        map[net.Conn]struct{} // both sides of each connection
	connections int
	cuts        int
	cutting     bool
	closed      bool
}

func mustCutter(t *testing.T, seed uint64) *cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{addr: l.Addr().String(), l: l, rand: rand.New(rand.NewPCG(seed, 0)), open: map[net.Conn]struct{}{}}
	c.tasks.Go(c.accept)
	t.Cleanup(func() {
		l.Close()
		c.mu.Lock()
		c.closed = true
		c.mu.Unlock()
		c.cutAll()
		c.tasks.Wait()
	})
	return c
}

// add takes an instance in; remove takes it out, before it is killed.
func (c *cutter) add(addr string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.instances = append(c.instances, addr)
}

func (c *cutter) remove(addr string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.instances = slices.DeleteFunc(c.instances, func(a string) bool { return a == addr })
}

// cutFromNowOn and heal begin and end the cutting, both with a cut of all connections.
func (c *cutter) cutFromNowOn() { c.set(true) }

func (c *cutter) heal() { c.set(false) }

func (c *cutter) set(cutting bool) {
	c.mu.Lock()
	c.cutting = cutting
	c.mu.Unlock()
	c.cutAll()
}

func (c *cutter) cutAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		conn.Close()
	}
}

// counts are how many connections there were and how many of them were cut.
func (c *cutter) counts() (connections, cuts int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.connections, c.cuts
}

func (c *cutter) accept() {
	for {
		client, err := c.l.Accept()
		if err != nil {
			return
		}
		c.tasks.Go(func() {
			defer client.Close()
			if server := c.dial(); server != nil {
				defer server.Close()
				c.carry(client, server)
			}
		})
	}
}

// dial connects to an instance, nil if there is none.
func (c *cutter) dial() net.Conn {
	c.mu.Lock()
	all := slices.Clone(c.instances)
	c.rand.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
	c.mu.Unlock()
	for _, addr := range all {
		if conn, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
			return conn
		}
	}
	return nil
}

// carry passes on what both sides send until one has ended or the time to cut has come.
func (c *cutter) carry(client, server net.Conn) {
	most, reset, ok := c.register(client, server)
	defer c.forget(client, server)
	if !ok {
		return
	}
	var up sync.WaitGroup
	up.Go(func() {
		_, _ = io.Copy(server, client)
		server.Close() // a client that is gone
	})
	n, _ := io.CopyN(client, server, most)
	if reset {
		_ = client.(*net.TCPConn).SetLinger(0) // the client may lose what it had not read, too
	}
	client.Close()
	server.Close()
	up.Wait()
	if n == most {
		c.mu.Lock()
		c.cuts++
		c.mu.Unlock()
	}
}

// register draws after how many bytes the connection is cut, and whether by a reset:
// one in ten within the head of the answer and the first block, the others evenly on
// a logarithmic scale, so that some last for long.
func (c *cutter) register(client, server net.Conn) (most int64, reset, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, false, false
	}
	c.connections++
	c.open[client], c.open[server] = struct{}{}, struct{}{}
	switch {
	case !c.cutting:
		return math.MaxInt64, false, true
	case c.rand.IntN(10) == 0:
		return 1 + c.rand.Int64N(500), c.rand.IntN(2) == 0, true
	}
	const from, to = 500, 200_000
	return int64(from * math.Pow(to/from, c.rand.Float64())), c.rand.IntN(2) == 0, true
}

func (c *cutter) forget(conns ...net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range conns {
		delete(c.open, conn)
	}
}

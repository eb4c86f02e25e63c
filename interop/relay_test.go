package interop

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
)

// cut is the end of a connection: within the block that follows so many whole ones.
type cut struct {
	blocks int
	reset  bool // by a TCP reset, else by what looks like the service's own orderly end
}

// relay stands between a client and the service. Its first connections end as the
// cuts say, one each; later ones stay.
type relay struct {
	listener net.Listener
	service  string // host:port
	cuts     []cut
	all      sync.WaitGroup

	mu          sync.Mutex
	connections []connection
	open        map[net.Conn]bool
	closed      bool
}

// connection is what became of one.
type connection struct {
	position string // the Last-Event-ID that the client came with
	cut      string // where it was cut, if it was
}

func startRelay(t *testing.T, service string, cuts []cut) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: l, service: service, cuts: cuts, open: map[net.Conn]bool{}}
	r.all.Go(r.accept)
	t.Cleanup(r.close)
	return r
}

func (r *relay) url() string { return "http://" + r.listener.Addr().String() }

// seen is what became of the connections so far, in their order.
func (r *relay) seen() []connection {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.connections)
}

func (r *relay) accept() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return // closed
		}
		r.all.Go(func() { r.serve(client.(*net.TCPConn)) })
	}
}

// track has close end a connection; it says false when that was already.
func (r *relay) track(c net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open[c] = true
	return !r.closed
}

func (r *relay) untrack(c net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, c)
	_ = c.Close()
}

func (r *relay) close() {
	_ = r.listener.Close()
	r.mu.Lock()
	r.closed = true
	for c := range r.open {
		_ = c.Close()
	}
	r.mu.Unlock()
	r.all.Wait()
}

// serve takes the one request of a connection to the service, and the answer back
// up to where it is to be cut.
func (r *relay) serve(client *net.TCPConn) {
	defer r.untrack(client)
	if !r.track(client) {
		return
	}
	request, err := http.ReadRequest(bufio.NewReader(client))
	if err != nil {
		return // connected and said nothing
	}
	upstream, err := net.Dial("tcp", r.service)
	if err != nil {
		return // the service is gone, and the test with it
	}
	defer r.untrack(upstream)
	if !r.track(upstream) {
		return
	}
	n := r.note(request.Header.Get("Last-Event-ID"))
	request.Header.Del("Accept-Encoding") // what is compressed has no blocks to count
	if err := request.Write(upstream); err != nil {
		return
	}
	// A client that leaves ends the service's side too.
	r.all.Go(func() {
		_, _ = client.Read(make([]byte, 1))
		_ = upstream.Close()
	})

	answer := bufio.NewReader(upstream)
	for blocks := 0; ; blocks++ {
		block, err := readBlock(answer)
		if err == nil && n < len(r.cuts) && blocks == r.cuts[n].blocks {
			r.cut(client, n, block)
			return
		}
		if _, werr := client.Write(block); err != nil || werr != nil {
			return
		}
	}
}

// note remembers a connection and gives its number.
func (r *relay) note(position string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.connections = append(r.connections, connection{position: position})
	return len(r.connections) - 1
}

// cut passes on a part of a block, from its first byte to all but its last one, and
// ends the connection.
func (r *relay) cut(client *net.TCPConn, n int, block []byte) {
	c := r.cuts[n]
	part := 1 + rand.N(len(block)-1)
	_, _ = client.Write(block[:part])
	how := "closed"
	if c.reset {
		how = "reset"
		_ = client.SetLinger(0)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.connections[n].cut = fmt.Sprintf("%s after %d blocks, at byte %d of %d: …%q", how, c.blocks, part, len(block), block[max(0, part-12):part])
}

// readBlock reads up to an empty line and with it: one event, and with the first one
// the header.
func readBlock(r *bufio.Reader) ([]byte, error) {
	var block []byte
	for {
		line, err := r.ReadBytes('\n')
		block = append(block, line...)
		if err != nil || len(line) == 1 {
			return block, err
		}
	}
}

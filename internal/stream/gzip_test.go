package stream

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidings/internal/chat"
)

// connectGzip opens a compressed stream.
func (w *world) connectGzip(user chat.UserID) *fakeConn {
	w.Helper()
	c := w.request(Request{Session: w.session(user, "gzip of "+user.String()), gzip: &gzipped{}})
	w.settle()
	return c
}

func TestGzip(t *testing.T) {
	for name, run := range map[string]func(w *world){
		"SameText": gzipSameText, "DeflatedOnce": gzipDeflatedOnce, "PendingIsWire": gzipPending,
		"EachFlushDecodes": gzipEachFlush, "TrailerAtTheEnd": gzipTrailer,
	} {
		t.Run(name, func(t *testing.T) { scenario(t, Config{}, run) })
	}
}

var connectionID = regexp.MustCompile(`"connectionId":"[A-Z2-7]+"`)

// A compressed stream says the same as a plain one of the same user.
func gzipSameText(w *world) {
	plain, packed := w.connect(ann), w.connectGzip(ann)
	w.send(w.message(log, bob), w.message(log, ann), w.message(log, bob))
	w.deliver(typing(log, 1))
	w.stop()
	texts := [2]string{plain.text(), packed.text()}
	for i := range texts { // what is drawn for each
		texts[i] = connectionID.ReplaceAllString(texts[i], "")
		texts[i], _, _ = strings.Cut(texts[i], "retry: ")
	}
	if texts[0] != texts[1] || strings.Count(texts[0], "data: ") < 9 {
		w.Errorf("plain:\n%s\ncompressed:\n%s", texts[0], texts[1])
	}
}

// What recipients share is deflated when the first compressed stream wants it and once,
// and the cache counts it.
func gzipDeflatedOnce(w *world) {
	w.connect(ann)
	w.send(w.message(log, bob))
	parts := func() (parts []part) {
		w.within(func(h *Hub) {
			recent, size := h.logs.get(log).recent(), 0
			for _, e := range recent {
				size += e.bytes()
			}
			if h.cache.size != size {
				w.Errorf("the cache counts %d bytes of %d", h.cache.size, size)
			}
			parts = slices.Clone(recent[len(recent)-1].parts)
		})
		return parts
	}
	for _, p := range parts() {
		if p.packed != nil {
			w.Error("deflated although nobody wants it")
		}
	}
	first, second := w.connectGzip(ann), w.connectGzip(bob)
	w.send(w.message(log, cat))
	for i, p := range parts()[:3] { // the fourth is the author's
		if len(p.packed) != 1 || bytes.Count(first.raw, p.packed[0].blocks) != 1 || bytes.Count(second.raw, p.packed[0].blocks) != 1 {
			w.Errorf("part %d: not the same bytes for both", i)
		}
		if i > 0 && 3*len(p.packed[0].blocks) > len(p.tail) {
			w.Errorf("part %d has %d bytes of %d: it refers to nothing", i, len(p.packed[0].blocks), len(p.tail))
		}
	}
}

// What waits for a slow reader is counted as it goes over the wire.
func gzipPending(w *world) {
	c := w.connectGzip(ann)
	c.setSlow(true)
	before := len(c.raw)
	w.send(w.message(log, bob))
	if pending, _ := c.Progress(); pending != len(c.raw)-before || pending >= len(c.text()) {
		w.Errorf("%d bytes pending of %d", pending, len(c.raw)-before)
	}
}

// Whatever was flushed can be read at once, by a decoder that hands out nothing before a
// block that is made to be a flush: Go's.
func gzipEachFlush(w *world) {
	c := w.connectGzip(ann)
	r, in := io.Pipe()
	var got bytes.Buffer
	done := make(chan struct{})
	go func() {
		defer close(done)
		z, err := gzip.NewReader(r)
		if err != nil {
			w.Error(err)
			return
		}
		if _, err := io.Copy(&got, z); !errors.Is(err, io.ErrUnexpectedEOF) { // it is cut in the end
			w.Error(err)
		}
	}()
	fed := 0
	feed := func() {
		_, _ = in.Write(c.raw[fed:]) // the reader takes all that comes
		fed = len(c.raw)
		synctest.Wait()
		if want := c.text(); got.String() != want {
			w.Errorf("of %d bytes the decoder shows %d", len(want), got.Len())
		}
	}
	feed()
	w.send(w.message(log, bob))
	feed()
	w.pass(25 * time.Second) // a heartbeat
	feed()
	w.send(w.message(log, bob), w.message(log, ann))
	feed()
	_ = in.Close() // of a pipe
	<-done
}

// A stream that the hub ends is a whole gzip file.
func gzipTrailer(w *world) {
	w.endsWhole("revoked", func() { w.send(w.store.commit(revokedEntry("gzip of " + ann.String()))) })
	w.endsWhole("reconnect", w.stop)
}

func (w *world) endsWhole(reason string, end func()) {
	w.Helper()
	c := w.connectGzip(ann)
	w.send(w.message(log, bob))
	end()
	z, err := gzip.NewReader(bytes.NewReader(c.raw))
	if err != nil {
		w.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil || !c.isClosed() || len(c.named(reason)) != 1 {
		w.Errorf("%s: closed: %v, %q, %v", reason, c.isClosed(), text, err)
	}
}

// What a part refers to stands where it says, however much stands between.
func TestPackedBehind(t *testing.T) {
	h := benchHub(&testing.B{}, 1)
	e := benchMessage()
	parts, err := h.encodeEntry(&entry{Entry: e})
	if err != nil {
		t.Fatal(err)
	}
	large := benchMessage()
	large.Body = mustJSON(chat.MessageBody{Sender: chat.UserRef{ID: 1}, Content: strings.Repeat("now and then ", 10_000)})
	others, err := h.encodeEntry(&entry{Entry: large})
	if err != nil {
		t.Fatal(err)
	}
	gaps := []int{maxReach - 1, maxReach, 70_000}
	for n := range 2 * maxPacked {
		gaps = append(gaps, n)
	}
	for _, parts := range [][]part{parts, others} {
		for _, gap := range gaps {
			z := &gzipped{}
			p := pieces{z: z, b: z.begin(nil)}
			want := ""
			for i := range parts {
				after := anchor{}
				if i > 0 {
					after = anchor{&parts[i-1], gap}
				}
				p.shared(parts[i].json(), h.packed(&parts[i], after))
				p.text(bytes.Repeat([]byte("x"), gap))
				want += string(parts[i].json()) + strings.Repeat("x", gap)
			}
			if got := gunzip(z.trailer(p.end())); got != want {
				t.Errorf("%d bytes between: %d bytes of %d", gap, len(got), len(want))
			}
		}
		if n := len(parts[1].packed); n < maxPacked || n > maxPacked+1 {
			t.Errorf("packed for %d distances", n)
		}
	}
}

// Text of any length, in pieces of any length, comes out as it went in.
func TestPieces(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	long := make([]byte, 3*storedMost)
	for i := range long {
		long[i] = byte(r.Uint32())
	}
	for _, texts := range [][]int{{0}, {1}, {storedMost}, {storedMost + 1}, {1, storedMost}, {storedMost - 1, 1, 1}, {3 * storedMost}, {5, 0, 7, 0, 300}} {
		z, want := &gzipped{}, bytes.Clone(long[:10])
		p := pieces{z: z, b: z.begin(long[:10])}
		for i, n := range texts {
			want = append(want, long[:n]...)
			if i%2 == 0 {
				p.text(long[:n])
			} else {
				p.shared(long[:n], deflate(long[:n], nil))
			}
		}
		in, err := gzip.NewReader(bytes.NewReader(z.trailer(p.end())))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(in); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%v: %d bytes of %d, %v", texts, len(got), len(want), err)
		}
	}
}

func TestAcceptsGzip(t *testing.T) {
	for accept, want := range map[string]bool{
		"":                           false,
		"gzip":                       true,
		"gzip, deflate, br, zstd":    true,
		"X-GZIP":                     true,
		"br":                         false,
		"*":                          true,
		"*;q=0":                      false,
		"*;q=0, gzip":                true,
		"gzip;q=0":                   false,
		"gzip; Q=0.000":              false,
		"gzip;q=0, *":                false,
		"gzip;q=0.5, identity":       false,
		"gzip;q=0.5, identity;q=0.5": true,
		"identity;q=0.1, gzip;q=0.5": true,
		"identity":                   false,
		"gzip;q=x":                   true,
		"gzipped":                    false,
	} {
		if got := acceptsGzip([]string{accept}); got != want {
			t.Errorf("%q: %v", accept, got)
		}
	}
	if acceptsGzip(nil) || !acceptsGzip([]string{"br", "gzip"}) {
		t.Error("a header that isn't there, or twice")
	}
}

// The operator's switch counts more than what the client asks for.
func TestNoCompression(t *testing.T) {
	for _, off := range []bool{false, true} {
		s := newSite(t, listen, Config{NoCompression: off})
		resp := s.do(t.Context(), http.MethodGet, "Authorization", "ann", "Accept-Encoding", "gzip")
		want := "gzip"
		if off {
			want = ""
		}
		if got := resp.Header.Get("Content-Encoding"); got != want || resp.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("off: %v, but encoded as %q", off, got)
		}
	}
}

// Ephemerals are different people's: none refers to another one, as no entry does.
func TestGzipEphemeralsApart(t *testing.T) {
	h := NewHub(Config{}, nil, nil, NewMetrics(prometheus.NewRegistry()), slog.New(slog.DiscardHandler))
	one, two := encodeEphemeral(typing(log, 1).Ephemeral.Event()), encodeEphemeral(typing(log, 1).Ephemeral.Event())
	if !bytes.Equal(h.packed(&two, anchor{&one, 20}), deflate(two.json(), nil)) {
		t.Error("refers to the one before it")
	}
}

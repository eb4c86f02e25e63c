package main

import (
	"fmt"
	"strings"
	"testing"
)

// Every way of cutting a response into two reads must give the same marks.
func TestSplitReads(t *testing.T) {
	m1 := mark{kindUser, 7, 41, 1700000000000000001}.String()
	m2 := mark{kindAll, 0, 42, 1700000000000000002}.String()
	body := "data: {\"m\":\"" + m1 + "xxS\"}\n\n:SB\n\ndata: " + m2 + "\n\n"
	half := len(body) / 3
	chunked := fmt.Sprintf("%x;ext=1\r\n%s\r\n%X\r\n%s\r\n", half, body[:half], len(body)-half, body[half:])
	for _, c := range []struct{ head, body string }{
		{"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", body},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunked},
	} {
		whole := c.head + c.body
		for cut := range len(whole) {
			d := &reader{group: 20, base: 1}
			cn := &conn{user: 7, state: stHeader}
			d.opening = 1
			for _, part := range []string{whole[:cut], whole[cut:]} {
				if part != "" && !d.feed(0, cn, []byte(part)) {
					t.Fatalf("cut %d: stream ended", cut)
				}
			}
			if d.r.Received != 2 || d.r.Dup+d.r.Misrouted+d.r.Stale+d.r.Reordered != 0 {
				t.Fatalf("cut %d of %q: %+v", cut, c.head, d.r)
			}
		}
	}
}

func TestCounts(t *testing.T) {
	d := &reader{group: 20, base: 10}
	cn := &conn{user: 25}
	for _, m := range []mark{
		{kindUser, 25, 12, 1},
		{kindUser, 25, 12, 1},
		{kindUser, 25, 11, 1},
		{kindUser, 24, 13, 1},
		{kindGroup, 1, 14, 1},
		{kindGroup, 2, 15, 1},
		{kindAll, 0, 9, 1},
		{kindAll, 0, 200, 1},
	} {
		d.delivery(cn, m)
	}
	if r := d.r; r.Received != 4 || r.Dup != 1 || r.Reordered != 1 || r.Misrouted != 2 || r.Stale != 1 {
		t.Fatalf("%+v", r)
	}
}

func TestMark(t *testing.T) {
	m := mark{kindGroup, 12345678, 4294967295, 1700000000000000000}
	s := m.String()
	if got, ok := parseMark([]byte(s)); len(s) != markLen || !ok || got != m {
		t.Fatal(s, got, ok)
	}
	if _, ok := parseMark([]byte(strings.Replace(s, "1700", "17x0", 1))); ok {
		t.Fatal("a damaged mark was accepted")
	}
}

func TestHist(t *testing.T) {
	var h hist
	for i := range int64(100000) {
		h.add(i * 1000)
	}
	for _, q := range []float64{.01, .5, .99, .999} {
		got, want := float64(h.quantile(q)), q*1e8
		if got < want*.96 || got > want*1.04 {
			t.Errorf("quantile %v: %v, want about %v", q, got, want)
		}
	}
}

package main

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
)

// Members come and go while others write, with everything that SNS, SQS and the
// table can do on the way: each sees exactly the messages of their time.
func TestMembershipUnderFaults(t *testing.T) {
	sys := mustStart(t, nil)
	ann, ben := newPerson(t, sys.URL, "ann"), newPerson(t, sys.URL, "ben")
	g := ann.createGroup("club")
	ann.listen()
	ben.listen()
	f := faults["All"]
	f.Seed = 7
	if err := sys.AWS.Faults().Set(f); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 60 {
			sendTo(ann, g.path(), fmt.Sprint(i), fmt.Sprint("m", i))
		}
	})
	wg.Go(func() {
		for i := range 6 {
			retry(t, func() (int, string, error) {
				return ann.call("POST", g.path()+"/members", userIDs(ben), "Idempotency-Key", fmt.Sprint("add", i))
			})
			retry(t, func() (int, string, error) {
				return ann.call("DELETE", g.member(ben), "")
			})
		}
	})
	wg.Wait()
	if err := sys.AWS.Faults().Set(faults["None"]); err != nil {
		t.Fatal(err)
	}
	end := ann.createGroup("end", ben)

	last, want := ann.readToTheEnd(g, end)
	ben.mustReadOnly(g, want)
	if fr := ben.nextFrame(); fr.EventID != end.event(1, 3) {
		t.Errorf("ben got %s after his time", fr.EventID)
	}
	t.Logf("ann saw %d entries, ben %d in his 6 times; %v", last, len(want), sys.AWS.Faults().Counts())
}

// readToTheEnd checks that an owner sees every entry once and in order, up to the making
// of another group. It gives the last one and those in which somebody else was a member.
func (p *person) readToTheEnd(g, end group) (seq int64, others []int64) {
	p.t.Helper()
	in := false
	for {
		fr := p.nextFrame()
		if fr.EventID == g.event(1, 3) {
			seq = 1
			continue
		}
		if fr.EventID == end.event(1, 3) {
			return seq, others
		}
		if seq == 0 {
			seq = 1 // the stream began after the first entry
		}
		if seq++; fr.EventID != g.event(seq, 3) {
			p.t.Fatalf("%s got %s, want entry %d", p.ref.Username, fr.EventID, seq)
		}
		var d struct{ Change string }
		if err := json.Unmarshal(fr.Data, &d); err != nil {
			p.t.Fatal(err)
		}
		in = in || d.Change == "members_added"
		if in {
			others = append(others, seq)
		}
		in = in && d.Change != "member_removed"
	}
}

// mustReadOnly checks that the next updates are of these entries.
func (p *person) mustReadOnly(g group, want []int64) {
	p.t.Helper()
	for _, seq := range want {
		fr := p.nextFrame()
		for fr.Type == "message" || fr.Type == "notification" {
			fr = p.nextFrame()
		}
		if fr.EventID != g.event(seq, 3) {
			p.t.Fatalf("%s got %s, want entry %d of %v", p.ref.Username, fr.EventID, seq, want)
		}
	}
}

// retry repeats a request until its answer is final.
func retry(t *testing.T, call func() (int, string, error)) {
	t.Helper()
	for range 50 {
		status, answer, err := call()
		if err == nil && status < 500 {
			if status >= 400 && status != 404 { // 404: an earlier try had done it
				t.Errorf("%d %s", status, answer)
			}
			return
		}
	}
	t.Error("not taken in 50 tries")
}

func sendTo(p *person, path, key, content string) {
	retry(p.t.(*testing.T), func() (int, string, error) {
		return p.call("POST", path+"/messages", fmt.Sprintf(`{"content":%q}`, content), "Idempotency-Key", key)
	})
}

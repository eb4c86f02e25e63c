package chat

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestParseRequestID(t *testing.T) {
	for id, want := range map[string][2]UserID{
		"1-2": {1, 2}, "2-1": {2, 1}, "9007199254740991-1": {MaxUserID, 1},
		"": {}, "-": {}, "1": {}, "1-": {}, "-1": {}, "1-1": {}, "01-2": {}, "1-02": {}, "1-2-3": {}, "+1-2": {}, "1- 2": {}, "0-1": {}, "9007199254740992-1": {},
	} {
		from, to, ok := ParseRequestID(id)
		if ok != (want[0] != 0) || ok && (from != want[0] || to != want[1] || RequestID(from, to) != id) {
			t.Errorf("%q: %d %d %t", id, from, to, ok)
		}
	}
}

func TestNotificationPosition(t *testing.T) {
	// What String writes is read again.
	for _, p := range []NotificationPosition{{1, "u:1/1"}, {MaxTS, "g:01890a5d-ac96-774b-bcce-b302099a8057/12"}, {1_700_000_000_123, "c:1-2/3"}} {
		if got, ok := ParseNotificationPosition(p.String()); !ok || got != p {
			t.Errorf("%s: %+v %t", p, got, ok)
		}
	}
	// They order as the list does: the newest first.
	list := []NotificationPosition{{9, "u:1/9"}, {8, "c:1-2/1"}, {8, "u:1/7"}, {7, "c:1-2/1"}}
	shuffled := slices.Clone(list)
	slices.Reverse(shuffled)
	slices.SortFunc(shuffled, NotificationPosition.compare)
	if !slices.Equal(shuffled, list) {
		t.Errorf("sorted %v", shuffled)
	}
}

// A page that would hold more data than a function may answer ends early, but it
// always holds something.
func TestPageOfLargeNotifications(t *testing.T) {
	large := func(seq int64, size int) Notification {
		return Notification{ID: NotificationID("u:1", seq), CreatedAt: Millis(100 - seq), Data: json.RawMessage(strings.Repeat("x", size))}
	}
	for name, c := range map[string]struct {
		sizes []int
		limit int
		want  int
		more  bool
	}{
		"Small":     {[]int{1, 1, 1}, 3, 3, false},
		"More":      {[]int{1, 1, 1}, 2, 2, true},
		"Large":     {[]int{maxPageData / 2, maxPageData / 2, 1}, 3, 2, true},
		"OneIsMore": {[]int{2 * maxPageData, 1}, 3, 1, true},
		"None":      {nil, 3, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			var all []Notification
			for i, size := range c.sizes {
				all = append(all, large(int64(i+1), size))
			}
			slices.Reverse(all)
			page, more := firstOf(all, c.limit)
			if len(page) != c.want || more != c.more || c.want > 0 && page[0].ID != "u:1/1" {
				t.Errorf("%d, more %t", len(page), more)
			}
		})
	}
}

// A custom entry makes a frame of the type and data that it was given, and is listed
// with them.
func TestCustomEntry(t *testing.T) {
	data := json.RawMessage(`{"order":7}`)
	e := Entry{Log: "u:1", Seq: 3, TS: 1_700_000_000_000, Kind: KindCustom, Body: mustJSON(t, CustomBody{Type: "order_shipped", Data: data})}
	evs, err := e.Events()
	if err != nil || len(evs) != 1 || evs[0].Type != "order_shipped" || string(evs[0].Data()) != string(data) || evs[0].Part != PartMessage {
		t.Errorf("%+v %v", evs, err)
	}
	n, err := e.Notification()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "custom_notification.json", append(mustJSON(t, n), '\n'))
}

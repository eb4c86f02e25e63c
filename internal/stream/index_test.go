package stream

import (
	"testing"

	"tidings/internal/chat"
)

// TestLogIndex: logs whose keys are the same are told apart, whichever goes first.
func TestLogIndex(t *testing.T) {
	const one, two, other chat.LogID = "g:497126", "g:15648020", "g:1"
	if keyOf(one) != keyOf(two) || keyOf(one) == keyOf(other) {
		t.Fatal("the test needs two ids of one key, and one of another")
	}
	for _, first := range []chat.LogID{one, two, other} {
		x := logIndex{byKey: map[logKey]*logState{}}
		logs := map[chat.LogID]*logState{}
		for _, id := range []chat.LogID{one, two, other} {
			if x.get(id) != nil {
				t.Errorf("%s is there before it was added", id)
			}
			logs[id] = &logState{id: id, key: keyOf(id)}
			x.add(logs[id])
		}
		for n, id := range []chat.LogID{first, one, two, other} {
			if n > 0 && id == first {
				continue
			}
			x.remove(logs[id])
			delete(logs, id)
			for _, id := range []chat.LogID{one, two, other} {
				if x.get(id) != logs[id] {
					t.Errorf("%s first: after that of %d, %s is %v, want %v", first, n, id, x.get(id), logs[id])
				}
			}
			if x.len() != len(logs) {
				t.Errorf("%s first: %d logs, want %d", first, x.len(), len(logs))
			}
		}
	}
}

package stream

import "tidings/internal/chat"

// logIndex finds logs by their ids. It goes by their 48-bit keys, which logs have
// anyway: a map of numbers takes two thirds of one of strings, and the garbage
// collector has less to look at. Two logs with one key are rare, and told apart.
type logIndex struct {
	byKey   map[logKey]*logState
	clashed map[chat.LogID]*logState // whose key another one has
}

func (x *logIndex) get(id chat.LogID) *logState {
	l := x.byKey[keyOf(id)]
	if l == nil || l.id == id {
		return l
	}
	return x.clashed[id]
}

// add takes in a log that is not there.
func (x *logIndex) add(l *logState) {
	if x.byKey[l.key] == nil {
		x.byKey[l.key] = l
		return
	}
	if x.clashed == nil {
		x.clashed = map[chat.LogID]*logState{}
	}
	x.clashed[l.id] = l
}

func (x *logIndex) remove(l *logState) {
	if x.byKey[l.key] != l {
		delete(x.clashed, l.id)
		return
	}
	delete(x.byKey, l.key)
	for id, other := range x.clashed {
		if other.key == l.key {
			delete(x.clashed, id)
			x.byKey[l.key] = other
			return
		}
	}
}

func (x *logIndex) len() int { return len(x.byKey) + len(x.clashed) }

package stream

// aside is what a log has for a while: when it was written to lately, has nobody here
// any more, or was deleted.
type aside struct {
	recent  []*entry // in the cache, ascending without holes
	gap     *gap     // nil when nothing is known above last
	deleted int64    // the entry that ended every membership, 0 while the log lives

	// Of the idle list.
	older, newer *logState
	idleSince    int64 // Unix ms; 0: not in it
}

// put is the log's aside to write to.
func (l *logState) put() *aside {
	if l.aside == nil {
		l.aside = &aside{}
	}
	return l.aside
}

// tidy gives an aside back that holds nothing any more.
func (l *logState) tidy() {
	if a := l.aside; a != nil && len(a.recent) == 0 && a.gap == nil && a.deleted == 0 && a.idleSince == 0 {
		l.aside = nil
	}
}

func (l *logState) recent() []*entry {
	if l.aside == nil {
		return nil
	}
	return l.aside.recent
}

func (l *logState) gap() *gap {
	if l.aside == nil {
		return nil
	}
	return l.aside.gap
}

// deleted is the entry that ended every membership, 0 while the log lives.
func (l *logState) deleted() int64 {
	if l.aside == nil {
		return 0
	}
	return l.aside.deleted
}

// deletedAt says so.
func (l *logState) deletedAt(seq int64) {
	if seq != l.deleted() {
		l.put().deleted = seq
	}
}

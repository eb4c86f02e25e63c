package ddb

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// A record begins with its kind. Those of the journal say what one request changed;
// a snapshot consists of the others, and of definitions.
const (
	recordDefinition = 'T' // a table as created or altered
	recordDeletion   = 'D' // of a table
	recordWrite      = 'W' // of items: one request, so a transaction is all there or not at all

	recordSequence = 'H' // first of a snapshot
	recordStream   = 'S'
	recordStreamed = 'X' // one record of a stream
	recordRow      = 'R'
	recordToken    = 'K'
)

func packTime(b []byte, at time.Time) []byte { return binary.AppendVarint(b, at.UnixNano()) }

func (u *unpacker) time() time.Time {
	n, size := binary.Varint(u.b)
	if size <= 0 {
		u.fail()
		return time.Time{}
	}
	u.b = u.b[size:]
	return time.Unix(0, n).UTC()
}

func packJSON(b []byte, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain structures
	}
	return packText(b, string(text))
}

func packToken(b []byte, t token) []byte {
	b = append(b, t.id[:]...)
	b = append(b, t.request[:]...)
	return packTime(b, t.expires)
}

func (u *unpacker) token() (t token) {
	for i := range t.id {
		t.id[i] = u.byte()
	}
	for i := range t.request {
		t.request[i] = u.byte()
	}
	t.expires = u.time()
	return t
}

// packWrite keeps the new items only: the old ones, which a stream may show, are in
// the state when the record is replayed.
func packWrite(changes []change, tok *token, service bool, seq uint64, at time.Time) []byte {
	b := make([]byte, 0, 512)
	b = append(b, recordWrite)
	b = packTime(b, at)
	b = binary.AppendUvarint(b, seq)
	var flags byte
	if service {
		flags |= 1
	}
	if tok != nil {
		flags |= 2
	}
	b = append(b, flags)
	if tok != nil {
		b = packToken(b, *tok)
	}
	b = binary.AppendUvarint(b, uint64(len(changes)))
	for _, ch := range changes {
		b = packText(b, ch.table.def.Name)
		if ch.next != nil {
			b = packItem(append(b, 1), ch.next.item)
		} else {
			b = packItem(append(b, 0), ch.table.keys.of(ch.old.item))
		}
	}
	return b
}

func packDefinition(def definition, seq uint64, at time.Time) []byte {
	b := packTime([]byte{recordDefinition}, at)
	return packJSON(binary.AppendUvarint(b, seq), def)
}

func packDeletion(name string, seq uint64, at time.Time) []byte {
	b := packTime([]byte{recordDeletion}, at)
	return packText(binary.AppendUvarint(b, seq), name)
}

// Replay takes one record of a journal or of a snapshot. They come in the order in
// which they were made, each once: those of the snapshot first, then those appended
// since. An error means that the record is damaged or doesn't follow the state.
func (s *Service) Replay(record []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := &unpacker{b: record}
	k := u.byte()
	var err error
	switch k {
	case recordWrite:
		err = s.replayWrite(u)
	case recordDefinition, recordDeletion:
		at := u.time()
		s.seq = u.uint()
		text := u.text()
		if u.err == nil {
			err = s.replayTable(k, text, at)
		}
	default:
		err = s.restore(k, u)
	}
	switch {
	case u.err != nil:
		return u.err
	case err == nil && len(u.b) > 0:
		return errRecord
	}
	return err
}

func (s *Service) replayTable(k byte, text string, at time.Time) error {
	if k == recordDeletion {
		s.drop(text, at)
		return nil
	}
	var def definition
	if err := json.Unmarshal([]byte(text), &def); err != nil {
		return fmt.Errorf("ddb: read definition: %w", err)
	}
	if err := def.check(); err != nil {
		return fmt.Errorf("ddb: read definition of %q: %w", def.Name, err)
	}
	s.define(def, at)
	return nil
}

func (s *Service) replayWrite(u *unpacker) error {
	at := u.time()
	s.seq = u.uint()
	flags := u.byte()
	if flags&2 != 0 {
		s.tokens.add(u.token())
	}
	n := u.count()
	changes := make([]change, 0, n)
	for range n {
		name, put, it := u.text(), u.byte(), u.item()
		if u.err != nil {
			return u.err
		}
		t := s.tables[name]
		if t == nil || t.keys.checkItem(it) != nil {
			return errRecord
		}
		ch := change{table: t}
		key := t.keys.rowKey(it)
		ch.old, _ = t.rows.Get(key)
		if put == 1 {
			ch.next = &row{key: key, item: it, size: it.size()}
		}
		if ch.isNothing() {
			return errRecord // never journalled: the record is of another state
		}
		changes = append(changes, ch)
	}
	s.apply(changes, flags&1 != 0, at)
	return nil
}

// Snapshot hands over the whole state as records for Replay. Nothing changes while
// it runs, and what put gets belongs to it.
func (s *Service) Snapshot(put func(record []byte) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := put(binary.AppendUvarint([]byte{recordSequence}, s.seq)); err != nil {
		return err
	}
	for _, arn := range slices.Sorted(maps.Keys(s.streams)) {
		if err := s.streams[arn].snapshot(put); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.tables)) {
		if err := s.tables[name].snapshot(s.seq, put); err != nil {
			return err
		}
	}
	for _, id := range s.tokens.order {
		if t, ok := s.tokens.byID[id]; ok {
			if err := put(packToken([]byte{recordToken}, t)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (st *stream) snapshot(put func([]byte) error) error {
	if err := put(packJSON([]byte{recordStream}, st)); err != nil {
		return err
	}
	for _, r := range st.records {
		b := packText([]byte{recordStreamed}, st.ARN)
		b = binary.AppendUvarint(b, r.seq)
		b = packTime(b, r.at)
		b = packText(b, r.event)
		b = packValue(b, value{kind: kindBOOL, flag: r.service})
		for _, image := range []item{r.keys, r.old, r.next} {
			b = packItem(b, image)
		}
		if err := put(b); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) snapshot(seq uint64, put func([]byte) error) error {
	if err := put(packDefinition(t.def, seq, t.def.Created)); err != nil {
		return err
	}
	var err error
	t.rows.Scan(func(_ string, r *row) bool {
		err = put(packItem(packText([]byte{recordRow}, t.def.Name), r.item))
		return err == nil
	})
	return err
}

// restore takes a record that only a snapshot has.
func (s *Service) restore(k byte, u *unpacker) error {
	switch k {
	case recordSequence:
		s.seq = u.uint()
	case recordStream:
		text := u.text()
		if u.err != nil {
			return u.err
		}
		st := new(stream)
		if err := json.Unmarshal([]byte(text), st); err != nil {
			return fmt.Errorf("ddb: read stream: %w", err)
		}
		s.streams[st.ARN] = st
	case recordStreamed:
		st := s.streams[u.text()]
		r := streamRecord{seq: u.uint(), at: u.time(), event: u.text(), service: u.value().flag}
		r.keys, r.old, r.next = u.item(), u.image(), u.image()
		if st == nil || u.err != nil {
			return errRecord
		}
		st.append(r)
	case recordRow:
		t, it := s.tables[u.text()], u.item()
		if t == nil || u.err != nil || t.keys.checkItem(it) != nil {
			return errRecord
		}
		next := &row{key: t.keys.rowKey(it), item: it, size: it.size()}
		old, _ := t.rows.Get(next.key)
		t.replace(old, next)
	case recordToken:
		s.tokens.add(u.token())
	default:
		return errRecord
	}
	return u.err
}

// image reads an image of a stream record, which is nil if it has no attributes.
func (u *unpacker) image() item {
	if it := u.item(); len(it) > 0 {
		return it
	}
	return nil
}

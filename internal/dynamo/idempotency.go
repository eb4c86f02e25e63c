package dynamo

import (
	"context"
	"fmt"
	"time"

	"tidings/internal/chat"
)

// record is the idempotency record of one write: what was asked, and where its
// answer stands.
type record struct {
	hash    string
	status  int
	log     chat.LogID
	seq     int64
	expires time.Time
}

func decodeRecord(it item) (record, error) {
	r := reader{it: it}
	rec := record{
		hash: r.str("hash"), status: int(r.int("status")), log: chat.LogID(r.str("log")), seq: r.int("seq"),
		expires: time.Unix(r.int("ttl"), 0),
	}
	return rec, r.err
}

func recordItem(user chat.UserID, idem chat.Idempotency, r record) item {
	it := idemKey(user, idem).item()
	it["hash"], it["status"], it["log"], it["seq"] = str(idem.Hash), num(r.status), str(string(r.log)), num(r.seq)
	it["ttl"] = num(r.expires.Unix())
	return it
}

// keep is the write of the record in the transaction of what it records. Where an
// unexpired one stands already, the change was done before, by an earlier request
// or by an attempt of this one that timed out: settle is called with it.
func (s *Store) keep(user chat.UserID, idem chat.Idempotency, r record, now time.Time, settle func(record)) write {
	r.expires = now.Add(chat.IdempotencyLifetime)
	op := s.put(recordItem(user, idem, r), "attribute_not_exists(PK) OR #ttl <= :now", item{":now": num(now.Unix())})
	op.Put.ExpressionAttributeNames = map[string]string{"#ttl": "ttl"}
	return write{op: op, failed: func(it item) error {
		rec, err := matching(it, idem)
		if err != nil {
			return err
		}
		settle(rec)
		return errSettled
	}}
}

// matching is the record in the item, if it is of the same request.
func matching(it item, idem chat.Idempotency) (record, error) {
	rec, err := decodeRecord(it)
	if err != nil {
		return record{}, err
	}
	if rec.hash != idem.Hash {
		return record{}, chat.ErrIdempotencyMismatch
	}
	return rec, nil
}

// withRecord adds the key of the record to those of a read, if it may be there.
func withRecord(user chat.UserID, idem chat.Idempotency, keys ...key) []key {
	if idem.Given {
		keys = append(keys, idemKey(user, idem))
	}
	return keys
}

// earlier is the record of an earlier request with this key, if it counts: nil
// when there is none or its time is over.
func (s *Store) earlier(it item, idem chat.Idempotency) (*record, error) {
	if it == nil || !idem.Given {
		return nil, nil
	}
	rec, err := decodeRecord(it)
	if err != nil || !rec.expires.After(s.now()) {
		return nil, err
	}
	if rec, err = matching(it, idem); err != nil {
		return nil, err
	}
	return &rec, nil
}

// answer is what the record's write ended with.
func (s *Store) answer(ctx context.Context, r record) (chat.Answer, error) {
	a := chat.Answer{Entry: chat.Entry{Log: r.log}, Status: r.status, Replayed: true}
	if r.seq == 0 {
		return a, nil // a write that changed nothing
	}
	e, ok, err := s.entry(ctx, r.log, r.seq)
	if err != nil {
		return chat.Answer{}, err
	}
	if !ok {
		return chat.Answer{}, fmt.Errorf("answer again: entry %s/%d is gone", r.log, r.seq)
	}
	a.Entry = e
	return a, nil
}

// remember is the answer of a write that changed nothing. It keeps the record, so
// that the key can't be used for another request; where one stands already, its
// answer counts. Without a given key there is nothing to keep.
func (s *Store) remember(ctx context.Context, user chat.UserID, idem chat.Idempotency, r record) (chat.Answer, error) {
	own := chat.Answer{Entry: chat.Entry{Log: r.log}, Status: r.status}
	if !idem.Given {
		return own, nil
	}
	var done *record
	err := s.commit(ctx, change{build: func(now time.Time) ([]write, error) {
		return []write{s.keep(user, idem, r, now, func(was record) { done = &was })}, nil
	}})
	if err != nil {
		return chat.Answer{}, err
	}
	return s.settled(ctx, done, own)
}

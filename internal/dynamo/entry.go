package dynamo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tidings/internal/chat"
)

// entryLifetime is how long entries that are no messages are kept: the 7 days in
// which a client can come back, and a day for clocks and the TTL's own delay.
const entryLifetime = 8 * 24 * time.Hour

func entryItem(e chat.Entry) item {
	it := entryKey(e.Log, e.Seq).item()
	it["seq"], it["ts"], it["kind"] = num(e.Seq), num(e.TS), str(string(e.Kind))
	it["shards"], it["body"] = bin(e.Shards), bin(e.Body)
	if e.By != 0 {
		it["by"] = num(e.By)
	}
	if e.N != 0 {
		it["n"] = num(e.N)
	}
	if len(e.Adds) > 0 {
		it["adds"] = userList(e.Adds)
	}
	if len(e.Removes) > 0 {
		it["removes"] = userList(e.Removes)
	}
	switch {
	case e.Kind == chat.KindMessage:
	case e.Kind.Stored():
		it["ttl"] = num(time.UnixMilli(e.TS).Add(storedLifetime).Unix())
	default:
		it["ttl"] = num(time.UnixMilli(e.TS).Add(entryLifetime).Unix())
	}
	return it
}

func decodeEntry(it item) (chat.Entry, error) {
	r := reader{it: it}
	e := chat.Entry{
		Seq: r.int("seq"), TS: r.int("ts"), Kind: chat.EntryKind(r.str("kind")), By: chat.UserID(r.int("by")),
		Adds: r.users("adds"), Removes: r.users("removes"), N: r.int("n"), Body: r.bytes("body"), Shards: r.bytes("shards"),
	}
	if pk := r.str("PK"); len(pk) > 2 {
		e.Log = chat.LogID(pk[2:])
	} else {
		r.fail("PK", "key of a log")
	}
	return e, r.err
}

// Entries reads entries strongly, after < seq ≤ to, ascending: a first page of
// them (1 MB), at least one if there is any.
func (s *Store) Entries(ctx context.Context, log chat.LogID, after, to int64) ([]chat.Entry, error) {
	var out []chat.Entry
	q := query{pk: logPK(log), from: entrySK(after + 1), to: entrySK(min(to, maxSeq))}
	err := s.pages(ctx, q, func(items []item) (bool, error) {
		for _, it := range items {
			e, err := decodeEntry(it)
			if err != nil {
				return false, err
			}
			out = append(out, e)
		}
		return false, nil
	})
	return out, err
}

// Position reads strongly backwards from to: the position just before the oldest
// entry in (after, to] whose ts is later than the given one, in Unix ms; to if there is
// none. Entries that are gone count as older. It reads until the first that is not
// later, since ts rises with seq: in pages that grow, as the usual answer is near.
func (s *Store) Position(ctx context.Context, log chat.LogID, ts, after, to int64) (int64, error) {
	if after >= min(to, maxSeq) {
		return to, nil // DynamoDB refuses an empty range
	}
	pos := to
	q := query{pk: logPK(log), from: entrySK(after + 1), to: entrySK(min(to, maxSeq)), descending: true, limit: 25, grows: true, only: "seq, ts"}
	err := s.pages(ctx, q, func(items []item) (bool, error) {
		for _, it := range items {
			r := reader{it: it}
			seq, at := r.int("seq"), r.int("ts")
			if r.err != nil || at <= ts {
				return false, r.err
			}
			pos = seq - 1
		}
		return true, nil
	})
	if err != nil {
		return 0, fmt.Errorf("read back in %s: %w", log, err)
	}
	return pos, nil
}

// entry reads one entry; ok is false when it is not there (any more).
func (s *Store) entry(ctx context.Context, log chat.LogID, seq int64) (e chat.Entry, ok bool, err error) {
	it, err := s.get(ctx, entryKey(log, seq))
	if err != nil || it == nil {
		return chat.Entry{}, false, err
	}
	e, err = decodeEntry(it)
	return e, err == nil, err
}

// Heads reads the heads of logs strongly; logs that don't exist are left out.
func (s *Store) Heads(ctx context.Context, logs []chat.LogID) (map[chat.LogID]chat.Head, error) {
	keys := make([]key, len(logs))
	for i, l := range logs {
		keys[i] = headKey(l)
	}
	items, err := s.getAll(ctx, keys...)
	if err != nil {
		return nil, fmt.Errorf("read heads: %w", err)
	}
	out := make(map[chat.LogID]chat.Head, len(items))
	for _, it := range items {
		h, err := decodeHead(it)
		if err != nil {
			return nil, err
		}
		out[h.Log] = h
	}
	return out, nil
}

func headItem(h chat.Head) item {
	it := headKey(h.Log).item()
	it["seq"], it["ts"], it["msgs"], it["shards"] = num(h.Seq), num(h.TS), num(h.Count), bin(h.Shards)
	if len(h.Members) > 0 {
		it["members"] = jsonText(h.Members)
	}
	if h.Last != nil {
		it["latest"] = jsonText(h.Last)
	}
	if h.Group != nil {
		it["grp"] = jsonText(h.Group)
	}
	if h.Deleted > 0 {
		it["deleted"] = num(h.Deleted)
	}
	return it
}

func decodeHead(it item) (chat.Head, error) {
	r := reader{it: it}
	h := chat.Head{Seq: r.int("seq"), TS: r.int("ts"), Count: r.int("msgs"), Shards: r.bytes("shards")}
	if pk := r.str("PK"); len(pk) > 2 {
		h.Log = chat.LogID(pk[2:])
	} else {
		r.fail("PK", "key of a log")
	}
	r.json("members", &h.Members)
	r.json("latest", &h.Last)
	r.json("grp", &h.Group)
	h.Deleted, h.ReadTo = r.int("deleted"), r.int("readTo")
	return h, r.err
}

// advance is the write that moves a head from before to after. It fails when the
// head has moved.
func (s *Store) advance(before, after chat.Head) types.TransactWriteItem {
	expr := "SET seq = :seq, ts = :ts"
	values := item{":was": num(before.Seq), ":seq": num(after.Seq), ":ts": num(after.TS)}
	if after.Count != before.Count {
		expr += ", msgs = :msgs, latest = :latest"
		values[":msgs"], values[":latest"] = num(after.Count), jsonText(after.Last)
	}
	if after.Group != nil && *after.Group != *before.Group {
		expr += ", grp = :grp"
		values[":grp"] = jsonText(after.Group)
	}
	if after.Deleted != before.Deleted {
		expr += ", deleted = :deleted"
		values[":deleted"] = num(after.Deleted)
	}
	if after.ReadTo != before.ReadTo {
		expr += ", readTo = :readTo"
		values[":readTo"] = num(after.ReadTo)
	}
	if !slices.Equal(after.Shards, before.Shards) {
		expr += ", shards = :shards"
		values[":shards"] = bin(after.Shards)
	}
	return s.update(headKey(before.Log), expr, "seq = :was", values)
}

package dynamo

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tidings/internal/chat"
)

// requestWindow is the time in which a user can make Limits.Requests friend requests.
const requestWindow = time.Hour

// pair is a change between a user and another, with all that it rests on: the three
// items of the user's side as last read, and the heads of both their own logs. Every
// change of the pair writes both sides, so the user's side tells all.
type pair struct {
	s     *Store
	wish  chat.FriendChange
	me    chat.UserRef
	other chat.UserRef
	idem  chat.Idempotency

	friend, in, out side
	window, used    int64 // of the user's requests
	full            bool  // one of the two has all the open requests that one can have

	does         chat.FriendChange // what this attempt does: requesting may accept
	mine, theirs *appender
	unkept       bool        // the request's notification is not there any more
	done         *record     // of an earlier attempt or request
	already      chat.Answer // what is answered when nothing is to be done
}

// ChangeFriends implements chat.FriendStore.
func (s *Store) ChangeFriends(ctx context.Context, wish chat.FriendChange, me, other chat.UserRef, idem chat.Idempotency) (chat.FriendAnswer, error) {
	if idem.Key == "" {
		idem = chat.Idempotency{Key: rand.Text()}
	}
	p := &pair{s: s, wish: wish, me: me, other: other, idem: idem}
	p.mine, p.theirs = p.appender(me, other), p.appender(other, me)
	got, err := p.read(ctx, withRecord(me.ID, idem))
	if err != nil {
		return chat.FriendAnswer{}, err
	}
	if rec, err := s.earlier(got[idemKey(me.ID, idem)], idem); err != nil {
		return chat.FriendAnswer{}, err
	} else if rec != nil {
		a, err := s.answer(ctx, *rec)
		return chat.FriendAnswer{Answer: a}, err
	}
	if err := s.commit(ctx, change{refresh: p.refresh, build: p.build}); err != nil {
		return chat.FriendAnswer{}, err
	}
	if p.already.Status != 0 {
		return chat.FriendAnswer{Answer: p.already}, nil
	}
	a, err := s.settled(ctx, p.done, chat.Answer{Entry: p.mine.entry, Status: p.status()})
	if p.done != nil {
		return chat.FriendAnswer{Answer: a}, err
	}
	return chat.FriendAnswer{Answer: a, Theirs: p.theirs.entry}, nil
}

// appender appends to the own log of a user what happened between them and another.
func (p *pair) appender(of, between chat.UserRef) *appender {
	a := &appender{s: p.s, head: chat.Head{Log: chat.UserLog(of.ID)}}
	a.draft.By = p.me.ID
	a.body = func(*chat.Head) (any, error) {
		return chat.FriendBody{Change: p.does, User: between, RequestID: p.requestID()}, nil
	}
	return a
}

func (p *pair) requestID() string {
	switch p.does {
	case chat.FriendRequested, chat.FriendWithdrawn:
		return chat.RequestID(p.me.ID, p.other.ID)
	case chat.FriendUnfriended:
		return ""
	default:
		return chat.RequestID(p.other.ID, p.me.ID)
	}
}

func (p *pair) status() int {
	switch p.does {
	case chat.FriendRequested:
		return statusCreated
	case chat.FriendAccepted:
		return statusOK
	default:
		return statusNoContent
	}
}

// read reads the pair, and other items with it. The heads come first: who has open
// requests is counted after them, so that no request can be made in between unnoticed.
func (p *pair) read(ctx context.Context, also []key) (map[key]item, error) {
	me, other := p.me.ID, p.other.ID
	keys := append(also, headKey(p.mine.head.Log), headKey(p.theirs.head.Log), friendKey(me, other), incomingKey(me, other), outgoingKey(me, other))
	if p.wish == chat.FriendRequested && p.s.limits.Requests > 0 {
		keys = append(keys, requestRateKey(me))
	}
	got, err := p.s.getAll(ctx, keys...)
	if err != nil {
		return nil, err
	}
	for _, a := range []*appender{p.mine, p.theirs} {
		it := got[headKey(a.head.Log)]
		if it == nil {
			return nil, fmt.Errorf("change friends: %s has no head", a.head.Log)
		}
		if a.head, err = decodeHead(it); err != nil {
			return nil, err
		}
	}
	for k, s := range map[key]*side{friendKey(me, other): &p.friend, incomingKey(me, other): &p.in, outgoingKey(me, other): &p.out} {
		if *s, err = decodeSide(got[k]); err != nil {
			return nil, err
		}
	}
	r := reader{it: got[requestRateKey(me)]}
	p.window, p.used = r.int("rw"), r.int("rc")
	if r.err == nil && p.wish == chat.FriendRequested && !p.friend.there && !p.in.there && !p.out.open() {
		return got, p.count(ctx)
	}
	return got, r.err
}

// count looks whether the user has sent, or the other got, all the requests that one
// can have open.
func (p *pair) count(ctx context.Context) error {
	out, err := p.s.requests(ctx, p.me.ID, outgoingPrefix, chat.MaxRequests)
	if err != nil {
		return err
	}
	in, err := p.s.requests(ctx, p.other.ID, incomingPrefix, chat.MaxRequests)
	p.full = len(out) == chat.MaxRequests || len(in) == chat.MaxRequests
	return err
}

// refresh reads the pair anew. An attempt whose answer was lost may have been done,
// and then the change would be refused for what it did itself: its record counts first.
func (p *pair) refresh(ctx context.Context) error {
	k := idemKey(p.me.ID, p.idem)
	got, err := p.read(ctx, []key{k})
	if err != nil || got[k] == nil {
		return err
	}
	rec, err := decodeRecord(got[k])
	if err != nil || rec.expires.Before(p.s.now()) {
		return err
	}
	if rec, err = matching(got[k], p.idem); err != nil {
		return err
	}
	p.done = &rec
	return errSettled
}

// build gives the writes of an attempt.
func (p *pair) build(now time.Time) ([]write, error) {
	if err := p.decide(now); err != nil {
		return nil, err
	}
	p.mine.draft.Kind, p.theirs.draft.Kind = chat.KindFriendsChanged, chat.KindFriendsChanged
	switch p.does {
	case chat.FriendRequested:
		p.theirs.draft.Kind = chat.KindFriendRequest
	case chat.FriendAccepted:
		p.theirs.draft.Kind = chat.KindFriendAccepted
	}
	var entries []write
	for _, a := range p.sorted() {
		ws, err := a.writes(now)
		if err != nil {
			return nil, err
		}
		entries = append(entries, ws...)
	}
	rec := record{status: p.status(), log: p.mine.entry.Log, seq: p.mine.entry.Seq}
	ws := []write{p.s.keep(p.me.ID, p.idem, rec, now, func(was record) { p.done = &was })}
	ws = append(ws, p.sides(now)...)
	if p.does == chat.FriendRequested && p.s.limits.Requests > 0 {
		ws = append(ws, p.rate(now))
	}
	return append(ws, entries...), nil
}

// sorted are the two appends in the order of their logs.
func (p *pair) sorted() []*appender {
	if p.mine.head.Log < p.theirs.head.Log {
		return []*appender{p.mine, p.theirs}
	}
	return []*appender{p.theirs, p.mine}
}

// decide says what the wish comes to with the pair as last read, or refuses it.
func (p *pair) decide(now time.Time) error {
	p.does = p.wish
	switch p.wish {
	case chat.FriendRequested:
		return p.decideRequest(now)
	case chat.FriendAccepted:
		if p.friend.there {
			return p.friendship()
		}
		return unless(p.in.there, chat.ErrRequestNotFound)
	case chat.FriendDeclined:
		return unless(p.in.there, chat.ErrRequestNotFound)
	case chat.FriendWithdrawn:
		return unless(p.out.open(), chat.ErrRequestNotFound)
	case chat.FriendUnfriended:
		return unless(p.friend.there, chat.ErrFriendNotFound)
	}
	return fmt.Errorf("change friends: there is no change %q", p.wish)
}

func unless(ok bool, refusal *chat.Error) error {
	if ok {
		return nil
	}
	return refusal
}

func (p *pair) decideRequest(now time.Time) error {
	switch {
	case p.friend.there:
		return chat.ErrAlreadyFriends
	case p.in.there:
		p.does = chat.FriendAccepted // both want it
		return nil
	case p.out.open():
		return chat.ErrRequestExists
	case p.out.barred(now):
		return chat.DeclinedRecently(p.out.until.Sub(now))
	case p.full:
		return chat.ErrTooManyRequests
	}
	if l := int64(p.s.limits.Requests); l > 0 && p.used >= l && p.current(now) == p.window {
		return chat.RateLimited(time.UnixMilli((p.window + 1) * requestWindow.Milliseconds()).Sub(now))
	}
	return nil
}

// friendship is the answer to accepting what is accepted already: as the entry told
// it that made them friends, which may not be kept any more.
func (p *pair) friendship() error {
	body, err := json.Marshal(chat.FriendBody{Change: chat.FriendAccepted, User: p.friend.user, RequestID: p.requestID()})
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	p.already = chat.Answer{Status: statusOK, Replayed: true, Entry: chat.Entry{
		Log: p.mine.head.Log, Seq: p.friend.seq, TS: p.friend.ts, Kind: chat.KindFriendsChanged, By: p.me.ID, Body: body,
	}}
	return errSettled
}

// current is the number of the window at now; never before the item's own, since
// clocks differ.
func (p *pair) current(now time.Time) int64 {
	return max(p.window, now.UnixMilli()/requestWindow.Milliseconds())
}

// rate is the write that counts the request.
func (p *pair) rate(now time.Time) write {
	w := p.current(now)
	k, values := requestRateKey(p.me.ID), item{":w": num(w), ":one": num(1)}
	if w == p.window {
		values[":max"] = num(p.s.limits.Requests)
		return write{op: p.s.update(k, "SET rc = rc + :one", "rw = :w AND rc < :max", values), failed: lostRace}
	}
	values[":ttl"] = num((w + 2) * int64(requestWindow.Seconds()))
	op := p.s.update(k, "SET rw = :w, rc = :one, #ttl = :ttl", "attribute_not_exists(rw) OR rw < :w", values)
	op.Update.ExpressionAttributeNames = map[string]string{"#ttl": "ttl"}
	return write{op: op, failed: lostRace}
}

// sides are the writes of both sides, conditions first.
func (p *pair) sides(now time.Time) []write {
	s, me, other := p.s, p.me.ID, p.other.ID
	at := func(a *appender, of chat.UserRef) side {
		return side{user: of, seq: a.entry.Seq, ts: a.entry.TS}
	}
	mine, theirs := at(p.mine, p.other), at(p.theirs, p.me)
	switch p.does {
	case chat.FriendRequested:
		mine.told, theirs.told = p.theirs.entry.TS, p.theirs.entry.TS
		return []write{
			p.check(friendKey(me, other), p.friend), p.check(incomingKey(me, other), p.in), p.replace(outgoingKey(me, other), p.out, mine),
			{op: s.put(theirs.item(incomingKey(other, me)), "", nil)},
		}
	case chat.FriendAccepted:
		ws := []write{
			p.replace(friendKey(me, other), p.friend, mine), p.drop(incomingKey(me, other), p.in),
			{op: s.put(theirs.item(friendKey(other, me)), "", nil)},
			p.forget(outgoingKey(other, me)),
		}
		if p.out.there { // declined once: forgotten now
			ws = append(ws, p.drop(outgoingKey(me, other), p.out))
		}
		return append(ws, p.answered(p.mine, p.in)...)
	case chat.FriendDeclined:
		theirs.declined, theirs.until = true, now.Add(chat.DeclinedFor)
		return append([]write{
			p.drop(incomingKey(me, other), p.in), {op: s.put(theirs.item(outgoingKey(other, me)), "", nil)},
		}, p.answered(p.mine, p.in)...)
	case chat.FriendWithdrawn:
		return append([]write{p.drop(outgoingKey(me, other), p.out), p.forget(incomingKey(other, me))}, p.answered(p.theirs, p.out)...)
	default:
		return []write{p.drop(friendKey(me, other), p.friend), p.forget(friendKey(other, me))}
	}
}

// answered marks the notification of a request as read: there is nothing left to do.
func (p *pair) answered(receiver *appender, request side) []write {
	if p.unkept {
		return nil
	}
	return []write{{
		op:     p.s.update(noteKey(receiver.head.Log, request.told), "SET seen = :now", "attribute_exists(PK)", item{":now": num(receiver.entry.TS)}),
		failed: func(item) error { p.unkept = true; return nil },
	}}
}

// check, replace and drop go on the item being as it was read; what fails is read
// again and decided anew. forget drops the other side's mirror of it.
func (p *pair) check(k key, was side) write {
	cond, values := was.as()
	return write{failed: lostRace, op: types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &p.s.table, Key: k.item(), ConditionExpression: &cond, ExpressionAttributeValues: values,
	}}}
}

func (p *pair) replace(k key, was, is side) write {
	cond, values := was.as()
	return write{op: p.s.put(is.item(k), cond, values), failed: lostRace}
}

func (p *pair) drop(k key, was side) write {
	cond, values := was.as()
	w := p.forget(k)
	w.op.Delete.ConditionExpression, w.op.Delete.ExpressionAttributeValues, w.failed = &cond, values, lostRace
	return w
}

func (p *pair) forget(k key) write {
	return write{op: types.TransactWriteItem{Delete: &types.Delete{TableName: &p.s.table, Key: k.item()}}}
}

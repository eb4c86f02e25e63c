package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tidings/internal/chat"
)

type item = map[string]types.AttributeValue

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func num(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// db reaches the table past the store.
func (w *world) db() *dynamodb.Client { return dynamodb.NewFromConfig(w.quietWire("world").config()) }

// flood writes many messages at once, whose publishes are all lost: some 900, which are
// still sent, or more than a stream pulls.
func (w *world) flood() {
	l, by := w.someLog()
	if l == nil {
		return
	}
	n := 850 + w.rand.IntN(100)
	if w.rand.IntN(2) == 0 {
		n = 1010 + w.rand.IntN(150)
	}
	w.mu.Lock()
	members := w.membersOf(l)
	w.mu.Unlock()
	for _, c := range w.clients { // some members are away and will miss them all
		if contains(members, c.user) && w.rand.IntN(2) == 0 {
			c.cut("away", 0)
			away := time.Now().Add(logUniform(w.rand, 5*time.Second, time.Minute))
			c.set(func() { c.away = away })
		}
	}
	w.count("flood")
	w.logf("world", "writes %d messages to %s", n, l.id)
	db := w.db()
	for n > 0 {
		k := min(n, 95)
		if !w.append(db, l.id, by, k) {
			return
		}
		n -= k
	}
}

// append commits k messages in one transaction, as k writers would in as many.
func (w *world) append(db *dynamodb.Client, log chat.LogID, by chat.UserID, k int) bool {
	ctx := context.Background()
	for range 20 {
		head := must(w.clean.Store.Heads(ctx, []chat.LogID{log}))[log]
		if head.Deleted > 0 {
			return false
		}
		ts := chat.NextTS(time.Now(), head.TS)
		ops := []types.TransactWriteItem{{Update: &types.Update{
			TableName: awssdk.String(tableName), Key: item{"PK": str("L#" + string(log)), "SK": str("HEAD")},
			UpdateExpression: awssdk.String("SET seq = :seq, ts = :ts, msgs = :msgs"), ConditionExpression: awssdk.String("seq = :was"),
			ExpressionAttributeValues: item{
				":was": num(head.Seq), ":seq": num(head.Seq + int64(k)), ":ts": num(ts + int64(k) - 1), ":msgs": num(head.Count + int64(k)),
			},
		}}}
		for i := range int64(k) {
			ref := chat.UserRef{ID: by, Username: "flood", DisplayName: "flood"}
			w.said++
			body := chat.MessageBody{Sender: ref, Content: fmt.Sprintf("m%d.", w.said), Group: head.Group, Members: head.Members}
			ops = append(ops, types.TransactWriteItem{Put: &types.Put{TableName: awssdk.String(tableName), Item: item{
				"PK": str("L#" + string(log)), "SK": str(fmt.Sprintf("E#%012d", head.Seq+1+i)), "seq": num(head.Seq + 1 + i), "ts": num(ts + i),
				"kind": str(string(chat.KindMessage)), "by": num(int64(by)), "n": num(head.Count + 1 + i),
				"shards": &types.AttributeValueMemberB{Value: head.Shards}, "body": &types.AttributeValueMemberB{Value: must(json.Marshal(body))},
			}}})
		}
		if _, err := db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: ops}); err == nil {
			return true
		}
	}
	return false
}

// punch takes an entry out of the table, as no part of the product ever does: who
// didn't get it must be told.
func (w *world) punch() {
	w.mu.Lock()
	var all []*logState
	for _, l := range w.order {
		if l.last > 1 {
			all = append(all, l)
		}
	}
	w.mu.Unlock()
	if len(all) == 0 {
		return
	}
	l := all[w.rand.IntN(len(all))]
	w.mu.Lock()
	seq := l.last - w.rand.Int64N(min(3, l.last-1))
	w.mu.Unlock()
	es, err := w.clean.Store.Entries(context.Background(), l.id, seq-1, seq)
	if err != nil || len(es) != 1 || es[0].Kind != chat.KindMessage {
		return // the changes of memberships stay: by them the table itself hangs together
	}
	_, err = w.db().DeleteItem(context.Background(), &dynamodb.DeleteItemInput{
		TableName: awssdk.String(tableName), Key: item{"PK": str("L#" + string(l.id)), "SK": str(fmt.Sprintf("E#%012d", seq))},
	})
	if err != nil {
		return
	}
	w.count("entry gone from the table")
	w.logf("world", "deletes %s/%d", l.id, seq)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gone[place{l.id, seq}] = es[0]
}

// closeDown stops the whole system for days, within which nothing happens but a few
// messages. Who comes back later than a week can't be told what they missed.
func (w *world) closeDown() {
	if w.closed++; w.closed > 2 {
		return // sessions last 30 days
	}
	w.count("closed for days")
	w.calls.Wait() // also for those who start instances
	all := w.alive()
	for _, in := range all {
		in.leave()
	}
	for _, in := range all {
		<-in.done
	}
	d := []time.Duration{30 * time.Hour, 6*24*time.Hour + 20*time.Hour, 7*24*time.Hour + 5*time.Hour}[w.rand.IntN(3)]
	for _, c := range w.clients {
		c.cut("closed for days", 0)
		c.set(func() { c.away = time.Now().Add(d) })
	}
	w.say()
	w.calls.Wait()
	w.logf("world", "is closed for %v", d)
	time.Sleep(d)
	w.say()
	for range 2 {
		w.start()
	}
}

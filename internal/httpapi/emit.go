package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"tidings/internal/chat"
)

const (
	// maxEmitBody is the largest body of an emission in bytes: its data, and as much
	// again for the receivers and for what a printer indents.
	maxEmitBody = 2 * chat.MaxEmitData
	// emitTime is how long an emission goes on, well below the 15 s of a function: then
	// the answer says whom it has not reached.
	emitTime = 10 * time.Second
)

var eventRoutes = []Route{
	receiptsRoute,
	{
		Method: "POST", Path: "/api/events/emit", Keys: true, MaxBody: maxEmitBody, handle: (*API).emit,
		Summary: "Tell users an event of another service's own",
		Detail: "For servers, with an API key. Each receiver's streams get it as an event of that type, and their list of notifications keeps it. " +
			"It may fail for some of several receivers: 200 names them under failed, with the code that a request for that one would have been refused with. " +
			"Sending it again with the same Idempotency-Key reaches those that it has not reached; the list of receivers may differ, the event may not. " +
			"A service may reach 10,000 receivers in 10 seconds.",
		Body: []Field{
			{Name: "userId", Doc: "the receiver", Optional: true, Schema: userIDSchema},
			{Name: "userIds", Doc: "the receivers", Optional: true, Schema: Schema{
				Type: "array", Items: &userIDSchema, MinItems: 1, MaxItems: chat.MaxReceivers, Example: []int{1, 2},
			}},
			{Name: "type", Doc: "the event's; those of the service itself are refused", Schema: Schema{
				Type: "string", MinLength: 1, MaxLength: chat.MaxEventType, Pattern: chat.EventTypePattern, Example: "order_shipped",
			}},
			{Name: "data", Doc: "any JSON of at most 65,536 bytes without spaces; null unless given", Optional: true, Schema: Schema{
				Example: map[string]any{"orderId": 17},
			}},
		},
		OneOf:   []string{"userId", "userIds"},
		Answers: map[int]any{200: emitAnswer{}},
		Errors:  []*chat.Error{chat.ErrUserNotFound, chat.ErrEntryTooLarge, chat.RateLimited(0), chat.SlowMode(0)},
	},
}

type (
	emitAnswer struct {
		Emitted []emitted     `json:"emitted"`
		Failed  []emitFailure `json:"failed"`
	}
	emitted struct {
		UserID  chat.UserID `json:"userId"`
		EventID string      `json:"eventId"` // of the event on the receiver's streams
	}
	emitFailure struct {
		UserID chat.UserID `json:"userId"`
		Code   string      `json:"code"`
		Detail string      `json:"detail"`
	}
)

func (a *API) emit(c *call) error {
	f := c.fields()
	one, several := f.optionalUserID("userId"), f.userIDs("userIds", false, chat.MaxReceivers)
	m := chat.Emission{Caller: c.caller, To: several, CustomBody: chat.CustomBody{Type: f.text("type"), Data: f.raw("data")}}
	switch {
	case f.fatal != nil:
	case f.given("userId") == f.given("userIds"):
		c.reject("", "one_of", "Exactly one of userId and userIds is needed.")
	case f.given("userId"):
		m.To = []chat.UserID{one}
	case len(several) == 0 && len(c.bad) == 0:
		c.reject("userIds", "too_few", "At least one user.")
	}
	if err := f.err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.ctx(), emitTime)
	defer cancel()
	results, err := a.Emissions.Emit(ctx, m, c.idempotency)
	if err != nil {
		return err
	}
	if f.given("userId") && results[0].Err != nil {
		return results[0].Err
	}
	return c.answer(http.StatusOK, a.emitAnswer(c, results))
}

func (a *API) emitAnswer(c *call, results []chat.Emitted) emitAnswer {
	answer := emitAnswer{Emitted: []emitted{}, Failed: []emitFailure{}}
	for _, r := range results {
		if r.Err == nil {
			answer.Emitted = append(answer.Emitted, emitted{r.User, chat.EventID(chat.UserLog(r.User), r.Seq, chat.PartMessage)})
			continue
		}
		p := problemOf(r.Err)
		if p.Status >= http.StatusInternalServerError {
			a.Log.ErrorContext(c.ctx(), "emit to one of several", "error", r.Err)
		}
		answer.Failed = append(answer.Failed, emitFailure{r.User, p.Code, p.Detail})
	}
	return answer
}

// raw gives a member as the client wrote it: the order of names and the digits of
// numbers stay. nil unless given.
func (f *fields) raw(name string) json.RawMessage {
	if _, ok := f.get(name, false); !ok {
		return nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(f.c.body, &members); err != nil {
		f.fatal = errors.Join(errInternal, err) // it was parsed before
	}
	return members[name]
}

package httpapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"tidings/internal/chat"
)

const (
	receiptsPath   = "/api/events/receipts"
	defaultMinutes = 60
)

var receiptsRoute = Route{
	Method: "POST", Path: receiptsPath, handle: (*API).report,
	Summary: "Report which events have arrived, and how fast",
	Detail: "For a share of the clients, of what they got since they last reported: it is counted by minute and type and kept 2 days. " +
		"A report that is lost is lost; none is to be repeated.",
	Body: []Field{{Name: "receipts", Schema: Schema{
		Type: "array", MinItems: 1, MaxItems: chat.MaxDeliveries, Example: []any{map[string]any{"type": "message", "latencyMs": 42}},
		Items: &Schema{Type: "object", Fields: []Field{
			{Name: "type", Doc: "the event's", Schema: Schema{
				Type: "string", MinLength: 1, MaxLength: chat.MaxEventType, Pattern: chat.EventTypePattern, Example: "message",
			}},
			{Name: "latencyMs", Doc: "from createdAt to its arrival, by the server's clock, which heartbeats tell; below 0 counts as 0, above 60,000 as that", Optional: true, Schema: Schema{
				Type: "integer", Example: 42,
			}},
		}},
	}}},
	Answers: map[int]any{202: nil},
}

type deliveryAnswer struct {
	Minutes int                    `json:"minutes"`
	Types   []chat.DeliverySummary `json:"types"`
}

func (a *API) report(c *call) error {
	f := c.fields()
	ds := f.deliveries("receipts")
	if err := f.err(); err != nil {
		return err
	}
	if err := a.Deliveries.Report(c.ctx(), ds); err != nil {
		return err
	}
	return c.done(http.StatusAccepted)
}

func (f *fields) deliveries(name string) []chat.Delivery {
	v, ok := f.get(name, true)
	if !ok {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		f.c.reject(name, "wrong_type", "A list of objects is needed here.")
		return nil
	}
	if len(list) < 1 || len(list) > chat.MaxDeliveries {
		f.c.reject(name, "count", "1 to "+strconv.Itoa(chat.MaxDeliveries)+" a request.")
		return nil
	}
	out := make([]chat.Delivery, 0, len(list))
	for i, e := range list {
		out = append(out, f.c.toDelivery(name+"["+strconv.Itoa(i)+"]", e))
	}
	return out
}

// toDelivery reads one; members that it doesn't know are refused, as in the body.
func (c *call) toDelivery(path string, v any) chat.Delivery {
	o, ok := v.(map[string]any)
	if !ok {
		c.reject(path, "wrong_type", "An object is needed here.")
		return chat.Delivery{}
	}
	typ, ok := o["type"].(string)
	if !ok || !chat.IsEventType(typ) {
		c.reject(path+".type", "event_type", "The type of an event.")
	}
	for name := range o {
		if name != "type" && name != "latencyMs" {
			c.reject(path, "unknown_field", "There are type and latencyMs.")
		}
	}
	d := chat.Delivery{Type: typ, Latency: -1}
	if o["latencyMs"] == nil {
		return d
	}
	n, ok := o["latencyMs"].(json.Number)
	ms, err := strconv.ParseInt(n.String(), 10, 64) // beyond its range: the end of it
	if !ok || err != nil && !errors.Is(err, strconv.ErrRange) {
		c.reject(path+".latencyMs", "wrong_type", "A whole number is needed here.")
		return d
	}
	d.Latency = time.Duration(min(max(ms, 0), chat.MaxDeliveryLatency.Milliseconds())) * time.Millisecond
	return d
}

func (a *API) deliverySummary(c *call) error {
	minutes := defaultMinutes
	if v, given := c.parameter("minutes"); given {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > chat.MaxDeliveryMinutes || strconv.Itoa(n) != v {
			c.reject("minutes", "out_of_range", "1 to "+strconv.Itoa(chat.MaxDeliveryMinutes)+".")
		}
		minutes = n
	}
	if err := c.invalid(); err != nil {
		return err
	}
	types, err := a.Deliveries.Summary(c.ctx(), minutes)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, deliveryAnswer{minutes, types})
}

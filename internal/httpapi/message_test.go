package httpapi_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"tidings/internal/chat"
)

const messages = "/api/conversations/1-2/messages"

func TestSendMessage(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		both(t, func(w *world) {
			alice, _ := w.mustPair()
			a := w.post(messages, `{"content":"  Grüße 👋 <b>\u00e9\n "}`, as(alice))
			const sent = `{"id":"2","seq":2,"sender":{"id":1,"username":"alice","displayName":"alice"},"content":"Grüße 👋 <b>é","createdAt":"2026-01-02T03:04:05.679Z"}`
			w.want(a, 201, `{"message":`+sent+`}`)
			// Where it says that the message is, it is.
			w.want(w.get(a.header.Get("Location"), as(alice)), 200,
				`{"messages":[`+sent+`],"links":{"older":"`+messages+`?before=2\u0026limit=1"}}`)
			if e := w.bus.Entries(); len(e) != 2 || e[1].Kind != chat.KindMessage {
				w.Errorf("published %+v", e)
			}
		})
	})
	// As long as it may be, in the longest way to write it.
	t.Run("LongestContent", func(t *testing.T) {
		both(t, func(w *world) {
			alice, _ := w.mustPair()
			body := `{"content":"` + strings.Repeat(`\ud83d\ude00`, chat.MaxContent) + `"}`
			a := w.post(messages, body, as(alice))
			if a.status != 201 || strings.Count(a.body, "😀") != chat.MaxContent {
				w.Errorf("status %d, %d bytes", a.status, len(a.body))
			}
		})
	})
	t.Run("ErrInvalid", func(t *testing.T) {
		both(t, func(w *world) {
			alice, _ := w.mustPair()
			for body, fields := range inOrder(map[string][]string{
				`{"content":""}`:      {"content content_length"},
				`{"content":" \n\t"}`: {"content content_length"},
				`{"content":"` + strings.Repeat("x", chat.MaxContent+1) + `"}`: {"content content_length"},
				`{"content":1}`:                  {"content wrong_type"},
				`{"content":["a"]}`:              {"content wrong_type"},
				`{"content":null}`:               {"content required"},
				`{}`:                             {"content required"},
				`{"Content":"x"}`:                {"content required", "Content unknown_field"},
				`{"content":"x","a.b":1,"a":{}}`: {"a unknown_field", "a.b unknown_field"},
			}) {
				w.refused(w.post(messages, body, as(alice)), 422, "validation_failed", fields...)
			}
		})
	})
	t.Run("ErrNotMember", func(t *testing.T) {
		both(t, func(w *world) {
			w.mustPair()
			carol := w.mustRegister("carol")
			w.refused(w.post(messages, `{"content":"x"}`, as(carol)), 404, "conversation_not_found")
			for _, id := range absurdIDs {
				w.refused(w.post("/api/conversations/"+id+"/messages", `{"content":"x"}`, as(carol)), 404, "conversation_not_found")
			}
		})
	})
}

func TestListMessages(t *testing.T) {
	// Ten messages, ids 2 to 11.
	ten := func(w *world) user {
		alice, bob := w.mustPair()
		for i := range 10 {
			w.mustSay(bob, fmt.Sprint(i))
		}
		return alice
	}
	t.Run("OK", func(t *testing.T) {
		both(t, func(w *world) {
			alice := ten(w)
			for query, want := range inOrder(map[string]string{
				"":                                 "2..11 older= newer=",
				"?limit=100":                       "2..11 older= newer=",
				"?limit=3":                         "9..11 older=?before=9&limit=3 newer=",
				"?limit=3&before=9":                "6..8 older=?before=6&limit=3 newer=?after=8&limit=3",
				"?limit=3&before=4":                "2..3 older= newer=?after=3&limit=3",
				"?limit=3&after=9":                 "10..11 older=?before=10&limit=3 newer=",
				"?after=11":                        "none older=?before=12&limit=50 newer=",
				"?before=2":                        "none older= newer=?after=1&limit=50",
				"?before=9007199254740991&limit=1": "11..11 older=?before=11&limit=1 newer=?after=11&limit=1",
				"?BEFORE=2&unknown=%zz&limit=1":    "11..11 older=?before=11&limit=1 newer=",
			}) {
				if got := w.page(messages+query, alice); got != want {
					w.Errorf("%s: %s, want %s", query, got, want)
				}
			}
		})
	})
	// Following the links from the newest page backwards tells everything once.
	t.Run("Links", func(t *testing.T) {
		both(t, func(w *world) {
			alice := ten(w)
			var seen []string
			for path := messages + "?limit=4"; path != ""; {
				p := w.mustPage(path, alice)
				for i := range p.Messages {
					seen = append(seen, p.Messages[len(p.Messages)-1-i].Content)
				}
				path = p.Links.Older
			}
			if got := strings.Join(seen, ""); got != "9876543210" {
				w.Errorf("seen %s", got)
			}
		})
	})
	t.Run("Empty", func(t *testing.T) {
		both(t, func(w *world) {
			alice, _ := w.mustPair()
			w.want(w.get(messages, as(alice)), 200, `{"messages":[],"links":{}}`)
		})
	})
	t.Run("ErrNotMember", func(t *testing.T) {
		both(t, func(w *world) {
			w.mustPair()
			w.refused(w.get(messages, as(w.mustRegister("carol"))), 404, "conversation_not_found")
		})
	})
}

func TestListMessagesErrInvalid(t *testing.T) {
	both(t, func(w *world) {
		alice, _ := w.mustPair()
		for query, fields := range inOrder(map[string][]string{
			"limit=0":                    {"limit out_of_range"},
			"limit=101":                  {"limit out_of_range"},
			"limit=-1":                   {"limit out_of_range"},
			"limit=1.5":                  {"limit out_of_range"},
			"limit=+1":                   {"limit out_of_range"},
			"limit=":                     {"limit out_of_range"},
			"limit":                      {"limit out_of_range"},
			"limit=99999999999999999999": {"limit out_of_range"},
			"limit=%zz":                  {"limit malformed"},
			"limit=1&limit=1":            {"limit repeated"},
			"before=0":                   {"before message_id"},
			"before=x":                   {"before message_id"},
			"after=-1":                   {"after message_id"},
			"after=9007199254740992":     {"after message_id"},
			"before=3&after=2":           {"after before_and_after"},
			"limit=x&before=y&after=z":   {"limit out_of_range", "before message_id", "after message_id"},
		}) {
			w.refused(w.get(messages+"?"+query, as(alice)), 422, "validation_failed", fields...)
		}
	})
}

type page struct {
	Messages []chat.Message
	Links    struct{ Older, Newer string }
}

func (w *world) mustPage(path string, u user) page {
	w.Helper()
	a := w.get(path, as(u))
	var p page
	if err := json.Unmarshal([]byte(a.body), &p); err != nil || a.status != 200 {
		w.Fatalf("%s: %d %s", path, a.status, a.body)
	}
	return p
}

// page tells a page in a line: its first and last message and its links.
func (w *world) page(path string, u user) string {
	w.Helper()
	p := w.mustPage(path, u)
	span := "none"
	if n := len(p.Messages); n > 0 {
		span = p.Messages[0].ID + ".." + p.Messages[n-1].ID
	}
	return span + " older=" + strings.TrimPrefix(p.Links.Older, messages) + " newer=" + strings.TrimPrefix(p.Links.Newer, messages)
}

func TestMarkRead(t *testing.T) {
	const read = "/api/conversations/1-2/read"
	t.Run("OK", func(t *testing.T) {
		both(t, func(w *world) {
			alice, bob := w.mustPair()
			w.mustSay(bob, "one")
			w.mustSay(bob, "two")
			w.want(w.post(read, `{"messageId":"2"}`, as(alice)), 204, "")
			if a := w.get("/api/conversations/1-2", as(alice)); !strings.Contains(a.body, `"readCount":1,"unreadCount":1`) {
				w.Errorf("%s", a.body)
			}
			// The other devices get an entry, the other member a receipt.
			e, eph := w.bus.Entries(), w.bus.Ephemerals()
			if last := e[len(e)-1]; last.Kind != chat.KindRead || last.Log != "u:1" || len(eph) != 1 || eph[0].Kind != chat.KindReceipt {
				w.Errorf("published %+v, %+v", last, eph)
			}
			w.want(w.post(read, `{"messageId":"2"}`, as(alice)), 204, "")
			if n := len(w.bus.Entries()); n != len(e) {
				w.Error("reading the same again was told")
			}
		})
	})
	t.Run("ErrMessageNotFound", func(t *testing.T) {
		both(t, func(w *world) {
			alice, bob := w.mustPair()
			w.mustSay(bob, "one")
			for _, id := range []string{"1", "3", "9007199254740991"} { // no message, not there
				w.refused(w.post(read, `{"messageId":"`+id+`"}`, as(alice)), 404, "message_not_found")
			}
		})
	})
	t.Run("ErrInvalid", func(t *testing.T) {
		both(t, func(w *world) {
			alice, _ := w.mustPair()
			w.refused(w.post(read, `{"messageId":"x"}`, as(alice)), 422, "validation_failed", "messageId message_id")
			w.refused(w.post(read, `{"messageId":2}`, as(alice)), 422, "validation_failed", "messageId wrong_type")
		})
	})
	t.Run("ErrNotMember", func(t *testing.T) {
		both(t, func(w *world) {
			w.mustPair()
			w.refused(w.post(read, `{"messageId":"2"}`, as(w.mustRegister("carol"))), 404, "conversation_not_found")
		})
	})
}

func TestTyping(t *testing.T) {
	const typing = "/api/conversations/1-2/typing"
	t.Run("OK", func(t *testing.T) {
		both(t, func(w *world) {
			alice, _ := w.mustPair()
			w.want(w.post(typing, "", as(alice)), 202, "")
			w.want(w.post(typing, "{}", as(alice)), 202, "")
			if e := w.bus.Ephemerals(); len(e) != 2 || e[0].Kind != chat.KindTyping || e[0].By != 1 {
				w.Errorf("published %+v", e)
			}
		})
	})
	t.Run("ErrInvalid", func(t *testing.T) {
		both(t, func(w *world) {
			alice, _ := w.mustPair()
			w.refused(w.post(typing, `{"x":1}`, as(alice)), 422, "validation_failed", "x unknown_field")
			w.refused(w.post(typing, `{`, as(alice)), 400, "malformed_json")
		})
	})
	t.Run("ErrNotMember", func(t *testing.T) {
		both(t, func(w *world) {
			w.mustPair()
			w.refused(w.post(typing, "", as(w.mustRegister("carol"))), 404, "conversation_not_found")
		})
	})
}

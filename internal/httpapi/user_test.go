package httpapi_test

import (
	"fmt"
	"strings"
	"testing"

	"tidings/internal/chat"
)

func TestSearchUsers(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		both(t, func(w *world) {
			u := w.mustRegister("alice")
			w.mustRegister("Alfred")
			w.mustRegister("bob")
			w.want(w.get("/api/users?query=AL", as(u)), 200,
				`{"users":[{"id":2,"username":"Alfred","displayName":"Alfred"},{"id":1,"username":"alice","displayName":"alice"}]}`)
		})
	})
	t.Run("None", func(t *testing.T) {
		both(t, func(w *world) {
			u := w.mustRegister("alice")
			for _, query := range []string{"zed", "%25", "a%20b", "%CE%BB", "-x"} {
				w.want(w.get("/api/users?query="+query, as(u)), 200, `{"users":[]}`)
			}
		})
	})
	t.Run("AtMost", func(t *testing.T) {
		both(t, func(w *world) {
			u := w.mustRegister("alice")
			for i := range chat.MaxSearchResults + 1 {
				w.mustRegister(fmt.Sprint("user", i))
			}
			if n := strings.Count(w.get("/api/users?query=user", as(u)).body, `"id"`); n != chat.MaxSearchResults {
				w.Errorf("%d results", n)
			}
		})
	})
	t.Run("ErrInvalid", func(t *testing.T) {
		both(t, func(w *world) {
			u := w.mustRegister("alice")
			for query, field := range inOrder(map[string]string{
				"":                                   "query query_length",
				"?query=":                            "query query_length",
				"?Query=al":                          "query query_length",
				"?query=" + strings.Repeat("a", 33):  "query query_length",
				"?query=al&query=bo":                 "query repeated",
				"?query=%zz":                         "query malformed",
				"?query=%ff":                         "query malformed",
				"?ignored=%zz&query=" + "&more=1;2=": "query query_length",
			}) {
				w.refused(w.get("/api/users"+query, as(u)), 422, "validation_failed", field)
			}
		})
	})
	t.Run("ErrUnauthenticated", func(t *testing.T) {
		both(t, func(w *world) { w.refused(w.get("/api/users?query=al"), 401, "unauthenticated") })
	})
}

func TestUser(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		both(t, func(w *world) {
			u := w.mustRegister("alice")
			w.mustRegister("bob")
			w.want(w.get("/api/users/2", as(u)), 200, `{"user":{"id":2,"username":"bob","displayName":"bob"}}`)
		})
	})
	t.Run("ErrUserNotFound", func(t *testing.T) {
		both(t, func(w *world) {
			u := w.mustRegister("alice")
			for _, id := range absurdIDs {
				w.refused(w.get("/api/users/"+id, as(u)), 404, "user_not_found")
			}
		})
	})
}

// absurdIDs name nothing, whatever they are taken for.
var absurdIDs = []string{
	"0", "-1", "+1", "01", "1.0", "1e0", "0x1", "99", "9007199254740992", "99999999999999999999999", "alice", "%00", "%20", "1%20", "%CE%BB",
	"%ff", "1%3Fx", "1-1", "2-1", "1-", "-2", "1-2-3", "01-2", "1-02", "1-9007199254740992", "~", "null", "%27--", "%3Cscript%3E",
	strings.Repeat("1", 4000),
}

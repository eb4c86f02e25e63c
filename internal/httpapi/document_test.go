package httpapi_test

import (
	"regexp"
	"testing"

	"tidings/internal/httpapi"
)

// Nothing but what says so is open to somebody without a session or a key.
func TestRoutesNeedASession(t *testing.T) {
	inBraces := regexp.MustCompile(`\{\w+\}`)
	both(t, func(w *world) {
		for _, rt := range httpapi.Routes() {
			a := w.send(rt.Method, inBraces.ReplaceAllString(rt.Path, "1"), "{}")
			switch {
			case rt.Open:
				w.refused(a, 422, "validation_failed", "username required", "password required")
			case rt.Keys:
				w.refused(a, 401, "invalid_api_key")
			default:
				w.refused(a, 401, "unauthenticated")
			}
		}
	})
}

// A DELETE has no body, so it needs no Content-Type; a page of another site can't
// send one without asking, and what it would say is refused all the same.
func TestDeleteNeedsNoContentType(t *testing.T) {
	both(t, func(w *world) {
		u := w.mustRegister("alice")
		path := w.mustGroup(u)
		w.refused(w.send("DELETE", path, "", cookie(u), with("Content-Type"), with("Origin", "https://evil.example")), 403, "cross_origin")
		w.want(w.send("DELETE", path, "", cookie(u), with("Content-Type")), 204, "")
	})
}

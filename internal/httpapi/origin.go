package httpapi

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tidings/internal/session"
)

// checkOrigin refuses writes that another site makes a browser send (CSRF). The
// cookie's SameSite=Lax and the JSON Content-Type already stand in the way; this
// is the check that depends on neither the cookie nor CORS being right.
//
// An Origin must be allowed or same-origin, whoever the request is from: browsers
// put it on every write, so the rule needs no exception, not even for log-in (a
// foreign page must not log the visitor in as somebody else).
//
// Without one it isn't a browser of today's, or an odd one: then Sec-Fetch-Site,
// if there is one, must say that no other site was involved. A Bearer token is
// free of that: no browser adds it on its own.
func checkOrigin(r *http.Request, allowed []string) error {
	if origins := r.Header.Values("Origin"); len(origins) > 0 {
		if origin := strings.Join(origins, ","); slices.Contains(allowed, origin) || sameOrigin(r, origin) {
			return nil
		}
		return errCrossOrigin
	}
	switch site := header(r, "Sec-Fetch-Site"); {
	case site == "", site == "same-origin", site == "none", session.HasBearer(r):
		return nil
	}
	return errCrossOrigin
}

// sameOrigin compares with Host, which a page can't choose. X-Forwarded-Host is
// not looked at: neither CloudFront nor API Gateway vouches for it, and where the
// two hosts differ, AllowedOrigins says so for certain.
//
// The scheme the client used is not known for certain behind a gateway. It is
// https everywhere but on the own machine, so http counts only there: otherwise
// whoever can forge http://host on a bad network could write to https://host.
func sameOrigin(r *http.Request, origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || !strings.EqualFold(u.Host, r.Host) || u.Path != "" || u.User != nil {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && session.Loopback(r.Host)
}

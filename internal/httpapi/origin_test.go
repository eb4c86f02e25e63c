package httpapi_test

import (
	"strings"
	"testing"
)

func TestCrossOrigin(t *testing.T) {
	const bearer, cookies, nobody = "bearer", "cookie", "nobody"
	for name, c := range map[string]struct {
		who     string
		origin  string // "HOST" stands for the server's own
		site    string
		forward string
		ok      bool
	}{
		"NoOrigin":             {cookies, "", "", "", true},
		"SameOrigin":           {cookies, "http://HOST", "", "", true},
		"SameOriginTLS":        {cookies, "https://HOST", "", "", true},
		"SameOriginCase":       {cookies, "HTTP://HOST", "", "", true},
		"AllowedOrigin":        {cookies, "https://app.example.org", "cross-site", "", true},
		"AllowedOtherScheme":   {cookies, "http://app.example.org", "", "", false},
		"AllowedOtherPort":     {cookies, "https://app.example.org:444", "", "", false},
		"AllowedPlus":          {cookies, "https://app.example.org.evil.example", "", "", false},
		"Foreign":              {cookies, "https://evil.example", "", "", false},
		"ForeignBearer":        {bearer, "https://evil.example", "", "", false},
		"ForeignNobody":        {nobody, "https://evil.example", "", "", false},
		"Null":                 {cookies, "null", "", "", false},
		"OtherPort":            {cookies, "http://127.0.0.1:1", "", "", false},
		"WithPath":             {cookies, "http://HOST/", "", "", false},
		"WithUser":             {cookies, "http://x@HOST", "", "", false},
		"OtherScheme":          {cookies, "ftp://HOST", "", "", false},
		"Garbage":              {cookies, "://", "", "", false},
		"ForwardedHost":        {cookies, "https://evil.example", "", "evil.example", false},
		"SiteSameOrigin":       {cookies, "", "same-origin", "", true},
		"SiteNone":             {cookies, "", "none", "", true},
		"SiteCross":            {cookies, "", "cross-site", "", false},
		"SiteSame":             {cookies, "", "same-site", "", false}, // a sibling domain is not the app
		"SiteCrossBearer":      {bearer, "", "cross-site", "", true},
		"SiteCrossNobody":      {nobody, "", "cross-site", "", false}, // would log the visitor in as somebody else
		"SameOriginWinsOverIt": {cookies, "http://HOST", "cross-site", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(w *world) {
				u := w.mustRegister("alice")
				path, body, options := "/api/auth/login", `{"username":"alice","password":"correct horse"}`, []option{}
				switch c.who {
				case cookies:
					path, body, options = "/api/auth/logout", "", append(options, cookie(u))
				case bearer:
					path, body, options = "/api/auth/logout", "", append(options, as(u))
				}
				for header, value := range inOrder(map[string]string{
					"Origin": strings.ReplaceAll(c.origin, "HOST", w.host()), "Sec-Fetch-Site": c.site, "X-Forwarded-Host": c.forward,
				}) {
					if value != "" {
						options = append(options, with(header, value))
					}
				}
				a := w.post(path, body, options...)
				if !c.ok {
					w.refused(a, 403, "cross_origin")
				} else if a.status >= 300 {
					w.Errorf("%d %s", a.status, a.body)
				}
				// Reading is no matter of origins: without CORS a page can't see the answer.
				a = w.get("/api/users/1", append(options, as(w.mustLogIn(w.post("/api/auth/login", `{"username":"alice","password":"correct horse"}`))))...)
				if cors := a.header.Get("Access-Control-Allow-Origin"); a.status != 200 || cors != "" {
					w.Errorf("GET: %d %s, for origin %q", a.status, a.body, cors)
				}
			})
		})
	}
}

// On the public network http://host is whoever answers there first.
func TestCrossOriginOfPublicHost(t *testing.T) {
	both(t, func(w *world) {
		w.api.AllowedOrigins = nil
		u := w.mustRegister("alice")
		public := func(scheme string) answer {
			return w.post("/api/auth/logout", "", cookie(u), host("tidings.example"), with("Origin", scheme+"://tidings.example"))
		}
		w.refused(public("http"), 403, "cross_origin")
		a := public("https")
		w.want(a, 204, "")
		if got := a.header.Get("Set-Cookie"); !strings.Contains(got, "; Secure") {
			w.Errorf("cookie %q", got)
		}
	})
}

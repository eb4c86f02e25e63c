package httpapi

import (
	"log/slog"
	"net/http"
	"path"
	"slices"
	"strings"

	"tidings/internal/chat"
	"tidings/internal/session"
)

// API is what the routes need. All fields but AllowedOrigins are required, except
// that a handler of one area needs only that area's services (and Accounts).
type API struct {
	Accounts      *chat.Accounts
	Conversations *chat.Conversations
	Messages      *chat.Messages
	Authenticator *session.Authenticator

	// AllowedOrigins may write besides the origin that serves the API: scheme, host
	// and port as browsers send them, such as "https://app.example.org". Behind
	// CloudFront the site's own origin belongs here, because what arrives as Host is
	// the gateway's name.
	AllowedOrigins []string

	Log *slog.Logger
}

// Route is one row of the API.
type Route struct {
	Method string // of a GET: HEAD too
	Path   string // as a pattern of http.ServeMux
	Open   bool   // needs no session

	handle func(*API, *call) error
}

// keyed says whether the route takes an Idempotency-Key: each POST of a user, but
// none that is about the session itself.
func (rt Route) keyed() bool {
	return rt.Method == http.MethodPost && !strings.HasPrefix(rt.Path, "/api/auth/")
}

// Routes lists the whole API.
func Routes() []Route {
	return slices.Concat(authRoutes, userRoutes, conversationRoutes, messageRoutes)
}

// Handler serves all areas.
func (a *API) Handler() http.Handler { return a.serve(Routes()) }

// AuthHandler serves /api/auth and /api/users.
func (a *API) AuthHandler() http.Handler { return a.serve(slices.Concat(authRoutes, userRoutes)) }

// ConversationsHandler serves /api/conversations and what is in them.
func (a *API) ConversationsHandler() http.Handler {
	return a.serve(slices.Concat(conversationRoutes, messageRoutes))
}

func (a *API) serve(routes []Route) http.Handler {
	mux := http.NewServeMux()
	allowed := map[string][]string{}
	for _, rt := range routes {
		mux.Handle(rt.Method+" "+rt.Path, a.wrap(rt.serve))
		allowed[rt.Path] = append(allowed[rt.Path], rt.Method)
		if rt.Method == http.MethodGet {
			allowed[rt.Path] = append(allowed[rt.Path], http.MethodHead)
		}
	}
	for p, methods := range allowed {
		slices.Sort(methods)
		refusal := methodNotAllowed(strings.Join(methods, ", "))
		mux.Handle(p, a.wrap(func(*API, *call) error { return refusal }))
	}
	notFound := a.wrap(func(*API, *call) error { return errNotFound })
	mux.Handle("/", notFound)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path.Clean(r.URL.Path) != r.URL.Path {
			notFound.ServeHTTP(w, r) // ServeMux would redirect, which breaks writes
			return
		}
		if r.URL.RawPath != "" {
			u := *r.URL
			u.RawPath = ""
			r = r.WithContext(r.Context()) // a copy: the request is the caller's
			r.URL = &u
		}
		mux.ServeHTTP(w, r)
	})
}

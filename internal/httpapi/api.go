package httpapi

import (
	"log/slog"
	"net/http"
	"path"
	"slices"
	"strings"

	"tidings/internal/chat"
	"tidings/internal/session"
	"tidings/internal/telemetry"
)

// API is what the routes need. All fields but AllowedOrigins are required, except
// that a handler of one area needs only that area's services (and Accounts).
type API struct {
	Accounts      *chat.Accounts
	Conversations *chat.Conversations
	Messages      *chat.Messages
	Groups        *chat.Groups
	Friends       *chat.Friends
	Notifications *chat.Notifications
	Emissions     *chat.Emissions
	Operations    *chat.Operations
	Deliveries    *chat.Deliveries
	Authenticator *session.Authenticator

	// AllowedOrigins may write besides the origin that serves the API: scheme, host
	// and port as browsers send them, such as "https://app.example.org". Behind
	// CloudFront the site's own origin belongs here, because what arrives as Host is
	// the gateway's name.
	AllowedOrigins []string

	// Admins are the users who run the service; none: nobody does.
	Admins []chat.UserID

	// APIKeys are those of the services that may emit events; none: nobody may.
	APIKeys []session.APIKey

	Log     *slog.Logger
	Metrics *telemetry.EMF // nil: none
}

// Route is one row of the API: what serves it and, beside it, what clients are told
// of it. docs/openapi.yaml is made of it, and each answer in a test is held to it.
//
// How to document a route:
//   - Summary: one line that begins with a verb, without a full stop.
//   - Params: each {name} of the path and each parameter of the query, by name
//     (document.go has the usual ones: userIDParam, pageParams …).
//   - Body: each member that the handler reads with c.fields(), with the domain's own
//     limits (chat.MaxContent) in its Schema; nil where the handler calls noFields.
//     OneOf names members of which exactly one must be there.
//   - Answers: by status a zero value of the struct that goes to c.answer, nil for c.done.
//     Location if a 201 sets that header. Lists are never null; omitempty is optional.
//   - Errors: the domain's refusals, such as appends(chat.ErrConversationNotFound) for
//     what appends to a log. Not listed: what all routes of its sort refuse (Problems).
//   - Then: make docs, and look at the diff of docs/.
type Route struct {
	Method string // of a GET: HEAD too
	Path   string // as a pattern of http.ServeMux
	Open   bool   // needs no session
	Keys   bool   // needs the API key of a service instead of a session
	Admin  bool   // is for admins alone

	MaxBody int // the largest body in bytes; 0: MaxBody

	Summary  string
	Detail   string // more than a line, if need be
	Params   []Field
	Body     []Field
	OneOf    []string
	Answers  map[int]any
	Location bool
	Errors   []*chat.Error

	handle func(*API, *call) error
}

// Routes lists the whole API.
func Routes() []Route {
	return slices.Concat(authRoutes, userRoutes, conversationRoutes, groupRoutes, messageRoutes, friendRoutes, notificationRoutes, eventRoutes, opsRoutes)
}

// Handler serves all areas.
func (a *API) Handler() http.Handler { return a.serve(Routes()) }

// AuthHandler serves /api/auth and /api/users.
func (a *API) AuthHandler() http.Handler { return a.serve(slices.Concat(authRoutes, userRoutes)) }

// ConversationsHandler serves /api/conversations and what is in them.
func (a *API) ConversationsHandler() http.Handler {
	return a.serve(under("/api/conversations"))
}

// GroupChatsHandler serves /api/groupchats and what is in them.
func (a *API) GroupChatsHandler() http.Handler { return a.serve(under("/api/groupchats")) }

// FriendsHandler serves /api/friends.
func (a *API) FriendsHandler() http.Handler { return a.serve(friendRoutes) }

// NotificationsHandler serves /api/notifications.
func (a *API) NotificationsHandler() http.Handler { return a.serve(notificationRoutes) }

// EventsHandler serves what is below /api/events; the stream itself is the streamer's.
func (a *API) EventsHandler() http.Handler { return a.serve(eventRoutes) }

// OpsHandler serves /api/ops. It runs at the streamers, which know each other.
func (a *API) OpsHandler() http.Handler { return a.serve(opsRoutes) }

// under are the routes at and below a path.
func under(path string) []Route {
	return slices.DeleteFunc(Routes(), func(rt Route) bool { return rt.Path != path && !strings.HasPrefix(rt.Path, path+"/") })
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
	// Of their own, since /friends/request and DELETE /friends/{userId} would be a tie.
	paths := http.NewServeMux()
	for p, methods := range allowed {
		slices.Sort(methods)
		refusal := methodNotAllowed(strings.Join(methods, ", "))
		paths.Handle(p, a.wrap(func(*API, *call) error { return refusal }))
	}
	notFound := a.wrap(func(*API, *call) error { return errNotFound })
	paths.Handle("/", notFound)
	mux.Handle("/", paths)
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

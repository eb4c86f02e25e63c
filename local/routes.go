package main

import (
	"net/http"
	"path"

	"tidings/docs"
	"tidings/internal/app"
	"tidings/internal/lambdahttp"
	"tidings/internal/session"
)

// routes is the one origin that in the cloud is made of the edge, the HTTP API and
// the streamers: each area of the API answers as its Lambda function does, from an
// API Gateway event. The web app has what is no route of these.
func routes(services *app.Services, streamers *streamers, web *webApp, s *System) http.Handler {
	function := func(h http.Handler) http.Handler { return lambdahttp.Local(lambdahttp.Handler(h)) }
	auth := function(services.API.AuthHandler())
	mux := http.NewServeMux()
	for area, h := range map[string]http.Handler{
		"/api":               auth, // and answers what is in no area
		"/api/conversations": function(services.API.ConversationsHandler()),
		"/api/groupchats":    function(services.API.GroupChatsHandler()),
		"/api/friends":       function(services.API.FriendsHandler()),
		"/api/notifications": function(services.API.NotificationsHandler()),
		"/docs":              docs.Handler(),
	} {
		mux.Handle(area, h)
		mux.Handle(area+"/", h)
	}
	mux.Handle("/api/events", streamers)
	mux.Handle("/api/events/", function(services.API.EventsHandler()))
	mux.Handle("/api/ops/", services.API.OpsHandler())
	mux.HandleFunc("GET /healthz", app.Healthz)
	mux.Handle("GET /readyz", app.Readyz(streamers.all...))
	mux.Handle("GET /metrics", app.Metrics(streamers.all...))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case web.wants(r):
			web.ServeHTTP(w, r)
		case r.URL.Path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.Header().Set("Vary", "Accept")
			printTour(w, "http://"+r.Host, s)
		default:
			auth.ServeHTTP(w, r)
		}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if clean := path.Clean(r.URL.Path); clean != r.URL.Path && clean+"/" != r.URL.Path {
			auth.ServeHTTP(w, r) // 404; ServeMux would redirect, which breaks writes
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// noBrowsers keeps web pages away from an AWS that asks nobody for a password: a
// page can post a form to any port, and have its own name resolve to this machine.
func noBrowsers(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") != "" || !session.Loopback(r.Host) {
			http.Error(w, "This is for programs on this machine.", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

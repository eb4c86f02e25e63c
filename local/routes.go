package main

import (
	"net/http"

	"tidings/internal/app"
	"tidings/internal/lambdahttp"
)

// routes is the one origin that in the cloud is made of the edge, the HTTP API and
// the streamer: each area of the API answers as its Lambda function does, from an
// API Gateway event.
func routes(services *app.Services, streamer *app.Streamer, s *System) http.Handler {
	function := func(h http.Handler) http.Handler { return lambdahttp.Local(lambdahttp.Handler(h)) }
	auth, conversations := function(services.API.AuthHandler()), function(services.API.ConversationsHandler())
	mux := http.NewServeMux()
	mux.Handle("/api/", auth) // and answers what is in no area
	mux.Handle("/api/conversations", conversations)
	mux.Handle("/api/conversations/", conversations)
	mux.Handle("/api/events", streamer.Events)
	mux.HandleFunc("GET /healthz", app.Healthz)
	mux.HandleFunc("GET /readyz", streamer.Readyz)
	mux.Handle("GET /metrics", streamer.Metrics())
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		printTour(w, s.URL, s.AWSURL)
	})
	mux.Handle("/", auth)
	return mux
}

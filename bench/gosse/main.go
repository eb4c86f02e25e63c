// Command gosse is a small server on tmaxmax/go-sse: what a Go user would take instead.
package main

import (
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/tmaxmax/go-sse"
)

func main() {
	s := &sse.Server{
		Provider: &sse.Joe{},
		OnSession: func(w http.ResponseWriter, r *http.Request) ([]string, bool) {
			w.Header().Set("Content-Type", "text/event-stream")
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush() // the generator waits for the header
			q := r.URL.Query()
			return []string{"all", q.Get("u"), q.Get("g")}, true
		},
	}
	go func() {
		for range time.Tick(10 * time.Second) {
			m := &sse.Message{}
			m.AppendComment("hb")
			_ = s.Publish(m, "all")
		}
	}()
	http.Handle("GET /events", s)
	http.HandleFunc("POST /pub", func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		m := &sse.Message{ID: sse.ID(r.URL.Query().Get("id"))}
		m.AppendData(string(b))
		if err := s.Publish(m, r.URL.Query().Get("t")); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	log.Fatal(http.ListenAndServe(os.Args[1], nil))
}

// Package docs serves the API's documents and the page that shows them.
package docs

import (
	"embed"
	"net/http"
)

//go:embed openapi.yaml asyncapi.yaml page
var files embed.FS

// Handler serves /docs and what lies below. The page loads nothing from elsewhere
// and runs no script.
func Handler() http.Handler {
	mux := http.NewServeMux()
	for path, f := range map[string]struct{ name, contentType string }{
		"/docs":               {"page/index.html", "text/html; charset=utf-8"},
		"/docs/style.css":     {"page/style.css", "text/css; charset=utf-8"},
		"/docs/openapi.yaml":  {"openapi.yaml", "application/yaml"},
		"/docs/asyncapi.yaml": {"asyncapi.yaml", "application/yaml"},
	} {
		b, err := files.ReadFile(f.name)
		if err != nil {
			panic(err) // it is embedded
		}
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			h := w.Header()
			h.Set("Content-Type", f.contentType)
			h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Referrer-Policy", "no-referrer")
			_, _ = w.Write(b) // the client may have gone
		})
	}
	return mux
}

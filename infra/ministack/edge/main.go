// Command edge is CloudFront's part where there is none: one site out of several
// origins, chosen by the path.
//
//	edge -listen localhost:8080 '/api/events*=http://127.0.0.1:9000' '*=http://127.0.0.1:4566#host'
//
// The first pattern that fits counts. A fragment is the Host that the origin wants.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path"
	"strings"

	"tidings/internal/app"
)

func main() { app.Main(run) }

func run(ctx context.Context, _ func(string) string, _, _ io.Writer) error {
	listen := flag.String("listen", "localhost:8080", "address of the site")
	flag.Parse()
	routes := make([]route, flag.NArg())
	for i, arg := range flag.Args() {
		var err error
		if routes[i], err = newRoute(arg); err != nil {
			return err
		}
	}
	srv := &http.Server{Addr: *listen, Handler: site(routes)}
	context.AfterFunc(ctx, func() { _ = srv.Close() })
	if err := srv.ListenAndServe(); ctx.Err() == nil {
		return err
	}
	return nil
}

// route is a behaviour of a distribution.
type route struct {
	pattern string
	origin  http.Handler
}

func newRoute(arg string) (route, error) {
	pattern, origin, ok := strings.Cut(arg, "=")
	to, err := url.Parse(origin)
	if !ok || err != nil || to.Host == "" {
		return route{}, fmt.Errorf("%q is not pattern=URL", arg)
	}
	host := to.Fragment
	to.Fragment = ""
	return route{pattern, &httputil.ReverseProxy{
		FlushInterval: -1, // an event must not wait for the next
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			if r.Out.Host = host; host == "" && to.Path == "" {
				r.Out.Host = r.In.Host
			}
			if to.Path != "" && path.Ext(r.In.URL.Path) == "" { // as the distribution's function does
				r.Out.URL.Path = to.Path + "/index.html"
			}
		},
	}}, nil
}

// site sends a request to the origin of the first pattern that fits its path. A star
// stands for anything, slashes too.
func site(routes []route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, rt := range routes {
			before, after, star := strings.Cut(rt.pattern, "*")
			if r.URL.Path == rt.pattern || star && strings.HasPrefix(r.URL.Path, before) && strings.HasSuffix(r.URL.Path[len(before):], after) {
				rt.origin.ServeHTTP(w, r)
				return
			}
		}
		http.NotFound(w, r)
	})
}

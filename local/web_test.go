package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

// mustBuildWeb writes a web app as the build makes it.
func mustBuildWeb(t *testing.T) (dir string, script string) {
	t.Helper()
	dir, script = t.TempDir(), strings.Repeat("console.log('tidings');\n", 100)
	for name, content := range map[string]string{
		"index.html":              "<!doctype html><title>Tidings</title>" + strings.Repeat("<p>hello</p>", 50),
		"favicon.svg":             "<svg/>",
		"tidings.webmanifest":     "{}",
		"assets/main-a1b2c3.js":   script,
		"assets/inter-d4e5.woff2": "\x00\x01\x02",
	} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, script
}

// request sends one without a client's help: no gzip of its own, no redirects.
func request(t *testing.T, method, url string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	tr := &http.Transport{DisableCompression: true}
	defer tr.CloseIdleConnections()
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

func TestWebApp(t *testing.T) {
	dir, script := mustBuildWeb(t)
	sys := mustStart(t, func(c *Config) { c.Web = dir })

	t.Run("Pages", func(t *testing.T) {
		for _, path := range []string{"/", "/index.html", "/c/1-2", "/people", "/no/such/page"} {
			resp, body := request(t, "GET", sys.URL+path, "Accept", browser)
			h := resp.Header
			if resp.StatusCode != 200 || !strings.Contains(body, "<title>Tidings</title>") || h.Get("Cache-Control") != "no-cache" ||
				h.Get("Content-Type") != "text/html; charset=utf-8" {
				t.Errorf("%s: %d %v %.40s", path, resp.StatusCode, h, body)
			}
			csp := h.Get("Content-Security-Policy") + ";"
			for _, rule := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'"} {
				if !strings.Contains(csp, rule+";") || strings.Contains(csp, "unsafe") {
					t.Errorf("%s: no %s in %s", path, rule, csp)
				}
			}
		}
	})
	t.Run("Assets", func(t *testing.T) {
		for path, contentType := range map[string]string{
			"/assets/main-a1b2c3.js": "text/javascript; charset=utf-8", "/assets/inter-d4e5.woff2": "font/woff2",
			"/favicon.svg": "image/svg+xml", "/tidings.webmanifest": "application/manifest+json",
		} {
			resp, _ := request(t, "GET", sys.URL+path, "Accept", "*/*")
			want := "no-cache"
			if strings.HasPrefix(path, hashed) {
				want = "public, max-age=31536000, immutable"
			}
			if h := resp.Header; resp.StatusCode != 200 || h.Get("Cache-Control") != want || h.Get("Content-Type") != contentType ||
				h.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: %d %v", path, resp.StatusCode, h)
			}
		}
	})
	t.Run("Gzip", func(t *testing.T) { checkGzip(t, sys.URL+"/assets/main-a1b2c3.js", script) })
	t.Run("NotItsOwn", func(t *testing.T) { checkNotItsOwn(t, sys.URL) })
	t.Run("Head", func(t *testing.T) {
		if resp, body := request(t, "HEAD", sys.URL+"/people", "Accept", browser); resp.StatusCode != 200 || body != "" || resp.ContentLength <= 0 {
			t.Errorf("%d %d %q", resp.StatusCode, resp.ContentLength, body)
		}
	})
}

// checkGzip asks for the script as it is, zipped, and again.
func checkGzip(t *testing.T, url, script string) {
	resp, plain := request(t, "GET", url)
	if plain != script || resp.Header.Get("Content-Encoding") != "" {
		t.Errorf("%v %.40s", resp.Header, plain)
	}
	zipped, body := request(t, "GET", url, "Accept-Encoding", "br, gzip")
	r, err := gzip.NewReader(bytes.NewReader([]byte(body)))
	if err != nil || zipped.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("%v %v", err, zipped.Header)
	}
	if b, err := io.ReadAll(r); err != nil || string(b) != script {
		t.Errorf("%v %.40s", err, b)
	}
	// They are two answers: a cache must not take one for the other.
	if a, b := resp.Header.Get("ETag"), zipped.Header.Get("ETag"); a == "" || a == b || resp.Header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("tags %s %s, %v", a, b, resp.Header)
	}
	if again, body := request(t, "GET", url, "Accept-Encoding", "gzip", "If-None-Match", zipped.Header.Get("ETag")); again.StatusCode != 304 || body != "" {
		t.Errorf("%d %q", again.StatusCode, body)
	}
}

// checkNotItsOwn asks for what the web app leaves to the service.
func checkNotItsOwn(t *testing.T, url string) {
	for _, c := range []struct {
		method, path, accept string
		status               int
		contentType          string
	}{
		{"GET", "/", "*/*", 200, "text/plain; charset=utf-8"}, // curl is told how to go on
		{"GET", "/assets/gone-f6.js", browser, 404, "application/problem+json"},
		{"GET", "/no/such/page", "application/json", 404, "application/problem+json"},
		{"GET", "/api/nothing", browser, 404, "application/problem+json"},
		{"GET", "/api/auth/session", browser, 401, "application/problem+json"},
		{"POST", "/people", browser, 404, "application/problem+json"},
		{"GET", "/../local/web.go", browser, 404, "application/problem+json"},
		{"GET", "/docs", browser, 200, "text/html; charset=utf-8"},
		{"GET", "/healthz", browser, 200, "application/json"},
	} {
		resp, body := request(t, c.method, url+c.path, "Accept", c.accept)
		if resp.StatusCode != c.status || resp.Header.Get("Content-Type") != c.contentType || strings.Contains(body, "<title>Tidings</title>") {
			t.Errorf("%s %s: %d %s %.60s", c.method, c.path, resp.StatusCode, resp.Header.Get("Content-Type"), body)
		}
	}
}

// Without a build there is the tour, for browsers too.
func TestWebAppNotBuilt(t *testing.T) {
	empty := t.TempDir()
	for _, dir := range []string{"", empty, filepath.Join(empty, "none")} {
		sys := mustStart(t, func(c *Config) { c.Web = dir })
		resp, body := request(t, "GET", sys.URL+"/", "Accept", browser)
		if resp.StatusCode != 200 || !strings.HasPrefix(body, "Tidings runs on") {
			t.Errorf("%q: %d %.40s", dir, resp.StatusCode, body)
		}
		if resp, _ := request(t, "GET", sys.URL+"/people", "Accept", browser); resp.StatusCode != 404 {
			t.Errorf("%q: %d", dir, resp.StatusCode)
		}
	}
}

func TestAcceptsGzip(t *testing.T) {
	for header, want := range map[string]bool{
		"": false, "gzip": true, "br, gzip": true, "gzip;q=0": false, "gzip; q=0.000": false, "gzip;q=0.1": true, "*": true, "identity": false,
		"gzip;q=0, *": false, "*, gzip;q=0": false,
	} {
		if got := acceptsGzip(header); got != want {
			t.Errorf("%q: %v", header, got)
		}
	}
}

// The pages have the same headers in the cloud, where CloudFront sets them.
func TestPagesHaveTheirHeadersAtTheEdge(t *testing.T) {
	edge, err := os.ReadFile("../infra/edge.yaml")
	if err != nil {
		t.Fatal(err)
	}
	sent := httptest.NewRecorder()
	(&webApp{files: map[string]webFile{"/index.html": {contentType: "text/html"}}}).ServeHTTP(sent, httptest.NewRequest("GET", "/", nil))
	for header, form := range map[string]string{
		"Content-Security-Policy": "ContentSecurityPolicy: %q", "Referrer-Policy": "ReferrerPolicy: %s", "Cross-Origin-Opener-Policy": "Header: Cross-Origin-Opener-Policy, Override: true, Value: %s",
		"Permissions-Policy": "Header: Permissions-Policy, Override: true, Value: %q",
	} {
		if want := fmt.Sprintf(form, sent.Header().Get(header)); !strings.Contains(string(edge), want) {
			t.Errorf("infra/edge.yaml has no %s", want)
		}
	}
}

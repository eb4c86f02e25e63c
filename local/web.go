package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"
	"time"
)

// contentPolicy lets the app load what this origin serves, and nothing inline: text
// that somebody wrote can't become a script or a style, whatever the app does with it.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
	"manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// hashed is the folder of the files that carry a hash in their names, so that they
// never change.
const hashed = "/assets/"

// contentTypes are those of what a build holds. The machine's own table, which mime
// reads, may say anything.
var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".svg": "image/svg+xml", ".webmanifest": "application/manifest+json", ".woff2": "font/woff2",
}

// webApp is the built web app, read once: it is small, a build under way is never
// half served, and no path of a request reaches the disk. In the cloud a CDN has
// this place, with the same headers.
type webApp struct {
	files map[string]webFile // by URL path
}

type webFile struct {
	contentType, tag string
	body, zipped     []byte // zipped is nil where that saves nothing
}

// loadWebApp reads the folder of a built app. It is nil, without an error, where
// none has been built: Go alone is enough to run everything else.
func loadWebApp(dir string) (*webApp, error) {
	if dir == "" {
		return nil, nil
	}
	a := &webApp{files: map[string]webFile{}}
	root := os.DirFS(dir)
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		a.files["/"+name], err = newWebFile(name, body)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the web app: %w", err)
	}
	if _, ok := a.files["/index.html"]; !ok {
		return nil, nil // an empty folder, or a build that failed
	}
	return a, nil
}

func newWebFile(name string, body []byte) (webFile, error) {
	sum := sha256.Sum256(body)
	f := webFile{
		contentType: cmp.Or(contentTypes[path.Ext(name)], "application/octet-stream"),
		tag:         base64.RawURLEncoding.EncodeToString(sum[:12]), body: body,
	}
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return f, err
	}
	if _, err := w.Write(body); err != nil {
		return f, err
	}
	if err := w.Close(); err != nil {
		return f, err
	}
	if b.Len() < len(body)*9/10 {
		f.zipped = b.Bytes()
	}
	return f, nil
}

// wants says whether a request is the app's: for one of its files, or a browser's
// for a page, whose address only the app understands.
func (a *webApp) wants(r *http.Request) bool {
	if a == nil || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if _, ok := a.files[r.URL.Path]; ok {
		return true
	}
	// A script of an older build that is gone must be a 404, not a page.
	return strings.Contains(r.Header.Get("Accept"), "text/html") && !strings.HasPrefix(r.URL.Path, hashed)
}

func (a *webApp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := a.files[r.URL.Path]
	if !ok {
		f = a.files["/index.html"]
	}
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-cache")
	h.Add("Vary", "Accept-Encoding")
	if strings.HasPrefix(r.URL.Path, hashed) {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if strings.HasPrefix(f.contentType, "text/html") {
		h.Add("Vary", "Accept")
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	}
	body, tag := f.body, f.tag
	if f.zipped != nil && acceptsGzip(r.Header.Get("Accept-Encoding")) {
		body, tag = f.zipped, f.tag+"-gzip"
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// acceptsGzip reads an Accept-Encoding header (RFC 9110, 12.5.3): gzip's own weight,
// or that of "*".
func acceptsGzip(header string) bool {
	others := false
	for part := range strings.SplitSeq(header, ",") {
		coding, params, _ := strings.Cut(part, ";")
		weight, weighed := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q=")
		ok := !weighed || strings.Trim(weight, "0.") != ""
		switch strings.TrimSpace(coding) {
		case "gzip":
			return ok
		case "*":
			others = ok
		}
	}
	return others
}

package app

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"tidings/internal/chat"
	"tidings/internal/session"
)

// Env reads an environment and collects what is wrong with it, so that all
// mistakes are reported at once.
type Env struct {
	getenv func(string) string
	errs   []error
}

// NewEnv reads by getenv, usually os.Getenv.
func NewEnv(getenv func(string) string) *Env { return &Env{getenv: getenv} }

func (e *Env) bad(name, format string, args ...any) {
	e.errs = append(e.errs, fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...)))
}

// Err is all that was wrong.
func (e *Env) Err() error { return errors.Join(e.errs...) }

// Required reads a variable that must be set.
func (e *Env) Required(name string) string {
	v := e.getenv(name)
	if v == "" {
		e.bad(name, "is not set")
	}
	return v
}

func (e *Env) list(name string) []string {
	var out []string
	for part := range strings.SplitSeq(e.getenv(name), ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

const minSessionKey = 32 // bytes: HS256 takes keys of its own size

func (e *Env) keys(name string) [][]byte {
	var out [][]byte
	for i, s := range e.list(name) {
		k, err := base64.StdEncoding.DecodeString(s)
		switch {
		case err != nil:
			e.bad(name, "key %d is not base64", i+1)
		case len(k) < minSessionKey:
			e.bad(name, "key %d has %d bytes, at least %d are needed", i+1, len(k), minSessionKey)
		default:
			out = append(out, k)
		}
	}
	if len(e.list(name)) == 0 {
		e.bad(name, "is not set")
	}
	return out
}

func (e *Env) emitKeys(name string) []session.APIKey {
	var out []session.APIKey
	for i, s := range e.list(name) {
		k, err := session.ParseAPIKey(s)
		if err != nil {
			e.bad(name, "key %d: %v", i+1, err)
		}
		out = append(out, k)
	}
	return out
}

// Admins reads ADMINS, the ids of the users who run the service.
func (e *Env) Admins() []chat.UserID {
	var out []chat.UserID
	for _, s := range e.list("ADMINS") {
		id, ok := chat.ParseUserID(s)
		if !ok {
			e.bad("ADMINS", "%q is no user id", s)
		}
		out = append(out, id)
	}
	return out
}

const minListedSecret = 16 // bytes: no part of one secret that holds a comma is worth guessing

// NextAuth reads the secrets of the app beside this service, under the names that
// the app itself has for them (NextAuth's and Auth.js's), and what its user ids are.
// A list counts as a whole, too: the app may have a secret with a comma in it.
func (e *Env) NextAuth() (secrets []string, numericSub bool) {
	for _, name := range []string{"NEXTAUTH_SECRET", "AUTH_SECRET"} {
		parts := e.list(name)
		secrets = append(secrets, parts...)
		if len(parts) < 2 {
			continue
		}
		secrets = append(secrets, e.getenv(name))
		for i, p := range parts {
			if len(p) < minListedSecret {
				e.bad(name, "secret %d of the list has %d bytes, at least %d are needed", i+1, len(p), minListedSecret)
			}
		}
	}
	numericSub = e.OnOff("NEXTAUTH_NUMERIC_SUB", false)
	if numericSub && len(secrets) == 0 {
		e.bad("NEXTAUTH_NUMERIC_SUB", "is on, but NEXTAUTH_SECRET is not set")
	}
	return secrets, numericSub
}

// AllowedOrigins reads ALLOWED_ORIGINS, the origins besides the API's own that may write.
func (e *Env) AllowedOrigins() []string {
	const name = "ALLOWED_ORIGINS"
	out := e.list(name)
	for _, o := range out {
		u, err := url.Parse(o)
		if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || o != u.Scheme+"://"+u.Host {
			e.bad(name, "%q is not an origin such as https://app.example.org", o)
		}
	}
	return out
}

// Number reads a whole number between two bounds.
func (e *Env) Number(name string, def, least, most int) int {
	v := e.getenv(name)
	if v == "" {
		return def
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < least || n > most {
		e.bad(name, "%q is not a whole number from %d to %d", v, least, most)
		return def
	}
	return n
}

// FriendsOnly reads CONTACTS, whom users may write to first.
func (e *Env) FriendsOnly() bool {
	v := e.getenv("CONTACTS")
	if v != "" && v != "anyone" && v != "friends" {
		e.bad("CONTACTS", "%q is neither anyone nor friends", v)
	}
	return v == "friends"
}

// OnOff reads a switch.
func (e *Env) OnOff(name string, def bool) bool {
	switch v := e.getenv(name); v {
	case "":
		return def
	case "on":
		return true
	case "off":
		return false
	default:
		e.bad(name, "%q is neither on nor off", v)
		return def
	}
}

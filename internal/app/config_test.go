package app

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
)

func TestReadConfig(t *testing.T) {
	key := base64.StdEncoding.EncodeToString(make([]byte, 32))
	good := map[string]string{"TABLE_NAME": "t", "TOPIC_ARN": "arn:aws:sns:us-east-1:000000000000:t", "SESSION_KEYS": key}
	with := func(kv ...string) map[string]string {
		env := map[string]string{}
		for k, v := range good {
			env[k] = v
		}
		for i := 0; i < len(kv); i += 2 {
			env[kv[i]] = kv[i+1]
		}
		return env
	}
	for _, c := range []struct {
		name  string
		env   map[string]string
		wrong []string // what the error must speak of, all of it
	}{
		{"OK", good, nil},
		{"OKEverything", with("SESSION_KEYS", key+", "+key, "ALLOWED_ORIGINS", "https://a.example,http://localhost:3000", "CELLS", "8", "RATE_LIMITS", "off", "CONTACTS", "friends", "NEXTAUTH_SECRET", "the newer secret, the older secret", "NEXTAUTH_NUMERIC_SUB", "on", "LOG_LEVEL", "debug", "METRICS", "emf", "METRICS_STAGE", "test", "ADMINS", "1, 17", "EMIT_KEYS", "shop:"+strings.Repeat("0a", 32)+", billing:"+strings.Repeat("0B", 32)), nil},
		{"ErrAllAtOnce", map[string]string{"CELLS": "x", "RATE_LIMITS": "maybe"}, []string{"TABLE_NAME: is not set", "TOPIC_ARN", "SESSION_KEYS: is not set", "CELLS", "RATE_LIMITS"}},
		{"ErrKeyNotBase64", with("SESSION_KEYS", "?"), []string{"SESSION_KEYS: key 1 is not base64"}},
		{"ErrAdmins", with("ADMINS", "1,alice"), []string{`ADMINS: "alice" is no user id`}},
		{"ErrEmitKeys", with("EMIT_KEYS", "shop:"+strings.Repeat("0a", 32)+","+strings.Repeat("0a", 32)), []string{"EMIT_KEYS: key 2: the caller needs"}},
		{"ErrKeyTooShort", with("SESSION_KEYS", key+",c2hvcnQ="), []string{"SESSION_KEYS: key 2 has 5 bytes"}},
		{"ErrOriginWithPath", with("ALLOWED_ORIGINS", "https://a.example/"), []string{"ALLOWED_ORIGINS"}},
		{"ErrOriginNoScheme", with("ALLOWED_ORIGINS", "a.example"), []string{"ALLOWED_ORIGINS"}},
		{"ErrSecretTooShort", with("AUTH_SECRET", "the newer secret,old"), []string{"AUTH_SECRET: secret 2 of the list has 3 bytes"}},
		{"ErrNumericSub", with("NEXTAUTH_SECRET", "a", "NEXTAUTH_NUMERIC_SUB", "yes"), []string{"NEXTAUTH_NUMERIC_SUB: \"yes\""}},
		{"ErrNumericSubWithoutSecret", with("NEXTAUTH_NUMERIC_SUB", "on"), []string{"NEXTAUTH_NUMERIC_SUB: is on, but NEXTAUTH_SECRET is not set"}},
		{"ErrTelemetry", with("LOG_LEVEL", "loud", "METRICS", "on", "METRICS_STAGE", "ä", "OTEL_TRACES_EXPORTER", "zipkin"), []string{"OTEL_TRACES_EXPORTER: \"zipkin\"", "LOG_LEVEL: \"loud\"", "METRICS: \"on\"", "METRICS_STAGE"}},
		{"ErrCells", with("CELLS", "257"), []string{"CELLS"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, err := ReadConfig(func(k string) string { return c.env[k] })
			if (err != nil) != (len(c.wrong) > 0) {
				t.Fatalf("%+v: %v", cfg, err)
			}
			for _, w := range c.wrong {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("nothing of %q in: %v", w, err)
				}
			}
			if err != nil && strings.Contains(err.Error(), key) {
				t.Error("the error shows a key")
			}
		})
	}
}

// The app's secrets count under both names, and each name may hold several.
func TestReadConfigNextAuthSecrets(t *testing.T) {
	for name, c := range map[string]struct {
		v4, v5 string
		want   []string
	}{
		"None":     {"", " , ", nil},
		"NextAuth": {"four", "", []string{"four"}},
		"AuthJS":   {"", "five", []string{"five"}},
		"Both":     {"four", "five", []string{"four", "five"}},
		"List":     {"", "new, old", []string{"new", "old", "new, old"}}, // or one with a comma in it
	} {
		t.Run(name, func(t *testing.T) {
			env := map[string]string{"NEXTAUTH_SECRET": c.v4, "AUTH_SECRET": c.v5}
			if got, _ := NewEnv(func(k string) string { return env[k] }).NextAuth(); !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

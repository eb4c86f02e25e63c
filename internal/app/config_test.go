package app

import (
	"encoding/base64"
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
		{"OKEverything", with("SESSION_KEYS", key+", "+key, "ALLOWED_ORIGINS", "https://a.example,http://localhost:3000", "CELLS", "8", "RATE_LIMITS", "off"), nil},
		{"ErrAllAtOnce", map[string]string{"CELLS": "x", "RATE_LIMITS": "maybe"}, []string{"TABLE_NAME: is not set", "TOPIC_ARN", "SESSION_KEYS: is not set", "CELLS", "RATE_LIMITS"}},
		{"ErrKeyNotBase64", with("SESSION_KEYS", "?"), []string{"SESSION_KEYS: key 1 is not base64"}},
		{"ErrKeyTooShort", with("SESSION_KEYS", key+",c2hvcnQ="), []string{"SESSION_KEYS: key 2 has 5 bytes"}},
		{"ErrOriginWithPath", with("ALLOWED_ORIGINS", "https://a.example/"), []string{"ALLOWED_ORIGINS"}},
		{"ErrOriginNoScheme", with("ALLOWED_ORIGINS", "a.example"), []string{"ALLOWED_ORIGINS"}},
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

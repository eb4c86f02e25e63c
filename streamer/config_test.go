package main

import (
	"encoding/base64"
	"maps"
	"regexp"
	"strings"
	"testing"
	"time"

	"tidings/internal/app"
	"tidings/internal/stream"
)

func TestReadConfig(t *testing.T) {
	shared := map[string]string{
		"TABLE_NAME": "t", "TOPIC_ARN": "arn:aws:sns:us-east-1:000000000000:t", "CELLS": "4",
		"SESSION_KEYS": base64.StdEncoding.EncodeToString(make([]byte, 32)),
	}
	for _, c := range []struct {
		name          string
		env           map[string]string
		port, metrics int
		want          app.StreamerConfig // but the instance
		wrong         []string           // what the error must speak of, all of it
	}{
		{"OK", nil, 8080, 9090, app.StreamerConfig{Config: stream.Config{Drain: 25 * time.Second}}, nil},
		{
			"OKEverything",
			map[string]string{"PORT": "1", "METRICS_PORT": "0", "CELL": "3", "MAX_CONNECTIONS": "7", "DRAIN_SECONDS": "110", "COMPRESS": "off"},
			1, 0,
			app.StreamerConfig{Config: stream.Config{MaxConnections: 7, Drain: 110 * time.Second, NoCompression: true}, Cell: 3},
			nil,
		},
		// Zero would be the hub's default.
		{"OKAtOnce", map[string]string{"DRAIN_SECONDS": "0"}, 8080, 9090, app.StreamerConfig{Config: stream.Config{Drain: 1}}, nil},
		{
			"ErrAllAtOnce",
			map[string]string{"TABLE_NAME": "", "PORT": "-1", "METRICS_PORT": "x", "CELL": "4", "MAX_CONNECTIONS": "0", "DRAIN_SECONDS": "111", "COMPRESS": "maybe"},
			0, 0,
			app.StreamerConfig{},
			[]string{"TABLE_NAME", "PORT: \"-1\"", "METRICS_PORT", "CELL: \"4\" is not a whole number from 0 to 3", "MAX_CONNECTIONS", "DRAIN_SECONDS", "COMPRESS"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := maps.Clone(shared)
			maps.Copy(env, c.env)
			got, err := readConfig(func(k string) string { return env[k] })
			if c.wrong == nil {
				name := got.Streamer.Instance
				got.Streamer.Instance = ""
				if err != nil || got.Port != c.port || got.MetricsPort != c.metrics || got.Streamer.Config != c.want.Config || got.Streamer.Cell != c.want.Cell {
					t.Errorf("%+v %v\nwant %d %d %+v", got, err, c.port, c.metrics, c.want)
				}
				if !regexp.MustCompile(`^[A-Za-z0-9-]{1,50}$`).MatchString(name) { // it becomes part of a queue's name
					t.Errorf("instance %q", name)
				}
			}
			for _, w := range c.wrong {
				if err == nil || !strings.Contains(err.Error(), w) {
					t.Errorf("nothing of %q in: %v", w, err)
				}
			}
		})
	}
}

// Each start has a name that no other has: SQS refuses that of a queue just deleted.
func TestInstance(t *testing.T) {
	if a, b := instance(), instance(); a == b {
		t.Errorf("twice %q", a)
	}
}

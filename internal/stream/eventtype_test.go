package stream_test

import (
	"testing"

	"tidings/internal/chat"
	"tidings/internal/stream"
)

// No service may emit what clients would take for the stream's own.
func TestOwnEventsAreReserved(t *testing.T) {
	for _, e := range stream.EventTypes {
		if !chat.ReservedType(e.Name) {
			t.Errorf("%s may be emitted", e.Name)
		}
	}
}

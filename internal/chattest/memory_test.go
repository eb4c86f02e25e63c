package chattest_test

import (
	"testing"

	"tidings/internal/chattest"
)

func TestMemory(t *testing.T) {
	chattest.Contract{
		Open: func(_ *testing.T, clock *chattest.Clock) chattest.Stores {
			return chattest.NewMemory(clock.Now)
		},
		OpenLimited: nil, // Memory has no rates
		OpenFew: func(_ *testing.T, clock *chattest.Clock, memberships int) chattest.Stores {
			m := chattest.NewMemory(clock.Now)
			m.MaxMemberships = memberships
			return m
		},
	}.Run(t)
}

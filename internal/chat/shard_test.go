package chat

import (
	"slices"
	"testing"
)

// The shard of a user is fixed for ever: streamers of different versions run side
// by side. These values must never change.
func TestShardOfIsFixed(t *testing.T) {
	for id, want := range map[UserID]byte{1: 158, 2: 60, 3: 218, 1000: 8, MaxUserID: 228} {
		if got := ShardOf(id); got != want {
			t.Errorf("ShardOf(%d) = %d, want %d", id, got, want)
		}
	}
}

func TestShardOfSpreads(t *testing.T) {
	var n [256]int
	for id := range UserID(25_600) {
		n[ShardOf(id+1)]++
	}
	if least, most := slices.Min(n[:]), slices.Max(n[:]); least < 90 || most > 110 {
		t.Errorf("shards hold %d to %d of 25,600 users, want about 100 each", least, most)
	}
}

func TestShardsWith(t *testing.T) {
	s := Shards{}.With(1, 2, 3, 2)
	if !slices.Equal(s, Shards{60, 158, 218}) {
		t.Errorf("shards %v", s)
	}
	if more := s.With(1000); len(s) != 3 || len(more) != 4 || !slices.IsSorted(more) {
		t.Errorf("With changed its receiver or lost the order: %v, %v", s, more)
	}
}

func TestShardsCells(t *testing.T) {
	s := Shards{0, 60, 63, 64, 255}
	for n, want := range map[int][]int{1: {0}, 2: {0, 1}, 4: {0, 1, 3}, 256: {0, 60, 63, 64, 255}} {
		if got := s.Cells(n); !slices.Equal(got, want) {
			t.Errorf("cells of %d: %v, want %v", n, got, want)
		}
	}
}

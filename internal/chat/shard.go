package chat

import "slices"

// Shards is a sorted set of shard numbers, 0 to 255. A log's head keeps those of
// its members; the set only grows, and one too many is harmless.
type Shards []byte

// ShardOf is the user's shard, fixed for ever: the top byte of a Fibonacci hash,
// which spreads consecutive ids evenly.
func ShardOf(id UserID) byte { return byte(uint64(id) * 0x9E3779B97F4A7C15 >> 56) }

// With returns the set with the users' shards in it; the receiver stays as it is.
func (s Shards) With(users ...UserID) Shards {
	out := slices.Clone(s)
	for _, u := range users {
		sh := ShardOf(u)
		if i, found := slices.BinarySearch(out, sh); !found {
			out = slices.Insert(out, i, sh)
		}
	}
	return out
}

// Cells are the cells of the shards, ascending, when there are n cells (1 to 256):
// cell k holds the shards from k·256/n on. An entry is published to these cells,
// and a user connects to a streamer of theirs.
func (s Shards) Cells(n int) []int {
	var out []int
	for _, sh := range s {
		if c := int(sh) * n >> 8; len(out) == 0 || out[len(out)-1] != c {
			out = append(out, c)
		}
	}
	return out
}

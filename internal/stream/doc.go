// Package stream is the streamer: the hub, which makes one ordered, gapless,
// duplicate-free sequence of what the bus brings, and the streams that it feeds.
//
// One goroutine, the loop, owns all state. What comes from outside reaches it as
// inputs; the table is read by worker goroutines that hand their results back to
// it. So the hub does the same whenever it gets the same.
//
//   - A log is untracked, pending or tracked (log.go). Pending begins with the
//     first local member: its head is read strongly while arriving entries are
//     held. From then on last is the authority: what is above it is missing until
//     it came, by the bus or by a read (gap.go).
//   - A user has a seat in each log of theirs (user.go): the intervals of
//     membership, which a doorbell, an entry's adds, makes the hub read again.
//   - A stream has a position per seat (lag.go) and pulls from it to last
//     (pull.go). Where it equals last the stream is live, and entries reach it as
//     they come. A slow reader is a stream that pulls, and so is one that has to wait for
//     its slice of an entry for many (fanout.go).
//
// A stream may be compressed (gzip.go, packed.go), gather its events (batch.go) or be
// narrowed (selection.go); that stands behind one pointer (mode.go), nil for plain ones.
//
// A stream's socket (socket.go) is on Linux a bare descriptor: Handler.Listen or a
// hijack takes the connection over (lean_linux.go), and one poller looks after all of
// them. Else, and for HTTP/2, net/http serves it (portable.go). TLS ends before.
//
// The package imports internal/bus for its envelopes alone and knows no AWS SDK.
package stream

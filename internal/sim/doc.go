// Package sim holds the simulated world: the whole path of an event in one process and
// on virtual time, with everything going wrong at once, held against what the table
// says in the end. It has nothing but tests.
//
// A world is drawn from a seed: the HTTP handlers of the API in a few "functions" whose
// clocks differ, the real store on the embedded AWS, the real relay, SNS and SQS, two to
// four real streamers, and clients that are plain EventSources. There are no sockets:
// requests are calls, and every AWS client has a wire of its own, which is slow, breaks,
// stalls, or dies together with its machine. One run takes some minutes to hours of
// virtual time and some ten milliseconds of real time.
//
// Then all faults stop, and after a while everybody must have got, of each log, what the
// table holds for them: once, in order, nothing else, with a reset for each honest gap
// and only then. See oracle_test.go for the whole list.
//
//	go test ./internal/sim                                     a fixed set of seeds and some fresh ones
//	go test ./internal/sim -run TestWorld -seed=N -v           one seed, with its trace
//	go test ./internal/sim -run TestWorld -first=1 -seeds=N    a campaign; one process takes one processor
//	go test ./internal/sim -run TestBugs -bugs -v              how soon injected bugs are found
//
// All that the world draws comes from the seed, by a source of its own for each actor,
// and times are drawn to the nanosecond, so that hardly two things fall together. What
// is not repeated exactly: the order of goroutines that wake at the same instant, and
// which of several ready cases a select takes; the order of Go's maps; and what the
// product draws from the process's own source: the jitter of writers who race for a
// head, of the relay's and the pollers' back-off. The retry times that a streamer gives
// its clients are drawn so, too: the clients take them for a range, and draw again. Tests
// run on one processor, which leaves little of that: a failing seed usually fails again.
package sim

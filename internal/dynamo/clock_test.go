package dynamo_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"tidings/internal/chat"
	"tidings/internal/dynamo"
	"tidings/local/aws"
)

// dated answers for the table some time later, with a Date as it is told.
type dated struct {
	next  http.RoundTripper
	there time.Duration // what the table's clock is ahead
	takes time.Duration // before and after the Date is made
	date  string        // instead
	fail  error         // instead of an answer
}

func (d *dated) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(d.takes)
	if d.fail != nil {
		return nil, d.fail
	}
	resp, err := d.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Header.Set("Date", time.Now().Add(d.there).UTC().Format(http.TimeFormat))
	if d.date != "" {
		resp.Header.Set("Date", d.date)
	}
	time.Sleep(d.takes)
	return resp, nil
}

// clocks is a store of the bubble's time whose table has its own.
func clocks(t *testing.T) (*dynamo.Store, *dated, *aws.Server) {
	t.Helper()
	srv, err := aws.New(aws.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = srv.Close() })
	wire := &dated{next: srv.Client().Transport}
	cfg := srv.Config()
	cfg.HTTPClient = &http.Client{Transport: wire}
	cfg.RetryMaxAttempts = 1
	s := dynamo.New(cfg, tableName, dynamo.Limits{}, nil)
	if err := s.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, wire, srv
}

func TestClockSkew(t *testing.T) {
	const ms, s = time.Millisecond, time.Second
	for name, c := range map[string]struct {
		fraction     time.Duration // of the second, on our clock, when the request is sent
		there, takes time.Duration
		want         time.Duration
	}{
		"Same":             {0, 0, 0, 0},
		"LateInTheSecond":  {999 * ms, 0, 0, 0},
		"WithinTheSecond":  {500 * ms, 400 * ms, 0, 0},
		"Slow":             {0, 0, 10 * s, 0},
		"SlowHidesSome":    {0, 4 * s, 10 * s, 0},
		"Ahead":            {0, -30 * s, 0, 29 * s},
		"AheadFraction":    {700 * ms, -30 * s, 0, 29*s + 700*ms},
		"AheadSlow":        {0, -30 * s, 2 * s, 27 * s},
		"Behind":           {0, 30 * s, 0, -30 * s},
		"BehindFraction":   {700 * ms, 30 * s, 0, -29*s - 300*ms},
		"BehindSlow":       {0, 30 * s, 2 * s, -28 * s},
		"BehindAndNotSlow": {0, 2 * s, 100 * ms, -1800 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, wire, _ := clocks(t)
				wire.there, wire.takes = c.there, c.takes
				time.Sleep(c.fraction)
				if _, err := store.Users(t.Context(), 1); err != nil {
					t.Fatal(err)
				}
				if skew, ok := store.ClockSkew(); !ok || skew != c.want {
					t.Errorf("%v, %v, want %v", skew, ok, c.want)
				}
			})
		})
	}
}

// What is known is what the newest answer said; one that says nothing changes nothing.
func TestClockSkewNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, wire, srv := clocks(t)
		ask := func() error { _, err := store.Users(t.Context(), 1); return err }
		must := func(what string, want time.Duration) {
			t.Helper()
			if skew, ok := store.ClockSkew(); !ok || skew != want {
				t.Errorf("%s: %v, %v, want %v", what, skew, ok, want)
			}
		}
		must("after the table was made", 0)
		wire.there = time.Minute
		if err := ask(); err != nil {
			t.Fatal(err)
		}
		must("the table's clock was set", -time.Minute)
		wire.there, wire.date = 0, "yesterday"
		if err := ask(); err != nil {
			t.Fatal(err)
		}
		must("a Date that is none", -time.Minute)
		wire.date, wire.fail = "", errors.New("no way there")
		if err := ask(); err == nil {
			t.Error("an answer all the same")
		}
		must("no answer", -time.Minute)
		wire.fail = nil
		if err := srv.Faults().Set(aws.FaultConfig{Throttle: 1}); err != nil {
			t.Fatal(err)
		}
		if err := ask(); !errors.Is(err, chat.Overloaded(0)) {
			t.Errorf("err %v", err)
		}
		must("a refusal has a Date too", 0)
	})
}

func TestClockSkewUnknown(t *testing.T) {
	w := newWorld(t, dynamo.Limits{})
	if skew, ok := dynamo.New(w.aws.Config(), tableName, dynamo.Limits{}, nil).ClockSkew(); ok || skew != 0 {
		t.Errorf("before any answer: %v, %v", skew, ok)
	}
}

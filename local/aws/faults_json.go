package aws

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"
)

// faultJSON is FaultConfig as a person writes it.
type faultJSON struct {
	Seed               uint64  `json:"seed"`
	Duplicate          float64 `json:"duplicate"`
	Delay              float64 `json:"delay"`
	MaxDelay           text    `json:"maxDelay"`
	Reorder            float64 `json:"reorder"`
	DropRedeliver      float64 `json:"dropRedeliver"`
	RedeliverAfter     text    `json:"redeliverAfter"`
	PublishFail        float64 `json:"publishFail"`
	Throttle           float64 `json:"throttle"`
	Conflict           float64 `json:"conflict"`
	TimeoutAfterCommit float64 `json:"timeoutAfterCommit"`
	Lose               float64 `json:"lose"`
	StaleRead          float64 `json:"staleRead"`
	MaxStale           text    `json:"maxStale"`
}

// text is a duration written as "250ms".
type text time.Duration

func (t text) MarshalText() ([]byte, error) { return []byte(time.Duration(t).String()), nil }

func (t *text) UnmarshalText(b []byte) error {
	d, err := time.ParseDuration(string(b))
	*t = text(d)
	return err
}

// MarshalJSON implements json.Marshaler.
func (c FaultConfig) MarshalJSON() ([]byte, error) {
	return json.Marshal(faultJSON{
		Seed: c.Seed, Duplicate: c.Duplicate, Delay: c.Delay, MaxDelay: text(c.MaxDelay), Reorder: c.Reorder,
		DropRedeliver: c.DropRedeliver, RedeliverAfter: text(c.RedeliverAfter), PublishFail: c.PublishFail,
		Throttle: c.Throttle, Conflict: c.Conflict, TimeoutAfterCommit: c.TimeoutAfterCommit, Lose: c.Lose, StaleRead: c.StaleRead, MaxStale: text(c.MaxStale),
	})
}

// UnmarshalJSON implements json.Unmarshaler; unknown names are an error.
func (c *FaultConfig) UnmarshalJSON(b []byte) error {
	var in *faultJSON
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return err
	}
	if in == nil {
		return errors.New("want an object of fault switches")
	}
	*c = FaultConfig{
		Seed: in.Seed, Duplicate: in.Duplicate, Delay: in.Delay, MaxDelay: time.Duration(in.MaxDelay), Reorder: in.Reorder,
		DropRedeliver: in.DropRedeliver, RedeliverAfter: time.Duration(in.RedeliverAfter), PublishFail: in.PublishFail,
		Throttle: in.Throttle, Conflict: in.Conflict, TimeoutAfterCommit: in.TimeoutAfterCommit, Lose: in.Lose, StaleRead: in.StaleRead, MaxStale: time.Duration(in.MaxStale),
	}
	return nil
}

package main

// cmd goes from the parent to a child, one JSON object per line.
type cmd struct {
	Op     string  `json:"op"` // init connect phase expect report churn
	Target *Target `json:"target,omitempty"`
	First  int     `json:"first,omitempty"` // users [First, Last)
	Last   int     `json:"last,omitempty"`
	Group  int     `json:"group,omitempty"`  // users per group
	Window int     `json:"window,omitempty"` // connections being opened at once
	Count  int     `json:"count,omitempty"`
	Net    int     `json:"net,omitempty"` // second byte of the source address
	Base   uint32  `json:"base,omitempty"`
	Each   bool    `json:"each,omitempty"`
	Expect uint64  `json:"expect,omitempty"`
	LazyUS int     `json:"lazy_us,omitempty"`
}

// report is what a child counted since the last "phase".
type report struct {
	Op        string `json:"op"`
	Child     int    `json:"-"`
	Open      int    `json:"open"`
	Failed    int    `json:"failed"`  // could not be opened
	Dropped   int    `json:"dropped"` // closed by the server
	Received  uint64 `json:"received"`
	Dup       uint64 `json:"dup"`
	Reordered uint64 `json:"reordered"`
	Misrouted uint64 `json:"misrouted"`
	Stale     uint64 `json:"stale"`
	Bytes     uint64 `json:"bytes"`
	Reads     uint64 `json:"reads"`
	Other     uint64 `json:"other"` // reads without any mark: heartbeats
	FirstTS   int64  `json:"first_ts"`
	LastTS    int64  `json:"last_ts"`
	Seq       uint32 `json:"seq"`
	Err       string `json:"err,omitempty"`
	Lat       *hist  `json:"lat,omitempty"`
}

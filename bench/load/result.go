package main

// result is the one JSON object which a run prints.
type result struct {
	Target  string `json:"target"`
	Time    string `json:"time"`
	N       int    `json:"n"`
	Group   int    `json:"group"`
	Payload int    `json:"payload"`

	Connect   *connectRes `json:"connect,omitempty"`
	Memory    *memoryRes  `json:"memory,omitempty"`
	Broadcast *phaseRes   `json:"broadcast,omitempty"`
	Unicast   *phaseRes   `json:"unicast,omitempty"`
	GroupPh   *phaseRes   `json:"groupcast,omitempty"`
	Null      *phaseRes   `json:"null,omitempty"`
	Latency   *phaseRes   `json:"latency,omitempty"`
	Churn     *churnRes   `json:"churn,omitempty"`
	Idle      *idleRes    `json:"idle,omitempty"`
	Dropped   int         `json:"dropped"`
	Error     string      `json:"error,omitempty"`
}

type connectRes struct {
	Open        int     `json:"open"`
	Failed      int     `json:"failed"`
	PerSecond   float64 `json:"per_s"`
	CPUPer1000  float64 `json:"cpu_s_per_1000"`
	ReadyMillis float64 `json:"ready_ms"` // until a broadcast reached everyone
	usage
}

type memoryRes struct {
	RSSBefore, RSSConnected, RSSAfter int64
	RSSPerConn                        float64 `json:"rss_per_conn"`
	PSSPerConn                        float64 `json:"pss_per_conn"`
	RSSPerConnAfter                   float64 `json:"rss_per_conn_after"` // at the end of the run
	PSSPerConnAfter                   float64 `json:"pss_per_conn_after"`
	Threads                           int     `json:"threads"`
	FDs                               int     `json:"fds"`
}

type phaseRes struct {
	Publishes     int     `json:"publishes"`
	PublishErrors int     `json:"publish_errors"`
	FirstError    string  `json:"first_error,omitempty"`
	Expected      uint64  `json:"expected"`
	Received      uint64  `json:"received"`
	Missing       int64   `json:"missing"`
	Dup           uint64  `json:"dup"`
	Reordered     uint64  `json:"reordered"`
	Misrouted     uint64  `json:"misrouted"`
	PerSecond     float64 `json:"deliveries_per_s"`
	CPUPerMillion float64 `json:"cpu_s_per_million"` // per million publishes in the null phase
	BytesEach     float64 `json:"wire_bytes_per_delivery"`
	FanoutP50     float64 `json:"fanout_ms_p50,omitempty"` // publish to the last subscriber
	FanoutMax     float64 `json:"fanout_ms_max,omitempty"`
	P50           float64 `json:"p50_us"`
	P99           float64 `json:"p99_us"`
	P999          float64 `json:"p999_us"`
	Max           float64 `json:"max_us"`
	LateMax       float64 `json:"publisher_late_ms_max,omitempty"` // latency phase: own lateness
	usage
}

type churnRes struct {
	Count      int     `json:"count"`
	Failed     int     `json:"failed"`
	PerSecond  float64 `json:"per_s"`
	CPUPer1000 float64 `json:"cpu_s_per_1000"`
	usage
}

type idleRes struct {
	Heartbeats    uint64  `json:"heartbeats"`
	Bytes         uint64  `json:"bytes"`
	CPUPercent    float64 `json:"cpu_percent"`       // of one core
	CPUPerMillion float64 `json:"cpu_s_per_million"` // heartbeats
	usage
}

// Command load measures a server of server-sent events from the outside, whatever it
// is written in: see ../README.md.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

type options struct {
	n, group, perChild, window int
	payload                    int
	deliveries, publishes      int
	rate                       float64
	latency, idle, settle      time.Duration
	churn, concurrency, lazyUS int
	phases                     string
	seed                       uint64
	timeout, connect           time.Duration
}

func main() {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "-child":
			childMain()
			return
		case "table":
			tableMain(os.Args[2:])
			return
		}
	}
	var o options
	config := flag.String("config", "", "target JSON file")
	pids := flag.String("pids", "", "server pids, comma separated; their children are included (default: pids or pid_files of the target)")
	flag.IntVar(&o.n, "n", 1000, "connections")
	flag.IntVar(&o.group, "group", 20, "users per group")
	flag.IntVar(&o.perChild, "per-child", 10000, "connections per generator process")
	flag.IntVar(&o.window, "window", 64, "connections being opened at once, per generator process")
	flag.IntVar(&o.payload, "payload", 200, "payload bytes")
	flag.IntVar(&o.deliveries, "deliveries", 200000, "deliveries of the broadcast phase (rounded to whole broadcasts, at least 5)")
	flag.IntVar(&o.publishes, "publishes", 10000, "publishes of the unicast phase, a fifth of it in the group phase")
	flag.IntVar(&o.concurrency, "concurrency", 8, "publish connections")
	flag.Float64Var(&o.rate, "rate", 500, "unicast publishes per second in the latency phase")
	flag.DurationVar(&o.latency, "latency", 4*time.Second, "length of the latency phase")
	flag.DurationVar(&o.idle, "idle", 20*time.Second, "length of the idle phase")
	flag.DurationVar(&o.settle, "settle", 1500*time.Millisecond, "pause before memory is read")
	flag.IntVar(&o.churn, "churn", 2000, "connections closed and reopened in the churn phase")
	flag.IntVar(&o.lazyUS, "lazy", 500, "microseconds a generator process pauses after a batch in the throughput phases")
	flag.StringVar(&o.phases, "phases", "broadcast,unicast,group,null,latency,churn,idle", "phases to run after connecting")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of the random users")
	flag.DurationVar(&o.connect, "connect", 2*time.Minute, "how long all connections may take to open")
	flag.DurationVar(&o.timeout, "timeout", 20*time.Second, "how long to wait for missing deliveries")
	flag.Parse()
	t, err := loadTarget(*config)
	if err != nil {
		fatal(err)
	}
	if *pids != "" {
		t.Pids = nil
		for _, s := range strings.Split(*pids, ",") {
			n, err := strconv.Atoi(strings.TrimSpace(s))
			if err != nil {
				fatal(err)
			}
			t.Pids = append(t.Pids, n)
		}
	} else {
		for _, f := range t.PidFiles {
			b, err := os.ReadFile(f)
			if err != nil {
				fatal(err)
			}
			for _, s := range strings.Fields(string(b)) {
				n, _ := strconv.Atoi(s)
				t.Pids = append(t.Pids, n)
			}
		}
	}
	if o.payload < markLen {
		fatal(fmt.Errorf("-payload must be at least %d", markLen))
	}
	r := newRun(t, &o)
	res := r.all()
	r.stop()
	b, err := json.Marshal(res)
	if err != nil {
		fatal(err)
	}
	fmt.Println(string(b))
	if res.Error != "" {
		os.Exit(1)
	}
}

func (o *options) has(phase string) bool {
	return slices.Contains(strings.Split(o.phases, ","), phase)
}

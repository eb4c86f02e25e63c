package main

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// broadcast publishes to everyone, one at a time.
func (r *run) broadcast() *phaseRes {
	p := &phaseRes{}
	n := max(5, r.o.deliveries/r.o.n)
	expect := make([]uint64, len(r.kids))
	for i, k := range r.kids {
		expect[i] = uint64(n * (k.last - k.first))
	}
	var fan []float64
	var total float64
	r.phase(true, true)
	var tot report
	p.usage = r.measure(func() {
		for range n {
			start := time.Now()
			v := r.vars(kindAll, 0, start.UnixNano())
			errc := make(chan error, 1)
			go func() { errc <- r.pubs[0].do(r.t.Broadcast, &v) }()
			reps := r.wait("each", r.o.timeout)
			if err := <-errc; err != nil {
				p.PublishErrors++
				p.FirstError = err.Error()
			}
			p.Publishes++
			if len(reps) < len(r.kids) {
				break // something is missing: reported below
			}
			var last int64
			for _, rep := range reps {
				last = max(last, rep.LastTS)
			}
			d := float64(last-start.UnixNano()) / 1e6
			fan = append(fan, d)
			total += d
		}
	})
	for _, e := range expect {
		p.Expected += e * uint64(p.Publishes) / uint64(n)
	}
	tot = r.sum(p)
	if len(fan) > 0 {
		slices.Sort(fan)
		p.FanoutP50, p.FanoutMax = fan[len(fan)/2], fan[len(fan)-1]
		p.PerSecond = float64(len(fan)*r.o.n) / total * 1e3
	}
	p.CPUPerMillion = p.CPU / float64(max(1, tot.Received)) * 1e6
	return p
}

// flood publishes as fast as the publish connections allow. Kind 0 publishes
// to users who are not connected: the cost of taking a publish in.
func (r *run) flood(kind byte, req *Request, n int) *phaseRes {
	p := &phaseRes{Publishes: n}
	expect := make([]uint64, len(r.kids))
	to := make([]int, n)
	for i := range to {
		switch kind {
		case kindUser:
			to[i] = r.rng.IntN(r.o.n)
			expect[r.kidOf(to[i])]++
		case kindGroup:
			g := r.rng.IntN((r.o.n + r.o.group - 1) / r.o.group)
			to[i] = g
			for u := g * r.o.group; u < min(r.o.n, (g+1)*r.o.group); u++ {
				expect[r.kidOf(u)]++
			}
		default:
			to[i] = r.o.n + r.rng.IntN(r.o.n)
		}
	}
	r.phase(false, true)
	var next atomic.Int64
	var mu sync.Mutex
	var tot report
	var begin time.Time
	var took time.Duration
	p.usage = r.measure(func() {
		begin = time.Now()
		var wg sync.WaitGroup
		for _, pc := range r.pubs {
			wg.Go(func() {
				for {
					i := int(next.Add(1)) - 1
					if i >= n {
						return
					}
					k := kind
					if k == 0 {
						k = kindUser
					}
					v := r.vars(k, to[i], time.Now().UnixNano())
					if err := pc.do(req, &v); err != nil {
						mu.Lock()
						p.PublishErrors++
						p.FirstError = err.Error()
						mu.Unlock()
					}
				}
			})
		}
		wg.Wait()
		took = time.Since(begin)
		if kind != 0 {
			tot = r.collect(p, expect)
		}
	})
	if kind == 0 {
		p.PerSecond = float64(n) / took.Seconds()
		p.CPUPerMillion = p.CPU / float64(n) * 1e6
		tot = r.sum(p)
		p.Misrouted += tot.Received
		return p
	}
	if tot.LastTS > 0 {
		p.PerSecond = float64(tot.Received) / (float64(tot.LastTS-begin.UnixNano()) / 1e9)
	}
	p.CPUPerMillion = p.CPU / float64(max(1, tot.Received)) * 1e6
	return p
}

// latency publishes to random users at a fixed rate, whatever the server does
// (an open loop); the time stamp is taken when the publish is due.
func (r *run) latency() *phaseRes {
	n := int(r.o.rate * r.o.latency.Seconds())
	p := &phaseRes{Publishes: n}
	expect := make([]uint64, len(r.kids))
	r.phase(false, false)
	type job struct {
		to int
		ts int64
	}
	jobs := make(chan job, n)
	var wg sync.WaitGroup
	var mu sync.Mutex
	for _, pc := range r.pubs {
		wg.Go(func() {
			for j := range jobs {
				v := r.vars(kindUser, j.to, j.ts)
				if err := pc.do(r.t.Unicast, &v); err != nil {
					mu.Lock()
					p.PublishErrors++
					p.FirstError = err.Error()
					mu.Unlock()
				}
			}
		})
	}
	var tot report
	p.usage = r.measure(func() {
		start := time.Now()
		for i := range n {
			due := start.Add(time.Duration(float64(i) / r.o.rate * 1e9))
			time.Sleep(time.Until(due))
			now := time.Now()
			p.LateMax = max(p.LateMax, now.Sub(due).Seconds()*1e3)
			u := r.rng.IntN(r.o.n)
			expect[r.kidOf(u)]++
			jobs <- job{u, now.UnixNano()}
		}
		close(jobs)
		wg.Wait()
		tot = r.collect(p, expect)
	})
	p.PerSecond = float64(tot.Received) / p.Wall
	p.CPUPerMillion = p.CPU / float64(max(1, tot.Received)) * 1e6
	return p
}

// churn closes connections and opens them again for the same users.
func (r *run) churn() *churnRes {
	c := &churnRes{}
	r.phase(false, false)
	per := min(r.o.churn, r.o.n) / len(r.kids)
	var open []report
	c.usage = r.measure(func() {
		r.tellAll(&cmd{Op: "churn", Window: r.o.window, Count: per})
		open = r.wait("open", 60*time.Second)
		time.Sleep(200 * time.Millisecond) // the server's side of the closing
	})
	for _, rep := range open {
		c.Failed += rep.Failed
	}
	c.Count = per * len(r.kids)
	c.PerSecond = float64(c.Count) / (c.Wall - 0.2)
	c.CPUPer1000 = c.CPU / float64(max(1, c.Count)) * 1000
	return c
}

// idle does nothing but receive heartbeats.
func (r *run) idle() *idleRes {
	i := &idleRes{}
	r.phase(false, false)
	i.usage = r.measure(func() { time.Sleep(r.o.idle) })
	var p phaseRes
	tot := r.sum(&p)
	i.Heartbeats, i.Bytes = tot.Other, tot.Bytes
	i.CPUPercent = i.CPU / i.Wall * 100
	if i.Heartbeats > 0 {
		i.CPUPerMillion = i.CPU / float64(i.Heartbeats) * 1e6
	}
	return i
}

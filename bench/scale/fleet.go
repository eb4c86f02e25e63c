package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os/exec"
	"strconv"
	"syscall"

	"tidings/bench/backend"
)

// fleet is the streamer processes.
type fleet struct {
	cmds  []*exec.Cmd
	pids  []string
	addrs []string
}

// start starts a streamer and waits until it says where it is.
func (f *fleet) start(ctx context.Context, b *backend.Backend, bin string, connections int) error {
	c := b.Command(ctx, bin, "PORT=0", "METRICS_PORT=0", "DRAIN_SECONDS=1",
		"MAX_CONNECTIONS="+strconv.Itoa(connections))
	logs, err := c.StderrPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	f.cmds, f.pids = append(f.cmds, c), append(f.pids, strconv.Itoa(c.Process.Pid))
	lines := bufio.NewScanner(logs)
	for lines.Scan() {
		var line struct{ Msg, Address string }
		if json.Unmarshal(lines.Bytes(), &line) != nil || line.Msg != "streamer started" {
			continue
		}
		_, port, err := net.SplitHostPort(line.Address)
		f.addrs = append(f.addrs, "127.0.0.1:"+port)
		go func() { // it must not wait for a reader
			for lines.Scan() {
			}
		}()
		return err
	}
	return errors.New("ended before it said where it is")
}

func (f *fleet) stop() {
	for _, c := range f.cmds {
		_ = c.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = c.Wait()
	}
}

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tidings/bench/backend"
)

// service is the local system, REST and streamer in one process, on the backend's AWS.
type service struct {
	url string
	cmd *exec.Cmd
	dir string
}

var started = regexp.MustCompile(`Tidings runs on (\S+)`)

func startService(ctx context.Context, b *backend.Backend) (*service, error) {
	dir, err := os.MkdirTemp("", "polling")
	if err != nil {
		return nil, err
	}
	s := &service{dir: dir}
	bin, err := backend.Build(ctx, dir, "tidings/local")
	if err != nil {
		return s, errors.Join(err, os.RemoveAll(dir))
	}
	if err := os.WriteFile(filepath.Join(dir, "session.key"), []byte(b.Key()+"\n"), 0o600); err != nil {
		return s, err
	}
	s.cmd = b.Command(ctx, bin, "PORT=0", "DATA="+dir, "WEB="+dir)
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return s, err
	}
	if err := s.cmd.Start(); err != nil {
		return s, err
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if m := started.FindStringSubmatch(lines.Text()); m != nil {
			s.url = m[1]
			return s, nil
		}
	}
	return s, errors.New("the service did not start")
}

func (s *service) close() {
	if s.cmd != nil && s.cmd.Process != nil {
		_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = s.cmd.Wait()
	}
	_ = os.RemoveAll(s.dir)
}

// cpu is the CPU time that the service has used.
func (s *service) cpu() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	// After the name in brackets: fields 3 and up of proc_pid_stat(5); 14 and 15 are
	// user and system time in ticks of 10 ms.
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	user, err1 := strconv.ParseInt(f[11], 10, 64)
	system, err2 := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond, errors.Join(err1, err2)
}

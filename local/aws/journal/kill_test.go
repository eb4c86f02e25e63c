package journal

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// runChild appends numbered records of growing size and prints each number once it was
// acknowledged, with compactions going on beside it, until it is killed.
func runChild(dir string) {
	var mu sync.Mutex // the service's lock
	var s state
	l, err := Open(dir, "t", s.replay)
	exitOn(err)
	if len(s.records) == 0 { // a snapshot needs one
		exitOn(l.Append([]byte("0 ")))
		s.records = append(s.records, "0 ")
	}
	go func() {
		for {
			exitOn(l.Compact(func(put func([]byte) error) error {
				mu.Lock()
				defer mu.Unlock()
				return s.snapshot(put)
			}))
		}
	}()
	for i := len(s.records); ; i++ {
		record := fmt.Sprintf("%d %s", i, strings.Repeat("x", i%5000))
		mu.Lock()
		exitOn(l.Append([]byte(record)))
		s.records = append(s.records, record)
		mu.Unlock()
		fmt.Println(i)
	}
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// A process that is killed with SIGKILL in the middle of its writes loses nothing that
// it acknowledged. Several rounds over one folder.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	acknowledged := 0
	for round := range 6 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "JOURNAL_TEST_CHILD="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		watchdog := time.AfterFunc(30*time.Second, func() { cmd.Process.Kill() })
		lines, killed := bufio.NewScanner(out), false
		for n := 0; lines.Scan(); n++ { // goes on to the end: all that was printed counts
			i, err := strconv.Atoi(lines.Text())
			if err != nil {
				break // a line cut by the kill
			}
			acknowledged = max(acknowledged, i+1)
			if n == 300+round*211 && !killed {
				killed = true
				cmd.Process.Kill()
			}
		}
		cmd.Wait()
		watchdog.Stop()
		if !killed {
			t.Fatal("the child ended by itself")
		}
		l, s := mustOpen(t, dir)
		l.Close()
		for i, r := range s.records {
			if !strings.HasPrefix(r, fmt.Sprint(i, " ")) || len(r) != len(fmt.Sprint(i, " "))+i%5000 {
				t.Fatalf("record %d is %.20q…", i, r)
			}
		}
		if len(s.records) < acknowledged {
			t.Fatalf("round %d: %d records, %d were acknowledged", round, len(s.records), acknowledged)
		}
		t.Logf("round %d: killed, %d acknowledged, %d restored", round, acknowledged, len(s.records))
	}
}

package timeseries_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lineaged/lineaged/timeseries"
)

// backupEnv turns the test binary into a child that backs up, or restores: what, the operation before which it kills
// itself, from where, and to where, with bars between.
const backupEnv = "TIMESERIES_BACKUP"

// backupChild does what it is told, and says how many operations on files that took.
func backupChild(told string) {
	x := strings.SplitN(told, "|", 4)
	at, _ := strconv.Atoi(x[1])
	n := 0
	err := timeseries.BackupAsking(context.Background(), x[0] == "restore", x[2], x[3], func(string) {
		if n == at {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		n++
	})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(n)
}

// runBackup runs a child that kills itself before an operation, or not if that is below zero. It returns how many it
// took, below zero where it was killed.
func runBackup(t *testing.T, what, from, to string, at int) (operations int) {
	t.Helper()
	cmd := exec.Command(os.Args[0]) //nolint:noctx // it ends, or kills itself
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s|%d|%s|%s", backupEnv, what, at, from, to))
	cmd.Stderr = os.Stderr
	said, err := cmd.Output()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && at >= 0 {
		return -1
	}
	operations, wrong := strconv.Atoi(strings.TrimSpace(string(said)))
	if err != nil || wrong != nil {
		t.Fatalf("%s: %s, %v", what, said, err)
	}
	return operations
}

// TestKillOfBackups backs up a folder while another process stores rounds in it, seals, rolls up and drops, and is
// killed then. The backup, or restoring it, is killed at any point: each backup that is there is whole, and what is
// restored holds all that was acknowledged before the backup began; what was cut short is refused.
func TestKillOfBackups(t *testing.T) {
	t.Parallel()
	cycles := 20
	if long() {
		cycles = 1000
	}
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	dir := folder(t)
	acked, newest := map[int]bool{}, 0
	cut, whole, most := 0, 0, 1
	for cycle := range cycles {
		if len(acked) > 20000 { // what it answers is held against all
			dir, acked, newest = folder(t), map[int]bool{}, 0
		}
		before, upTo := len(acked), newest
		known := make(map[int]bool, before)
		for n := range acked {
			known[n] = true
		}
		var during []int
		ended := make(chan struct{})
		if before > 0 { // it works on while the backup is taken; the first cycle only fills the folder
			go func() {
				defer close(ended)
				during = runChild(t, dir, 1, time.Duration(50+rand.IntN(400))*time.Millisecond, shortEnv)
			}()
		} else {
			during = runChild(t, dir, 1, 300*time.Millisecond, shortEnv)
			close(ended)
		}
		at := -1
		if cycle%2 == 1 {
			at = rand.IntN(most)
		}
		to := filepath.Join(folder(t), "backup")
		most = max(runBackup(t, "backup", dir, to, at), most)
		<-ended
		for _, n := range during {
			acked[n], newest = true, max(newest, n)
		}
		back := filepath.Join(folder(t), "restored")
		switch is := timeseries.IsBackup(to); {
		case !is && at < 0:
			t.Fatalf("cycle %d: there is no backup", cycle)
		case !is:
			cut++
			if _, err := timeseries.Restore(context.Background(), to, back); err == nil || !strings.Contains(err.Error(), "is no whole backup") {
				t.Fatalf("cycle %d: a backup that was cut short is restored: %v", cycle, err)
			}
			if left, _ := os.ReadDir(to); len(left) > 0 { // it was killed before it began else
				if _, err := timeseries.Open(to, killOptions); err == nil || !strings.Contains(err.Error(), "was cut short") {
					t.Fatalf("cycle %d: a backup that was cut short is opened: %v", cycle, err)
				}
			}
		default:
			whole++
			checkBackup(t, to, back, r.IntN(most), known, upTo)
		}
		if t.Failed() {
			t.Fatalf("cycle %d", cycle)
		}
		for _, d := range []string{filepath.Dir(to), filepath.Dir(back)} {
			check(t, os.RemoveAll(d))
		}
	}
	t.Logf("%d backups were whole, %d were cut short; %d rounds", whole, cut, len(acked))
	// Half of them are to be killed, of which those are whole that take fewer steps than the largest did.
	if whole < cycles/2 || cut < cycles/10 {
		t.Errorf("%d backups were whole and %d were cut short: there must be some of each", whole, cut)
	}
}

// checkBackup restores a backup, killed in the midst of it at first, and looks for every round.
func checkBackup(t *testing.T, from, to string, at int, acked map[int]bool, newest int) {
	t.Helper()
	runBackup(t, "restore", from, to, at)
	s, err := timeseries.Open(to, killOptions)
	if err != nil && !strings.Contains(err.Error(), "was cut short") {
		t.Fatalf("what restoring left that was killed: %v", err)
	}
	if err == nil {
		if !s.Newest(west).IsZero() { // else it was killed before it began
			checkRounds(t, s, acked, newest)
		}
		check(t, s.Close())
	}
	check(t, os.RemoveAll(to))
	_, err = timeseries.Restore(context.Background(), from, to)
	check(t, err)
	s, err = timeseries.Open(to, killOptions)
	check(t, err)
	if h := s.Health(); len(h) > 0 {
		t.Errorf("restored, and health is %q", h)
	}
	checkRounds(t, s, acked, newest)
	check(t, s.Close())
}

// TestBackupFillsTheDisk takes the last byte of the disk that is backed up to, in the midst of it: it fails, and leaves
// nothing.
func TestBackupFillsTheDisk(t *testing.T) {
	volume, from := small(t, "64m"), evenFolder(t)
	ballast := filepath.Join(volume, "ballast")
	n := 0
	err := timeseries.BackupAsking(t.Context(), false, from, filepath.Join(volume, "to"), func(op string) {
		if op != "write" {
			return
		}
		if n++; n != 3 {
			return
		}
		f, err := os.Create(ballast)
		check(t, err)
		for b := make([]byte, 1<<20); len(b) > 0; {
			if _, err := f.Write(b); err != nil {
				b = b[:len(b)/2]
			}
		}
		check(t, f.Close())
	})
	if !errors.Is(err, timeseries.ErrNoSpace) || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("the disk is full, and the backup says %v", err)
	}
	names, err := os.ReadDir(volume)
	if check(t, err); len(names) != 1 {
		t.Errorf("beside what filled the disk there are %v", names)
	}
}

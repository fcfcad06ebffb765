package timeseries

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// inTurns has several do something at once, of whom before each operation on a file one is drawn that goes on. It
// returns what each came to.
func inTurns(r *rand.Rand, all ...func(files) error) []error {
	type turn struct {
		who  int
		next chan struct{} // nil: it is done
	}
	asks, out := make(chan turn), make([]error, len(all))
	for i, do := range all {
		go func() {
			next := make(chan struct{})
			out[i] = do(files{hook: func(string, string) error {
				asks <- turn{i, next}
				<-next
				return nil
			}})
			asks <- turn{i, nil}
		}()
	}
	waiting := map[int]chan struct{}{}
	for moving, left := len(all), len(all); left > 0; {
		x := <-asks
		if moving--; x.next == nil {
			left--
		} else {
			waiting[x.who] = x.next
		}
		if moving > 0 || left == 0 {
			continue
		}
		who := slices.Sorted(maps.Keys(waiting))
		i := who[r.IntN(len(who))]
		waiting[i] <- struct{}{}
		delete(waiting, i)
		moving++
	}
	return out
}

// TestTwoCopiesAtOnce backs up two folders, or restores one and backs up another, into one empty folder, or one that is
// not there, at once: one at most is there in the end and is whole, the other is refused and takes nothing of it away.
func TestTwoCopiesAtOnce(t *testing.T) {
	t.Parallel()
	one, _ := written(t, 3)
	other := richFolder(t)
	whole := filepath.Join(inMemory(t), "backup")
	_, err := Backup(t.Context(), one, whole)
	must(t, err)
	backups := func(from string) func(string) func(files) error {
		return func(to string) func(files) error {
			return func(f files) error {
				_, err := backup(context.Background(), from, to, f, freeSpace)
				return err
			}
		}
	}
	restores := func(to string) func(files) error {
		return func(f files) error {
			_, err := restore(context.Background(), whole, to, f, freeSpace)
			return err
		}
	}
	held := contentsOf(t, one)
	r := rand.New(rand.NewPCG(2, 72))
	won, none := [2]int{}, 0
	schedules := 300
	if raced {
		schedules = 60
	}
	for n := range schedules {
		to := filepath.Join(inMemory(t), "to")
		if n%3 == 0 {
			must(t, os.Mkdir(to, 0o700))
		}
		first, restoring := backups(other)(to), n%2 == 1
		if n%16 > 1 {
			first = backups(one)(to)
		}
		if restoring {
			first = restores(to)
		}
		got := inTurns(r, first, backups(one)(to))
		winner := -1
		for i, err := range got {
			switch {
			case err == nil && winner >= 0:
				t.Fatalf("schedule %d: both are there", n)
			case err == nil:
				winner = i
			case !strings.Contains(err.Error(), "is not empty") && !errors.Is(err, fs.ErrNotExist):
				t.Errorf("schedule %d: %v", n, err)
			}
		}
		if winner < 0 {
			if none++; !restoring {
				t.Fatalf("schedule %d: nothing is there: %v", n, got)
			}
			if left, err := os.ReadDir(to); err == nil && len(left) > 0 {
				t.Fatalf("schedule %d: nobody made it, and left are %v", n, left)
			}
			continue
		}
		won[winner]++
		if restoring && winner == 0 {
			if is := contentsOf(t, to); is["LOCK"] != "" || !reflect.DeepEqual(logOf(is), logOf(held)) {
				t.Fatalf("schedule %d: what was restored is another", n)
			}
			s, err := Open(to, testOpts)
			must(t, err)
			must(t, s.Close())
			continue
		}
		if _, err := CheckBackup(t.Context(), to); err != nil {
			t.Fatalf("schedule %d: the backup that is there: %v, and the other came to %v", n, err, got[1-winner])
		}
		if _, err := os.Lstat(filepath.Join(to, unfinishedBackup)); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("schedule %d: the backup is whole, and says that it is not: %v", n, err)
		}
	}
	if t.Logf("each made it %v times, nobody %d times", won, none); won[0] < schedules/6 || won[1] < schedules/6 || none > schedules/6 {
		t.Error("they hardly came into each other's way")
	}
}

// logOf leaves out all but the log.
func logOf(files map[string]string) map[string]string {
	out := map[string]string{}
	for name, content := range files {
		if filepath.Dir(name) == "log" {
			out[name] = content
		}
	}
	return out
}

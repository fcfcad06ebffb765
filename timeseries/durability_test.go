package timeseries_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
	"github.com/lineaged/lineaged/store/storetest"
	"github.com/lineaged/lineaged/timeseries"
)

// The variable that turns the test binary into a child, with the folder it works on.
const (
	childEnv = "TIMESERIES_CHILD"
	// shortEnv has it keep raw ticks for two hours only, so that blocks are dropped too.
	shortEnv = "TIMESERIES_SHORT=true"
	// hurryEnv has it leave out most rounds, so that days pass and are rolled up.
	hurryEnv = "TIMESERIES_HURRY=true"
)

// killTick is a minute, so that a block is full after sixty rounds and a kill meets every stage of its life.
var killOptions = quiet(timeseries.Options{
	Tick: time.Minute, MinFree: 1, Retention: timeseries.Retention{Raw: 10000 * time.Hour, Minute: 20000 * time.Hour, Hour: 30000 * time.Hour},
})

// killRound is what is seen in round n: all of it follows from n.
func killRound(n int) lineage.Observation {
	o := lineage.Observation{Source: west, Round: epoch.Add(time.Duration(n) * time.Minute), Interval: time.Minute}
	o.At = o.Round.Add(time.Duration(n%700) * time.Millisecond)
	for i := range 40 {
		a := writer
		a.Client.ClientID = strconv.Itoa(i)
		if i == 39 {
			a.Client.ClientID = "new" + strconv.Itoa(n/20) // new ones all the time
		}
		if (n+i)%3 > 0 {
			o.Samples = append(o.Samples, lineage.Sample{Subject: a, Metric: lineage.Records, Evidence: lineage.ProducerState, Value: int64(n * (i + 1))})
		}
	}
	o.Sightings = []lineage.Sighting{{Access: reader, Evidence: lineage.GroupMembership, Detail: strconv.Itoa(n)}}
	o.Positions = []lineage.Position{{Key: "n", Value: []byte(strconv.Itoa(n))}}
	if n%10 == 0 {
		o.Events = []lineage.Event{{At: o.Round, Type: lineage.FlowStarted, Access: writer, Detail: strconv.Itoa(n)}}
		o.Facts = []lineage.Fact{{
			Key:   lineage.FactKey{Source: "west", Kind: lineage.TopicFacts, Name: "orders"},
			Topic: &lineage.TopicFact{Topic: orders, Partitions: n},
		}}
	}
	return o
}

// child appends rounds until it is killed, and says which are acknowledged.
func child(dir string) {
	o := killOptions
	if slices.Contains(os.Environ(), shortEnv) {
		o.Retention.Raw = 2 * time.Hour
	}
	s, err := timeseries.Open(dir, o)
	if err != nil {
		fmt.Println("open:", err)
		os.Exit(1)
	}
	n := 1
	if state, err := s.State(context.Background()); err == nil && !state.Newest().IsZero() {
		n = int(state.Newest().Sub(epoch)/time.Minute) + 1
	}
	hurry := slices.Contains(os.Environ(), hurryEnv)
	var wg sync.WaitGroup
	var mu sync.Mutex // guards n
	for range 2 {     // two at a time, so that an fsync is shared
		wg.Go(func() {
			for {
				mu.Lock()
				mine := n
				if n++; hurry && n%12 == 0 {
					n += 228
				}
				mu.Unlock()
				o := killRound(mine)
				if err := s.Append(context.Background(), o); errors.Is(err, store.ErrTooOld) {
					continue // the other went on for hours meanwhile, and sealed them
				} else if err != nil {
					fmt.Println("append:", err)
					os.Exit(1)
				}
				fmt.Println(mine)
				if mine%25 == 0 || hurry && mine%12 == 11 {
					if err := s.Maintain(context.Background(), o.Round.Add(-time.Hour)); err != nil {
						// the other may be late
						fmt.Println("maintain:", err)
						os.Exit(1)
					}
				}
			}
		})
	}
	wg.Wait()
}

// runChild kills a child a while after it has said of so many rounds that they are acknowledged, and returns which it
// said that of.
func runChild(t *testing.T, dir string, rounds int, life time.Duration, env ...string) []int {
	t.Helper()
	cmd := exec.Command(os.Args[0]) //nolint:noctx // it is killed, that is the point
	cmd.Env = append(append(os.Environ(), childEnv+"="+dir), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	var acked []int
	var timer *time.Timer
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // a line that the kill cut off does not count
		}
		n, err := strconv.Atoi(line[:len(line)-1])
		if err != nil {
			t.Errorf("child: %s", line)
			break
		}
		if acked = append(acked, n); timer == nil && len(acked) >= rounds {
			timer = time.AfterFunc(life, func() { _ = cmd.Process.Signal(syscall.SIGKILL) })
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // it was killed
	if timer != nil {
		timer.Stop()
	}
	return acked
}

// TestKill kills a process that stores rounds, seals, rolls up, settles anew, saves, and, in every other cycle, hurries
// through days and drops what is beyond retention: it always opens, nothing that was acknowledged is lost, and what was
// answered is answered again.
func TestKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	type answer struct {
		w   lineage.Window
		got []any
	}
	var before []answer
	acked := map[int]bool{}
	newest, all := 0, 0
	cycles, dropped := 22, 0
	if long() {
		cycles = 1000
	}
	for cycle := range cycles {
		if len(acked) > 5000 { // days; all of them are looked for each time
			dir, acked, newest, before = t.TempDir(), map[int]bool{}, 0, nil
		}
		var env []string
		if cycle%2 == 1 {
			env = []string{shortEnv, hurryEnv}
		}
		for _, n := range runChild(t, dir, 25+r.IntN(40), time.Duration(r.IntN(100))*time.Millisecond, env...) {
			acked[n] = true
			newest = max(newest, n)
			all++
		}
		s, err := timeseries.Open(dir, killOptions)
		if err != nil {
			t.Fatalf("cycle %d: %v", cycle, err)
		}
		if h := s.Health(); len(h) > 0 { // a kill damages nothing
			t.Errorf("cycle %d: health %q", cycle, h)
		}
		checkRounds(t, s, acked, newest)
		for _, a := range before {
			if got := storetest.Everything(t, s, a.w)[:3]; !reflect.DeepEqual(trim(got, a.got), a.got) {
				storetest.Differ(t, trim(got, a.got), a.got)
			}
		}
		end := max(newest-20, 1) // later rounds may still reach back over what is newer
		a := answer{w: lineage.Window{Start: epoch.Add(time.Duration(max(end-200, 0)) * time.Minute), End: epoch.Add(time.Duration(end) * time.Minute)}}
		a.got = storetest.Everything(t, s, a.w)[:3]
		if before = append(before, a); len(before) > 6 {
			before = append(before[:1], before[3:]...)
		}
		if state, err := s.State(t.Context()); err != nil || state.Tiers[0].From.After(epoch) {
			dropped++
		}
		check(t, s.Close())
		if t.Failed() {
			t.Fatalf("cycle %d", cycle)
		}
	}
	t.Logf("%d rounds acknowledged over %d kills, after %d of which ticks were dropped", all, cycles, dropped)
	if all < 500 || dropped == 0 {
		t.Errorf("only %d rounds: too few to have met a sealing, or one that drops ticks", all)
	}
}

// trim leaves out what was not known yet, since subjects come all the time, and what may change: the detail is the
// latest.
func trim(got, want []any) []any {
	g, w := got[0].(map[lineage.Access][]any), want[0].(map[lineage.Access][]any)
	out := map[lineage.Access][]any{}
	for a := range w {
		out[a] = g[a]
		if a == reader {
			out[a] = w[a]
		}
	}
	return append([]any{out}, got[1:]...)
}

// checkRounds looks for every acknowledged round.
func checkRounds(t *testing.T, s timeseries.Store, acked map[int]bool, newest int) {
	t.Helper()
	ctx := context.Background()
	w := lineage.Window{Start: epoch, End: epoch.Add(time.Duration(newest) * time.Minute)}
	c := storetest.Ask(t, s, w).Coverage()
	for _, g := range c.Gaps {
		for n := int(g.Window.Start.Sub(epoch)/time.Minute) + 1; n <= int(g.Window.End.Sub(epoch)/time.Minute); n++ {
			if acked[n] {
				t.Errorf("round %d was acknowledged and is lost", n)
			}
		}
	}
	a := writer
	a.Client.ClientID = "2"
	want, last := int64(0), 0
	for n := range acked {
		for _, x := range killRound(n).Samples {
			if x.Subject == a && n > last {
				last, want = n, x.Value
			}
		}
	}
	got := storetest.Ask(t, s, lineage.Window{Start: epoch.Add(-time.Hour), End: epoch.Add(time.Duration(last) * time.Minute)})
	if amount := got.Amount(storetest.Key{Access: a, Metric: lineage.Records, Evidence: lineage.ProducerState}); amount.Total != float64(want) {
		t.Errorf("up to round %d %v advanced %v, want %d", last, a, amount.Total, want)
	}
	p, err := s.Positions(ctx, west)
	check(t, err)
	if n, _ := strconv.Atoi(string(p["n"])); n < newest {
		t.Errorf("the position is %d, acknowledged were %d", n, newest)
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	s, err := timeseries.Open(dir, killOptions)
	check(t, err)
	if _, err := timeseries.Open(dir, killOptions); err == nil || !strings.Contains(err.Error(), "another process has it open") {
		t.Errorf("a second process gets %v", err)
	}
	check(t, s.Close())
	check(t, s.Close())
	s, err = timeseries.Open(dir, killOptions)
	check(t, err)
	check(t, s.Close())
	o := killOptions
	o.Tick = 10 * time.Second
	s, err = timeseries.Open(dir, o)
	check(t, err) // nothing was kept with the other tick yet
	check(t, s.Append(context.Background(), saw(west, 1, writer, lineage.ProducerState, 1)))
	check(t, s.Close())
	if _, err = timeseries.Open(dir, killOptions); err == nil || !strings.Contains(err.Error(), "tick of 10s, not 1m0s") {
		t.Errorf("another tick gets %v", err)
	}
}

func TestPermissions(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	dir := filepath.Join(t.TempDir(), "data")
	s, err := timeseries.Open(dir, killOptions)
	check(t, err)
	for n := 1; n < 200; n++ {
		check(t, s.Append(context.Background(), killRound(n)))
	}
	check(t, s.Maintain(context.Background(), epoch.Add(200*time.Minute)))
	look := func() {
		t.Helper()
		check(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err == nil && info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s has mode %v", path, info.Mode())
			}
			return err
		}))
	}
	look()
	check(t, s.Close())
}

// TestFull fills a small file system: appends fail cleanly, reads go on, and all goes on when there is room again.
func TestFull(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=48m,mode=0700"); err != nil {
		t.Skipf("SKIPPED, a full disk is not tested here: a tmpfs cannot be mounted: %v", err)
	}
	defer func() { check(t, syscall.Unmount(dir, syscall.MNT_DETACH)) }()
	o := killOptions
	s, err := timeseries.Open(dir, o)
	check(t, err)
	ctx := context.Background()
	pad := make([]byte, 1<<20)
	n := 0
	for err = nil; err == nil; {
		n++
		x := killRound(n)
		// one that stays is written as nothing
		x.Positions = []lineage.Position{{Key: fmt.Sprint("pad ", n), Value: pad}}
		if err = s.Append(ctx, x); n > 100 {
			t.Fatal("the file system does not fill")
		}
	}
	if !errors.Is(err, timeseries.ErrNoSpace) {
		t.Errorf("a full disk gives %v, want ErrNoSpace", err)
	}
	last := epoch.Add(time.Duration(n-1) * time.Minute)
	if got := storetest.Newest(t, s, "west"); !got.Equal(last) {
		t.Errorf("latest is %v, want the last that was acknowledged, %v", got, last)
	}
	if err := s.Append(ctx, killRound(n)); err != nil && !errors.Is(err, timeseries.ErrNoSpace) {
		t.Errorf("a small round on a full disk: %v", err)
	}
	check(t, syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=400m,mode=0700"))
	check(t, s.Append(ctx, killRound(n)))
	check(t, s.Maintain(ctx, last.Add(3*time.Hour)))
	check(t, s.Close())
	s, err = timeseries.Open(dir, o)
	check(t, err)
	if c := storetest.Ask(t, s, lineage.Window{Start: epoch, End: epoch.Add(time.Duration(n) * time.Minute)}).Coverage(); !c.Complete {
		t.Errorf("after the disk was full: %+v", c)
	}
	check(t, s.Close())
}

// small mounts a file system of a size on a new folder; the test is skipped where that may not be.
func small(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size+",mode=0700"); err != nil {
		t.Skipf("SKIPPED, a full disk is not tested here: a tmpfs cannot be mounted: %v", err)
	}
	t.Cleanup(func() { check(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	return dir
}

// TestNoByteFree takes the last byte of a file system from a running store: it stops cleanly, starts and answers as
// before, also after a kill, and goes on when there is room; what was refused says why.
func TestNoByteFree(t *testing.T) {
	ctx := context.Background()
	volume := small(t, "64m")
	dir := filepath.Join(volume, "data")
	fill := func() {
		t.Helper()
		f, err := os.Create(filepath.Join(volume, "ballast"))
		check(t, err)
		for b := make([]byte, 1<<20); len(b) > 0; {
			if _, err := f.Write(b); err != nil {
				b = b[:len(b)/2]
			}
		}
		check(t, f.Close())
		var free syscall.Statfs_t
		if check(t, syscall.Statfs(volume, &free)); free.Bavail != 0 {
			t.Fatalf("%d blocks are still free", free.Bavail)
		}
	}
	o := killOptions
	o.MinFree = 0 // what a small file system can spare
	acked := map[int]bool{}
	newest := 0
	for range 3 { // the child keeps nothing free: it is killed in the midst of writing
		for _, n := range runChild(t, dir, 1, 200*time.Millisecond) {
			acked[n], newest = true, max(newest, n)
		}
		fill()
		s, err := timeseries.Open(dir, o)
		check(t, err)
		checkRounds(t, s, acked, newest)
		w := lineage.Window{Start: epoch, End: storetest.Newest(t, s, "west")}
		want := storetest.Everything(t, s, w)
		held := int(w.End.Sub(epoch) / time.Minute)
		if err := s.Append(ctx, killRound(held+1)); !errors.Is(err, timeseries.ErrNoSpace) {
			t.Errorf("append with no byte free: %v", err)
		}
		if err := s.Maintain(ctx, w.End.Add(10*time.Hour)); !errors.Is(err, timeseries.ErrNoSpace) {
			t.Errorf("maintain with no byte free: %v", err)
		}
		if h := s.Health(); len(h) == 0 || !strings.Contains(h[0], "full") {
			t.Errorf("health %q", h)
		}
		check(t, s.Close())
		s, err = timeseries.Open(dir, o)
		check(t, err)
		if got := storetest.Everything(t, s, w); !reflect.DeepEqual(got, want) {
			storetest.Differ(t, got, want)
		}
		if err := s.Append(ctx, killRound(held+1)); !errors.Is(err, timeseries.ErrNoSpace) {
			t.Errorf("append with no byte free: %v", err)
		}
		check(t, os.Remove(filepath.Join(volume, "ballast")))
		check(t, s.Append(ctx, killRound(held+2)))
		check(t, s.Maintain(ctx, w.End))
		c := storetest.Ask(t, s, lineage.Window{Start: w.End, End: w.End.Add(2 * time.Minute)}).Coverage()
		if len(c.Gaps) != 1 || c.Gaps[0].Reason != "not stored: the disk was full" || len(s.Health()) != 0 {
			t.Errorf("gaps %+v, health %q", c.Gaps, s.Health())
		}
		check(t, s.Close())
	}
}

// TestLowSpace opens what a kill left while there is less room than is kept free: reading works.
func TestLowSpace(t *testing.T) {
	ctx := context.Background()
	low := killOptions
	low.MinFree = 1 << 62
	empty, err := timeseries.Open(filepath.Join(t.TempDir(), "new"), low)
	check(t, err)
	if err := empty.Append(ctx, killRound(1)); !errors.Is(err, timeseries.ErrNoSpace) {
		t.Errorf("a new folder on a full disk: %v, want ErrNoSpace", err)
	}
	check(t, empty.Close())
	dir := t.TempDir()
	if acked := runChild(t, dir, 1, 300*time.Millisecond); len(acked) == 0 {
		t.Fatal("the child did nothing")
	}
	s, err := timeseries.Open(dir, killOptions)
	check(t, err)
	w := lineage.Window{Start: epoch, End: storetest.Newest(t, s, "west")}
	want := storetest.Everything(t, s, w)
	check(t, s.Close())
	s, err = timeseries.Open(dir, low)
	check(t, err)
	if got := storetest.Everything(t, s, w); !reflect.DeepEqual(got, want) {
		storetest.Differ(t, got, want)
	}
	if err := s.Append(ctx, killRound(100000)); !errors.Is(err, timeseries.ErrNoSpace) {
		t.Errorf("append without room: %v", err)
	}
	if err := s.Maintain(ctx, w.End.Add(10*time.Hour)); !errors.Is(err, timeseries.ErrNoSpace) {
		t.Errorf("maintain without room: %v", err)
	}
	check(t, s.Close())
}

// TestConcurrent has everything happen at once; the race detector watches.
func TestConcurrent(t *testing.T) {
	s, err := timeseries.Open(t.TempDir(), killOptions)
	check(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	const rounds = 300
	done := make(chan struct{})
	var at [3]atomic.Int64 // how far each appender is
	wg.Go(func() {
		defer close(done)
		var group sync.WaitGroup
		for i := range 3 {
			group.Go(func() {
				for n := 1 + i; n < rounds; n += 3 {
					check(t, s.Append(context.Background(), killRound(n)))
					at[i].Store(int64(n))
				}
			})
		}
		group.Wait()
	})
	wg.Go(func() {
		for {
			select {
			case <-done:
				check(t, s.Maintain(context.Background(), epoch.Add(rounds*time.Minute)))
				cancel()
				return
			default:
			}
			now := epoch.Add(time.Duration(min(at[0].Load(), at[1].Load(), at[2].Load())) * time.Minute)
			check(t, s.Maintain(context.Background(), now))
		}
	})
	for range 2 {
		wg.Go(func() {
			for ctx.Err() == nil {
				storetest.Everything(t, s, lineage.Window{Start: epoch, End: epoch.Add(40 * time.Minute)})
				s.Stats()
			}
		})
	}
	wg.Wait()
	check(t, s.Close())
}

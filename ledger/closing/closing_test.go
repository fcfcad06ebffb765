package closing

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/ledger"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/timeseries"
)

const (
	tick                      = 10 * time.Second
	length                    = time.Minute
	cluster lineage.ClusterID = "mFq2n0aGRXWl3w"
)

var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is a store that is written to by hand, and a ledger of it.
type world struct {
	*testing.T
	store timeseries.Store
	now   time.Time
	dir   string
	rules string
	log   *ledger.Log
	*Closer
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, store: timeseries.NewMemory(timeseries.Options{Tick: tick}), now: begin, dir: t.TempDir(), rules: "rules"}
	t.Cleanup(func() { _ = w.store.Close() })
	w.start()
	return w
}

// start opens the ledger as a start of the program does.
func (w *world) start() {
	w.Helper()
	who, err := identity.New(identity.Rules{})
	if err != nil {
		w.Fatal(err)
	}
	key, err := ledger.OpenKey(filepath.Join(w.dir, "key"), true)
	if err != nil {
		w.Fatal(err)
	}
	if w.log, err = ledger.Open(filepath.Join(w.dir, "ledger"), key); err != nil {
		w.Fatal(err)
	}
	now := func() time.Time { return w.now }
	w.Closer = New(Options{
		Answers: answer.New(answer.Options{
			History: w.store, Identity: func() answer.Identity { return who }, Now: now, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west", Environment: "shop"}},
		}),
		Log: w.log, Length: length, Now: now, Program: "test", Logger: slog.New(slog.DiscardHandler),
		Sources: func() map[string][]byte { return map[string][]byte{"rules": []byte(w.rules)} },
	})
	w.Cleanup(func() { _ = w.log.Close() })
}

func (w *world) step() {
	w.Helper()
	if err := w.Step(w.Context()); err != nil {
		w.Fatal(err)
	}
}

var orders = lineage.Topic{Cluster: cluster, ID: lineage.TopicID{15: 1}, Name: "orders"}

// ends tells at a tick how much orders has grown to, and how much a producer has written of it.
func (w *world) ends(n int, total int64) {
	w.observe("end-offsets", n, lineage.Observation{Samples: []lineage.Sample{
		{Subject: lineage.Access{Topic: orders}, Metric: lineage.Appended, Value: total},
		{Subject: lineage.Access{Topic: orders, Op: lineage.Write, Client: lineage.Client{TransactionalID: "writer"}}, Metric: lineage.Records, Evidence: lineage.Transaction, Value: total},
	}})
}

// groups tells what billing has read.
func (w *world) groups(n int, total int64) {
	w.observe("groups", n, lineage.Observation{Samples: []lineage.Sample{
		{Subject: lineage.Access{Topic: orders, Op: lineage.Read, Client: lineage.Client{Group: "billing", Host: "/10.0.0.7", Principal: "User:ann"}}, Metric: lineage.Records, Evidence: lineage.GroupOffsets, Value: total},
	}})
}

func (w *world) observe(source string, n int, o lineage.Observation) {
	w.Helper()
	o.Source, o.Round, o.Interval = lineage.Source{Cluster: "west", Name: source}, begin.Add(time.Duration(n)*tick), tick
	o.At = o.Round
	if source == "end-offsets" {
		o.Facts = []lineage.Fact{
			{Key: lineage.FactKey{Source: "west", Kind: lineage.ClusterFacts}, Cluster: &lineage.ClusterFact{ID: cluster, Brokers: 3}},
			{Key: lineage.FactKey{Source: "west", Kind: lineage.TopicFacts, Name: "orders"}, Topic: &lineage.TopicFact{Topic: orders, Partitions: 1, Replication: 1}},
		}
	}
	if err := w.store.Append(w.Context(), o); err != nil {
		w.Fatal(err)
	}
	if o.Round.After(w.now) {
		w.now = o.Round
	}
}

// accounts are all periods that are closed.
func (w *world) accounts() (out []*ledger.Account) {
	w.Helper()
	periods, read, err := w.log.Reader().Accounts(time.Time{})
	if err != nil {
		w.Fatal(err)
	}
	for _, p := range periods {
		a, err := read(p)
		if err != nil {
			w.Fatal(err)
		}
		out = append(out, a)
	}
	return out
}

// find returns what is said of a node in the period of a minute; nil: nothing.
func (w *world) find(minute int, node string) *ledger.Statement {
	w.Helper()
	for _, a := range w.accounts() {
		if !a.Period.Start.Equal(begin.Add(time.Duration(minute) * time.Minute)) {
			continue
		}
		for i := range a.Statements {
			if a.Statements[i].Node == node {
				return &a.Statements[i]
			}
		}
	}
	return nil
}

const (
	writer  = "application:shop/writer"
	billing = "application:shop/billing"
)

func TestPeriodsAreClosedTwoMinutesAfterTheirEnd(t *testing.T) {
	w := newWorld(t)
	w.step()
	if got := w.accounts(); len(got) != 0 {
		t.Fatalf("of an empty store %d periods are closed", len(got))
	}
	for n := 1; n < 17; n++ { // until 12:02:40
		w.ends(n, int64(100*n))
		w.groups(n, int64(50*n))
	}
	w.step()
	if got := w.accounts(); len(got) != 0 {
		t.Fatalf("at %s %d periods are closed already", w.now, len(got))
	}
	for n := 17; n < 24; n++ {
		w.ends(n, int64(100*n))
		w.groups(n, int64(50*n))
	}
	w.step()
	got := w.accounts()
	if len(got) < 1 || !got[len(got)-1].Period.End.Equal(begin.Add(time.Minute)) || !w.log.Ends().Equal(begin.Add(time.Minute)) {
		t.Fatalf("at %s the periods %v are closed", w.now, got)
	}

	for node, want := range map[string]int64{writer: 600, billing: 300} {
		s := w.find(0, node)
		if s == nil || s.Records == nil || *s.Records != want || s.Active == nil || !*s.Active || s.Topic != "topic:west/orders" || len(s.Evidence) != 1 {
			t.Errorf("%s: %+v, want %d records", node, s, want)
		}
	}
	if s := w.find(0, billing); s.Operation != ledger.Read || s.ClientCount != 1 || *s.Clients[0].Principal != "User:ann" || *s.Clients[0].Host != "/10.0.0.7" {
		t.Errorf("billing: %+v", s)
	}
	size := w.log.Newest().Size
	w.step()
	if w.log.Newest().Size != size {
		t.Error("a period is closed again")
	}
}

func TestSilenceAndGapsAreDifferentPeriods(t *testing.T) {
	w := newWorld(t)
	for n := 1; n < 61; n++ {
		total := int64(100 * min(n, 12)) // silent from 12:02 on
		if n > 24 && n <= 36 {           // nobody looks from 12:04 to 12:06
			continue
		}
		w.ends(n, total)
		w.groups(n, total)
	}
	w.step()
	covered := map[int]int64{}
	for _, a := range w.accounts() {
		minute := int(a.Period.Start.Sub(begin) / time.Minute)
		if len(a.Coverage) != 1 || a.Coverage[0].Cluster != "west" {
			t.Fatalf("minute %d: coverage %+v", minute, a.Coverage)
		}
		covered[minute] = a.Coverage[0].Observed
		if moved := slices.ContainsFunc(a.Statements, func(s ledger.Statement) bool { return s.Active != nil && *s.Active }); moved != (minute < 2) {
			t.Errorf("minute %d: moved %v: %+v", minute, moved, a.Statements)
		}
	}
	if covered[2] != 1_000_000 || covered[4] != 0 || covered[7] != 1_000_000 {
		t.Errorf("observed, in millionths by minute: %v", covered)
	}
	if s := w.find(2, writer); s != nil {
		t.Errorf("who rests has an entry: %+v", s)
	}
}

func TestLateDataIsAnAmendmentAndNeverAnEdit(t *testing.T) {
	w := newWorld(t)
	for n := 1; n < 31; n++ {
		w.ends(n, int64(100*n))
		if n <= 6 {
			w.groups(n, int64(50*n))
		}
	}
	w.step()
	before := w.find(1, billing)
	if before != nil && before.Records != nil {
		t.Fatalf("before anybody told what billing read there is a count: %+v", before)
	}
	was := w.log.Newest()
	for n := 7; n < 31; n++ {
		w.groups(n, int64(50*n))
	}
	w.step()
	after := w.find(1, billing)
	if after == nil || after.Records == nil || *after.Records != 300 {
		t.Fatalf("after the late data: %+v", after)
	}
	if before != nil && (after.Amends == nil || *after.Amends != before.Index) {
		t.Errorf("it replaces entry %d and says %v", before.Index, after.Amends)
	}
	size := w.log.Newest().Size
	w.step()
	if w.log.Newest().Size != size {
		t.Error("what did not change is amended again")
	}
	w.verified(was.Text)
}

// verified checks the folder, and that it goes on from a checkpoint.
func (w *world) verified(from []byte) *ledger.Checked {
	w.Helper()
	c, err := ledger.Verify(os.DirFS(filepath.Join(w.dir, "ledger")), "", from)
	if err != nil {
		w.Fatal(err)
	}
	return c
}

func TestARestartNeitherLosesNorDoublesPeriods(t *testing.T) {
	w := newWorld(t)
	for n := 1; n < 90; n++ {
		w.ends(n, int64(100*n))
		w.groups(n, int64(50*n))
		if n%7 == 0 { // killed: what is open is not closed
			w.step()
			w.start()
		}
	}
	w.step()
	got := w.accounts()
	for i, a := range got {
		if want := got[0].Period.Start.Add(time.Duration(i) * time.Minute); !a.Period.Start.Equal(want) {
			t.Fatalf("period %d begins at %s and not at %s", i, a.Period.Start, want)
		}
	}
	if c := w.verified(nil); c.Periods != int64(len(got)) || len(got) < 12 {
		t.Errorf("%d periods in the chain, %d accounts", c.Periods, len(got))
	}
}

func TestChangedRulesAreSaid(t *testing.T) {
	w := newWorld(t)
	for n := 1; n < 31; n++ {
		w.ends(n, int64(100*n))
	}
	w.step()
	w.start() // the same rules: nothing has changed
	w.rules = "other rules"
	for n := 31; n < 43; n++ {
		w.ends(n, int64(100*n))
	}
	w.step()
	r, changes := w.log.Reader(), 0
	for i := range r.Checkpoint().Size {
		text, err := r.Entry(i)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(string(text), `{"after":`) {
			changes++
		}
	}
	if changes != 1 {
		t.Errorf("%d changes of rules are said", changes)
	}
}

func TestAClockThatWasAheadIsAmendedOnceItsPeriodsHaveEnded(t *testing.T) {
	w := newWorld(t)
	for n := 1; n < 7; n++ {
		w.ends(n, int64(100*n))
	}
	right := w.now
	w.now = w.now.Add(10 * time.Minute) // for a minute, and periods of the time to come are closed
	w.step()
	if got := w.accounts(); len(got) < 8 {
		t.Fatalf("%d periods are closed", len(got))
	}
	w.now = right
	before := w.log.Newest().Size
	for n := 7; n < 13; n++ { // the second minute comes
		w.ends(n, int64(100*n))
		w.step()
	}
	if w.log.Newest().Size != before {
		t.Error("a period is amended while it lasts")
	}
	for n := 13; n < 25; n++ {
		w.ends(n, int64(100*n))
	}
	w.step()
	if s := w.find(1, writer); s == nil || s.Records == nil || *s.Records != 600 {
		t.Errorf("of the minute that was closed before it was there: %+v", s)
	}
	w.verified(nil)
}

func TestNothingIsClosedWhileItIsRefused(t *testing.T) {
	w := newWorld(t)
	for n := range 40 {
		w.ends(n, int64(n))
	}
	why := errors.New("another history")
	w.Refused = func() error { return why }
	if err := w.Step(t.Context()); !errors.Is(err, why) || len(w.accounts()) > 0 {
		t.Errorf("%v, and %d periods are closed", err, len(w.accounts()))
	}
	w.Refused = func() error { return nil }
	w.step()
	closed := len(w.accounts())
	if closed == 0 {
		t.Error("nothing is closed")
	}
	// What is closed already is known all the same.
	w.Refused = func() error { return why }
	until := w.log.Ends()
	again := New(w.Options)
	if err := again.Step(t.Context()); !errors.Is(err, why) || until.IsZero() || !again.Log.Ends().Equal(until) {
		t.Errorf("%v, closed until %s, want %s", err, again.Log.Ends(), until)
	}
}

func TestWhatIsHeldNoMoreIsNotWithdrawn(t *testing.T) {
	w := newWorld(t)
	for n := 1; n < 31; n++ {
		w.ends(n, int64(100*n))
		w.groups(n, int64(50*n))
	}
	w.step()
	if s := w.find(1, billing); s == nil || *s.Records != 300 {
		t.Fatalf("before: %+v", s)
	}
	// The store comes back without the second minute, as after a block was damaged and put aside. Of the minute after,
	// what was read is an estimate then.
	_ = w.log.Close()
	_ = w.store.Close()
	w.store = timeseries.NewMemory(timeseries.Options{Tick: tick})
	t.Cleanup(func() { _ = w.store.Close() })
	for n := 1; n < 31; n++ {
		if n <= 6 || n > 12 {
			w.ends(n, int64(100*n))
			w.groups(n, int64(50*n))
		}
	}
	w.start()
	w.step()
	w.step()
	if s := w.find(1, billing); s == nil || s.Records == nil || *s.Records != 300 {
		t.Errorf("what was seen and is held no more: %+v", s)
	}
	for _, a := range w.accounts() {
		if a.Period.Start.Equal(begin.Add(time.Minute)) && (len(a.Coverage) != 1 || a.Coverage[0].Observed != 1_000_000) {
			t.Errorf("what was observed is said not to have been: %+v", a.Coverage)
		}
		for _, s := range a.Statements {
			if s.Active != nil && *s.Active && s.Records == nil {
				t.Errorf("a count is taken back: %+v", s)
			}
		}
	}
}

func TestTheFirstPeriodIsAmendedToo(t *testing.T) {
	w := newWorld(t)
	for n := 3; n < 31; n++ { // what is held begins within its first period
		w.ends(n, int64(100*n))
		if n <= 6 {
			w.groups(n, 50)
		}
	}
	w.step()
	for n := 7; n < 31; n++ {
		w.groups(n, 50)
	}
	size := w.log.Newest().Size
	w.observe("groups", 5, lineage.Observation{})
	for n := 3; n < 7; n++ {
		w.observe("late", n, lineage.Observation{Samples: []lineage.Sample{
			{Subject: lineage.Access{Topic: orders, Op: lineage.Read, Client: lineage.Client{Group: "slow"}}, Metric: lineage.Records, Evidence: lineage.GroupOffsets, Value: int64(10 * n)},
		}})
	}
	w.step()
	if s := w.find(0, "application:shop/slow"); s == nil {
		t.Errorf("what came late of the first period is not in it: %d entries, %d before", w.log.Newest().Size, size)
	}
}

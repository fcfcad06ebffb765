package timeseries

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/lineaged/lineaged/attribution"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// settledWorld is a topic that grows, of which two sources tell, in a store that settles whose that is.
type settledWorld struct {
	s    *Disk
	o    Options
	dir  string
	left map[string]int64
}

func (e *settledWorld) at(n int) time.Time { return testStart.Add(time.Duration(n) * e.o.Tick) }

var settledTopic = lineage.Topic{Cluster: "W", Name: "orders", ID: lineage.TopicID{1}}

func settledMover(name string) lineage.Client {
	return lineage.Client{Mover: lineage.Node{Scope: "connect-west", Kind: lineage.ConnectorNode, Name: name}}
}

var (
	// a mover that writes the topic, one that may write any of its cluster, and who tells all of that
	settledRuns   = lineage.Access{Topic: lineage.Topic{Cluster: "W", Name: "orders"}, Op: lineage.Write, Client: settledMover("a")}
	settledVague  = lineage.Access{Topic: lineage.Topic{Cluster: "W"}, Op: lineage.Write, Client: settledMover("vague")}
	settledTeller = lineage.Access{Topic: lineage.Topic{Cluster: "W"}, Op: lineage.Write, Client: settledMover("")}
)

// grows adds ten records that no writer is counted for.
func (e *settledWorld) grows(o *lineage.Observation) {
	e.left["left"] += 10
	o.Samples = append(o.Samples, lineage.Sample{Subject: lineage.Access{Topic: settledTopic}, Metric: lineage.Left, Value: e.left["left"]})
}

// seesRuns has the mover of the topic seen.
func seesRuns(o *lineage.Observation) {
	o.Sightings = append(o.Sightings, lineage.Sighting{Access: settledRuns, Evidence: lineage.Connect, Detail: "class A"})
}

// says adds how many of a mover run.
func says(o *lineage.Observation, who lineage.Access, n int64) {
	o.Samples = append(o.Samples, lineage.Sample{Subject: who, Metric: lineage.Runs, Value: n})
}

func openSettled(t *testing.T, silent time.Duration) *settledWorld {
	e := &settledWorld{dir: t.TempDir(), o: testOpts, left: map[string]int64{}}
	e.o.Tick = 10 * time.Minute
	e.o.Retention = Retention{Raw: 3 * day, Minute: 8 * day, Hour: 400 * day}
	e.o.silentFor = silent
	e.o.Settle = attribution.Settle
	var err error
	e.s, err = Open(e.dir, e.o)
	must(t, err)
	return e
}

func (e *settledWorld) reopen(t *testing.T) {
	must(t, e.s.Close())
	var err error
	e.s, err = Open(e.dir, e.o)
	must(t, err)
}

// round takes a round of both sources.
func (e *settledWorld) round(t *testing.T, n int, kafka, connect func(*lineage.Observation)) {
	k := lineage.Observation{Source: lineage.Source{Cluster: "west", Name: "producers"}, Round: e.at(n), Interval: e.o.Tick, At: e.at(n)}
	c := lineage.Observation{Source: lineage.Source{Cluster: "connect-west", Name: "connectors"}, Round: e.at(n), Interval: e.o.Tick, At: e.at(n)}
	kafka(&k)
	connect(&c)
	must(t, e.s.Append(context.Background(), k, c))
	if n%12 == 0 {
		must(t, e.s.Maintain(context.Background(), e.at(n)))
	}
}

func (e *settledWorld) writers(t *testing.T, from, to int) map[string]float64 {
	t.Helper()
	w, err := e.s.Window(context.Background(), store.Ask{Window: lineage.Window{Start: e.at(from), End: e.at(to)}, Accesses: true})
	must(t, err)
	out := map[string]float64{}
	rows := map[lineage.Access]int{}
	for i := range w.Rows.Topics {
		rows[*w.Rows.Access[i]]++
		a, b := w.Series.Of(int32(i))
		for j := a; j < b; j++ {
			if w.Series.Metric[j] == lineage.Records {
				c := w.Rows.Access[i].Client
				out[fmt.Sprintf("%v/%s/%s/%v %v", c.Kind, c.TransactionalID, c.Mover.Name, w.Series.Evidence[j], w.Rows.FirstSeen[i].Format(time.DateOnly))] += w.Series.Amount[j].Total
			}
		}
	}
	for a, n := range rows {
		if n > 1 {
			t.Errorf("%+v is in %d rows", a, n)
		}
	}
	return out
}

func awayTestLinked(t *testing.T, silent time.Duration) (said []string) {
	e := openSettled(t, silent)
	txn := lineage.Client{TransactionalID: "workers-a-0"}
	link := txn
	link.Mover = lineage.Node{Kind: lineage.ConnectorNode, Name: "a"}
	told := false
	kafka := func(o *lineage.Observation) {
		e.grows(o)
		e.left["txn"] += 100
		writes := func(c lineage.Client) lineage.Access {
			return lineage.Access{Topic: settledTopic, Op: lineage.Write, Client: c}
		}
		o.Samples = append(o.Samples, lineage.Sample{Subject: writes(txn), Metric: lineage.Records, Evidence: lineage.Transaction, Value: e.left["txn"]})
		if !told {
			o.Samples = append(o.Samples, lineage.Sample{Subject: writes(link), Metric: lineage.Linked, Evidence: lineage.Transaction, Value: 1})
			told = true
		}
	}
	n := 0
	connect := func(o *lineage.Observation) {
		seesRuns(o)
		if n == 1 {
			says(o, settledRuns, 1)
		}
	}
	for n = 1; n <= 6*144; n++ {
		e.round(t, n, kafka, connect)
	}
	said = append(said, fmt.Sprintf("before the restart, last day: %v", e.writers(t, n-150, n-10)))
	e.reopen(t)
	told = false // as the collector does
	for ; n <= 7*144; n++ {
		e.round(t, n, kafka, connect)
	}
	said = append(said, fmt.Sprintf("after the restart: %v", e.writers(t, n-100, n-10)))
	must(t, e.s.Close())
	return said
}

func awayTestTeller(t *testing.T, silent time.Duration) (said []string) {
	e := openSettled(t, silent)
	n := 0
	connect := func(o *lineage.Observation) {
		seesRuns(o)
		switch n {
		case 1:
			says(o, settledRuns, 1)
			says(o, settledTeller, 0)
			says(o, settledVague, 1)
		case 4 * 144: // it stops
			says(o, settledVague, 0)
		case 5 * 144:
			says(o, settledTeller, lineage.Unknown)
		}
	}
	for n = 1; n <= 6*144; n++ {
		e.round(t, n, e.grows, connect)
		switch n {
		case 4*144 - 10:
			said = append(said, fmt.Sprintf("vague runs: %v", e.writers(t, n-100, n-10)))
		case 5*144 - 10:
			said = append(said, fmt.Sprintf("vague stopped: %v", e.writers(t, n-100, n-10)))
		}
	}
	said = append(said, fmt.Sprintf("teller is blind: %v", e.writers(t, n-100, n-10)))
	must(t, e.s.Close())
	return said
}

func awayTestVagueRestart(t *testing.T, silent time.Duration) (said []string) {
	e := openSettled(t, silent)
	n := 0
	connect := func(o *lineage.Observation) {
		seesRuns(o)
		if n == 1 {
			says(o, settledRuns, 1)
			says(o, settledVague, 1)
		}
	}
	for n = 1; n <= 4*144; n++ {
		e.round(t, n, e.grows, connect)
	}
	said = append(said, fmt.Sprintf("before restart: %v", e.writers(t, n-100, n-10)))
	e.reopen(t)
	for ; n <= 5*144; n++ {
		e.round(t, n, e.grows, connect)
	}
	said = append(said, fmt.Sprintf("after: %v", e.writers(t, n-100, n-10)))
	must(t, e.s.Close())
	return said
}

func awayTestRemainder(t *testing.T, silent time.Duration) (said []string) {
	e := openSettled(t, silent)
	n := 0
	kafka := func(o *lineage.Observation) {
		if n < 144 || n > 4*144 {
			e.grows(o)
		}
		id := int64(n / 144)
		o.Samples = append(o.Samples, lineage.Sample{Subject: lineage.Access{Topic: settledTopic, Op: lineage.Write, Client: lineage.Client{Producer: lineage.KnownProducer(id)}}, Metric: lineage.Records, Evidence: lineage.ProducerState, Value: int64(n)})
	}
	for n = 1; n <= 8*144; n++ {
		e.round(t, n, kafka, func(*lineage.Observation) {})
	}
	said = append(said, fmt.Sprintf("all: %v", e.writers(t, 1, n-10)))
	said = append(said, fmt.Sprintf("last day: %v", e.writers(t, n-154, n-10)))
	if n := len(e.s.ledgers.of[settledTopic].told); silent == day && n > 6 {
		t.Errorf("%d series are held to settle by, of the dead too", n)
	}
	must(t, e.s.Close())
	return said
}

// TestThePutAwayAreSettledAsBefore compares what is settled by a store that puts the silent away with one that does
// not: movers that run on without a word, links that were told once, writers that rest.
func TestThePutAwayAreSettledAsBefore(t *testing.T) {
	for name, f := range map[string]func(*testing.T, time.Duration) []string{
		"a link told once": awayTestLinked, "movers of any topic": awayTestTeller, "a restart": awayTestVagueRestart, "a rest": awayTestRemainder,
	} {
		t.Run(name, func(t *testing.T) {
			want, got := f(t, 400*day), f(t, day)
			for i := range want {
				if got[i] != want[i] {
					t.Errorf("%s\nwhere nobody is put away: %s", got[i], want[i])
				}
			}
		})
	}
}

// fullVault takes no new file.
type fullVault struct{ vault }

func (fullVault) begin(fileID) error { return syscall.ENOSPC }

// TestWhatASealDecidesHasAVersion has a step wait for a source that is late when its block is to be sealed, and the
// block can't be written: what was decided shows, and so it is another version.
func TestWhatASealDecidesHasAVersion(t *testing.T) {
	e := openSettled(t, 400*day)
	defer func() { must(t, e.s.Close()) }()
	e.round(t, 1, e.grows, func(o *lineage.Observation) { says(o, settledRuns, 1) })
	late := lineage.Observation{Source: lineage.Source{Cluster: "west", Name: "producers"}, Round: e.at(2), Interval: e.o.Tick, At: e.at(2)}
	e.grows(&late)
	must(t, e.s.Append(context.Background(), late))
	ask := store.Ask{Window: lineage.Window{Start: e.at(0), End: e.at(2)}, Accesses: true}
	version := func() store.Version {
		s, err := e.s.State(context.Background())
		must(t, err)
		return s.VersionOf(ask)
	}
	before, was := fmt.Sprint(e.writers(t, 0, 2)), version()
	e.s.vault = fullVault{e.s.vault}
	if err := e.s.Maintain(context.Background(), e.at(60)); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	e.s.vault = e.s.vault.(fullVault).vault
	if after := fmt.Sprint(e.writers(t, 0, 2)); after == before {
		t.Errorf("nothing was decided: %s", after)
	}
	if version() == was {
		t.Error("the answer changed, and its version did not")
	}
}

package kafka

import (
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// panicRest is for how long a part of the slow cadences is left alone after it panicked: each time costs a restore, and
// its fault is not gone in a tick.
const panicRest = 5 * time.Minute

// fault is a part that panicked.
type fault struct {
	until  time.Time // it is not run before
	reason string
}

// part runs one part of the round and reports whether it ended as it should. One that panics is a gap of its own
// source: what it said is dropped, and since it may have left books half written, all are taken from the last stored
// positions before the next round. rest is for how long it is not tried again.
func (t *take) part(name string, every, rest time.Duration, run func()) (ok bool) {
	if f, faulty := t.faults[name]; faulty && t.round.Before(f.until) {
		if t.due(name, every) {
			t.missPart(name, every, f.reason)
		}
		return true
	}
	defer func() {
		p := recover()
		if p == nil {
			delete(t.faults, name)
			return
		}
		t.cfg.Log.Error("a part of the round panicked; it is a gap of its own", "source", name, "panic", p, "stack", string(debug.Stack()))
		t.told.Drop(name)
		f := fault{until: t.round.Add(rest), reason: fmt.Sprintf("lineaged itself failed here, which is a fault to report with its log: %v", p)}
		t.faults[name], t.spoilt = f, true
		t.slow.Ran(t.round, name)
		t.missPart(name, every, f.reason)
		ok = false
	}()
	run()
	return true
}

// missPart says that a part saw nothing. The closer looks at transactions are nobody's observation: they help to name
// what the groups' source has seen.
func (t *take) missPart(name string, every time.Duration, reason string) {
	if name != sourceTransactions {
		collector.MissAll(t.observe(name, every), reason)
		return
	}
	if o := t.told.Of(sourceGroups); o != nil {
		o.Missing = append(o.Missing, lineage.Missing{Reason: reason})
	}
}

// resume takes the books from the last stored positions after a part panicked. What was told and what no position holds
// stays.
func (t *take) resume() error {
	was := *t.source
	if err := t.Restore(t.ctx, t.sink); err != nil {
		return err
	}
	t.faults, t.slow = was.faults, was.slow
	t.continuous, t.lacks, t.clusterFact, t.unrest = was.continuous, was.lacks, was.clusterFact, was.unrest
	t.rights, t.sawAll, t.hidden = was.rights, was.sawAll, was.hidden
	t.sawGroups, t.groupsCounted = was.sawGroups, was.groupsCounted
	for id, tp := range t.topics {
		n, old := len(tp.parts), was.topics[id]
		if old != nil && len(old.leaders) == n && len(old.epochs) == n && len(old.histories) == n && len(old.starts) == n {
			tp.leaders, tp.epochs, tp.histories, tp.past, tp.starts = old.leaders, old.epochs, old.histories, old.past, old.starts
			tp.startsAt, tp.retained, tp.sized, tp.sizedAt = old.startsAt, old.retained, old.sized, old.sizedAt
		}
	}
	return nil
}

// forgetEvents takes out what a round that is not to be resumed from says of things that come and go: the next one
// finds it again.
func (t *take) forgetEvents() {
	for _, o := range t.told.Observed() {
		o.Events = nil
		o.Facts = slices.DeleteFunc(o.Facts, func(f lineage.Fact) bool { return f.Gone })
	}
}

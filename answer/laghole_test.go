package answer_test

import (
	"strings"
	"testing"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// A lag counts offsets. Where some of them are known to be no records that anybody reads, the evidence of a reader or a
// replication that is behind says so; of one that has read all there is nothing to say.
func TestLagThatCountsOffsets(t *testing.T) {
	w := newWorld(t)
	plain, written, compacted, both := topic("plain"), topic("written"), topic("compacted"), topic("both")
	counted, without := topic("counted"), topic("without") // whose batches' headers have markers, and have none
	compacts := func(x lineage.Topic) lineage.Fact {
		f := topicFact(x)
		f.Topic.Configs = []lineage.Config{{Name: "cleanup.policy", Value: "compact,delete"}}
		return f
	}
	headers := func(x lineage.Topic, markers int64) filling {
		return func(o *lineage.Observation) {
			o.Samples = append(o.Samples, lineage.Sample{Subject: self(x), Metric: lineage.Markers, Evidence: lineage.BatchHeader, Value: markers})
		}
	}
	movers := map[lineage.EvidenceKind]lineage.Node{
		lineage.Mirror:  {Scope: "east", Kind: lineage.ReplicatorNode, Name: "west->east"},
		lineage.Connect: {Scope: "north", Kind: lineage.ReplicatorNode, Name: "west->north"},
	}
	for n := 1; n <= 6; n++ {
		w.observe("west", "headers", n, headers(counted, int64(min(n, 2))), headers(without, 0)) // before the window
		var fill []filling
		if n == 1 {
			fill = append(fill, facts(clusterFact(6), topicFact(plain), topicFact(written), topicFact(counted), topicFact(without), compacts(compacted), compacts(both)))
		}
		for _, x := range []lineage.Topic{plain, written, compacted, both, counted, without} {
			fill = append(fill, w.moved(self(x), lineage.NoEvidence, 10))
			if x == written || x == both {
				fill = append(fill, w.moved(writes(x, lineage.Client{TransactionalID: "teller"}), lineage.Transaction, 9))
			}
			for group, lag := range map[string]int64{"behind": 4, "there": 0} {
				of := reads(x, lineage.Client{Group: group})
				fill = append(fill, w.moved(of, lineage.GroupOffsets, 10), level(of, lineage.Lag, lag))
			}
			for kind, m := range movers { // which tell of a replication too
				of := reads(x, by(m))
				fill = append(fill, w.moved(of, kind, 10), level(of, lineage.Lag, 4))
			}
		}
		w.observe("west", "end-offsets", n, fill...)
	}
	v := view(t, answers(w.store), answer.Between(round(3), round(6)), answer.All)
	for name, want := range map[string]string{
		"plain": "", "without": "", "counted": "markers of transactions and aborted records", "written": "markers of transactions and aborted records", "compacted": "records that compaction took",
		"both": "markers of transactions and aborted records, and records that compaction took",
	} {
		readers := map[lineage.Node]bool{application("behind"): true, application("there"): false}
		for _, m := range movers {
			readers[m] = true
		}
		for reader, behind := range readers {
			f, group := lineage.Flow{From: topicNode(name), To: reader}, reader.ID()
			es, err := v.Rows(nil, []lineage.Flow{f}).Flow(f).Evidence(t.Context())
			if err != nil || len(es) != 1 {
				t.Fatalf("%s, %s: %d pieces of evidence, %v", name, group, len(es), err)
			}
			said := ""
			if behind && want != "" {
				said = "its lag counts offsets: " + want + " may be among them"
			}
			if d := es[0].Detail; !strings.HasSuffix(d, said) || said == "" && strings.Contains(d, "lag") {
				t.Errorf("%s, %s: %q, want %q", name, group, d, said)
			}
		}
	}
}

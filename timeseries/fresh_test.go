package timeseries

import (
	"context"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// TestWhatNothingWasToldOfIsNotSettled tells of a claim before any block is sealed: the blocks since 1970 are not
// settled for it.
func TestWhatNothingWasToldOfIsNotSettled(t *testing.T) {
	t.Parallel()
	calls := 0
	o := lateOptions()
	o.Settle = func(*lineage.Ledger) ([]lineage.Settled, int64) { calls++; return nil, 0 }
	s, err := Open(t.TempDir(), o)
	must(t, err)
	defer func() { must(t, s.Close()) }()
	must(t, s.Append(context.Background(), lineage.Observation{
		Source: lineage.Source{Cluster: "telemetry", Name: "telemetry"}, Round: lateAt(1), Interval: lateTick, At: lateAt(1),
		Samples: []lineage.Sample{{
			Subject: lineage.Access{Topic: settledTopic, Op: lineage.Write, Client: lineage.Client{ClientID: "a"}}, Metric: lineage.Claimed, Evidence: lineage.Telemetry, Value: 5,
		}},
	}))
	if calls < 1 || calls > 2 {
		t.Errorf("%d blocks were settled, want the one that there is", calls)
	}
}

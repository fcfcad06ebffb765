package kafka

import (
	"maps"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector"
)

// Others are told what groups that nobody is in have committed, of the topics that they ask for, and only in rounds in
// which all groups were read.
func TestCommitsAreToldToWhoAsks(t *testing.T) {
	w := newWorld(t, 1)
	board := &collector.Board{}
	w.start(Config{Board: board})
	w.topic("orders", 2)
	w.topic("other", 1)
	w.write("orders", 0, 30)
	w.commit("flink", "orders", 0, 20)
	w.commit("elsewhere", "other", 0, 0)
	w.member("live", "orders")
	w.take(2)
	cluster := board.Clusters()[0].ID
	if _, round := board.Commits(cluster); !round.IsZero() {
		t.Errorf("nobody asked, and told is of %v", round)
	}
	board.WantCommits(cluster, "orders")
	w.take(1)
	all, round := board.Commits(cluster)
	if len(all) != 1 || all[0].Group != "flink" || !slices.Equal(slices.Collect(maps.Keys(all[0].Offsets)), []string{"orders"}) || all[0].Offsets["orders"][0] != 20 {
		t.Errorf("told is %+v", all)
	}
	stop := w.refuse(kmsg.OffsetFetch, func(kmsg.Request) (kmsg.Response, error, bool) { return nil, nil, true })
	w.take(1)
	stop()
	if _, again := board.Commits(cluster); !again.Equal(round) {
		t.Errorf("told in a round in which no group was read")
	}
}

package kafka

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/internal/kafkatest"
)

// Of thousands of groups on a real broker all are described within a few rounds, and what that costs the broker is
// logged.
func TestRealManyGroups(t *testing.T) {
	const groups = 6000
	c := kafkatest.Shared(t, kafkatest.Options{})
	c.CreateTopic(t, "many", 1)
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	makeGroups(t, client, "many", groups)
	col, err := New(Config{Name: "west", Brokers: c.Brokers(), Interval: 10 * time.Second}, newRecorder())
	if err != nil {
		t.Fatal(err)
	}
	defer col.source.close()
	round, known := t0, 0
	for i := 0; i < 6 && known < groups; i++ {
		round = round.Add(10 * time.Second)
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
		obs := col.source.Observe(ctx, round)
		cancel()
		known = 0
		for _, g := range col.source.groups {
			if g.membersKnown {
				known++
			}
		}
		t.Logf("round %d: %v, %d of %d groups described", i, time.Since(begun), known, len(col.source.groups))
		for _, o := range obs {
			if o.Source.Name == sourceMembers && (len(o.Missing) == 0) != (known == len(col.source.groups)) {
				t.Errorf("%d of %d described, and missing is %d parts", known, len(col.source.groups), len(o.Missing))
			}
		}
	}
	if known < groups {
		t.Errorf("%d of %d groups described", known, groups)
	}
	// What a full chunk takes.
	var chunk []*group
	for _, g := range col.source.groups {
		if chunk = append(chunk, g); len(chunk) == describeChunk {
			break
		}
	}
	begun := time.Now()
	if _, err := col.source.slowClient.Broker(int(chunk[0].coordinator)).Request(t.Context(), describeRequest("Classic", chunk)); err != nil {
		t.Fatal(err)
	}
	t.Logf("a description of %d groups takes %v", len(chunk), time.Since(begun))
}

package kafka

import (
	"slices"
	"testing"

	"github.com/lineaged/lineaged/collector"
)

// Who reaches the cluster by another listener than lineaged does is understood by the address that brokers advertise
// there. A broker that does not tell any more is believed what it told; a wildcard is nobody's address.
func TestAddressesOfOtherListeners(t *testing.T) {
	const internal = "INTERNAL://kafka-0.local:29092,external://kafka-0.example.com:9094,ALL://0.0.0.0:9095,SIX://[::]:9096,NO://:9097,ODD"
	configured := []map[string]string{{advertisedListeners: internal}, {advertisedListeners: "INTERNAL://[fd00::1]:29092, EXTERNAL://kafka-1.example.com:9094"}}
	board := &collector.Board{}
	w := newWorld(t, 2)
	w.tellExpiry(configured)
	w.topic("orders", 1)
	w.start(Config{Board: board})
	w.take(2)
	want := []string{"[fd00::1]:29092", "kafka-0.example.com:9094", "kafka-0.local:29092", "kafka-1.example.com:9094"}
	of := func() []string {
		c, _ := board.Cluster(w.source.cfg.Name)
		return c.Listeners
	}
	if got := of(); !slices.Equal(got, want) {
		t.Fatalf("other listeners are at %q, want %q", got, want)
	}
	for _, spelling := range []string{"kafka-0.example.com:9094", "kafka://KAFKA-1.example.com:9094", "SASL_SSL://kafka-0.local:29092"} {
		if got, a, ok := board.Find("connect", "", []string{spelling}, nil); !ok || got.Source != w.source.cfg.Name {
			t.Errorf("%s is not known as the cluster: %+v", spelling, a)
		}
	}
	if _, a, ok := board.Find("connect", "", []string{"0.0.0.0:9095"}, nil); ok {
		t.Errorf("a wildcard is somebody's address: %+v", a)
	}
	configured[1] = nil // not permitted any more
	w.round = w.round.Add(configsCadence)
	w.take(1)
	if got := of(); !slices.Equal(got, want) {
		t.Errorf("a broker that does not tell has other listeners at %q, want %q as before", got, want)
	}
}

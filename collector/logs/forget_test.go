package logs

import (
	"bytes"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

func TestForget(t *testing.T) {
	p, err := lineage.NewPersons([]string{"User:ann"}, []string{"10.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	ann := lineage.Client{ClientID: "a", Principal: "User:ann", Host: "10.0.0.1"}
	bo := lineage.Client{ClientID: "a", Principal: "User:bo", Host: "10.0.0.10"}
	topic := lineage.Topic{Cluster: "c", ID: lineage.TopicID{1}, Name: "orders"}
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

	x := newClaimed()
	x.seen = now
	x.totals[claimer{ann, lineage.RequestLog}], x.totals[claimer{bo, lineage.RequestLog}] = 7, 8
	x.tails[3] = answer{offset: 5, upTo: 6, at: now, round: now, client: ann, epoch: 2, local: "b"}
	was := x.encode(topic)
	value := Forget(p, claimsPrefix+"orders", was)
	if bytes.Contains(value, []byte("ann")) || !bytes.Contains(value, []byte("User:bo")) || !bytes.Contains(value, []byte("10.0.0.10")) {
		t.Fatalf("%q", value)
	}
	c := &claims{of: map[lineage.Topic]*claimed{}}
	c.restore(map[string][]byte{claimsPrefix + "orders": value}, func(key string, err error) { t.Error(key, err) })
	gone := ann
	p.Client(&gone)
	got := c.of[topic]
	if got == nil || got.totals[claimer{gone, lineage.RequestLog}] != 7 || got.totals[claimer{bo, lineage.RequestLog}] != 8 || len(got.totals) != 2 || !got.seen.Equal(now) {
		t.Fatalf("%+v", got)
	}
	if y := got.tails[3]; y.client != gone || y.offset != 5 || y.upTo != 6 || y.epoch != 2 || y.local != "b" {
		t.Errorf("%+v", y)
	}

	d := &digest{waiting: map[sight]*waiter{}}
	for _, who := range []lineage.Client{ann, bo} {
		d.waiting[sight{lineage.Access{Topic: lineage.Topic{ID: topic.ID}, Op: lineage.Read, Client: who}, lineage.RequestLog}] = &waiter{now, true}
	}
	value = Forget(p, waitingKey, d.encodeWaiting())
	again := &digest{claims: claims{of: map[lineage.Topic]*claimed{}}}
	again.restore(map[string][]byte{waitingKey: value}, func(key string, err error) { t.Error(key, err) })
	if len(again.waiting) != 2 || bytes.Contains(value, []byte("ann")) || !bytes.Contains(value, []byte("User:bo")) {
		t.Errorf("%q", value)
	}

	for key, value := range map[string][]byte{"file/1": []byte("User:ann"), waitingKey: []byte("User:ann"), claimsPrefix + "x": {1, 2}} {
		if got := Forget(p, key, value); !bytes.Equal(got, value) {
			t.Errorf("%s, which cannot be read, becomes %q", key, got)
		}
	}
}

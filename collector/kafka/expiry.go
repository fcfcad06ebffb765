package kafka

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// This file finds out after which time brokers forget the id of a producer that rests. It matters where a reading of
// the producers comes late, as after lineaged was away: who wrote meanwhile and was forgotten is listed by none.

// Configurations that say when ids are forgotten: producers' own, since Kafka 3.4, and the one that was theirs before.
const (
	producersExpire    = "producer.id.expiration.ms"
	transactionsExpire = "transactional.id.expiration.ms"
)

// whenForgotten lets the books of the partitions whose producers are read know when brokers forget ids. Brokers are
// asked only when a reading comes late, and no more often than for topics' configurations.
func (t *take) whenForgotten(todo []partitionRef) {
	late := slices.ContainsFunc(todo, func(ref partitionRef) bool {
		p := &ref.topic.parts[ref.part]
		return p.based && ref.topic.forgot(p, t.round, t.cfg.Interval)
	})
	if late && (t.forgetsAsked.IsZero() || t.round.Sub(t.forgetsAsked) >= configsCadence) {
		t.forgets, t.forgetsAsked = t.askForgets(), t.round
	}
	for _, ref := range todo {
		ref.topic.forgets = t.forgets
	}
}

// askForgets returns the shortest time after which a broker forgets an id. Where some broker does not tell it is what
// all told before, zero where they never did: readings are late when brokers fail.
func (t *take) askForgets() time.Duration {
	reqs := map[int32]kmsg.Request{}
	for _, b := range t.brokers {
		reqs[b] = ofBroker(b, producersExpire, transactionsExpire)
	}
	shortest := time.Duration(0)
	for _, a := range t.ask(reqs) {
		if a.err != nil {
			return t.forgets
		}
		one := expiryOf(a.resp.(*kmsg.DescribeConfigsResponse))
		if one == 0 {
			return t.forgets
		}
		if shortest == 0 || one < shortest {
			shortest = one
		}
	}
	return shortest
}

// expiryOf returns the time after which a broker forgets an id; zero where its answer does not tell.
func expiryOf(resp *kmsg.DescribeConfigsResponse) time.Duration {
	var own, before time.Duration
	for _, r := range resp.Resources {
		for _, e := range r.Configs {
			if e.Value == nil {
				continue
			}
			ms, err := strconv.ParseInt(*e.Value, 10, 64)
			if err != nil || ms <= 0 || ms > int64(1<<63-1)/int64(time.Millisecond) {
				continue
			}
			switch after := time.Duration(ms) * time.Millisecond; e.Name {
			case producersExpire:
				own = after
			case transactionsExpire:
				before = after
			}
		}
	}
	return cmp.Or(own, before)
}

package usage

import (
	"cmp"
	"slices"
	"time"
)

// The payers that a rule can name.
const (
	Producer         = "producer"
	Consumer         = "consumer"
	TopicOwner       = "topic-owner"
	ProducersByShare = "producers-by-share"
)

// Rules say who pays.
type Rules struct {
	Write   string // Producer or TopicOwner: for what is written and copied to replicas
	Read    string // Consumer or TopicOwner
	Storage string // TopicOwner or ProducersByShare: for what is on disk
}

// Usual are the rules that hold where nothing is said. Partitions are always the topic's owner's.
var Usual = Rules{Write: Producer, Read: Consumer, Storage: TopicOwner}

// Payers are what a rule may be.
var Payers = struct{ Write, Read, Storage []string }{
	Write: []string{Producer, TopicOwner}, Read: []string{Consumer, TopicOwner}, Storage: []string{TopicOwner, ProducersByShare},
}

// Of names the rule by which a meter is paid for.
func (r Rules) Of(m Meter) string {
	switch m {
	case Ingress, IngressRecords, Replication:
		return r.Write
	case Egress, EgressRecords:
		return r.Read
	case Storage:
		return r.Storage
	default:
		return TopicOwner
	}
}

// Words say who pays by a rule.
func Words(rule string) string {
	switch rule {
	case Producer:
		return "who wrote the records pays"
	case Consumer:
		return "who read the records pays"
	case ProducersByShare:
		return "who wrote to the topic that day pays, by how many records; the topic's owner where nobody did"
	default:
		return "the topic's owner pays"
	}
}

// Price is what a unit of each meter costs from a day on.
type Price struct {
	Cluster string    // empty: of all that have none of their own
	From    time.Time // a UTC midnight; zero: since ever
	Until   time.Time // a UTC midnight; zero: until another one of the same cluster begins
	Per     map[Meter]Decimal
}

// Tariff is how use becomes money.
type Tariff struct {
	Rules
	Currency string // ISO 4217
	Prices   []Price
}

// priced returns the price of a cluster that holds on a day; nil: none does. One of its own comes before one of all.
func (t *Tariff) priced(cluster string, day time.Time) *Price {
	var best *Price
	for i := range t.Prices {
		p := &t.Prices[i]
		if p.Cluster != cluster && p.Cluster != "" || day.Before(p.From) || !p.Until.IsZero() && !day.Before(p.Until) {
			continue
		}
		if best == nil || cmp.Or(cmp.Compare(len(p.Cluster), len(best.Cluster)), p.From.Compare(best.From)) > 0 {
			best = p
		}
	}
	return best
}

// period is a part of a month in which one price holds. The last ends with the window.
type period struct {
	Start, End time.Time
	Price      *Price
}

// periods returns the parts of a time for a cluster: cut where months begin and where prices change.
func (t *Tariff) periods(cluster string, start, end time.Time) (out []period) {
	for at := start; at.Before(end); {
		midnight := at.Truncate(Hours * time.Hour)
		price := t.priced(cluster, midnight)
		next := midnight.Add(Hours * time.Hour)
		if next.After(end) {
			next = end
		}
		n := len(out)
		if n > 0 && out[n-1].Price == price && out[n-1].Start.Month() == at.Month() && out[n-1].End.Equal(at) && out[n-1].Start.Year() == at.Year() {
			out[n-1].End = next
		} else {
			out = append(out, period{at, next, price})
		}
		at = next
	}
	return out
}

// at returns which period holds an instant.
func at(all []period, t time.Time) int32 {
	i, found := slices.BinarySearchFunc(all, t, func(p period, t time.Time) int { return p.Start.Compare(t) })
	if !found {
		i--
	}
	return int32(i)
}

// Package usage says what the use of topics amounts to, and who pays for it: in whole records, bytes, byte-hours and
// partition-hours of an hour, by owner, with exact prices.
//
// It is told what was observed of a topic in the hours of a day, and adds up. What it is told is settled so that the
// parts are the whole: what no writer is known to have written is a line of its own, and never spread. It refuses
// floats for money, to know a store, a clock or a window, and to say of what was not observed that it is nothing.
// ADR 40 says why.
package usage

import (
	"math/big"
	"time"
)

// Meter is what is counted.
type Meter uint8

// The meters, in the order of bills.
const (
	Ingress        Meter = iota // bytes that were written
	IngressRecords              // records that were written
	Egress                      // bytes that were read
	EgressRecords               // records that were read
	Replication                 // bytes that brokers copied to further replicas
	Storage                     // bytes on disk on all replicas, times hours
	Partitions                  // partitions, times hours
	Meters
)

var meters = [Meters]struct{ name, called, unit string }{
	{"INGRESS", "Ingress", "GB"},
	{"INGRESS_RECORDS", "Ingress records", "Records"},
	{"EGRESS", "Egress", "GB"},
	{"EGRESS_RECORDS", "Egress records", "Records"},
	{"REPLICATION", "Replication", "GB"},
	{"STORAGE", "Storage", "GB-Hours"},
	{"PARTITIONS", "Partitions", "Partition-Hours"},
}

// String returns the meter as the GraphQL enum spells it.
func (m Meter) String() string { return meters[m].name }

// ParseMeter reads what String writes.
func ParseMeter(s string) (Meter, bool) {
	for m := range Meters {
		if m.String() == s {
			return m, true
		}
	}
	return 0, false
}

// Called returns the meter in words.
func (m Meter) Called() string { return meters[m].called }

// Unit returns what it is priced in. GB are of 10^9 bytes.
func (m Meter) Unit() string { return meters[m].unit }

// Quantity returns a count of bytes, records and so on in the meter's unit.
func (m Meter) Quantity(n *big.Int) Decimal {
	const gigabyte = 9 // in decimals
	switch m {
	case Ingress, Egress, Replication, Storage:
		return Decimal{n, gigabyte}
	default:
		return Decimal{n, 0}
	}
}

// Basis is how a quantity is known.
type Basis uint8

// How quantities are known, the best first.
const (
	Measured   Basis = iota
	Estimated        // a bound, a share, or by a mean size
	Eliminated       // the only named writer without a count was given what was left
	bases
)

// String returns the basis as the GraphQL enum spells it.
func (b Basis) String() string { return [bases]string{"MEASURED", "ESTIMATED", "ELIMINATED"}[b] }

// ParseBasis reads what String writes.
func ParseBasis(s string) (Basis, bool) {
	for b := range bases {
		if b.String() == s {
			return b, true
		}
	}
	return 0, false
}

// or returns the worse of two.
func (b Basis) or(x Basis) Basis { return max(b, x) }

// Topic is whose records are billed.
type Topic struct {
	Cluster string // as in ids
	ID      string
	Name    string
}

// Party is somebody who writes or reads a topic.
type Party struct {
	Owner  string // empty: nobody has it
	Basis  Basis
	Mirror bool // it carries records into another cluster
}

// Hours is how many hours a day has.
const Hours = 24

// Hourly is a number of each hour of a day, where it was observed. The zero value knows none.
type Hourly struct {
	known uint32 // a bit an hour
	at    [Hours]float64
}

// Put says what it was in an hour.
func (x *Hourly) Put(hour int, value float64) {
	x.known |= 1 << hour
	x.at[hour] = value
}

// At returns what it was in an hour; false: it was not observed.
func (x *Hourly) At(hour int) (float64, bool) { return x.at[hour], x.known&(1<<hour) != 0 }

// Times returns a part of it.
func (x *Hourly) Times(share float64) Hourly {
	out := *x
	for h := range out.at {
		out.at[h] *= share
	}
	return out
}

// Frame is what was observed of a topic in a UTC day, hour by hour.
type Frame struct {
	Topic
	Owner string // of the topic; empty: nobody has it
	// Partitions and Replicas are as they were last; 0: not known.
	Partitions, Replicas int
	RecordBytes          float64 // the mean size of a record on disk; 0: not known
	Appended             Hourly  // by how many records its ends grew
	Bound                bool    // Appended may be more than the records: markers are among it
	Stored               Hourly  // bytes on disk, one replica of each partition
	There                uint32  // the hours in which the topic was seen, a bit each
	Writers, Readers     []Moved
}

// Moved is what a party wrote or read, hour by hour.
type Moved struct {
	Party
	Records Hourly
	Untold  uint32 // the hours in which it may have moved something, and how much is not known, a bit each
}

// Line is a part of a bill.
type Line struct {
	Topic    // of one that is summed up over topics the cluster alone, or nothing
	Owner    string
	Nobody   bool // there is no owner: it is unattributed
	Meter    Meter
	Basis    Basis
	Start    time.Time // of the charge's period, half-open
	End      time.Time
	Count    *big.Int // bytes, records, byte-hours, partition-hours
	Price    *Decimal // per unit; nil: none is configured, or there are several
	Cost     *Decimal // nil: no part has a price
	Observed int      // hours of the period in which it was observed, at least
	Of       int      // hours of the period that are asked about
}

// Quantity returns the count in the meter's unit.
func (l *Line) Quantity() Decimal { return l.Meter.Quantity(l.Count) }

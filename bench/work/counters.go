// Package work is what all peers of the benchmarks are given: the same counters and graphs, the true answers to hold
// theirs against, and how cost is measured.
//
// It hides how the data is made (seeded, so that each process makes the same), and refuses to know any store.
package work

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Step is the time between two ticks.
const Step = time.Minute

// Counters are offsets as Kafka's are: each series is a total that is read once a tick. Rates are log-normal with a
// heavy tail, three tenths of the series idle in any hour, days have their swing, and arrivals are Poisson's.
type Counters struct {
	Series, Ticks int
	// End is the instant of the last tick: half past twelve, so that there is a whole hour before it, and that where
	// hours and days end does not hang on when this is.
	End    time.Time
	values []int64 // by tick, then by series
}

// NewCounters makes counters whose last tick is at the last half past twelve, UTC, before an instant.
func NewCounters(series, ticks int, now time.Time) *Counters {
	const late = 12*time.Hour + 30*time.Minute
	c := &Counters{Series: series, Ticks: ticks, End: now.UTC().Add(-late).Truncate(24 * time.Hour).Add(late), values: make([]int64, series*ticks)}
	r := rand.New(rand.NewPCG(42, 7))
	for s := range series {
		rate := math.Min(math.Exp(math.Log(2)+2.2*r.NormFloat64()), 50_000) // records a second
		total := 1 + int64(r.Uint64N(1<<34))                                // old topics begin far up
		phase := r.Float64() * 2 * math.Pi
		idle := false
		for k := range ticks {
			if k%60 == 0 {
				idle = r.Float64() < 0.3
			}
			if !idle {
				total += arrivals(r, rate*60*(1+0.3*math.Sin(2*math.Pi*float64(k)/1440+phase)))
			}
			c.values[k*series+s] = total
		}
	}
	return c
}

// arrivals draws from a Poisson distribution; of large means from a normal one with 3 % more spread, as clients send
// in batches.
func arrivals(r *rand.Rand, mean float64) int64 {
	if mean >= 30 {
		return max(0, int64(mean+math.Sqrt(mean+0.0009*mean*mean)*r.NormFloat64()))
	}
	least, k, p := math.Exp(-mean), int64(0), 1.0
	for p *= r.Float64(); p > least; p *= r.Float64() {
		k++
	}
	return k
}

// Samples is how many there are.
func (c *Counters) Samples() int { return c.Series * c.Ticks }

// Row holds the totals of one tick by series.
func (c *Counters) Row(tick int) []int64 { return c.values[tick*c.Series : (tick+1)*c.Series] }

// At returns the instant of a tick.
func (c *Counters) At(tick int) time.Time { return c.End.Add(Step * time.Duration(tick-c.Ticks+1)) }

// tickOf returns the tick at an instant.
func (c *Counters) tickOf(at time.Time) int { return c.Ticks - 1 - int(c.End.Sub(at)/Step) }

// Topic is the number of a series' topic; each has ten series.
func Topic(series int) int { return series / 10 }

const topicPrefix = "orders.events.v1."

// TopicName is a name as long as real ones.
func TopicName(topic int) string { return topicPrefix + strconv.Itoa(topic) }

// ClusterName is the cluster of a topic.
func ClusterName(topic int) string { return "lkc-" + strconv.Itoa(topic%4) }

// Partition is what tells the series of a topic apart.
func Partition(series int) int { return series % 10 }

// SeriesOf is the series of a topic's name and a partition.
func SeriesOf(topic string, partition int) (int, error) {
	n, err := strconv.Atoi(strings.TrimPrefix(topic, topicPrefix))
	return n*10 + partition, err
}

// One is the series that is asked for alone.
func (c *Counters) One() int { return c.Series / 3 }

// AlignedHour is the start and the end of the last whole hour of the clock.
func (c *Counters) AlignedHour() (start, end time.Time) {
	end = c.End.Truncate(time.Hour)
	return end.Add(-time.Hour), end
}

// AnyHour is the start and the end of an hour that is none of the clock's; ten numbers in turn give ten hours.
func (c *Counters) AnyHour(number int) (start, end time.Time) {
	end = c.End.Truncate(time.Hour).Add(time.Duration(7+number%10) * time.Minute)
	return end.Add(-time.Hour), end
}

// Day is the start and the end of the day that ends with the last tick.
func (c *Counters) Day() (start, end time.Time) { return c.End.Add(-24 * time.Hour), c.End }

// Top is the true answer to which ten series grew most between two ticks.
func (c *Counters) Top(start, end time.Time) string {
	from, to := c.Row(c.tickOf(start)), c.Row(c.tickOf(end))
	var t Top
	for s := range to {
		t.Add(s, to[s]-from[s])
	}
	return t.String()
}

// Steps is the true answer to what one series grew by in each tick after the first, up to a day before the last.
func (c *Counters) Steps(series int) string {
	var s Steps
	for k := max(1, c.Ticks-24*60); k < c.Ticks; k++ {
		s.Add(c.Row(k)[series] - c.Row(k - 1)[series])
	}
	return s.String()
}

// Entropy estimates the bytes a sample that an ideal coder would need that knew each series' mean and spread in each
// hour.
func (c *Counters) Entropy() float64 {
	bits, n := 0.0, 0
	for s := 0; s < c.Series; s += 7 {
		for h := 1; h+60 <= c.Ticks; h += 60 {
			var sum, square float64
			for k := h; k < h+60; k++ {
				x := float64(c.Row(k)[s] - c.Row(k - 1)[s])
				sum += x
				square += x * x
			}
			n += 60
			mean := sum / 60
			switch {
			case mean == 0:
			case mean < 20:
				bits += 60 * poissonBits(mean)
			default:
				bits += 60 * 0.5 * math.Log2(2*math.Pi*math.E*max(square/60-mean*mean, 1))
			}
		}
	}
	return bits / float64(n) / 8
}

func poissonBits(mean float64) (bits float64) {
	p := math.Exp(-mean)
	for k := range 200 {
		if p > 1e-300 {
			bits -= p * math.Log2(p)
		}
		p *= mean / float64(k+1)
	}
	return bits
}

// Top gathers the ten series that grew most.
type Top struct{ best []grown }

type grown struct {
	series int
	by     int64
}

// Wants reports whether a series that grew by so much is among the first ten so far.
func (t *Top) Wants(by int64) bool { return len(t.best) < 10 || by > t.best[9].by }

// Add takes a series and what it grew by.
func (t *Top) Add(series int, by int64) {
	if !t.Wants(by) {
		return
	}
	i, _ := slices.BinarySearchFunc(t.best, grown{series, by}, func(a, b grown) int {
		return cmp.Or(cmp.Compare(b.by, a.by), cmp.Compare(a.series, b.series))
	})
	t.best = slices.Insert(t.best, i, grown{series, by})
	t.best = t.best[:min(len(t.best), 10)]
}

// String tells them, the first first.
func (t *Top) String() string {
	var b strings.Builder
	for _, g := range t.best {
		fmt.Fprintf(&b, "%d+%d ", g.series, g.by)
	}
	return b.String()
}

// Steps gathers what a series grew by, tick after tick, as one short word.
type Steps struct {
	n   int
	sum uint64
}

// Add takes the next.
func (s *Steps) Add(by int64) {
	s.n++
	s.sum = (s.sum ^ uint64(by)) * 0x100000001b3 // as FNV does, by value
}

// String tells how many there were, and a number that is another one if any of them is.
func (s *Steps) String() string { return fmt.Sprintf("%d steps %x", s.n, s.sum) }

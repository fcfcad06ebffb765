package answer

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// This file weighs what speaks for somebody's being a writer without a name: values in, factors out. A factor is how
// much likelier what was seen is if he is the writer than if he is not: above 1 it speaks for him, below 1 against. All
// numbers here were set on the worlds of candidates_world_test.go, and are held by what it prints.

const (
	// mostRate is the most that rates say, e to the 6th: readers of one topic all read alike, so that nothing tells
	// the writer among them.
	mostRate, leastRate = 6.0, -1.2
	// leastPairs is how many steps in which something moved rates are compared by, at least.
	leastPairs = 12
	// evenly is up to which deviation, as a part of the mean, a rate is constant: two constant rates say nothing.
	evenly = 0.1
	// laggards are how many steps a writing may come after its reading. It may come before it by one: what was read
	// shows with a commit.
	laggards = 3
)

// likeness is how two rates go together.
type likeness struct {
	ok     bool    // there was enough to compare; else it says nothing
	even   bool    // one of them is constant, so that there was not
	r      float64 // correlation, -1 to 1, at the best of the lags
	lag    int     // in steps, of the writing behind the reading
	n      int     // steps compared
	factor float64
}

// follows compares a reading with a writing, of the same steps. Only steps in which either moved are compared, and only
// those of which both are known; the first after a gap is of a part, for both alike.
// tries is how many such pairs are compared for one candidate, of which the likest counts.
func follows(read, written []lineage.Point, tries int) likeness {
	best := likeness{factor: 1, r: -1}
	for lag := -1; lag <= laggards; lag++ {
		var x, y []float64
		for i := range read {
			j := i + lag
			if j < 0 || j >= len(written) || !entire(read, i) || !entire(written, j) || read[i].Value == 0 && written[j].Value == 0 {
				continue
			}
			x, y = append(x, read[i].Value), append(y, written[j].Value)
		}
		if len(x) < leastPairs {
			continue
		}
		if deviation(x) < evenly || deviation(y) < evenly {
			best.even = !best.ok
			continue
		}
		r := min(correlation(x, y), correlation(differences(x), differences(y))+0.1)
		if !best.ok || r > best.r {
			n := independent(x, y)
			best = likeness{ok: true, r: r, lag: lag, factor: rateFactor(r, n, tries), n: len(x)}
		}
	}
	if !best.ok {
		best.r = 0
	}
	return best
}

// entire reports whether a step is known, and the one before it.
func entire(p []lineage.Point, i int) bool { return p[i].OK && (i == 0 || p[i-1].OK) }

// rateFactor weighs a correlation over so many independent steps: what chance would have to do for it, less what a
// search over the lags and the pairs gains, and no more than mostRate.
func rateFactor(r, n float64, tries int) float64 {
	z := math.Atanh(min(max(r, -0.999), 0.999)) * math.Sqrt(max(n-3, 1))
	if r <= 0 || z <= 0 {
		return math.Exp(max(leastRate, -n/20))
	}
	speaks := z*z/2 - math.Log(float64(tries*(laggards+2))*math.Sqrt(n))
	return math.Exp(min(max(speaks, leastRate), mostRate*r*r))
}

// independent returns how many of the steps tell something of their own: where each step resembles the one before, as
// over a day's course, they are fewer (Bartlett).
func independent(x, y []float64) float64 {
	sum := 1.0
	for k := 1; k <= min(len(x)/4, 20); k++ {
		a, b := correlation(x[k:], x[:len(x)-k]), correlation(y[k:], y[:len(y)-k])
		if a*b <= 0.05 {
			break
		}
		sum += 2 * a * b
	}
	return float64(len(x)) / sum
}

func differences(x []float64) []float64 {
	out := make([]float64, len(x)-1)
	for i := range out {
		out[i] = x[i+1] - x[i]
	}
	return out
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// deviation is the standard deviation as a part of the mean; 0 where nothing moved.
func deviation(x []float64) float64 {
	m, sum := mean(x), 0.0
	for _, v := range x {
		sum += (v - m) * (v - m)
	}
	if m == 0 {
		return 0
	}
	return math.Sqrt(sum/float64(len(x))) / math.Abs(m)
}

// correlation is Pearson's, and 0 where one of them does not change.
func correlation(x, y []float64) float64 {
	if len(x) < 2 {
		return 0
	}
	mx, my := mean(x), mean(y)
	var xy, xx, yy float64
	for i := range x {
		a, b := x[i]-mx, y[i]-my
		xy, xx, yy = xy+a*b, xx+a*a, yy+b*b
	}
	if xx <= 0 || yy <= 0 {
		return 0
	}
	return xy / math.Sqrt(xx*yy)
}

const (
	// hit and miss are how often the members of the writer's own group come or go with a producer id, and how often not
	// although it is theirs: as when a client alone is made anew, or is idle when it ends.
	hit, miss = 0.75, 0.25
	// mostEvent bounds what one coincidence says, mostRestarts what all say.
	mostEvent, mostRestarts, leastRestarts = 20.0, 6.0, -3.0
)

// restarts is how the comings and goings of a group's members go with those of producer ids.
type restarts struct {
	hits, all int
	chance    float64 // the part of the time in which a coincidence would be one by chance
	factor    float64
}

// coincide compares when producer ids appeared or ended with when members came or went: within is how far apart these
// may be, span how long both were watched.
func coincide(producers, members []time.Time, within, span time.Duration) restarts {
	out := restarts{all: len(producers), factor: 1, chance: near(members, within, span)}
	speaks := 0.0
	for _, p := range producers {
		if slices.ContainsFunc(members, func(m time.Time) bool { return p.Sub(m).Abs() <= within }) {
			out.hits++
			speaks += math.Log(min(hit/out.chance, mostEvent))
		} else {
			speaks += math.Log(miss / (1 - out.chance))
		}
	}
	out.factor = math.Exp(min(max(speaks, leastRestarts), mostRestarts))
	return out
}

// near returns the part of a span that lies so near to one of some instants; between 0.01 and 0.95, since nobody knows
// it exactly.
func near(instants []time.Time, within, span time.Duration) float64 {
	sorted := slices.SortedFunc(slices.Values(instants), time.Time.Compare)
	var covered time.Duration
	var until time.Time
	for _, at := range sorted {
		from, to := at.Add(-within), at.Add(within)
		if from.Before(until) {
			from = until
		}
		if to.After(from) {
			covered, until = covered+to.Sub(from), to
		}
	}
	if span <= 0 {
		return 0.95
	}
	return min(max(covered.Seconds()/span.Seconds(), 0.01), 0.95)
}

// merged takes instants that lie so near to each other for one, so that a deployment counts once.
func merged(instants []time.Time, within time.Duration) []time.Time {
	sorted := slices.SortedFunc(slices.Values(instants), time.Time.Compare)
	var out []time.Time
	for _, at := range sorted {
		if len(out) == 0 || at.Sub(out[len(out)-1]) > within {
			out = append(out, at)
		}
	}
	return out
}

// posterior turns what speaks for each into how likely each is: before anything was seen it is as likely somebody of
// these as somebody who is not known here, and each of these as likely as the others.
func posterior(factors []float64) []float64 {
	sum := float64(len(factors)) // nobody of these
	for _, f := range factors {
		sum += f
	}
	out := make([]float64, len(factors))
	for i, f := range factors {
		out[i] = f / sum
	}
	return out
}

// byScore orders candidates: the likeliest first, and always the same.
func byScore(a, b Candidate) int {
	return cmp.Or(-cmp.Compare(a.Score, b.Score), a.Node.Compare(b.Node))
}

// eitherWay returns the factor of rates that go together where one of the topic's readers may as well make what is read
// of the topic: that is a second cause of the likeness, as likely beforehand for each reader as it is for each suspect
// that it writes the topic.
func eitherWay(factor float64, readers, suspects int) float64 {
	return factor / (1 + factor*float64(readers)/float64(2*max(1, suspects)))
}

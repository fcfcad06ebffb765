package answer

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

func pointsOf(n int, f func(int) float64) []lineage.Point {
	out := make([]lineage.Point, n)
	for i := range out {
		out[i] = lineage.Point{Value: f(i), OK: true}
	}
	return out
}

// TestFollows compares rates of which it is known whether one makes the other.
func TestFollows(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	bursts := func() []lineage.Point {
		walk := 0.0
		return pointsOf(120, func(int) float64 { walk = 0.8*walk + 0.4*r.NormFloat64(); return 100 * math.Exp(walk) })
	}
	shifted := func(x []lineage.Point, by int, noise float64) []lineage.Point {
		return pointsOf(len(x), func(i int) float64 {
			if i-by < 0 || i-by >= len(x) {
				return 0
			}
			return x[i-by].Value * 0.3 * (1 + noise*r.NormFloat64())
		})
	}
	day := pointsOf(360, func(i int) float64 { return 100 + 60*math.Sin(float64(i)/60) + 2*r.NormFloat64() })
	sameDay := pointsOf(360, func(i int) float64 { return 20 + 10*math.Sin(float64(i)/60) + 0.5*r.NormFloat64() })
	x := bursts()
	gappy := shifted(x, 0, 0.05)
	for i := 20; i < 100; i++ {
		gappy[i] = lineage.Point{} // not observed
	}
	begun := func(rate float64) []lineage.Point {
		out := pointsOf(53, func(int) float64 { return rate * (1 + 0.002*r.NormFloat64()) })
		clear(out[:30])
		out[30].Value = rate / 2
		return out
	}
	for _, c := range []struct {
		name          string
		read, written []lineage.Point
		ok            bool
		from, to      float64 // the factor
		lag           int
	}{
		{"what it makes at once", x, shifted(x, 0, 0.05), true, 100, 500, 0},
		{"two steps later", x, shifted(x, 2, 0.05), true, 100, 500, 2},
		{"committed a step late", x, shifted(x, -1, 0.05), true, 100, 500, -1},
		{"half of it is not observed", x, gappy, true, 10, 500, 0},
		{"nothing of it", x, bursts(), true, 0, 1, 0},
		{"one day's course for both", day, sameDay, true, 0, 3, 0},
		{"constant writing", x, pointsOf(120, func(int) float64 { return 20 }), false, 1, 1, 0},
		{"constant reading", pointsOf(120, func(i int) float64 { return 20 + float64(i%2) }), x, false, 1, 1, 0},
		{"no writing", x, pointsOf(120, func(int) float64 { return 0 }), false, 1, 1, 0},
		{"even since watching began, of which the first step is a part", begun(20), begun(3), false, 1, 1, 0},
		{"too short", x[:11], shifted(x, 0, 0)[:11], false, 1, 1, 0},
	} {
		got := follows(c.read, c.written, 1)
		if got.ok != c.ok || got.factor < c.from || got.factor > c.to || c.to == 500 && got.lag != c.lag {
			t.Errorf("%s: got %+v, want ok %v, a factor of %v to %v and lag %d", c.name, got, c.ok, c.from, c.to, c.lag)
		}
	}
	one, many := follows(x, shifted(x, 0, 1.2), 1), follows(x, shifted(x, 0, 1.2), 12)
	if many.factor >= one.factor {
		t.Errorf("the likest of twelve pairs says %v, one says %v", many.factor, one.factor)
	}
}

// TestCoincide holds that a coincidence says less the more often it happens by chance.
func TestCoincide(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(minutes ...int) (out []time.Time) {
		for _, m := range minutes {
			out = append(out, start.Add(time.Duration(m)*time.Minute))
		}
		return out
	}
	often := make([]int, 60)
	for i := range often {
		often[i] = 2 * i
	}
	for _, c := range []struct {
		name               string
		producers, members []time.Time
		hits               int
		from, to           float64
	}{
		{"three of three", at(10, 50, 90), at(10, 50, 90), 3, 300, 500},
		{"one of one", at(10), at(10), 1, 15, 25},
		{"one of three", at(10, 50, 90), at(10, 30, 70), 1, 0.5, 2},
		{"none of three", at(10, 50, 90), at(20, 60, 100), 0, 0, 0.1},
		{"none, since nobody came", at(10, 50), nil, 0, 0, 0.2},
		{"one that comes all the time", at(10, 50, 90), at(often...), 3, 0.9, 2},
	} {
		got := coincide(c.producers, c.members, 45*time.Second, 2*time.Hour)
		if got.hits != c.hits || got.factor < c.from || got.factor > c.to {
			t.Errorf("%s: got %+v, want %d hits and a factor of %v to %v", c.name, got, c.hits, c.from, c.to)
		}
	}
	if n := len(merged(at(1, 1, 2, 9), time.Minute)); n != 2 {
		t.Errorf("four instants of two deployments are %d", n)
	}
}

// TestPosterior holds what a score means: with no evidence nobody is likelier than nobody, two that look alike share,
// and among more the same evidence says less.
func TestPosterior(t *testing.T) {
	near := func(name string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	near("nothing known of two", posterior([]float64{1, 1})[0], 0.25)
	near("one of two", posterior([]float64{8, 1})[0], 8.0/11)
	alike := posterior([]float64{400, 400, 1})
	near("two alike", alike[0], alike[1])
	if few, many := posterior([]float64{8, 1})[0], posterior([]float64{8, 1, 1, 1, 1, 1, 1, 1})[0]; many >= few {
		t.Errorf("the same among eight says %v, among two %v", many, few)
	}
	if len(posterior(nil)) != 0 {
		t.Error("nobody has a score")
	}
}

package lineage

import "strings"

// Bounds are which a detail of evidence calls a count. Who reads details takes a count for a bound where they tell of
// one alone.
type Bounds struct{ Most, Least bool }

// NoBound begins what is said of a part that may be more or less, where another part is bounded.
const NoBound = "neither at least nor at most: "

// One reports whether a count is bounded on one side.
func (b Bounds) One() bool { return b.Most != b.Least }

// BoundsOf returns which bounds a detail tells.
func BoundsOf(detail string) Bounds {
	return Bounds{strings.Contains(detail, "at most"), strings.Contains(detail, "at least")}
}

// BothBounds joins two details of parts that are bounded otherwise, or one of them not at all. One that says it all
// already stays as it is.
func BothBounds(a, b string) string {
	x, y := BoundsOf(a), BoundsOf(b)
	switch {
	case x.Most && x.Least:
		return a
	case y.Most && y.Least:
		return b
	case x == Bounds{}:
		a = NoBound + a
	case y == Bounds{}:
		a, b = NoBound+b, a
	case y.Most: // in one order, however they come
		a, b = b, a
	}
	return a + "; of another part " + b
}

package export

import (
	"fmt"
	"math"
	"slices"

	"github.com/lineaged/lineaged/graph/layout"
)

// This file says where flows run and where their labels stand. Cards are where the layout put them.

type point struct{ x, y float64 }

type box struct{ x, y, width, height float64 }

func (a box) meets(b box) bool {
	return a.x < b.x+b.width && b.x < a.x+a.width && a.y < b.y+b.height && b.y < a.y+a.height
}

func cardOf(p layout.Position) box { return box{p.X, p.Y, layout.NodeWidth, layout.NodeHeight} }

// line is how a flow is drawn: a curve, with a straight piece before it and one behind it, which may be empty. On one
// of these its label stands.
type line struct {
	start, from, c1, c2, to, end point
}

func (l line) path() string {
	return fmt.Sprintf("M%s L%s C%s %s %s L%s", l.start.text(), l.from.text(), l.c1.text(), l.c2.text(), l.to.text(), l.end.text())
}

func (p point) text() string { return short(p.x) + "," + short(p.y) }

// short writes a length in tenths of a pixel.
func short(x float64) string {
	return trimmed(fmt.Sprintf("%.1f", math.Round(x*10)/10))
}

func trimmed(s string) string {
	if n := len(s); n > 2 && s[n-2:] == ".0" {
		return s[:n-2]
	}
	return s
}

// at returns a place on the curve, t from 0 to 1.
func (l line) at(t float64) point {
	u := 1 - t
	f := func(a, b, c, d float64) float64 { return u*u*u*a + 3*u*u*t*b + 3*u*t*t*c + t*t*t*d }
	return point{f(l.from.x, l.c1.x, l.c2.x, l.to.x), f(l.from.y, l.c1.y, l.c2.y, l.to.y)}
}

// side is at which of its ends a flow has its label: where fewer flows meet, so that it stands beside a card that it is
// of, and not on a bundle.
type side uint8

const (
	atTo side = iota
	atFrom
)

const (
	curveRoom   = 34.0 // what a curve needs to come from one height to another, in pixels
	labelHeight = 18.0
)

// lineBetween returns the line from the right of one card to the left of another, straight for as long as the label at
// one of its ends needs. A flow that runs back to the left swings below or above both, where it lies least behind
// cards.
func lineBetween(from, to box, label float64, s side, cards []box) line {
	start, end := point{from.x + from.width, from.y + from.height/2}, point{to.x, to.y + to.height/2}
	l := line{start: start, from: start, to: end, end: end}
	dx := end.x - start.x
	if dx < 0 {
		return swing(l, cards)
	}
	straight := min(label+14, max(0, dx-curveRoom))
	if s == atTo {
		l.to.x -= straight
	} else {
		l.from.x += straight
	}
	reach := max((l.to.x-l.from.x)/2, 8)
	l.c1, l.c2 = point{l.from.x + reach, l.from.y}, point{l.to.x - reach, l.to.y}
	return l
}

// swing draws a flow that runs back.
func swing(l line, cards []box) line {
	reach := 70 + (l.start.x-l.end.x)*0.15
	best, least := l, math.MaxInt
	for _, by := range [...]float64{1.9, -1.9, 3.2, -3.2, 4.6, -4.6} {
		drop := layout.NodeHeight * by
		try := l
		try.c1, try.c2 = point{l.start.x + reach, l.start.y + drop}, point{l.end.x - reach, l.end.y + drop}
		if n := try.behind(cards); n < least {
			best, least = try, n
		}
		if least == 0 {
			break
		}
	}
	return best
}

// behind says how much of a curve lies behind cards: samples of forty.
func (l line) behind(cards []box) (n int) {
	for t := 0.05; t < 1; t += 0.025 {
		p := l.at(t)
		if slices.ContainsFunc(cards, func(c box) bool { return p.x > c.x && p.x < c.x+c.width && p.y > c.y && p.y < c.y+c.height }) {
			n++
		}
	}
	return n
}

// placer gives labels their places.
type placer struct {
	rows map[int][]box // what is taken, by stripes of a card's height, so that a place looks only around itself
}

func newPlacer(cards []box) *placer {
	p := &placer{rows: map[int][]box{}}
	for _, c := range cards {
		p.take(c)
	}
	return p
}

func stripes(b box) (first, last int) {
	const height = layout.NodeHeight
	return int(math.Floor(b.y / height)), int(math.Floor((b.y + b.height) / height))
}

func (p *placer) take(b box) {
	first, last := stripes(b)
	for i := first; i <= last; i++ {
		p.rows[i] = append(p.rows[i], b)
	}
}

func (p *placer) free(b box) bool {
	first, last := stripes(b)
	for i := first; i <= last; i++ {
		if slices.ContainsFunc(p.rows[i], b.meets) {
			return false
		}
	}
	return true
}

// place returns the box of a label: beside the card at its end, a little above or below the line if need be, else where
// there is room along the line; where there is none, beside its card all the same.
func (p *placer) place(l line, width float64, s side) box {
	boxAt := func(c point) box { return box{c.x - width/2, c.y - labelHeight/2, width, labelHeight} }
	own := point{l.end.x - width/2 - 11, l.end.y}
	if s == atFrom {
		own = point{l.start.x + width/2 + 4, l.start.y}
	}
	if l.end.x < l.start.x {
		own = l.at(0.5)
	}
	places := []point{own}
	for _, dy := range [...]float64{-labelHeight - 1, labelHeight + 1, -2*labelHeight - 2, 2*labelHeight + 2} {
		places = append(places, point{own.x, own.y + dy})
	}
	for _, t := range [...]float64{0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8} {
		places = append(places, l.at(t))
	}
	best := boxAt(own)
	for _, c := range places {
		if b := boxAt(c); p.free(b) {
			best = b
			break
		}
	}
	p.take(best)
	return best
}

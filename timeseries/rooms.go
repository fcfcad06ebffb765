package timeseries

import "slices"

// rooms are for the samples of rounds to come: rounds are much alike, and what one needed is not garbage then, of which
// it would be nearly all.
type rooms [][]recordSample

// mostRooms is how many rounds are on their way at once, as far as rooms are kept for them.
const mostRooms = 8

// take returns room for n samples, whatever is in it: the smallest that has it.
func (r *rooms) take(n int) []recordSample {
	best := -1
	for i, x := range *r {
		if cap(x) >= n && (best < 0 || cap(x) < cap((*r)[best])) {
			best = i
		}
	}
	if best < 0 {
		return make([]recordSample, n)
	}
	out := (*r)[best][:n]
	*r = slices.Delete(*r, best, best+1)
	return out
}

// give takes room back that nobody looks at any more; of too many the smallest goes.
func (r *rooms) give(x []recordSample) {
	if cap(x) == 0 {
		return
	}
	if *r = append(*r, x); len(*r) > mostRooms {
		smallest := 0
		for i, y := range *r {
			if cap(y) < cap((*r)[smallest]) {
				smallest = i
			}
		}
		*r = slices.Delete(*r, smallest, smallest+1)
	}
}

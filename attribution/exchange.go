package attribution

// This file gives claims what sharing by proportion can't: where a claim was given of steps that others need, and could
// do with what is left of others that it alone reaches, it gives way. Pushes of one client reach over each other, each
// over the tick that it began in and the one that it came in, so that without this what the first of a row leaves is
// nobody's, and the last is short of it.

// mostLooks bounds how many claims are looked at for that. An hour of pushes of a hundred clients takes a tenth; where
// a source really counts more than there was, nothing is found at the end of them.
const mostLooks = 500_000

// way is how a step came to be looked at: its claim reaches it, and would give up as much of another step for it;
// before is that step, -1 where the claim is the one that is short.
type way struct{ claim, before int }

// exchange gives those that are short what others can do without. It is of no use where nothing is left.
func exchange(claims []claim, rest []int64) {
	left := int64(0)
	for _, n := range rest {
		left += n
	}
	var by [][]int // claims by step
	looks := mostLooks
	for i := range claims {
		for c := &claims[i]; c.got < c.Value && left > 0 && looks > 0; {
			if by == nil {
				by = make([][]int, len(rest))
				for j := range claims {
					for k := range claims[j].parts {
						by[claims[j].first+k] = append(by[claims[j].first+k], j)
					}
				}
			}
			at, ways := find(claims, rest, by, i, &looks)
			if at < 0 {
				break
			}
			left -= follow(claims, rest, ways, at, c.Value-c.got)
		}
	}
}

// find returns the nearest step of which something is left that a claim can have by others giving way, and how each
// step was come to; -1 where there is none.
func find(claims []claim, rest []int64, by [][]int, short int, looks *int) (at int, ways map[int]way) {
	ways = map[int]way{}
	var queue []int
	reach := func(j, before int) {
		for k := range claims[j].parts {
			if to := claims[j].first + k; to != before {
				if _, seen := ways[to]; !seen {
					ways[to] = way{j, before}
					queue = append(queue, to)
				}
			}
		}
	}
	for reach(short, -1); len(queue) > 0 && *looks > 0; queue = queue[1:] {
		at := queue[0]
		if rest[at] > 0 {
			return at, ways
		}
		for _, j := range by[at] {
			*looks--
			if claims[j].parts[at-claims[j].first] > 0 {
				reach(j, at)
			}
		}
	}
	return -1, nil
}

// follow lets claims give way along the steps that were come by, by at most so many records, and returns by how many.
func follow(claims []claim, rest []int64, ways map[int]way, at int, most int64) int64 {
	n := min(most, rest[at])
	for s := at; ways[s].before >= 0; s = ways[s].before {
		c := &claims[ways[s].claim]
		n = min(n, c.parts[ways[s].before-c.first])
	}
	rest[at] -= n
	for s := at; ; s = ways[s].before {
		c := &claims[ways[s].claim]
		c.parts[s-c.first] += n
		if ways[s].before < 0 {
			c.got += n
			return n
		}
		c.parts[ways[s].before-c.first] -= n
	}
}

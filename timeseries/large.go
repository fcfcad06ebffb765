package timeseries

import "slices"

// sortLarge sorts things of some hundred bytes, each of which it moves once: events, facts. Equal ones stay in their
// order.
func sortLarge[T any](all []T, compare func(a, b *T) int) {
	order := make([]int32, len(all)) // what comes where
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(i, j int32) int {
		if c := compare(&all[i], &all[j]); c != 0 {
			return c
		}
		return int(i - j)
	})
	for i := range order {
		held, at := all[i], int32(i)
		for order[at] != int32(i) { // the circle that begins here; those that are done point to themselves
			next := order[at]
			all[at], order[at] = all[next], at
			at = next
		}
		all[at], order[at] = held, at
	}
}

package graph

// queue is a heap of vertices by when they are reached. Each has four below it, so that it is half as deep as one of
// two, and no value is boxed as in container/heap.
type queue []queued

type queued struct {
	vertex   uint32
	at, hops int32
}

// before orders by arrival, then the fewer hops, then the vertices.
func (a queued) before(b queued) bool {
	switch {
	case a.at != b.at:
		return a.at < b.at
	case a.hops != b.hops:
		return a.hops < b.hops
	}
	return a.vertex < b.vertex
}

const heapWidth = 4

func (q *queue) push(x queued) {
	h := append(*q, x)
	i := len(h) - 1
	for i > 0 {
		above := (i - 1) / heapWidth
		if !x.before(h[above]) {
			break
		}
		h[i] = h[above]
		i = above
	}
	h[i] = x
	*q = h
}

// pop takes the first; there must be one.
func (q *queue) pop() queued {
	h := *q
	first, x := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	*q = h
	if len(h) == 0 {
		return first
	}
	i := 0
	for {
		from := i*heapWidth + 1
		if from >= len(h) {
			break
		}
		least := from
		for j := from + 1; j < min(from+heapWidth, len(h)); j++ {
			if h[j].before(h[least]) {
				least = j
			}
		}
		if !h[least].before(x) {
			break
		}
		h[i] = h[least]
		i = least
	}
	h[i] = x
	return first
}

package kafka

import (
	"cmp"
	"iter"
	"maps"
	"slices"

	"github.com/lineaged/lineaged/internal/varint"
)

// encoder and decoder are how positions are written (docs/format/positions.md), with what this source's are made of.

type encoder struct{ varint.Encoder }

type decoder struct{ varint.Decoder }

// decode begins to read a position.
func decode(value []byte) decoder {
	d := decoder{varint.Decoder{Left: value}}
	d.Version(positionsVersion)
	return d
}

// inOrder walks a map by key: what is encoded of the same books is the same, so that a store that keeps differences
// finds few.
func inOrder[K cmp.Ordered, V any](m map[K]V) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !yield(k, m[k]) {
				return
			}
		}
	}
}

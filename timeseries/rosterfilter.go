package timeseries

import (
	"errors"
	"fmt"
	"math/bits"
)

// Nearly all who are new were never put away. So each page of a roster has a filter beside it (a Bloom filter), which
// says of 99 in 100 of them that the page does not have them; a page, three times as large and compressed, is read for
// those who may be in it. The page is docs/format/dictionary.md; all of it is part of the format.

const (
	filterBitsPerSum = 10
	filterProbes     = 7
)

// filterHash spreads a sum, of which those of a page share the first bits, over 64 bits.
func filterHash(sum uint32) uint64 {
	h := (uint64(sum) + 1) * 0x9e3779b97f4a7c15
	h = (h ^ h>>32) * 0xd6e8feb86659fd93
	return h ^ h>>32
}

// filterBit is the n-th bit of a sum in a filter of so many bits.
func filterBit(hash uint64, n int, many uint32) uint32 {
	at := uint32(hash) + uint32(n)*(uint32(hash>>32)|1)
	where, _ := bits.Mul32(at, many)
	return where
}

// encodeRosterFilter makes the filter of a page.
func encodeRosterFilter(all []rosterEntry) []byte {
	b := make([]byte, (filterBitsPerSum*len(all)+7)/8)
	var w writer
	for _, x := range all {
		h := filterHash(x.sum)
		for n := range filterProbes {
			at := filterBit(h, n, uint32(8*len(b)))
			b[at/8] |= 1 << (at % 8)
		}
	}
	w.bytes(b)
	return w.b
}

// decodeRosterFilter returns the bits of a filter, which lie where it was read.
func decodeRosterFilter(content []byte) ([]byte, error) {
	r := reader{b: content}
	filter := r.bytes()
	if len(filter) == 0 {
		r.fail("a filter has no bits")
	}
	return filter, r.end()
}

// mayHave reports whether a page may have a sum, by the bits of its filter.
func mayHave(filter []byte, sum uint32) bool {
	h, many := filterHash(sum), uint32(8*len(filter))
	for n := range filterProbes {
		if at := filterBit(h, n, many); filter[at/8]&(1<<(at%8)) == 0 {
			return false
		}
	}
	return true
}

// rosterReader reads many sections of a roster, which it opens once.
type rosterReader struct {
	e    *engine
	x    *roster
	get  func(sectionID) ([]byte, error)
	room []byte   // of the content before
	may  []uint32 // room for those who may be in a page
}

// reading calls do with a reader of a roster.
func (e *engine) reading(x *roster, do func(*rosterReader) error) error {
	get, done, err := e.vault.reading(x.file())
	if err != nil {
		return fmt.Errorf("open %s: %w", x.file(), err)
	}
	err = do(&rosterReader{e: e, x: x, get: get})
	return errors.Join(err, done())
}

// section returns a section's content, which holds until the next is asked for.
func (r *rosterReader) section(kind byte, number int) ([]byte, error) {
	value, err := r.get(sectionID{kind, number})
	if err == nil {
		r.room, err = r.e.codec.openInto(value, r.room)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s, section %c %d: %w", r.x.file(), kind, number, err)
	}
	return r.room, nil
}

// who returns those of some sums that a page may have.
func (r *rosterReader) who(page int, sums []uint32) ([]uint32, error) {
	if !r.x.filtered {
		return sums, nil
	}
	content, err := r.section(rosterFilterSection, page)
	if err != nil {
		return nil, err
	}
	filter, err := decodeRosterFilter(content)
	if err != nil {
		return nil, fmt.Errorf("read %s, section %c %d: %w", r.x.file(), rosterFilterSection, page, err)
	}
	r.may = r.may[:0]
	for _, sum := range sums {
		if mayHave(filter, sum) {
			r.may = append(r.may, sum)
		}
	}
	return r.may, nil
}

// page tells which files have some sums, which are in order and may be in a page.
func (r *rosterReader) page(page int, sums []uint32, found func(sum uint32, f rosterFile)) error {
	sums, err := r.who(page, sums)
	if err != nil || len(sums) == 0 {
		return err
	}
	content, err := r.section(rosterPageSection, page)
	if err != nil {
		return err
	}
	if err := searchRosterPage(content, len(r.x.files), sums, func(sum, file uint32) { found(sum, r.x.files[file]) }); err != nil {
		return fmt.Errorf("look into %s, page %d: %w", r.x.file(), page, err)
	}
	return nil
}

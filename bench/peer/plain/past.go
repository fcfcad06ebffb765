package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"

	"github.com/lineaged/lineaged/bench/work"
)

// past has one list of the edges that moved for each round, in a file, and its place in memory: a minute is read, laid
// out and searched. It knows no names, and no store could do with less.
func past(t work.Task, r *work.Report) error {
	p := work.NewPast(t.Edges, t.Days, t.Now)
	if err := os.MkdirAll(t.Dir, 0o750); err != nil {
		return err
	}
	f, err := os.Create(file(t))
	if err != nil {
		return err
	}
	defer f.Close()
	places := []int64{0, 0} // nothing moved in the first round
	for k := 1; k <= p.Rounds(); k++ {
		b, before := []byte(nil), uint32(0)
		for _, e := range p.Moved(k) {
			b, before = binary.AppendUvarint(b, uint64(e-before)), e
		}
		if _, err := f.Write(b); err != nil {
			return err
		}
		places = append(places, places[k]+int64(len(b)))
	}
	ask := func(n int) (all []uint32, err error) {
		_, round := p.Minute(n)
		b := make([]byte, places[round+1]-places[round])
		if _, err := f.ReadAt(b, places[round]); err != nil {
			return nil, err
		}
		var moved []uint32
		for e := uint32(0); len(b) > 0; {
			d, n := binary.Uvarint(b)
			if n <= 0 {
				return nil, io.ErrUnexpectedEOF
			}
			e += uint32(d)
			moved, b = append(moved, e), b[n:]
		}
		return p.CSRAt(moved).Reach(work.Root), nil
	}
	for n := range 5 {
		all, err := ask(n)
		if err != nil {
			return err
		}
		_, round := p.Minute(n)
		r.Check(fmt.Sprint("minute ", n), work.ReachedOf(all), p.ReachedAt(round))
	}
	r.CPU("minute cpu-ns", work.Cost(func(n int) {
		if _, e := ask(n); e != nil {
			err = e
		}
	}))
	return err
}

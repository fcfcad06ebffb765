package usage

import "math"

// settled is a frame in whole records.
type settled struct {
	known     [Hours]bool  // what was written is known
	readKnown [Hours]bool  // what was read is, or nobody reads
	total     [Hours]int64 // written
	rest      [Hours]int64 // of it, by nobody that is known
	by        [][Hours]int64
	read      [][Hours]int64
}

// readIn returns how many records were read in an hour.
func (s *settled) readIn(h int) (n int64) {
	for i := range s.read {
		n += s.read[i][h]
	}
	return n
}

// whole makes whole records of parts of them, so that the sum of a day is that of its parts, rounded. What goes back is
// waited for.
func whole(hours *Hourly) (out [Hours]int64) {
	sum, told := 0.0, int64(0)
	for h := range Hours {
		x, ok := hours.At(h)
		if !ok {
			continue
		}
		sum += x
		if n := int64(math.Round(sum)); n > told {
			out[h], told = n-told, n
		}
	}
	return out
}

// settle debits the writers for what the topic's ends grew by: who is measured first. What a writer is ahead of the
// ends waits for the hours after, and what is left at the day's end the ends have not shown. Where nobody saw the ends,
// the writers are the whole.
func settle(f *Frame) settled {
	s := settled{by: make([][Hours]int64, len(f.Writers)), read: make([][Hours]int64, len(f.Readers))}
	claims := make([][Hours]int64, len(f.Writers))
	for i := range f.Writers {
		claims[i] = whole(&f.Writers[i].Records)
	}
	ends := whole(&f.Appended)
	waiting := make([]int64, len(f.Writers))
	for h := range Hours {
		left := ends[h]
		_, told := f.Appended.At(h)
		s.known[h] = told
		for i := range f.Writers {
			waiting[i] += claims[i][h]
			_, known := f.Writers[i].Records.At(h)
			s.known[h] = s.known[h] || known
		}
		if !told {
			for i := range waiting {
				s.by[i][h] = claims[i][h]
				s.total[h] += claims[i][h]
				waiting[i] -= claims[i][h]
			}
			continue
		}
		s.total[h] = left
		for b := range bases {
			left = s.debit(f, waiting, h, b, left)
		}
		s.rest[h] = left
	}
	s.readers(f)
	return s
}

// debit gives writers of one basis what they wait for, as far as there is that much, else by their shares of it.
func (s *settled) debit(f *Frame, waiting []int64, h int, b Basis, left int64) int64 {
	all := int64(0)
	for i := range f.Writers {
		if f.Writers[i].Basis == b {
			all += waiting[i]
		}
	}
	if all == 0 {
		return left
	}
	give, before := min(all, left), int64(0)
	for i := range f.Writers {
		if f.Writers[i].Basis == b {
			n := part(give, before+waiting[i], all) - part(give, before, all)
			before += waiting[i]
			s.by[i][h] += n
			waiting[i] -= n
		}
	}
	return left - give
}

func (s *settled) readers(f *Frame) {
	for i := range f.Readers {
		s.read[i] = whole(&f.Readers[i].Records)
	}
	for h := range Hours {
		_, told := f.Appended.At(h)
		s.readKnown[h] = told && len(f.Readers) == 0
		for i := range f.Readers {
			_, known := f.Readers[i].Records.At(h)
			s.readKnown[h] = s.readKnown[h] || known
		}
	}
}

// writtenInAll returns what each writer wrote in the whole day, and last what nobody that is known did.
func (s *settled) writtenInAll(f *Frame) []int64 {
	out := make([]int64, len(f.Writers)+1)
	for h := range Hours {
		for i := range f.Writers {
			out[i] += s.by[i][h]
		}
		out[len(f.Writers)] += s.rest[h]
	}
	return out
}

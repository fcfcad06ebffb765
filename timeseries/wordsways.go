package timeseries

import "github.com/lineaged/lineaged/lineage"

// This file writes and reads which ways lead through jobs.

func (w *writer) jobWays(f *lineage.WaysFact) {
	w.node(f.Job)
	w.uint(uint64(len(f.Ends)))
	for _, n := range f.Ends {
		w.node(n)
	}
	w.uint(uint64(len(f.Ways)))
	for _, x := range f.Ways {
		w.uint(uint64(x.From + 1))
		w.uint(uint64(x.To))
		w.instant(x.Until)
	}
}

func (r *reader) jobWays() *lineage.WaysFact {
	f := &lineage.WaysFact{Job: r.node()}
	for range r.count(1) {
		f.Ends = append(f.Ends, r.node())
	}
	for range r.count(3) {
		from, to := r.uint(), r.uint()
		x := lineage.JobWay{From: int(from) - 1, To: int(to), Until: r.instant()}
		if from > uint64(len(f.Ends)) || to >= uint64(len(f.Ends)) {
			r.fail("a way leads between what is not there")
			return f
		}
		f.Ways = append(f.Ways, x)
	}
	return f
}

// checkWays reports whether a fact of ways can be read again.
func checkWays(f *lineage.WaysFact) bool {
	if f == nil {
		return true
	}
	ok := f.Job.Kind.Storable()
	for _, n := range f.Ends {
		ok = ok && n.Kind.Storable()
	}
	for _, x := range f.Ways {
		ok = ok && x.From >= -1 && x.From < len(f.Ends) && x.To >= 0 && x.To < len(f.Ends)
	}
	return ok
}

// jobWays notes where a name stays.
func (x *eraser) jobWays(f *lineage.WaysFact) {
	x.stays("the name of a job", f.Job.Name)
	for i := range f.Ends {
		x.stays("the name of a connector, a replicator or a dataset", f.Ends[i].Name)
	}
}

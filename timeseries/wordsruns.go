package timeseries

import (
	"math"

	"github.com/lineaged/lineaged/lineage"
)

// This file writes and reads what jobs say of their runs.

func (w *writer) jobRuns(f *lineage.RunsFact) {
	w.node(f.Job)
	for _, s := range [...]string{f.Integration, f.Type, f.Description} {
		w.string(s)
	}
	w.uint(uint64(len(f.Owners)))
	for _, o := range f.Owners {
		w.string(o.Name)
		w.string(o.Type)
	}
	w.uint(uint64(len(f.Ends)))
	for _, n := range f.Ends {
		w.node(n)
	}
	w.bool(f.Older)
	w.uint(uint64(len(f.Runs)))
	for i := range f.Runs {
		w.jobRun(&f.Runs[i])
	}
}

func (w *writer) jobRun(r *lineage.Run) {
	w.string(r.ID)
	w.byte(byte(r.State))
	w.instant(r.First)
	w.bool(r.Started)
	w.instant(r.Ended)
	w.instant(r.NominalStart)
	w.instant(r.NominalEnd)
	for _, s := range [...]string{r.Parent.Namespace, r.Parent.Job, r.Parent.Run, r.Engine, r.EngineVersion, r.Failure} {
		w.string(s)
	}
	for _, list := range [...][]int{r.Reads, r.Writes} {
		w.uint(uint64(len(list)))
		for _, i := range list {
			w.uint(uint64(i))
		}
	}
	w.uint(uint64(max(r.Cut, 0)))
}

func (r *reader) jobRuns() *lineage.RunsFact {
	f := &lineage.RunsFact{Job: r.node(), Integration: r.string(), Type: r.string(), Description: r.string()}
	for range r.count(2) {
		f.Owners = append(f.Owners, lineage.Owner{Name: r.string(), Type: r.string()})
	}
	for range r.count(1) {
		f.Ends = append(f.Ends, r.node())
	}
	f.Older = r.bool()
	for range r.count(16) {
		f.Runs = append(f.Runs, r.jobRun(len(f.Ends)))
	}
	return f
}

func (r *reader) jobRun(ends int) lineage.Run {
	x := lineage.Run{ID: r.string(), State: lineage.RunState(r.byte()), First: r.instant(), Started: r.bool(), Ended: r.instant()}
	x.NominalStart, x.NominalEnd = r.instant(), r.instant()
	for _, s := range [...]*string{&x.Parent.Namespace, &x.Parent.Job, &x.Parent.Run, &x.Engine, &x.EngineVersion, &x.Failure} {
		*s = r.string()
	}
	for _, list := range [...]*[]int{&x.Reads, &x.Writes} {
		for range r.count(1) {
			i := r.uint()
			if i >= uint64(ends) {
				r.fail("a run reads or writes what is not there")
				return x
			}
			*list = append(*list, int(i))
		}
	}
	x.Cut = int(r.uint() & math.MaxInt32)
	return x
}

// checkRuns reports whether a fact of runs can be read again.
func checkRuns(f *lineage.RunsFact) bool {
	if f == nil {
		return true
	}
	ok := f.Job.Kind.Storable()
	for _, n := range f.Ends {
		ok = ok && n.Kind.Storable()
	}
	for i := range f.Runs {
		for _, list := range [...][]int{f.Runs[i].Reads, f.Runs[i].Writes} {
			for _, n := range list {
				ok = ok && n >= 0 && n < len(f.Ends)
			}
		}
	}
	return ok
}

// runs erases persons from what jobs say, and notes where a name stays.
func (x *eraser) jobRuns(f *lineage.RunsFact) {
	x.stays("the name of a job", f.Job.Name)
	x.text(&f.Description)
	for i := range f.Owners {
		x.text(&f.Owners[i].Name)
	}
	for i := range f.Runs {
		r := &f.Runs[i]
		x.stays("the name of a job", r.Parent.Namespace, r.Parent.Job)
		x.text(&r.Engine)
		x.text(&r.EngineVersion)
		x.text(&r.Failure)
	}
	for i := range f.Ends {
		x.stays("the name of a connector, a replicator or a dataset", f.Ends[i].Name)
	}
}

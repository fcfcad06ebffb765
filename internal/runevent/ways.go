package runevent

import (
	"maps"
	"slices"
	"strings"
)

// This file reads the lineage facet: which inputs lead to which output.

// Compare orders names.
func (n Name) Compare(b Name) int {
	if c := strings.Compare(n.Namespace, b.Namespace); c != 0 {
		return c
	}
	return strings.Compare(n.Name, b.Name)
}

// is returns the name that a dataset is known by, where this event tells another: a facet may name a table that its
// inputs or outputs say to be a topic.
func (r *reader) is(n Name) Name {
	if other, there := r.also[n]; there {
		return other
	}
	return n
}

func (r *reader) aliases() (out []Alias) {
	for _, n := range slices.SortedFunc(maps.Keys(r.also), Name.Compare) {
		out = append(out, Alias{n, r.also[n]})
	}
	return out
}

// entry is what a lineage facet says of one thing that data goes into. A zero target: the job itself.
type entry struct {
	fields
	target Name
}

// lineage reads the lineage facets: what they name is read and written too.
func (r *reader) lineage(e *Event, top fields) *ProblemError {
	r.entries = append(r.ofJob(e, top), r.ofOutputs(top)...)
	n := 0
	for _, x := range r.entries {
		if x.target != (Name{}) {
			e.Writes = append(e.Writes, x.target)
			e.Ways = append(e.Ways, Way{To: x.target})
		}
		lists := []string{x.fields["inputs"]}
		for _, f := range x.within("fields") {
			lists = append(lists, members(f)["inputs"])
		}
		for _, list := range lists {
			all, _ := elements(list) // none, or no list
			if n += len(all); n > mostDatasets {
				return lacks("/job/facets/lineage", "names more than %d inputs", mostDatasets)
			}
			for _, text := range all {
				f := members(text)
				from, p := r.name(f, "")
				switch {
				case f.is("JOB"):
					continue
				case p != nil:
					r.flag("a dataset without a name")
					continue
				}
				from = r.is(from)
				if e.Reads = append(e.Reads, from); x.target != (Name{}) {
					e.Ways = append(e.Ways, Way{from, x.target})
				}
			}
		}
	}
	e.Reads, e.Writes = once(e.Reads), once(e.Writes)
	slices.SortFunc(e.Ways, Way.Compare) // fields have no order
	e.Ways = slices.Compact(e.Ways)
	return nil
}

// Compare orders ways by where they lead.
func (w Way) Compare(b Way) int {
	if c := w.To.Compare(b.To); c != 0 {
		return c
	}
	return w.From.Compare(b.From)
}

// ofJob are the entries of the job's facet. One without any says nothing.
func (r *reader) ofJob(e *Event, top fields) (out []entry) {
	facet := top.within("job").within("facets").within("lineage")
	if !facet.has("entries") {
		return nil
	}
	all, ok := elements(facet["entries"])
	if !ok {
		r.flag("a lineage facet is no list")
	}
	for _, text := range all {
		x := entry{fields: members(text)}
		n, p := r.name(x.fields, "")
		switch {
		case x.is("DATASET") && p != nil:
			r.flag("a dataset without a name")
			continue
		case x.is("DATASET"):
			x.target = r.is(n)
		case x.is("JOB") && p == nil && n != e.Job:
			r.flag("a lineage facet of another job") // which that job tells itself
			continue
		}
		e.Explicit = true
		out = append(out, x)
	}
	return out
}

// ofOutputs are what the facets of outputs say of each.
func (r *reader) ofOutputs(top fields) (out []entry) {
	all, _ := elements(top["outputs"]) // what is wrong with it is said elsewhere
	for _, text := range all {
		f := members(text)
		facet := f.within("facets").within("lineage")
		if !facet.has("inputs") && !facet.has("fields") {
			continue // it says nothing
		}
		if n, ok := r.dataset(f); ok { // of one that is not that is said elsewhere
			out = append(out, entry{facet, n})
		}
	}
	return out
}

func (f fields) is(kind string) bool {
	word, _ := f.text("type")
	return word == kind
}

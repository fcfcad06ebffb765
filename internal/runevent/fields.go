package runevent

import (
	"maps"
	"slices"
)

// This file reads what lineage facets tell of columns, and what datasets without a job tell of themselves.

// Derived is what a dataset says that it is made of, by no event of a job. It says all there is: without From and Jobs,
// that it is made of nothing that it names.
type Derived struct {
	Dataset Name   `json:"d"`
	From    []Name `json:"f,omitempty"` // datasets, each once, sorted
	Jobs    []Name `json:"j,omitempty"` // likewise
}

// told is what a facet tells of the columns of an output: by each column that it names, what that is made of. An empty
// name is all of them; no links are that nothing is known to lead there.
type told map[string][]Link

// columnsOf tells the columns of an entry; ok is false where they can't be read.
func (r *reader) columnsOf(x *entry) (out told, ok bool) {
	out = told{}
	all := x.within("fields")
	if x.has("fields") && all == nil {
		return nil, false
	}
	for name, f := range all {
		to := column(name)
		links, ok := r.sources(members(f)["inputs"], to)
		if !ok || to == "" {
			return nil, false
		}
		out[to] = links
	}
	links, _ := r.sources(x.fields["inputs"], "") // what is wrong with it is said elsewhere
	// One that names no column is a way, and no column's.
	links = slices.DeleteFunc(links, func(l Link) bool { return l.From == "" })
	if len(links) > 0 {
		out[""] = links
	}
	return out, true
}

// sources reads what leads to a column; jobs are no columns.
func (r *reader) sources(list string, to string) (out []Link, ok bool) {
	all, ok := elements(list)
	if !ok {
		return nil, false
	}
	for _, text := range all {
		f := members(text)
		if f.is("JOB") {
			continue
		}
		from, p := r.name(f, "")
		field, _ := f.text("field")
		name := column(field)
		if p != nil || name == "" && f.has("field") {
			return nil, false
		}
		x := Link{Input: r.is(from), From: name, To: to}
		x.How, x.Masked = how(f)
		if !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out, true
}

// ofFields joins what lineage facets tell of columns with what columnLineage does. Of a column that both tell of the
// lineage facet's word stands; where they differ, that is said.
func (r *reader) ofFields(e *Event) {
	all := map[Name]told{}
	for i := range r.entries {
		x := &r.entries[i]
		if x.target == (Name{}) {
			continue
		}
		is, ok := r.columnsOf(x)
		if !ok {
			r.flag("a lineage facet whose fields can't be read")
			continue
		}
		if all[x.target] == nil && len(is) > 0 {
			all[x.target] = told{}
		}
		for to, links := range is {
			for _, l := range links {
				if !slices.Contains(all[x.target][to], l) {
					all[x.target][to] = append(all[x.target][to], l)
				}
			}
			all[x.target][to] = append([]Link{}, all[x.target][to]...)
		}
	}
	for _, n := range slices.SortedFunc(maps.Keys(all), Name.Compare) {
		at := slices.IndexFunc(e.Made, func(m Made) bool { return m.Output == n })
		if at < 0 {
			at, e.Made = len(e.Made), append(e.Made, Made{Output: n})
		}
		if e.Made[at].take(all[n]); len(e.Made[at].Otherwise) > 0 {
			r.flag("columnLineage says otherwise than lineage")
		}
	}
}

// take puts what a lineage facet tells before what is there.
func (m *Made) take(is told) {
	was := told{}
	for _, l := range m.Links {
		was[l.To] = append(was[l.To], l)
	}
	m.Links = nil
	for _, to := range slices.Sorted(maps.Keys(merged(was, is))) {
		links, told := is[to]
		if old := was[to]; !told || len(old) > 0 && agree(links, old) && !agree(old, links) {
			links = old // which says the same, of single columns
		} else if len(old) > 0 && !agree(links, old) {
			m.Otherwise = append(m.Otherwise, to)
		}
		n := min(len(links), mostColumns-len(m.Links))
		m.Links, m.Cut = append(m.Links, links[:n]...), m.Cut+len(links)-n
	}
}

func merged(a, b told) told {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// agree reports whether two lists say the same of where a column comes from, as far as each says it: a whole dataset in
// the first may be some of its columns in the second.
func agree(whole, single []Link) bool {
	has := func(in []Link, l Link, loose bool) bool {
		return slices.ContainsFunc(in, func(x Link) bool { return x.Input == l.Input && (x.From == l.From || loose && x.From == "") })
	}
	for _, l := range single {
		if !has(whole, l, true) {
			return false
		}
	}
	for _, l := range whole {
		if l.From != "" && !has(single, l, false) {
			return false
		}
		if l.From == "" && !slices.ContainsFunc(single, func(x Link) bool { return x.Input == l.Input }) {
			return false
		}
	}
	return true
}

// derived reads what a dataset says of itself: by its lineage facet, else by its columnLineage facet.
func (r *reader) derived(e *Event, f fields) {
	facets := f.within("facets")
	facet, old := facets.within("lineage"), facets.within("columnLineage")
	var lists []string
	switch {
	case facet.has("inputs") || facet.has("fields") || facet["_deleted"] == "true":
		lists = append(lists, facet["inputs"])
		for _, x := range facet.within("fields") {
			lists = append(lists, members(x)["inputs"])
		}
	case old.has("fields") || old.has("dataset") || old["_deleted"] == "true":
		lists = append(lists, old["dataset"])
		for _, x := range old.within("fields") {
			lists = append(lists, members(x)["inputFields"])
		}
	default:
		return
	}
	n, ok := r.dataset(f)
	if !ok {
		return // which is said elsewhere
	}
	is := Derived{Dataset: n}
	for _, list := range lists {
		all, _ := elements(list) // none, or no list
		for _, text := range all[:min(len(all), mostDatasets)] {
			x := members(text)
			from, p := r.name(x, "")
			switch {
			case x.is("JOB") && !x.has("name"):
				r.flag("a lineage facet of a dataset that names its own job")
			case p != nil:
				r.flag("a dataset without a name")
			case x.is("JOB"):
				is.Jobs = append(is.Jobs, from)
			default:
				is.From = append(is.From, r.is(from))
			}
		}
	}
	for _, list := range []*[]Name{&is.From, &is.Jobs} {
		slices.SortFunc(*list, Name.Compare)
		*list = slices.Compact(*list)
		*list = (*list)[:min(len(*list), mostDatasets)]
	}
	e.Derived = append(e.Derived, is)
}

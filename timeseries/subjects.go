package timeseries

import (
	"errors"
	"iter"
)

// subjects finds subjects by id. Ids are given in order and never again, and of those that ever were given most are
// gone: so it is made of pages, and of a page of which nobody is there there is none. What it takes, and what a walk
// over it costs, is of who is there, but for eight bytes for each 256 ids.
type subjects struct {
	pages []*subjectPage // by id / pageSubjects; nil: nobody of it is there
	next  subjectID      // that was not given yet
	live  int            // who is there
}

// pageSubjects is how many ids share a page: few, since one who stays among many who went keeps a page.
const pageSubjects = 256

type subjectPage struct {
	at [pageSubjects]*subject
	n  int // who is there
}

// newSubjects returns a table of which the ids before one were given.
func newSubjects(next subjectID) subjects { return subjects{next: next} }

// errNoNumbers is when so many subjects were seen that others cannot be told from them: 200 new ones a minute for 40
// years.
var errNoNumbers = errors.New("timeseries: all numbers of subjects are given; go on in a new data folder")

// give returns the next id.
func (t *subjects) give() subjectID {
	t.next++
	return t.next - 1
}

// of returns a subject; nil for an id that was never given, or that is gone or was put away.
func (t *subjects) of(id subjectID) *subject {
	if i := int(id / pageSubjects); i < len(t.pages) && t.pages[i] != nil {
		return t.pages[i].at[id%pageSubjects]
	}
	return nil
}

// put files a subject whose id was given and is nobody's.
func (t *subjects) put(s *subject) {
	i := int(s.id / pageSubjects)
	for len(t.pages) <= i {
		t.pages = append(t.pages, nil)
	}
	if t.pages[i] == nil {
		t.pages[i] = &subjectPage{}
	}
	t.pages[i].at[s.id%pageSubjects] = s
	t.pages[i].n++
	t.live++
}

// remove takes out a subject that is there.
func (t *subjects) remove(s *subject) {
	i := int(s.id / pageSubjects)
	p := t.pages[i]
	p.at[s.id%pageSubjects] = nil
	if p.n--; p.n == 0 {
		t.pages[i] = nil
	}
	t.live--
}

// all yields who is there, by id. The one that was yielded may be removed meanwhile, and none may be put.
func (t *subjects) all() iter.Seq[*subject] {
	return func(yield func(*subject) bool) {
		for _, p := range t.pages {
			if p == nil {
				continue
			}
			for _, s := range p.at {
				if s != nil && !yield(s) {
					return
				}
			}
		}
	}
}

package registry

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// This file tells how schemas change.

// changed tells a change of what is told, or was; nil: of no topic.
func (t *take) changed(of *lineage.SchemaFact, words string) {
	e := lineage.Event{At: t.round, Type: lineage.SchemaChanged, Detail: words}
	if of != nil && of.Topic.Name != "" {
		e.Topic = of.Topic
		if w, ok := t.cfg.Board.ByID(of.Topic.Cluster); ok {
			e.Topic.ID = w.IDs[of.Topic.Name]
		}
	}
	t.main.Events = append(t.main.Events, e)
}

// changedVersion notes what the words of a new version are, to be told once its topic is known.
func (t *take) changedVersion(name string, x *subject, now *version, got read, problem string) {
	was, before := saved{version: x.version.number, label: x.version.label}, x.read
	restarted := x.told == nil
	if restarted && !x.version.there {
		was = t.stored[name]
	}
	if was.called() == "" {
		return
	}
	if was.version == now.number && was.label == now.label {
		if !restarted && problem == "" && x.problem == "" && (before.cut != got.cut || !slices.Equal(before.columns, got.columns)) {
			x.words = fmt.Sprintf("of the subject %s version %s is still the newest, and what it refers to is another", name, was.called()) + differ(before, got)
		}
		return
	}
	x.words = fmt.Sprintf("the subject %s has version %s, and had %s", name, saved{version: now.number, label: now.label}.called(), was.called())
	if restarted { // what it was is read again
		old, err := t.version(t.speaker.older(name, was))
		old.format = cmp.Or(old.format, now.format)
		var failed string
		if err == nil {
			before, failed, err = t.parse(name, &old)
		}
		if err != nil || failed != "" || before.moves { // what it referred to then is not known
			x.words += "; what was another is not known"
			return
		}
	}
	if problem != "" || x.problem != "" {
		x.words += "; which columns changed is not known"
		return
	}
	x.words += differ(before, got)
}

// changedElse tells what is new of a subject: that it is there, its version, its compatibility.
func (t *take) changedElse(name string, x *subject, now *lineage.SchemaFact) {
	level := t.stored[name].level
	if x.told != nil {
		level = x.told.Compatibility
	}
	switch {
	case x.born && x.told == nil:
		t.changed(now, fmt.Sprintf("the subject %s is new in the registry %s", name, t.cfg.Name))
	case x.words != "":
		t.changed(now, x.words)
	case level != "" && now.Compatibility != "" && level != now.Compatibility:
		t.changed(now, fmt.Sprintf("the compatibility of the subject %s is %s, and was %s", name, now.Compatibility, level))
	}
	x.words, x.born = "", false
}

// differ says in words which columns are not the same.
func differ(was, now read) string {
	old := map[string]lineage.Column{}
	for _, c := range was.columns {
		old[c.Path] = c
	}
	var added, other, removed []string
	for _, c := range now.columns {
		before, had := old[c.Path]
		delete(old, c.Path)
		switch {
		case !had:
			added = append(added, c.Path)
		case before.Type != c.Type:
			other = append(other, fmt.Sprintf("%s (%s, was %s)", c.Path, c.Type, before.Type))
		case before.Presence != c.Presence && c.Presence == lineage.MayBeMissing:
			other = append(other, c.Path+" (is optional)")
		case before.Presence != c.Presence:
			other = append(other, c.Path+" (is not optional any more)")
		}
	}
	for path := range old {
		removed = append(removed, path)
	}
	slices.Sort(removed)
	var out []string
	for _, x := range []struct {
		what  string
		names []string
	}{{"without", removed}, {"new", added}, {"changed", other}} {
		if len(x.names) > 0 {
			out = append(out, x.what+": "+collector.Some(x.names))
		}
	}
	switch {
	case was.cut > 0 || now.cut > 0:
		out = append(out, "of further columns it is not known")
	case len(out) == 0:
		out = []string{"its columns are the same"}
	}
	return "; " + strings.Join(out, "; ")
}

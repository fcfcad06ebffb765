package openlineage

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// columnsTold are the facts and events about columns of the observations from the nth on, in words.
func (w *world) columnsTold(n int) (said []string) {
	place := func(t lineage.Topic, d lineage.Dataset) string {
		return string(t.Cluster) + "/" + t.Name + strings.TrimPrefix(" "+d.Namespace+" "+d.Name, "  ")
	}
	for _, o := range w.obs[n:] {
		for _, f := range o.Facts {
			if s := f.Schema; s != nil {
				text := place(s.Topic, s.Dataset) + ":"
				for _, c := range s.Columns {
					text += " " + c.Path + " " + c.Type
				}
				said = append(said, text)
			}
			if c := f.Columns; c != nil {
				text := c.Mover.ID() + " makes " + place(c.ToTopic, c.ToDataset) + ":"
				for _, l := range c.Links {
					text += fmt.Sprintf(" %s of %s %s (%s)", l.To, place(l.FromTopic, l.FromDataset), l.From, l.How)
				}
				said = append(said, text)
			}
		}
		for _, e := range o.Events {
			if e.Type == lineage.SchemaChanged {
				said = append(said, "event "+e.Topic.Name+" "+e.Detail)
			}
		}
	}
	slices.Sort(said)
	return said
}

// columnsEvent describes the topic with a column of a name, at an instant, and what a table's mail is made of.
func columnsEvent(at time.Time, column string) string {
	return `{"eventTime":"` + at.Format(time.RFC3339Nano) + `","producer":"p","schemaURL":"s","eventType":"RUNNING","run":{"runId":"0190a0c0-0000-7000-8000-000000000001"},"job":{"namespace":"spark","name":"mails"},
		"inputs":[{"namespace":"kafka://b1:9092","name":"orders","facets":{"schema":{"fields":[{"name":"` + column + `","type":"string"}]}}}],
		"outputs":[{"namespace":"pg","name":"t","facets":{"columnLineage":{"fields":{"mail":{"inputFields":[{"namespace":"kafka://b1:9092","name":"orders","field":"` + column + `","transformations":[{"type":"DIRECT","subtype":"IDENTITY"}]}]}}}}}]}`
}

// TestColumns: the newest event about columns stands, whatever the order, over a restart too, and each is told once.
func TestColumns(t *testing.T) {
	told := func(column string) []string {
		return []string{"id-west/orders: " + column + " string", "job:spark/mails makes / pg t: mail of id-west/orders " + column + " (DIRECT/IDENTITY)"}
	}
	for _, order := range [][]int{{0, 1}, {1, 0}, {0, 1, 1, 0}} {
		w := newWorld(t)
		events := []string{columnsEvent(t0.Add(-3*time.Second), "email"), columnsEvent(t0.Add(-2*time.Second), "contact")}
		for _, i := range order {
			w.send(events[i])
		}
		w.round()
		if got, want := w.columnsTold(0), told("contact"); !slices.Equal(got, want) {
			t.Errorf("in the order %v:\n%q\nwant\n%q", order, got, want)
		}
		n := len(w.obs)
		w.start() // as after a kill
		w.send(events[0], events[1])
		w.round()
		if got := w.columnsTold(n); len(got) > 0 {
			t.Errorf("what was told is told again: %q", got)
		}
		w.send(columnsEvent(t0.Add(-time.Second), "mail"))
		w.round()
		want := append([]string{"event orders a job describes the topic with other columns than before: 1 of them"}, told("mail")...)
		if got := w.columnsTold(n); !slices.Equal(got, want) {
			t.Errorf("a change:\n%q\nwant\n%q", got, want)
		}
	}
}

// TestDatasetEventsDescribe: an event of a dataset alone tells its columns, and one without takes nothing back.
func TestDatasetEventsDescribe(t *testing.T) {
	w := newWorld(t)
	event := func(facets string) string {
		return `{"eventTime":"` + w.now() + `","producer":"p","schemaURL":"s","dataset":{"namespace":"pg","name":"t","facets":{` + facets + `}}}`
	}
	w.send(event(`"schema":{"fields":[{"name":"a.b","type":"int"}]}`))
	w.round()
	w.send(event(``), event(`"schema":{"fields":[]}`))
	w.round()
	if got := w.columnsTold(0); !slices.Equal(got, []string{`/ pg t: a\.b int`}) {
		t.Errorf("told %q", got)
	}
}

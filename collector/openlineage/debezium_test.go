package openlineage

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/runevent"
	"github.com/lineaged/lineaged/lineage"
)

// The events of two real connectors of Debezium 3.4 (a start, a restart, a lost database and a column that is added;
// one was deleted) lead to the same edges, runs and columns in whatever order they come.
func TestDebeziumsEvents(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "internal", "runevent", "testdata", "debezium_3.4.0_emitted_here.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	events := strings.Split(strings.TrimSpace(string(text)), "\n")
	const inventory, billing, postgres = "streamjob:shop/shop.0 ", "streamjob:cdc/bill.0 ", "postgres://127.0.0.1:17075/postgres.public."
	want := []string{
		billing + "read " + postgres + "payments", billing + "write topic id-west/bill.public.payments", inventory + "read " + postgres + "customers", inventory + "read " + postgres + "orders",
		inventory + "write topic id-west/shop.public.customers", inventory + "write topic id-west/shop.public.orders",
		postgres + "customers: id v email secret", postgres + "orders: id v email secret coupon", postgres + "payments: id v email secret",
		"runs of cdc/bill.0: [COMPLETED]", "runs of shop/shop.0: [GOES_ON COMPLETED]", "topic shop.public.customers: id v contact", "topic shop.public.orders: id v contact",
	}
	for seed := range uint64(6) {
		w := newWorld(t)
		w.board.SetCluster(collector.Watched{
			Source: "west", ID: "id-west", Bootstrap: []string{"127.0.0.1:20578"}, Topics: []string{"bill.public.payments", "shop.public.customers", "shop.public.orders"},
			IDs: map[string]lineage.TopicID{"bill.public.payments": {1}, "shop.public.customers": {2}, "shop.public.orders": {3}},
		})
		w.at = time.Date(2026, 11, 28, 15, 16, 10, 0, time.UTC)
		w.board.SetToldAs(lineage.Source{Cluster: "connect-west", Name: "connectors"}, w.at.Add(tick), map[lineage.Node]collector.ToldAs{{Scope: "cdc", Kind: lineage.StreamJobNode, Name: "bill.0"}: {Cluster: "id-west", Places: []string{"127.0.0.1:17075"}}})
		order := slices.Clone(events)
		if seed > 0 {
			rand.New(rand.NewPCG(seed, 1)).Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		}
		w.send(order...)
		w.round()
		got := w.told()
		if !slices.Equal(got, want) {
			t.Fatalf("order %d:\n%s\nwant\n%s", seed, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	for _, x := range events {
		if _, flags, err := runevent.Parse([]byte(x)); err != nil || len(flags) > 0 {
			t.Errorf("%v %q: %.200s", err, flags, x)
		}
	}
}

// told is what was told of accesses, of runs and of columns, but those of envelopes.
func (w *world) told() (all []string) {
	facts := map[lineage.FactKey]string{}
	for _, o := range w.obs {
		for _, s := range o.Sightings {
			all = append(all, words(s.Access))
		}
		for _, f := range o.Facts {
			switch {
			case f.Runs != nil:
				var states []string
				for _, r := range f.Runs.Runs {
					states = append(states, r.State.String())
				}
				facts[f.Key] = fmt.Sprintf("runs of %s/%s: %s", f.Runs.Job.Scope, f.Runs.Job.Name, states)
			case f.Schema != nil && len(f.Schema.Columns) < 8:
				of := f.Schema.Dataset.Namespace + "/" + f.Schema.Dataset.Name
				if f.Schema.Topic.Name != "" {
					of = "topic " + f.Schema.Topic.Name
				}
				for i, c := range f.Schema.Columns {
					of += map[bool]string{true: ": ", false: " "}[i == 0] + c.Path
				}
				facts[f.Key] = of
			}
		}
	}
	slices.Sort(all)
	return append(slices.Compact(all), slices.Sorted(maps.Values(facts))...)
}

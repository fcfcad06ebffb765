package api_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/lineage"
)

// selected returns a selection of all fields that are written, of nodes and of flows; last is selected of each node and
// each flow besides.
func selected(last string) (nodes, flows string) {
	fields := api.WrittenFields()
	cluster := "cluster{__typename " + strings.Join(fields["Cluster"], " ") + "}"
	var b strings.Builder
	b.WriteString("{__typename " + strings.Join(fields["Node"], " ") + " " + cluster)
	for _, t := range []string{"Topic", "Application", "Connector", "Replicator", "StreamJob", "Dataset", "Group", "Job"} {
		for _, f := range fields[t] { // under names of their own, as two types may have a field of different types
			fmt.Fprintf(&b, " ...on %s{own%s%s:%s}", t, t, f, f)
		}
	}
	b.WriteString(" again:id ...on Topic{id innerOf{__typename id ...on StreamJob{namedBy}}} ...N @include(if:true) ...on Topic @skip(if:true){partitions}")
	nodes = b.String() + " " + last + "}"
	end := "{__typename id kind name ...on Topic{partitions} " + cluster + "}"
	flows = "{__typename " + strings.Join(fields["Flow"], " ") + " from" + end + " to" + end + " evidence{" + strings.Join(fields["Evidence"], " ") + "} " + last + "}"
	return nodes, flows
}

// TestWrittenIsExecuted asks of all worlds all fields that are written, once so, and once with one more that is not, so
// that the generated executor answers: both are the same to the byte.
func TestWrittenIsExecuted(t *testing.T) {
	const more, shown = "coverage{gapCount}", `,"coverage":{"gapCount":`
	ask := func(h http.Handler, last string) string {
		nodes, flows := selected(last)
		_, body := ask(h, "query{all:flows(window:{last:\"1h\"},includeInternal:true,limit:1000){nodes"+nodes+" flows"+flows+"} "+
			"grouped:flows(window:{last:\"10m\"},groupBy:CLUSTER,includeInternal:true,limit:1000){nodes"+nodes+" flows"+flows+"}} fragment N on Node{seen:lastSeen}", "")
		return string(body)
	}
	for name, made := range worlds {
		synctest.Test(t, func(t *testing.T) {
			h := serve(served{History: made.make(t).store, Identity: made.names, Declared: declarations[name], Clusters: made.config, Log: quiet(), Limits: api.Limits{Aliases: 1000, Complexity: 1 << 29}})
			time.Sleep(time.Until(round(30)) + time.Second)
			got, want := ask(h, ""), ask(h, more)
			var without strings.Builder
			rest, n := want, 0
			for {
				before, after, ok := strings.Cut(rest, shown)
				without.WriteString(before)
				if !ok {
					break
				}
				n++
				_, rest, _ = strings.Cut(after, "}")
			}
			if got != without.String() {
				t.Errorf("%s: got\n%s\nwant\n%s", name, got, &without)
			}
			if name != "empty" && name != "formatting" && n < 6 || strings.Contains(got, `"errors"`) {
				t.Errorf("%s: %d nodes and flows: %.500s", name, n, got)
			}
		})
	}
}

// panicking is an identity that panics when a node is described.
type panicking struct{ answer.Identity }

func (p panicking) Describe(n lineage.Node) (string, []string) {
	if n.Name == "g007" {
		panic("bad rule")
	}
	return p.Identity.Describe(n)
}

// TestWrittenTellsErrors lets one field of one node panic: the rest is answered, and the error says where.
func TestWrittenTellsErrors(t *testing.T) {
	h := serve(served{
		History: fan(t, 20).store, Identity: func() answer.Identity { return panicking{everybody()} }, Clusters: shopConfig, Log: quiet(),
		Now: func() time.Time { return round(6).Add(time.Second) },
	})
	status, body := ask(h, `{lineage(roots:["topic:west/orders"],window:{last:"1m"}){nodes{id owner}flows{id}}}`, "")
	if status != http.StatusOK || !bytes.Contains(body, []byte(`{"id":"application:shop/g007","owner":null}`)) || !bytes.Contains(body, []byte(`"owner"],"extensions":{"code":"INTERNAL"}`)) ||
		!bytes.Contains(body, []byte(`{"id":"application:shop/g008","owner":null}`)) {
		t.Errorf("%d %s", status, body)
	}
}

// TestWrittenAllocatesLittle holds that lists are written, and not executed field by field: a graph of 100 nodes and 99
// flows, about 1,300 fields, was answered with 19,000 allocations.
func TestWrittenAllocatesLittle(t *testing.T) {
	h := serve(served{History: fan(t, 98).store, Identity: everybody, Clusters: shopConfig, Log: quiet()})
	n := testing.AllocsPerRun(10, func() {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/graphql", strings.NewReader(graphQuery))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Body.Len() < 10_000 {
			t.Fatal(w.Body)
		}
	})
	if n > 5000 {
		t.Errorf("%.0f allocations", n)
	}
}

package connect

import (
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// TestTransforms: what transformations do to columns is told once, again where it changes, and gone with the connector;
// no value of a setting is told.
func TestTransforms(t *testing.T) {
	w := newWorker(t)
	config := map[string]any{
		"connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector", "topics": "orders", "transforms": "r,i",
		"transforms.r.type": "org.apache.kafka.connect.transforms.ReplaceField$Value", "transforms.r.renames": "email:contact",
		"transforms.i.type": "org.apache.kafka.connect.transforms.InsertField$Value", "transforms.i.static.field": "by", "transforms.i.static.value": canary,
	}
	w.connectors["dw"] = &fake{kind: "sink", state: "RUNNING", tasks: []string{"RUNNING"}, config: config}
	r := newRig(t, w, nil)
	told := func() (steps []lineage.Transform, n int, gone bool) {
		r.take()
		for _, o := range r.last {
			for _, f := range o.Facts {
				if f.Key != (lineage.FactKey{Source: "connect-west", Kind: lineage.TransformFacts, Name: "dw"}) {
					continue
				}
				n, gone = n+1, f.Gone
				if f.Transform != nil {
					steps = f.Transform.Steps
				}
			}
		}
		return steps, n, gone
	}
	if steps, n, _ := told(); n != 1 || len(steps) != 2 || steps[0].Renames[0] != (lineage.Rename{From: "email", To: "contact"}) || steps[1].Fields[0] != "by" {
		t.Errorf("told %d times: %+v", n, steps)
	}
	if steps, n, _ := told(); n != 0 {
		t.Errorf("told again: %+v", steps)
	}
	w.mu.Lock()
	delete(config, "transforms")
	w.mu.Unlock()
	if steps, n, _ := told(); n != 1 || len(steps) != 0 {
		t.Errorf("without transformations: told %d times, %+v", n, steps)
	}
	w.mu.Lock()
	delete(w.connectors, "dw")
	w.mu.Unlock()
	if _, n, gone := told(); n != 1 || !gone {
		t.Errorf("the connector is gone: told %d times, gone %v", n, gone)
	}
}

package runevent_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/internal/runevent"
)

// TestEventsHoldNoBody keeps many events whose bodies are far larger than what is known of them: names of columns are
// members of objects, and no part of the body.
func TestEventsHoldNoBody(t *testing.T) {
	const many, size = 40, 1 << 18
	for what, facet := range map[string]string{
		"columnLineage": `"columnLineage":{"fields":{"%[1]d":{"inputFields":[{"namespace":"x","name":"a","field":"%[1]d"}]}}}`,
		"lineage":       `"lineage":{"fields":{"%[1]d":{"inputs":[{"namespace":"x","name":"a","type":"DATASET","field":"%[1]d"}]}}}`,
		"schema":        `"schema":{"fields":[{"name":"%[1]d","type":"INT%[1]d"}]}`,
	} {
		var before, is runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		var kept []runevent.Event
		for i := range many {
			body := `{"eventTime":"2026-11-28T01:30:00Z","producer":"p","schemaURL":"s","run":{"runId":"0190a0c0-0000-7000-8000-000000000000"},` +
				`"job":{"namespace":"n","name":"j"},"outputs":[{"namespace":"x","name":"t","facets":{` + fmt.Sprintf(facet, i) + `}}],"filling":"` + strings.Repeat("x", size) + `"}`
			e, _, err := runevent.Parse([]byte(body))
			if err != nil || len(e.Made)+len(e.Schemas) == 0 {
				t.Fatalf("%s: %v, nothing of columns is known", what, err)
			}
			kept = append(kept, e)
		}
		runtime.GC()
		runtime.ReadMemStats(&is)
		if is.HeapAlloc > before.HeapAlloc+many*size/2 {
			t.Errorf("%s: %d events of %d bytes hold %d", what, many, size, is.HeapAlloc-before.HeapAlloc)
		}
		runtime.KeepAlive(kept)
	}
}

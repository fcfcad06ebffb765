package openlineage

import (
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/collector"
)

// saves are commands of Spark's that write, as openlineage-spark names jobs by them. Behind one stands what it writes,
// where that is known: of a Kafka sink whose topic a column chooses for each record it is not, as of one that the
// integration does not know.
var saves = []string{
	"execute_save_into_data_source_command", "write_to_data_source_v2", "append_data", "overwrite_by_expression", "overwrite_partitions_dynamic",
}

// unnamedFor is for how long it is told of a run.
const unnamedFor = 24 * time.Hour

// blindUnnamed says which jobs of Spark's save something of which their events do not say where.
func (s *source) blindUnnamed(round time.Time, add func(what, remedy string)) {
	named := map[string]bool{}
	for _, r := range s.runs {
		command := r.job.Name[strings.LastIndexByte(r.job.Name, '.')+1:]
		if r.integration == "SPARK" && r.id != "" && slices.Contains(saves, command) && round.Sub(r.seen) < unnamedFor && !r.writes() {
			named[r.job.Name] = true
		}
	}
	if len(named) == 0 {
		return
	}
	var all []string
	for name := range named {
		all = append(all, name)
	}
	add("what jobs of Spark's write, whose events within the last day name no output of a command that saves, as of a Kafka sink that takes each record's topic from a column: "+collector.Some(all),
		"the topic as an option of the sink where it is one, or a declared flow (docs/declared.md)")
}

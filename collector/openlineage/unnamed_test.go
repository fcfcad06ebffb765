package openlineage

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// Spark names no topic of a Kafka sink that a column chooses: its event says that it saves, and names no output. That
// is a blind spot which names the job; a command that only reads, and one whose output is named, are none.
func TestWhatIsSavedSomewhere(t *testing.T) {
	w := newWorld(t)
	var now []lineage.BlindSpot
	spots := func() string {
		for _, o := range w.obs {
			for _, f := range o.Facts {
				if f.Key.Kind == lineage.BlindSpotFacts {
					now = f.BlindSpots
				}
			}
		}
		return fmt.Sprint(now)
	}
	event := func(run int, name, integration, outputs string) string {
		e := w.event(run, "COMPLETE", `"jobType":{"processingType":"BATCH","integration":"`+integration+`","jobType":"SQL_JOB"}`, "kafka://b1:9092/orders", outputs)
		return strings.Replace(e, `"name":"j"`, `"name":"`+name+`"`, 1)
	}
	w.send(event(1, "by_column.execute_save_into_data_source_command", "SPARK", ""))
	w.send(event(2, "by_option.execute_save_into_data_source_command", "SPARK", "kafka://b1:9092/orders"))
	w.send(event(3, "count.collect_limit", "SPARK", ""))
	w.send(event(4, "another.append_data", "DBT", ""))
	w.send(event(5, "stream.write_to_data_source_v2", "SPARK", ""))
	w.round()
	got := spots()
	if !strings.Contains(got, "name no output of a command that saves") || !strings.Contains(got, "by_column.execute_save") || !strings.Contains(got, "stream.write_to") {
		t.Errorf("it is not said: %s", got)
	}
	for _, not := range []string{"by_option", "collect_limit", "append_data"} {
		if strings.Contains(got, not) {
			t.Errorf("%s is said: %s", not, got)
		}
	}
	for at := time.Duration(0); at < 25*time.Hour; at += time.Hour {
		w.at = w.at.Add(time.Hour)
		w.round()
	}
	if got := spots(); strings.Contains(got, "by_column") {
		t.Errorf("after a day it is still said: %s", got)
	}
}

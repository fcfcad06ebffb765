package kafka

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Each set of brokers is told once, in whatever order a partition names them; what changed is found by the sum.
func TestPlaces(t *testing.T) {
	p := &placing{}
	collect := func(partitions ...[]int32) (string, uint64) {
		p.begin()
		for _, ids := range partitions {
			var raw []byte
			for _, id := range ids {
				raw = binary.BigEndian.AppendUint32(raw, uint32(id))
			}
			p.add(raw)
		}
		return fmt.Sprint(p.places()), p.sum()
	}
	got, sum := collect([]int32{3, 1}, []int32{1, 3}, []int32{2})
	if want := "[{[1 3] 2} {[2] 1}]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, other := range [][][]int32{{{3, 1}, {1, 3}, {4}}, {{3, 1, 1}, {3}, {2}}, {{3, 1}, {1, 3}}, {}} {
		if _, s := collect(other...); s == sum || s == 0 {
			t.Errorf("%v has the sum of another", other)
		}
	}
	if got, _ := collect([]int32{1}, nil); got != "[]" {
		t.Errorf("of a partition nothing is known, and yet %s", got)
	}
	many := make([][]int32, mostPlaces+1)
	for i := range many {
		many[i] = []int32{int32(i)}
	}
	if got, _ := collect(many...); got != "[]" {
		t.Error("so many sets are told")
	}
}

// What deletes records is told where all of it is, whoever set it.
func TestRetentionOf(t *testing.T) {
	entry := func(name, value string) kmsg.DescribeConfigsResponseResourceConfig {
		e := kmsg.NewDescribeConfigsResponseResourceConfig()
		e.Name, e.Value, e.Source = name, &value, kmsg.ConfigSourceDefaultConfig
		return e
	}
	all := []kmsg.DescribeConfigsResponseResourceConfig{entry("cleanup.policy", "compact,delete"), entry("retention.ms", "604800000"), entry("x", "y"), entry("retention.bytes", "-1")}
	if got := retentionOf(all); got == nil || fmt.Sprint(*got) != "{compact,delete 604800000 -1}" {
		t.Errorf("got %v", got)
	}
	if got := retentionOf(all[:3]); got != nil {
		t.Errorf("without retention.bytes it is %v", got)
	}
	if got := retentionOf(append(all[1:], entry("cleanup.policy", "delete"), entry("retention.ms", "x"))); got == nil || got.Policy != "delete" {
		t.Errorf("got %v", got)
	}
}

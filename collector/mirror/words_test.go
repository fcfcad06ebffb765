package mirror

import (
	"strconv"
	"strings"
	"testing"
)

// Whoever may write to a topic can't make us keep what he likes.
func TestWordsAreBounded(t *testing.T) {
	w := newWords()
	checkpoint := func(topic string) string { return str("group") + str(topic) + i32(3) }
	for i := range maxNames + 100 {
		w.hear("mm2-offset-syncs.east.internal", []byte(str("t"+strconv.Itoa(i))+i32(0)), []byte(i64(1)+i64(1)), t0, true)
		w.hear("west.checkpoints.internal", []byte(checkpoint("t"+strconv.Itoa(i))), []byte("\x00\x00"+i64(1)+i64(1)+str("")), t0, true)
	}
	if n, m := len(w.syncs["east"]), len(w.checks["west"]); n != maxNames || m != maxNames {
		t.Errorf("%d syncs and %d checkpoints are kept, of which %d and %d did not parse", n, m, w.bad["mm2-offset-syncs.east.internal"], w.bad["west.checkpoints.internal"])
	}
	w = newWords()
	long := strings.Repeat("x", 30_000)
	w.hear("mm2-offset-syncs.east.internal", []byte(str(long)+i32(0)), []byte(i64(1)+i64(1)), t0, true)
	w.hear("heartbeats", []byte(str(long)+str("east")), []byte("\x00\x00"+i64(1)), t0, true)
	if len(w.syncs["east"]) > 0 || len(w.beats) > 0 {
		t.Error("a name that is none is kept")
	}
}

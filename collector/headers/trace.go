package headers

import (
	"encoding/hex"
	"time"

	"github.com/lineaged/lineaged/internal/recordbatch"
)

// traceparent is the header of W3C Trace Context, level 1 (https://www.w3.org/TR/trace-context/).
const traceparent = "traceparent"

// longestTrace is the longest time that is taken for one trace's.
const longestTrace = 24 * time.Hour

// traceID tells traces apart. It is in memory only, and nobody is told it.
type traceID [16]byte

// traceOf returns whose trace a value of traceparent names: version, trace id, parent id and flags, in lower-case hex
// with a dash between, 55 bytes. ok is false for anything else, for ids of zeros, and for version ff.
func traceOf(value []byte) (id traceID, ok bool) {
	const idAt, parentAt, flagsAt, length = 3, 36, 53, 55
	if len(value) != length || value[idAt-1] != '-' || value[parentAt-1] != '-' || value[flagsAt-1] != '-' {
		return id, false
	}
	var version, flags [1]byte
	var parent [8]byte
	for _, x := range [...]struct{ to, from []byte }{
		{version[:], value[:idAt-1]}, {id[:], value[idAt : parentAt-1]}, {parent[:], value[parentAt : flagsAt-1]}, {flags[:], value[flagsAt:]},
	} {
		for _, c := range x.from {
			if c >= 'A' && c <= 'F' {
				return traceID{}, false
			}
		}
		if _, err := hex.Decode(x.to, x.from); err != nil {
			return traceID{}, false
		}
	}
	return id, version[0] != 0xff && id != traceID{} && parent != [8]byte{}
}

// sight is a record of a trace in a topic: its timestamp, and whose clock that is.
type sight struct {
	millis     int64 // since 1970
	appendTime bool  // the broker's; else its producer's
}

// trace remembers a record of a trace that is sampled, the first of each by its time.
func (y *peeked) trace(t *traces, b *recordbatch.Batch, delta int64, value []byte) {
	id, ok := traceOf(value)
	if !ok || !t.isSampled(id) {
		return
	}
	millis, ok := b.Millis(delta)
	if !ok {
		return
	}
	if before, known := y.sights[id]; known && before.millis <= millis {
		return
	}
	if y.sights == nil {
		y.sights = map[traceID]sight{}
	}
	y.sights[id] = sight{millis, b.AppendTime}
	for len(y.sights) > t.most {
		t.narrow()
		forget(t, y.sights)
	}
}

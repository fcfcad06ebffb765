package timeseries

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"testing"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// decoded is a section of a file with what reads it.
type decoded struct {
	name    string
	content []byte
	decode  func([]byte) error
}

// allSections returns a section of each kind that a folder has, the longest that is short, with what reads it.
func allSections(t *testing.T) (out []decoded) {
	t.Helper()
	s, err := Open(richFolder(t), richOptions())
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	by := map[string]decoded{}
	take := func(name string, content []byte, decode func([]byte) error) {
		must(t, decode(content))
		if x, there := by[name]; len(content) > 0 && len(content) < 2500 && (!there || len(x.content) < len(content)) {
			by[name] = decoded{name, content, decode}
		}
	}
	for _, f := range s.vault.list() {
		for id := range s.vault.(*diskVault).whole[f].sections() {
			content, err := s.section(f, id.kind, id.number)
			must(t, err)
			b := &block{tier: int(f.kind)}
			if f.isBlock() {
				b = s.newBlock(int(f.kind), f.number).b
			}
			take(fmt.Sprintf("%c of kind %d", id.kind, f.kind), content, func(c []byte) (err error) {
				switch id.kind {
				case indexSection:
					_, _, err = decodeIndex(b, c)
				case slabSection:
					err = readSlab(b, c)
				case roundsSection:
					_, _, err = decodeRounds(b, c)
				case unionSection, partSection:
					_, _, err = decodeUnion(b, c)
				case marksSection:
					err = readMarkPart(b, c)
				case eventsSection:
					_, _, err = decodeEvents(b, c)
				case wordsSection:
					_, _, err = decodeWords(b, c)
				case detailsSection:
					_, _, err = decodeDetails(b, c)
				case reasonsSection:
					_, _, err = decodeReasons(b, c)
				case manifestPart:
					_, err = decodeManifest(c)
				case subjectSection:
					_, err = decodeSubjects(c, s.sources)
				case sourceSection:
					_, err = decodeSources(c)
				case factSection:
					_, err = decodeFacts(c)
				case restSection:
					_, err = decodeRest(c)
				case lostSection:
					_, _, err = decodeLost(c)
				case awaySection:
					_, err = decodeAway(c)
				case lateSection:
					_, err = decodeLate(c)
				case sumSection:
					_, err = decodeSums(c)
				case rosterHead:
					_, err = decodeRosterHead(f.number, c)
				case rosterPageSection:
					_, err = decodeRosterPage(c, 1000)
				case rosterFilterSection:
					_, err = decodeRosterFilter(c)
				case deadIndex:
					_, err = decodeDead(f.number, c)
				default:
					t.Fatalf("nobody reads section %c", id.kind)
				}
				return err
			})
		}
	}
	words := &blockWords{
		notes:   []topicNote{{3, lineage.Word{At: 1, Text: "a word"}}, {3, lineage.Word{At: 6, Text: "another"}}, {9, lineage.Word{At: 2, Text: "of another"}}},
		sighted: []tickMarks{{tick: 4}, {tick: 5}},
	}
	words.sighted[1].see(lineage.GroupMembership, 7)
	b := s.newBlock(rawTier, 0).b
	details := &blockDetails{whole: true, entries: []detailEntry{
		{detailKey{3, lineage.GroupOffsets}, lineage.Word{At: 2, Text: "stands"}, []lineage.Word{{At: b.meta.start + 1, Text: "moves"}, {At: b.meta.start + 2, Text: ""}}},
		{detailKey{3, lineage.GroupMembership}, lineage.Word{}, []lineage.Word{{At: b.meta.end, Text: "stands"}}},
		{detailKey{9, lineage.GroupOffsets}, lineage.Word{At: 5, Text: "moves"}, []lineage.Word{{At: b.meta.start + 1, Text: "rests"}}},
	}}
	details.sort()
	if got, _, err := decodeDetails(b, encodeDetails(b, details)); err != nil || !reflect.DeepEqual(got, details) {
		t.Errorf("details are %+v, %v, want %+v", got, err, details)
	}
	take("w with details", encodeDetails(b, details), func(c []byte) error { _, _, err := decodeDetails(b, c); return err })
	reasons := &blockReasons{entries: []seriesReasons{
		{seriesKey{3, lineage.Records, lineage.GroupOffsets}, []stepReasons{{b.meta.start + 2, texts{"at most", ""}}, {b.meta.end, texts{"at least"}}}},
		{seriesKey{3, lineage.Claimed, lineage.Telemetry}, []stepReasons{{b.meta.start + 1, texts{"neither"}}}},
		{seriesKey{9, lineage.Records, lineage.GroupOffsets}, []stepReasons{{b.meta.end, texts{"at least", "at most", "neither"}}}},
	}}
	slices.SortFunc(reasons.entries, func(a, b seriesReasons) int { return compareKeys(a.key, b.key) })
	if got, _, err := decodeReasons(b, encodeReasons(b, reasons)); err != nil || !reflect.DeepEqual(got, reasons) {
		t.Errorf("reasons are %+v, %v, want %+v", got, err, reasons)
	}
	take("y with reasons", encodeReasons(b, reasons), func(c []byte) error { _, _, err := decodeReasons(b, c); return err })
	take("t with words", encodeWords(b, words), func(c []byte) error { _, _, err := decodeWords(b, c); return err })
	late := &engine{ledgers: newLedgers()}
	late.ledgers.resume = []lateTopic{{richWriter(0).Topic, 77}, {richWriter(1).Topic, 0}}
	take("p with topics", late.encodeLate(), func(c []byte) error { _, err := decodeLate(c); return err })
	take("a cursor", []byte(cursorOf(dated{tick: 7, Event: lineage.Event{At: testStart, Type: lineage.FlowStarted, Detail: "x"}}, 2)), func(c []byte) error {
		_, _, err := readCursor(store.Cursor(c))
		return err
	})
	for _, x := range by {
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b decoded) int { return slices.Compare([]byte(a.name), []byte(b.name)) })
	if len(out) < 20 {
		t.Fatalf("only %d kinds of sections", len(out))
	}
	return out
}

// TestDecodersOfDamage gives each decoder its input cut off at each place, with a byte more, and with each byte changed
// in some ways, as if no checksum had told: what is cut off or goes on is damage, whatever is read asks for memory in
// proportion to what there is, and nothing makes them panic.
func TestDecodersOfDamage(t *testing.T) {
	for _, x := range allSections(t) {
		t.Run(x.name, func(t *testing.T) {
			var before, after runtime.MemStats
			most := uint64(0)
			decode := func(c []byte) error {
				runtime.ReadMemStats(&before)
				err := x.decode(c)
				runtime.ReadMemStats(&after)
				most = max(most, after.TotalAlloc-before.TotalAlloc)
				return err
			}
			cursor := x.name == "a cursor"
			for n := range x.content {
				err := x.decode(x.content[:n:n])
				switch {
				case err == nil && x.name[0] == lostSection && n == len(x.content)-1: // as it was written before
				case err == nil && (!cursor || n > 0):
					t.Errorf("%d bytes of %d are read", n, len(x.content))
				case err != nil && !cursor && !errors.Is(err, errCorrupt):
					t.Errorf("%d bytes of %d: %v", n, len(x.content), err)
				}
			}
			if err := x.decode(append(slices.Clone(x.content), 0)); err == nil {
				t.Error("a byte too many is read")
			}
			step := 1 + len(x.content)/400
			for i := 0; i < len(x.content); i += step {
				for _, y := range []byte{x.content[i] ^ 1, x.content[i] ^ 0x80, x.content[i] ^ 0x10, 0, 0xff} {
					c := slices.Clone(x.content)
					c[i] = y
					if err := decode(c); err != nil && !cursor && !errors.Is(err, errCorrupt) {
						t.Errorf("byte %d as %#x: %v", i, y, err)
					}
				}
			}
			// what reads a bitmap asks for a quarter of a megabyte at once
			if limit := uint64(200*len(x.content) + 512<<10); most > limit {
				t.Errorf("%d bytes took %d bytes of memory", len(x.content), most)
			}
		})
	}
}

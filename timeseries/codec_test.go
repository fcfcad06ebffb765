package timeseries

import (
	"context"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

func randomString(r *rand.Rand) string {
	return strings.Repeat(string(rune('a'+r.IntN(26))), r.IntN(5))
}

func randomTopic(r *rand.Rand) lineage.Topic {
	return lineage.Topic{Cluster: lineage.ClusterID(randomString(r)), ID: lineage.TopicID{byte(r.IntN(256)), 15: byte(r.IntN(256))}, Name: randomString(r)}
}

func randomAccess(r *rand.Rand) lineage.Access {
	return lineage.Access{Topic: randomTopic(r), Op: lineage.Op(r.IntN(3)), Client: lineage.Client{
		Kind: lineage.ClientKind(r.IntN(3)), ClientID: randomString(r), Group: randomString(r), Member: randomString(r), TransactionalID: randomString(r),
		Principal: randomString(r), Host: randomString(r), Producer: lineage.ProducerID(r.Uint64()), Mover: randomNode(r),
		Software: randomString(r), Instance: randomString(r),
	}, Dataset: lineage.Dataset{Namespace: randomString(r), Name: randomString(r)}}
}

func randomNode(r *rand.Rand) lineage.Node {
	kind := lineage.NodeKind(r.IntN(int(lineage.DatasetNode) + 1))
	if kind == lineage.NoKind {
		return lineage.Node{}
	}
	return lineage.Node{Scope: randomString(r), Kind: kind, Name: randomString(r)}
}

func randomStrings(r *rand.Rand) (out []string) {
	for range r.IntN(3) {
		out = append(out, randomString(r))
	}
	return out
}

func randomMissing(r *rand.Rand) (out []lineage.Missing) {
	for range r.IntN(3) {
		m := lineage.Missing{Reason: randomString(r), Share: r.Float64(), All: r.IntN(2) == 0}
		for range r.IntN(3) {
			m.Topics = append(m.Topics, randomTopic(r))
			m.Groups = append(m.Groups, lineage.GroupRef{Cluster: lineage.ClusterID(randomString(r)), Group: randomString(r)})
		}
		out = append(out, m)
	}
	return out
}

func randomEvent(r *rand.Rand) lineage.Event {
	return lineage.Event{
		At: time.Unix(r.Int64N(1<<32), r.Int64N(1e9)).UTC(), Type: lineage.EventType(1 + r.IntN(11)), Topic: randomTopic(r),
		Group: lineage.GroupRef{Group: randomString(r)}, Access: randomAccess(r), Detail: randomString(r),
	}
}

func randomFact(r *rand.Rand) lineage.Fact {
	f := lineage.Fact{Key: lineage.FactKey{Source: randomString(r), Kind: lineage.FactKind(1 + r.IntN(int(lineage.FactKinds)-1)), Name: randomString(r)}, Gone: r.IntN(4) == 0}
	if f.Gone {
		return f
	}
	switch f.Key.Kind {
	case lineage.ClusterFacts:
		f.Cluster = &lineage.ClusterFact{ID: lineage.ClusterID(randomString(r)), Brokers: r.IntN(9), Controller: r.IntN(9) - 1, Topics: r.IntN(9999), Groups: -1}
	case lineage.TopicFacts:
		f.Topic = &lineage.TopicFact{Topic: randomTopic(r), Partitions: r.IntN(99), Replication: r.IntN(4), Internal: r.IntN(2) == 0, Unseen: randomString(r)}
		if r.IntN(2) == 0 {
			f.Topic.Configs = []lineage.Config{}
		}
		for range r.IntN(3) {
			f.Topic.Configs = append(f.Topic.Configs, lineage.Config{Name: randomString(r), Value: randomString(r)})
		}
	case lineage.GroupFacts:
		f.Group = &lineage.GroupFact{Ref: lineage.GroupRef{Group: randomString(r)}, Type: randomString(r), Protocol: randomString(r), State: randomString(r), MembersKnown: r.IntN(2) == 0}
		for range r.IntN(3) {
			f.Group.Members = append(f.Group.Members, lineage.Member{ID: randomString(r), ClientID: randomString(r), Host: randomString(r)})
		}
		if r.IntN(2) == 0 {
			f.Group.Topology = &lineage.Topology{Epoch: r.IntN(9), SinksKnown: r.IntN(2) == 0}
			for range r.IntN(3) {
				f.Group.Topology.Subtopologies = append(f.Group.Topology.Subtopologies, lineage.Subtopology{
					ID: randomString(r), Sources: randomStrings(r), Sinks: randomStrings(r), RepartitionSources: randomStrings(r),
					RepartitionSinks: randomStrings(r), Changelogs: randomStrings(r), Stores: randomStrings(r),
				})
			}
		}
	case lineage.BlindSpotFacts:
		for range r.IntN(3) {
			f.BlindSpots = append(f.BlindSpots, lineage.BlindSpot{Source: randomString(r), What: randomString(r), Remedy: randomString(r)})
		}
	case lineage.ConnectFacts:
		f.Connect = &lineage.ConnectFact{Kafka: lineage.ClusterID(randomString(r)), Version: randomString(r)}
	case lineage.ConnectorFacts:
		f.Connector = &lineage.ConnectorFact{
			Kafka: lineage.ClusterID(randomString(r)), Class: randomString(r), Type: randomString(r), State: randomString(r), Group: randomString(r),
			Replicator: randomNode(r),
		}
		for range r.IntN(3) {
			f.Connector.Tasks = append(f.Connector.Tasks, lineage.Task{ID: r.IntN(9), State: randomString(r), Worker: randomString(r)})
		}
		for range r.IntN(3) {
			f.Connector.Also = append(f.Connector.Also, randomNode(r))
		}
	case lineage.ReplicatorFacts:
		f.Replicator = &lineage.ReplicatorFact{
			Node: randomNode(r), SourceAlias: randomString(r), TargetAlias: randomString(r), Source: lineage.ClusterID(randomString(r)),
			Target: lineage.ClusterID(randomString(r)), Policy: randomString(r), Separator: randomString(r), State: randomString(r), Connect: randomString(r),
		}
	case lineage.SourceFacts:
		f.Source = &lineage.SourceFact{State: lineage.SourceState(1 + r.IntN(3)), Interval: time.Duration(1 + r.IntN(1e9)), Reason: randomString(r)}
	case lineage.PermissionFacts:
		f.Permission = &lineage.PermissionFact{Open: r.IntN(2) == 0, Cut: r.IntN(9)}
		for range r.IntN(3) {
			f.Permission.Rules = append(f.Permission.Rules, lineage.Permission{
				Topic: randomString(r), Prefixed: r.IntN(2) == 0, Principal: randomString(r), Host: randomString(r), Operation: randomString(r), Allowed: r.IntN(2) == 0,
			})
		}
	case lineage.JobFacts:
		f.Job = randomJob(r)
	case lineage.RunFacts:
		f.Runs = randomRuns(r)
	case lineage.WaysFacts:
		f.Ways = &lineage.WaysFact{Job: randomNode(r), Ends: []lineage.Node{randomNode(r), randomNode(r)}}
		for range r.IntN(3) {
			f.Ways.Ways = append(f.Ways.Ways, lineage.JobWay{From: r.IntN(3) - 1, To: r.IntN(2), Until: time.Unix(r.Int64N(1e10), 0).UTC()})
		}
	default:
		randomColumns(r, &f)
	}
	return f
}

func randomJob(r *rand.Rand) *lineage.JobFact {
	j := &lineage.JobFact{Engine: randomString(r), Version: randomString(r), ID: randomString(r), State: randomString(r), Restarts: r.Int64N(9) - 1}
	if r.IntN(2) == 0 {
		j.Started = time.Unix(r.Int64N(1e10), r.Int64N(1e9)).UTC()
		j.Checkpoints = &lineage.Checkpoints{Mode: randomString(r), Every: time.Duration(r.Int64N(1e12)), Completed: r.Int64N(99), Failed: r.Int64N(99), Restored: r.Int64N(9)}
	}
	for range r.IntN(3) {
		j.Vertices = append(j.Vertices, lineage.JobVertex{ID: randomString(r), Name: randomString(r), State: randomString(r), Parallelism: r.IntN(99)})
		j.Reads = append(j.Reads, lineage.GroupRef{Cluster: lineage.ClusterID(randomString(r)), Group: randomString(r)})
		j.Writes = append(j.Writes, lineage.IDPrefix{Cluster: lineage.ClusterID(randomString(r)), Prefix: randomString(r)})
		j.Also = append(j.Also, randomNode(r))
	}
	return j
}

func randomColumns(r *rand.Rand, f *lineage.Fact) {
	dataset := func() lineage.Dataset { return lineage.Dataset{Namespace: randomString(r), Name: randomString(r)} }
	switch f.Key.Kind {
	case lineage.SchemaFacts:
		f.Schema = &lineage.SchemaFact{
			Topic: randomTopic(r), Dataset: dataset(), Part: lineage.SchemaPart(r.IntN(3)), Origin: lineage.SchemaOrigin(r.IntN(3)), Subject: randomString(r),
			Version: r.IntN(9), ID: r.IntN(9) - 1, Strategy: lineage.SubjectStrategy(r.IntN(4)), Compatibility: randomString(r), Format: randomString(r), Record: randomString(r),
			Cut: r.IntN(9), Problem: randomString(r),
		}
		for range r.IntN(3) {
			f.Schema.Columns = append(f.Schema.Columns, lineage.Column{Path: randomString(r), Type: randomString(r), Presence: lineage.Presence(r.IntN(3))})
		}
	case lineage.TransformFacts:
		f.Transform = &lineage.TransformFact{}
		for range r.IntN(3) {
			f.Transform.Steps = append(f.Transform.Steps, lineage.Transform{
				Name: randomString(r), Class: randomString(r), Kind: lineage.TransformKind(r.IntN(9)), Part: lineage.SchemaPart(r.IntN(3)), Fields: randomStrings(r),
				Keep: randomStrings(r), Drop: randomStrings(r), Renames: []lineage.Rename{{From: randomString(r), To: randomString(r)}}, Word: randomString(r),
			})
		}
	case lineage.ColumnsFacts:
		f.Columns = &lineage.ColumnsFact{Mover: randomNode(r), ToTopic: randomTopic(r), ToDataset: dataset(), Cut: r.IntN(9)}
		for range r.IntN(3) {
			f.Columns.Links = append(f.Columns.Links, lineage.ColumnLink{
				FromTopic: randomTopic(r), FromDataset: dataset(), From: randomString(r), To: randomString(r), How: randomString(r), Masked: r.IntN(2) == 0,
			})
		}
	default:
	}
}

func randomRuns(r *rand.Rand) *lineage.RunsFact {
	f := &lineage.RunsFact{
		Job: randomNode(r), Integration: randomString(r), Type: randomString(r), Description: randomString(r), Owners: []lineage.Owner{{Name: randomString(r), Type: randomString(r)}},
		Ends: []lineage.Node{randomNode(r), randomNode(r)}, Older: r.IntN(2) == 0,
	}
	for range r.IntN(3) {
		f.Runs = append(f.Runs, lineage.Run{
			ID: randomString(r), State: lineage.RunState(r.IntN(6)), First: testStart, Started: r.IntN(2) == 0, Ended: testStart.Add(time.Second),
			NominalStart: testStart, Parent: lineage.ParentRun{Namespace: randomString(r), Job: randomString(r), Run: randomString(r)}, Engine: randomString(r),
			EngineVersion: randomString(r), Failure: randomString(r), Reads: []int{1, 0}, Writes: []int{1}, Cut: r.IntN(9),
		})
	}
	return f
}

func randomRecord(e *engine, r *rand.Rand) *record {
	o := lineage.Observation{
		Source: lineage.Source{Cluster: randomString(r), Name: "s" + randomString(r)}, Round: testStart.Add(time.Duration(r.IntN(999)) * time.Minute),
		Interval: time.Duration(1+r.IntN(9)) * time.Minute, Missing: randomMissing(r),
	}
	o.At = o.Round.Add(time.Duration(r.IntN(1e9)))
	for range r.IntN(5) {
		s := lineage.Sample{Subject: randomAccess(r), Metric: lineage.Metric(1 + r.IntN(8)), Evidence: lineage.EvidenceKind(r.IntN(20)), Value: r.Int64(), Estimated: r.IntN(2) == 0}
		if r.IntN(2) == 0 {
			s.Since = o.Round.Add(-time.Duration(r.IntN(99)) * time.Minute)
		}
		o.Samples = append(o.Samples, s)
		o.Sightings = append(o.Sightings, lineage.Sighting{Access: s.Subject, Evidence: lineage.BatchHeader, Moved: r.IntN(2) == 0, Detail: randomString(r)})
		o.Facts = append(o.Facts, randomFact(r))
		o.Events = append(o.Events, randomEvent(r))
		o.Positions = append(o.Positions, lineage.Position{Key: randomString(r)}, lineage.Position{Key: randomString(r), Value: []byte(randomString(r))})
	}
	return e.recordOf(&o, e.floor(o.Round))
}

// recordOf is the record of an observation, with all its entries.
func (e *engine) recordOf(o *lineage.Observation, tick int64) *record {
	var news []newcomer
	r := e.record(o, tick, &news)
	e.welcome(news)
	return r
}

func testEngine(t testing.TB) *engine {
	t.Helper()
	o, err := testOpts.withDefaults()
	must(t, err)
	e := newEngine(o, noJournal{}, newMemoryVault())
	t.Cleanup(func() { must(t, e.Close()) })
	return e
}

// TestLogCodec holds decode(encode(x)) == x for frames, over a whole segment, since later frames refer to earlier ones.
func TestLogCodec(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	e := testEngine(t)
	l := &appendLog{clock: e.clock, current: &segment{}}
	tables := &replayTables{}
	for i := range 300 {
		want := []*commit{{records: []*record{randomRecord(e, r)}}, {kind: store.IdentityRecord, version: i, small: []byte(randomString(r))}}
		var w writer
		for _, c := range want {
			l.encode(&w, c)
		}
		got, err := e.decodeFrame(w.b, tables)
		must(t, err)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("frame %d: %+v, want %+v", i, got, want)
		}
	}
}

func randomMarks(r *rand.Rand) marks {
	var m marks
	for range r.IntN(9) {
		m.move(r.Uint32N(1 << 20))
		m.see(lineage.EvidenceKind(1+r.IntN(19)), r.Uint32N(1<<20))
	}
	return m
}

// sameMarks compares what bitmaps hold, not how.
func sameMarks(a, b *marks) bool {
	same := func(x, y *roaring.Bitmap) bool { return orInto(roaring.New(), x).Equals(orInto(roaring.New(), y)) }
	for k := range a.seen {
		if !same(a.seen[k], b.seen[k]) {
			return false
		}
	}
	return same(a.moved, b.moved)
}

// TestBlockCodecs holds decode(encode(x)) == x for each section of a block.
func TestBlockCodecs(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	e := testEngine(t)
	for range 100 {
		w := e.newBlock(rawTier, 120000)
		b := w.b
		var slabs [][]point
		for i := range r.IntN(50) {
			x := indexEntry{key: seriesKey{Subject: subjectID(i * 3), Metric: lineage.Metric(1 + r.IntN(8))}, src: uint16(r.IntN(9)), based: r.IntN(2) == 0, base: r.Int64(), last: -r.Int64()}
			if !x.key.Metric.Counter() && !x.based {
				x.base = 0
			}
			var points []point
			for tick := 1 + r.IntN(9); tick <= 60; tick += 1 + r.IntN(30) {
				points = append(points, point{value: r.Int64N(1 << 40), tick: int32(tick), span: int32(r.IntN(20) - 10)})
			}
			must(t, w.add(x, points))
			if len(points) > 0 {
				slabs = append(slabs, points)
			}
		}
		index, _, err := decodeIndex(b, encodeIndex(b, w.index))
		must(t, err)
		if len(index)+len(w.index) > 0 && !reflect.DeepEqual(index, w.index) {
			t.Fatalf("index %+v, want %+v", index, w.index)
		}
		gotSlab, _, err := decodeSlab(b, encodeSlab(slabs))
		must(t, err)
		if gotSlab.len() != len(slabs) {
			t.Fatalf("%d columns, want %d", gotSlab.len(), len(slabs))
		}
		for i := range slabs {
			got, err := gotSlab.points(b, i)
			if must(t, err); !slices.Equal(got, slabs[i]) {
				t.Fatalf("column %d: %+v, want %+v", i, got, slabs[i])
			}
		}
		rounds := map[uint16]*sourceRounds{}
		for i := range r.IntN(4) {
			s := &sourceRounds{before: anchor{r.Int64N(100), r.Int64()}, rounds: []round{}}
			for tick := 1 + r.IntN(9); tick <= 60; tick += 1 + r.IntN(30) {
				x := round{anchor: anchor{b.meta.start + int64(tick), -r.Int64()}, span: int32(r.IntN(20))}
				if list := randomMissing(r); len(list) > 0 {
					x.miss = newMissing(list, encodeMissing(list))
				}
				s.rounds = append(s.rounds, x)
			}
			rounds[uint16(i)] = s
		}
		gotRounds, _, err := decodeRounds(b, encodeRounds(b, rounds))
		must(t, err)
		if !reflect.DeepEqual(gotRounds, rounds) {
			t.Fatalf("rounds %+v, want %+v", gotRounds, rounds)
		}
		var all []tickMarks
		for tick := 1 + r.IntN(9); tick <= 60; tick += 1 + r.IntN(30) {
			all = append(all, tickMarks{b.meta.start + int64(tick), randomMarks(r)})
		}
		gotMarks, _, err := decodeMarks(b, encodeMarks(b.meta.start, all))
		must(t, err)
		must(t, readMarkPart(b, encodeMarks(b.meta.start, all)))
		for i := range all {
			if gotMarks[i].tick != all[i].tick || !sameMarks(&gotMarks[i].marks, &all[i].marks) {
				t.Fatalf("marks %+v, want %+v", gotMarks[i], all[i])
			}
		}
		var events []dated
		for range r.IntN(5) {
			events = append(events, dated{randomEvent(r), b.meta.start + int64(1+r.IntN(60))})
		}
		gotEvents, _, err := decodeEvents(b, encodeEvents(b, events))
		must(t, err)
		if len(events) > 0 && !reflect.DeepEqual(gotEvents, events) {
			t.Fatalf("events %+v, want %+v", gotEvents, events)
		}
	}
}

// readSlab reads a slab, and all that is in it.
func readSlab(b *block, content []byte) error {
	s, _, err := decodeSlab(b, content)
	for i := 0; err == nil && i < s.len(); i++ {
		_, err = s.points(b, i)
	}
	return err
}

// readMarkPart reads a part of the marks, and all that is in it.
func readMarkPart(b *block, content []byte) error {
	p, _, err := decodeMarkPart(b, content)
	for i := 0; err == nil && i < len(p.ticks); i++ {
		_, err = p.marks(i)
	}
	return err
}

// savedState returns an engine with a bit of everything, and the state's sections.
func savedState(t testing.TB) (e *engine, m, sources, facts, other []byte, subjects [][]byte) {
	r := rand.New(rand.NewPCG(5, 6))
	e = testEngine(t)
	for range 200 {
		x := randomRecord(e, r)
		e.applyRecord(x)
	}
	e.smalls = map[store.RecordKind][][]byte{store.IdentityRecord: {[]byte("one"), {}}, "another": {[]byte("two")}}
	must(t, e.Maintain(context.Background(), testStart.Add(10*time.Hour)))
	return e, e.encodeManifest(3, 1, 7, []uint64{2, 5}), e.encodeSources(), e.encodeFacts(), e.encodeRest(), e.encodeSubjects()
}

// TestStateCodec holds decode(encode(x)) == x for the saved state, by encoding again what was decoded.
func TestStateCodec(t *testing.T) {
	e, m, sources, facts, other, subjects := savedState(t)
	f := testEngine(t)
	var err error
	f.sources, err = decodeSources(sources)
	must(t, err)
	f.facts, err = decodeFacts(facts)
	must(t, err)
	x, err := decodeRest(other)
	must(t, err)
	f.subjects, f.latest, f.smalls, f.positions = newSubjects(x.ids), x.latest, x.smalls, x.positions
	for _, b := range subjects {
		all, err := decodeSubjects(b, f.sources)
		must(t, err)
		for _, s := range all {
			f.subjects.put(s)
		}
	}
	y, err := decodeManifest(m)
	must(t, err)
	f.tiers, f.sealed = y.tiers, y.sealed
	if len(y.tiers[rawTier].blocks) == 0 {
		t.Error("nothing was sealed: too little is tested")
	}
	if !reflect.DeepEqual(f.encodeSubjects(), e.encodeSubjects()) || !reflect.DeepEqual(f.encodeSources(), e.encodeSources()) ||
		!reflect.DeepEqual(f.encodeManifest(3, 1, 7, []uint64{2, 5}), m) || !reflect.DeepEqual(f.positions, e.positions) || !reflect.DeepEqual(f.facts, e.facts) ||
		!reflect.DeepEqual(f.latest, e.latest) || !reflect.DeepEqual(f.smalls, e.smalls) {
		t.Error("the state that was read is not the one that was written")
	}
}

func FuzzFrame(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	e := testEngine(f)
	for range 20 {
		l := &appendLog{clock: e.clock, current: &segment{number: r.Uint64N(1 << 40)}}
		var w writer
		l.encode(&w, &commit{records: []*record{randomRecord(e, r)}, version: 1, kind: "x", small: []byte("x")})
		f.Add(w.b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e := testEngine(t)
		all, err := e.decodeFrame(b, &replayTables{})
		if err != nil {
			return
		}
		for _, c := range all { // what can be read can be applied
			e.apply(c)
		}
	})
}

func FuzzReadFrame(f *testing.F) {
	f.Add([]byte{})
	f.Add(segmentHeader(time.Minute, 1, 2))
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _ = readFrame(b)
		_ = checkHeader(b, time.Minute, 1)
		nextFrame(b)
		torn(b)
	})
}

func FuzzSections(f *testing.F) {
	e, m, sources, facts, other, subjects := savedState(f)
	for _, b := range append(subjects, m, sources, facts, other) {
		f.Add(b)
	}
	for _, sections := range e.vault.(*memoryVault).values {
		for _, v := range sections {
			content, err := e.codec.open(v)
			must(f, err)
			f.Add(content)
		}
	}
	f.Fuzz(func(_ *testing.T, b []byte) {
		x := e.newBlock(rawTier, 120000).b
		_, _, _ = decodeIndex(x, b)
		_ = readSlab(x, b)
		_, _, _ = decodeRounds(x, b)
		_, _, _ = decodeMarks(x, b)
		_ = readMarkPart(x, b)
		_, _, _ = decodeUnion(x, b)
		_, _, _ = decodeEvents(x, b)
		_, _ = decodeManifest(b)
		_, _ = decodeDead(7, b)
		_, _ = decodeSources(b)
		_, _ = decodeFacts(b)
		_, _ = decodeRest(b)
		_, _, _ = decodeLost(b)
		_, _ = decodeSubjects(b, e.sources)
		_, _ = e.codec.open(b)
	})
}

// TestPresences: what an older version wrote of columns is read as what it meant; of OpenLineage, which never says
// whether one may be missing, as not told.
func TestPresences(t *testing.T) {
	for _, x := range []struct {
		by    lineage.SchemaOrigin
		wrote byte
		want  lineage.Presence
	}{
		{lineage.FromRegistry, 0, lineage.AlwaysThere},
		{lineage.FromRegistry, 1, lineage.MayBeMissing},
		{lineage.FromOpenLineage, 0, lineage.PresenceNotTold},
	} {
		var w writer
		w.schema(&lineage.SchemaFact{Origin: x.by, Columns: []lineage.Column{{Path: "id"}}})
		w.b[len(w.b)-1] = x.wrote // the column's last byte
		r := reader{b: w.b}
		if got := r.schema().Columns[0].Presence; r.err != nil || got != x.want {
			t.Errorf("%d of origin %d is read as %d (%v), want %d", x.wrote, x.by, got, r.err, x.want)
		}
	}
}

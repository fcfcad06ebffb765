package usage

import "testing"

// Hours in which it is not known what somebody used are told beside the sum of what others did, which is no less then:
// and is not known where they used nothing.
func TestHoursOfWhichAPartIsNotKnown(t *testing.T) {
	d := NewDay(november, 0, Hours, Usual)
	f := &Frame{Topic: Topic{"west", "topic:west/a", "a"}, Replicas: 1, RecordBytes: 10, Partitions: 1, There: 1<<5 | 1<<6 | 1<<7, Readers: []Moved{{}, {Untold: 1<<6 | 1<<9}}}
	f.Appended.Put(5, 100)
	f.Appended.Put(6, 100)
	f.Stored.Put(5, 1000)
	f.Readers[0].Records.Put(5, 70)
	f.Readers[0].Records.Put(6, 70)
	d.Add(f)
	still := &Frame{Topic: Topic{"still", "topic:still/a", "a"}, Readers: []Moved{{}, {Untold: 1 << 6}}}
	still.Appended.Put(6, 0)
	still.Readers[0].Records.Put(6, 0)
	d.Add(still)
	other := &Frame{Topic: Topic{"west", "topic:west/b", "b"}, Replicas: 1, RecordBytes: 10, Partitions: 1, There: 1 << 7}
	other.Appended.Put(7, 0)
	other.Stored.Put(7, 10)
	d.Add(other)
	b := New(Tariff{Rules: Usual}, november, november.AddDate(0, 0, 1), []*Day{d})
	want := map[string]int{"west EGRESS": 1, "west EGRESS_RECORDS": 1, "west INGRESS": 1, "west INGRESS_RECORDS": 1, "west REPLICATION": 1, "west STORAGE": 1, "still EGRESS_RECORDS": 1, "still EGRESS": 1}
	for _, c := range b.Clusters {
		of := c.Cluster + " " + c.Meter.String()
		if c.Untold != want[of] {
			t.Errorf("%s is not known whole in %d hours of %d, want %d", of, c.Untold, c.Observed, want[of])
		}
		if c.Known() != (c.Cluster == "west" && c.Meter != Replication || of == "still INGRESS_RECORDS" || of == "still INGRESS" || of == "still REPLICATION") {
			t.Errorf("%s is known: %v", of, c.Known())
		}
	}
	if k, ok := b.Topics[0].Factor(); ok || !b.Topics[0].Untold {
		t.Errorf("what one record moves is %v, and what somebody read is not known", k)
	}
}

// What is left for nobody when others are counted an estimate is one.
func TestWhatIsLeftOfAnEstimate(t *testing.T) {
	for basis, want := range map[Basis]Basis{Measured: Measured, Estimated: Estimated, Eliminated: Estimated} {
		d := NewDay(november, 0, Hours, Usual)
		f := &Frame{Topic: Topic{"west", "topic:west/a", "a"}, Writers: []Moved{{Party: Party{Owner: "pay", Basis: basis}}}}
		f.Appended.Put(0, 100)
		f.Writers[0].Records.Put(0, 60)
		f.Appended.Put(1, 5) // he rests
		d.Add(f)
		b := New(Tariff{Rules: Usual}, november, november.AddDate(0, 0, 1), []*Day{d})
		got := map[Basis]int64{}
		for _, l := range b.Lines {
			if l.Nobody && l.Meter == IngressRecords {
				got[l.Basis] += l.Count.Int64()
			}
		}
		if all := got[Measured] + got[Estimated]; all != 45 || got[want] != all-map[bool]int64{true: 5}[want != Measured] {
			t.Errorf("%s: what is nobody's is %v", basis, got)
		}
	}
}

package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// message is one of the three answers, as this package reads it and as the client library does.
type message struct {
	name           string
	oldest, newest int16 // versions that are read
	walked         int16 // the oldest that is walked as it is
	random         func(rng *rand.Rand) kmsg.Response
	ours           func(version int16) kmsg.Response
	theirs         func(version int16) kmsg.Response
	// said is all that a walk gives, and what the library's reading holds of that
	said func(kmsg.Response) []string
}

var messages = []message{
	{
		name: "Metadata", oldest: 1, newest: metadataNewest, walked: metadataOldest, random: randomMetadata, said: metadataSaid,
		ours: func(v int16) kmsg.Response {
			r := &MetadataRequest{}
			r.SetVersion(v)
			return r.ResponseKind()
		},
		theirs: func(v int16) kmsg.Response { return &kmsg.MetadataResponse{Version: v} },
	},
	{
		name: "ListOffsets", oldest: 1, newest: listNewest, walked: listOldest, random: randomEnds, said: endsSaid,
		ours: func(v int16) kmsg.Response {
			r := NewList(-1).Request()
			r.SetVersion(v)
			return r.ResponseKind()
		},
		theirs: func(v int16) kmsg.Response { return &kmsg.ListOffsetsResponse{Version: v} },
	},
	{
		name: "OffsetFetch", oldest: commitsOldest, newest: commitsNewest, walked: commitsOldest, random: randomCommits, said: commitsSaid,
		ours: func(v int16) kmsg.Response {
			r := NewCommitsRequest(nil)
			r.SetVersion(v)
			return r.ResponseKind()
		},
		theirs: func(v int16) kmsg.Response { return &kmsg.OffsetFetchResponse{Version: v} },
	},
}

func metadataSaid(resp kmsg.Response) (said []string) {
	head := func(m *kmsg.MetadataResponse) string {
		s := fmt.Sprint(m.Version, m.ThrottleMillis, m.ControllerID, m.ErrorCode, text(m.ClusterID))
		for _, b := range m.Brokers {
			s += fmt.Sprint(" ", b.NodeID, b.Host, b.Port, text(b.Rack))
		}
		return s
	}
	switch m := resp.(type) {
	case *Metadata:
		said = append(said, head(&m.MetadataResponse))
		for w := m.Walk(); w.Topic(); {
			said = append(said, fmt.Sprintf("%d %q %v %x %v %d", w.Code, w.Name, w.Name == nil, w.ID, w.Internal, w.Partitions))
			for w.Partition() {
				said = append(said, fmt.Sprint(w.Index, w.Leader, w.Epoch, w.Replicas, brokersOf(w.Brokers)))
			}
		}
	case *kmsg.MetadataResponse:
		said = append(said, head(m))
		for _, rt := range m.Topics {
			name := ""
			if rt.Topic != nil {
				name = *rt.Topic
			}
			said = append(said, fmt.Sprintf("%d %q %v %x %v %d", rt.ErrorCode, name, rt.Topic == nil, rt.TopicID, rt.IsInternal, len(rt.Partitions)))
			for _, p := range rt.Partitions {
				said = append(said, fmt.Sprint(p.Partition, p.Leader, p.LeaderEpoch, len(p.Replicas), append([]int32{}, p.Replicas...)))
			}
		}
	}
	return said
}

func endsSaid(resp kmsg.Response) (said []string) {
	switch e := resp.(type) {
	case *Ends:
		said = append(said, fmt.Sprint(e.Version, e.ThrottleMillis))
		for w := e.Walk(); w.Topic(); {
			said = append(said, string(w.Name))
			for w.Partition() {
				said = append(said, fmt.Sprint(w.Index, w.Code, w.Offset))
			}
		}
	case *kmsg.ListOffsetsResponse:
		said = append(said, fmt.Sprint(e.Version, e.ThrottleMillis))
		for _, rt := range e.Topics {
			said = append(said, rt.Topic)
			for _, p := range rt.Partitions {
				said = append(said, fmt.Sprint(p.Partition, p.ErrorCode, p.Offset))
			}
		}
	}
	return said
}

func commitsSaid(resp kmsg.Response) (said []string) {
	switch c := resp.(type) {
	case *Commits:
		said = append(said, fmt.Sprint(c.Version, c.ThrottleMillis))
		for w := c.Walk(); w.Group(); {
			said = append(said, fmt.Sprintf("%q %d", w.Name, w.Code))
			for w.Topic() {
				said = append(said, fmt.Sprintf("%q %x", w.TopicName, w.TopicID))
				for w.Partition() {
					said = append(said, fmt.Sprint(w.Index, w.Offset, w.Epoch, w.IndexCode))
				}
			}
		}
	case *kmsg.OffsetFetchResponse:
		said = append(said, fmt.Sprint(c.Version, c.ThrottleMillis))
		for _, g := range c.Groups {
			said = append(said, fmt.Sprintf("%q %d", g.Group, g.ErrorCode))
			for _, rt := range g.Topics {
				said = append(said, fmt.Sprintf("%q %x", rt.Topic, rt.TopicID))
				for _, p := range rt.Partitions {
					said = append(said, fmt.Sprint(p.Partition, p.Offset, p.LeaderEpoch, p.ErrorCode))
				}
			}
		}
	}
	return said
}

func text(s *string) string {
	if s == nil {
		return "none"
	}
	return fmt.Sprintf("%q", *s)
}

func randomText(rng *rand.Rand) string {
	b := make([]byte, rng.IntN(4))
	if rng.IntN(20) == 0 {
		b = make([]byte, 200) // a length of two bytes
	}
	for i := range b {
		b[i] = 'a' + byte(rng.IntN(3))
	}
	return string(b)
}

func maybe(rng *rand.Rand, s string) *string {
	if rng.IntN(3) == 0 {
		return nil
	}
	return &s
}

func randomTags(rng *rand.Rand) (t kmsg.Tags) {
	for range max(rng.IntN(6)-3, 0) {
		t.Set(uint32(rng.IntN(300)), []byte(randomText(rng)))
	}
	return t
}

func randomID(rng *rand.Rand) (id [16]byte) {
	for i := range id {
		id[i] = byte(rng.Uint32())
	}
	return id
}

func randomMetadata(rng *rand.Rand) kmsg.Response {
	m := &kmsg.MetadataResponse{ThrottleMillis: rng.Int32(), ClusterID: maybe(rng, randomText(rng)), ControllerID: rng.Int32(), ErrorCode: int16(rng.Uint32()), UnknownTags: randomTags(rng)}
	for range rng.IntN(4) {
		m.Brokers = append(m.Brokers, kmsg.MetadataResponseBroker{NodeID: rng.Int32(), Host: randomText(rng), Port: rng.Int32(), Rack: maybe(rng, randomText(rng)), UnknownTags: randomTags(rng)})
	}
	for range rng.IntN(4) {
		name := randomText(rng)
		rt := kmsg.MetadataResponseTopic{ErrorCode: int16(rng.Uint32()), Topic: &name, TopicID: randomID(rng), IsInternal: rng.IntN(2) == 0, AuthorizedOperations: rng.Int32(), UnknownTags: randomTags(rng)}
		for _, i := range rng.Perm(rng.IntN(5)) {
			rt.Partitions = append(rt.Partitions, kmsg.MetadataResponseTopicPartition{
				ErrorCode: int16(rng.Uint32()), Partition: int32(i), Leader: rng.Int32(), LeaderEpoch: rng.Int32(),
				Replicas: randomBrokers(rng), ISR: make([]int32, rng.IntN(4)), OfflineReplicas: make([]int32, rng.IntN(2)), UnknownTags: randomTags(rng),
			})
		}
		m.Topics = append(m.Topics, rt)
	}
	return m
}

func randomEnds(rng *rand.Rand) kmsg.Response {
	e := &kmsg.ListOffsetsResponse{ThrottleMillis: rng.Int32(), UnknownTags: randomTags(rng)}
	for range rng.IntN(4) {
		rt := kmsg.ListOffsetsResponseTopic{Topic: randomText(rng), UnknownTags: randomTags(rng)}
		for range rng.IntN(5) {
			rt.Partitions = append(rt.Partitions, kmsg.ListOffsetsResponseTopicPartition{Partition: rng.Int32(), ErrorCode: int16(rng.Uint32()), Timestamp: rng.Int64(), Offset: rng.Int64(), LeaderEpoch: rng.Int32(), UnknownTags: randomTags(rng)})
		}
		e.Topics = append(e.Topics, rt)
	}
	return e
}

func randomCommits(rng *rand.Rand) kmsg.Response {
	c := &kmsg.OffsetFetchResponse{ThrottleMillis: rng.Int32(), UnknownTags: randomTags(rng)}
	for range rng.IntN(4) {
		g := kmsg.OffsetFetchResponseGroup{Group: randomText(rng), ErrorCode: int16(rng.Uint32()), UnknownTags: randomTags(rng)}
		for range rng.IntN(4) {
			rt := kmsg.OffsetFetchResponseGroupTopic{Topic: randomText(rng), TopicID: randomID(rng), UnknownTags: randomTags(rng)}
			for range rng.IntN(4) {
				rt.Partitions = append(rt.Partitions, kmsg.OffsetFetchResponseGroupTopicPartition{Partition: rng.Int32(), Offset: rng.Int64(), LeaderEpoch: rng.Int32(), Metadata: maybe(rng, randomText(rng)), ErrorCode: int16(rng.Uint32()), UnknownTags: randomTags(rng)})
			}
			g.Topics = append(g.Topics, rt)
		}
		c.Groups = append(c.Groups, g)
	}
	return c
}

// What is walked is what the client library reads, of each version that a broker may answer in, and nothing that is cut
// short is taken for a whole.
func TestWalksAreWhatTheLibraryReads(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, m := range messages {
		for version := m.oldest; version <= m.newest; version++ {
			t.Run(fmt.Sprint(m.name, version), func(t *testing.T) {
				for range 100 {
					answer := m.random(rng)
					answer.SetVersion(version)
					b := answer.AppendTo(nil)
					ours, theirs := m.ours(version), m.theirs(version)
					if err := theirs.ReadFrom(b); err != nil {
						t.Fatal(err)
					}
					if err := ours.ReadFrom(b); err != nil {
						t.Fatalf("%v of % x", err, b)
					}
					if got, want := m.said(ours), m.said(theirs); !reflect.DeepEqual(got, want) {
						t.Fatalf("walked\n%q, and the library reads\n%q", got, want)
					}
					for n := range b {
						if err := m.ours(version).ReadFrom(b[:n]); err == nil {
							t.Fatalf("%d of %d bytes are taken for an answer", n, len(b))
						}
					}
					wantThrottle(t, ours, theirs)
				}
			})
		}
	}
}

// wantThrottle holds that a broker which asks to be spared is.
func wantThrottle(t *testing.T, ours, theirs kmsg.Response) {
	t.Helper()
	millis, after := ours.(kmsg.ThrottleResponse).Throttle()
	if m, a := theirs.(kmsg.ThrottleResponse).Throttle(); m != millis || a != after {
		t.Fatalf("throttled for %d, %v; want %d, %v", millis, after, m, a)
	}
}

func TestVersionsThatNobodyKnowsAreRefused(t *testing.T) {
	if err := (&Commits{}).ReadFrom([]byte{0, 0, 0, 0, 1, 0}); !errors.Is(err, ErrAnswer) { // version 0 names no group
		t.Errorf("commits of one group: %v", err)
	}
	for _, req := range []kmsg.Request{&MetadataRequest{}, NewList(-1).Request(), NewCommitsRequest(nil)} {
		if resp := req.ResponseKind(); req.MaxVersion() > resp.MaxVersion() || resp.Key() != req.Key() {
			t.Errorf("%T asks for version %d, and %T knows %d", req, req.MaxVersion(), resp, resp.MaxVersion())
		}
	}
}

// A topic's partitions are those from 0 on. One that is not among them would have whoever keeps a table make room: the
// topic says that it has such, and the others are read.
func TestPartitionsBeyondTheirTopic(t *testing.T) {
	for _, index := range []int32{-1, 1, 2, 1<<31 - 1} {
		odd, even := "odd", "even"
		m := &kmsg.MetadataResponse{Version: metadataNewest, Topics: []kmsg.MetadataResponseTopic{
			{Topic: &even, Partitions: []kmsg.MetadataResponseTopicPartition{{Partition: 0}}},
			{Topic: &odd, Partitions: []kmsg.MetadataResponseTopicPartition{{Partition: 0}, {Partition: index}}},
			{Topic: &even, Partitions: []kmsg.MetadataResponseTopicPartition{{Partition: 0}}},
		}}
		ours := &Metadata{}
		ours.Version = m.Version
		if err := ours.ReadFrom(m.AppendTo(nil)); err != nil {
			t.Fatalf("partition %d of 2: %v", index, err)
		}
		var got []bool
		for w := ours.Walk(); w.Topic(); {
			got = append(got, w.Gaps)
		}
		if want := []bool{false, index != 1, false}; !slices.Equal(got, want) {
			t.Errorf("partition %d of 2: the topics have gaps: %v, want %v", index, got, want)
		}
	}
}

// A count costs nothing before its elements are there.
func TestHugeCountsCostNothing(t *testing.T) {
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0x0f}
	for _, m := range messages {
		for _, b := range [][]byte{
			append([]byte{0, 0, 0, 0}, huge...),                               // the first array
			append([]byte{0, 0, 0, 0, 1, 0, 0, 0, 0, 0}, huge...),             // topics of Metadata
			append([]byte{0, 0, 0, 0, 2, 2, 'g'}, huge...),                    // of a group; partitions of ends
			append(append([]byte{0, 0, 0, 0}, huge...), make([]byte, 1e6)...), // with something behind
		} {
			var err error
			n := testing.AllocsPerRun(3, func() { err = m.ours(m.newest).ReadFrom(b) })
			if err == nil && b[4] == 0xff {
				t.Errorf("%s: % x is taken for an answer", m.name, b[:min(len(b), 20)])
			}
			if n > 10 {
				t.Errorf("%s: %v allocations", m.name, n)
			}
		}
	}
}

// A walk makes nothing.
func TestWalksAllocateNothing(t *testing.T) {
	name := "orders"
	rt := kmsg.MetadataResponseTopic{Topic: &name}
	for i := range int32(1000) {
		rt.Partitions = append(rt.Partitions, kmsg.MetadataResponseTopicPartition{Partition: i, Replicas: []int32{1, 2, 3}, ISR: []int32{1, 2, 3}})
	}
	answer := &kmsg.MetadataResponse{Version: metadataNewest, Topics: []kmsg.MetadataResponseTopic{rt, rt, rt}}
	b := answer.AppendTo(nil)
	m := &Metadata{}
	n := testing.AllocsPerRun(5, func() {
		m.Version = metadataNewest
		if err := m.ReadFrom(b); err != nil {
			t.Fatal(err)
		}
		parts := 0
		for w := m.Walk(); w.Topic(); {
			for w.Partition() {
				parts++
			}
		}
		if parts != 3000 {
			t.Fatal(parts)
		}
	})
	if n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// What is written of a list is what the library writes, in each version.
func TestListsAreWrittenAsTheLibraryDoes(t *testing.T) {
	l, want := NewList(-2), kmsg.NewPtrListOffsetsRequest()
	for _, topic := range []string{"orders", "payments", string(make([]byte, 249))} {
		rt := kmsg.ListOffsetsRequestTopic{Topic: topic}
		for i := range int32(200) {
			l.Add(topic, i)
			rt.Partitions = append(rt.Partitions, kmsg.ListOffsetsRequestTopicPartition{Partition: i, CurrentLeaderEpoch: -1, Timestamp: -2})
		}
		want.Topics = append(want.Topics, rt)
	}
	got := l.Request()
	later := l.Request()
	for version := int16(1); version <= listNewest; version++ {
		got.SetVersion(version)
		want.SetVersion(version)
		if string(got.AppendTo(nil)) != string(want.AppendTo(nil)) {
			t.Errorf("version %d is written otherwise", version)
		}
	}
	if got.Timeout() != want.Timeout() || later.GetVersion() != 0 {
		t.Errorf("waits for %d, want %d; another request is of version %d", got.Timeout(), want.Timeout(), later.GetVersion())
	}
}

// FuzzAnswers holds that whatever a broker sends is refused, or read as the client library reads it.
func FuzzAnswers(f *testing.F) {
	rng := rand.New(rand.NewPCG(3, 4))
	for i, m := range messages {
		for version := m.walked; version <= m.newest; version++ {
			answer := m.random(rng)
			answer.SetVersion(version)
			f.Add(byte(i), byte(version-m.oldest), answer.AppendTo(nil))
		}
	}
	f.Fuzz(func(t *testing.T, which, at byte, b []byte) {
		m := messages[int(which)%len(messages)]
		version := m.oldest + int16(at)%(m.newest-m.oldest+1)
		ours, theirs := m.ours(version), m.theirs(version)
		if ours.ReadFrom(b) != nil {
			return
		}
		if err := theirs.ReadFrom(b); err != nil {
			t.Fatalf("%s %d: the library refuses it: %v", m.name, version, err)
		}
		if got, want := m.said(ours), m.said(theirs); !reflect.DeepEqual(got, want) {
			t.Fatalf("%s %d: walked\n%q, and the library reads\n%q", m.name, version, got, want)
		}
	})
}

func randomBrokers(rng *rand.Rand) []int32 {
	out := make([]int32, rng.IntN(4))
	for i := range out {
		out[i] = rng.Int32()
	}
	return out
}

// brokersOf reads the ids of brokers as a walk has them.
func brokersOf(b []byte) []int32 {
	out := []int32{}
	for ; len(b) >= 4; b = b[4:] {
		out = append(out, int32(binary.BigEndian.Uint32(b)))
	}
	return out
}

package wire

import (
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// The versions of OffsetFetch that are walked: those that ask for many groups at once. Topics have ids since 10, and no
// names.
const (
	commitsOldest = 8
	commitsNewest = 10
)

// CommitsRequest asks for all that some groups have committed.
type CommitsRequest struct{ kmsg.OffsetFetchRequest }

// NewCommitsRequest asks for the commits of groups.
func NewCommitsRequest(groups []string) *CommitsRequest {
	r := &CommitsRequest{}
	r.Groups = make([]kmsg.OffsetFetchRequestGroup, len(groups))
	for i, g := range groups {
		r.Groups[i].Default()
		r.Groups[i].Group = g
	}
	return r
}

// MaxVersion is the newest version whose answer is walked.
func (*CommitsRequest) MaxVersion() int16 { return commitsNewest }

// ResponseKind returns a Commits.
func (r *CommitsRequest) ResponseKind() kmsg.Response {
	c := &Commits{}
	c.Version = r.Version
	return c
}

// Commits is an answer to a CommitsRequest. Groups stays empty: they are walked.
type Commits struct {
	kmsg.OffsetFetchResponse
	groups []byte
	count  int
}

// ReadFrom reads an answer of the version that was asked for, and keeps b. Versions that hold one group only are
// refused: the group is not named in them.
func (c *Commits) ReadFrom(b []byte) error {
	r := reader{left: b}
	if c.Version < commitsOldest || c.Version > commitsNewest {
		r.fail()
	}
	c.ThrottleMillis = r.int32()
	c.count = r.count(5)
	c.groups = r.left
	walk := c.Walk()
	for walk.Group() {
		for walk.Topic() {
			for walk.Partition() { // that the walk ends is all that is looked for
			}
		}
	}
	r = walk.r
	r.tags()
	return r.done("OffsetFetch")
}

// Walk begins a walk over the groups.
func (c *Commits) Walk() CommitsWalk {
	return CommitsWalk{r: reader{left: c.groups}, groups: c.count, ids: c.Version >= 10}
}

// CommitsWalk stands at a group, at one of its topics, and at one of the topic's partitions.
type CommitsWalk struct {
	r      reader
	groups int // that are left
	topics int // that are left of the group
	parts  int // that are left of the topic
	ids    bool
	open   struct{ group, topic bool }

	Name []byte // of the group; part of the answer
	Code int16  // of the group

	TopicName []byte // part of the answer; nil: its id tells
	TopicID   [16]byte

	Index     int32 // of the partition
	Offset    int64
	Epoch     int32
	IndexCode int16
}

// Group goes on to the next group.
func (w *CommitsWalk) Group() bool {
	if w.open.group {
		for w.Topic() { // whoever passes a group passes its topics
		}
		w.r.int16()
		w.r.tags()
		w.open.group = false
	}
	if w.groups == 0 || w.r.bad {
		return false
	}
	w.groups--
	w.Name = w.r.words()
	size := 2
	if w.ids {
		size = 18
	}
	w.topics = w.r.count(size)
	w.open.group = true
	ahead := *w // its code stands behind its topics
	for ahead.Topic() {
	}
	w.Code = ahead.r.int16()
	if ahead.r.bad {
		w.r.fail()
	}
	return !w.r.bad
}

// Topic goes on to the next topic of the group.
func (w *CommitsWalk) Topic() bool {
	if w.open.topic {
		for w.Partition() { // whoever passes a topic passes its partitions
		}
		w.r.tags()
		w.open.topic = false
	}
	if w.topics == 0 || w.r.bad {
		return false
	}
	w.topics--
	if !w.ids {
		w.TopicName = w.r.words()
	} else if id := w.r.take(16); id != nil {
		w.TopicID = [16]byte(id)
	}
	w.parts = w.r.count(20)
	w.open.topic = true
	return !w.r.bad
}

// Partition goes on to the next partition of the topic.
func (w *CommitsWalk) Partition() bool {
	if w.parts == 0 || w.r.bad {
		return false
	}
	w.parts--
	b := w.r.take(16)
	if b == nil {
		return false
	}
	w.Index = int32(binary.BigEndian.Uint32(b))
	w.Offset = int64(binary.BigEndian.Uint64(b[4:]))
	w.Epoch = int32(binary.BigEndian.Uint32(b[12:]))
	w.r.text() // what was committed with it
	w.IndexCode = w.r.int16()
	w.r.tags()
	return !w.r.bad
}

package headers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/unpack"
	"github.com/lineaged/lineaged/lineage"
)

const (
	// catchUp is for how long a topic may be behind, and its time be counted late: after it what is left is passed.
	catchUp = 30 * time.Second
	// forgetAfter is how long a topic that is not watched any more is remembered: it may be out of sight only.
	forgetAfter = 30 * 24 * time.Hour
)

// source is the state between the rounds of one cluster. One goroutine at a time.
type source struct {
	cfg    Config
	tell   *collector.Teller
	flows  *collector.Flows // which begin and end
	reader *reader          // nil: no client was made
	books  map[string]*book // by name of the topic
	gone   []string         // position keys to remove
	anew   map[string]bool  // topics whose position could not be read
	names  names
	apps   *apps
	peeker *peeker // nil: no batch is unpacked
	traces *traces // nil: none are asked for
}

func newSource(cfg Config) *source {
	s := &source{cfg: cfg, tell: collector.NewTeller(cfg.Name, cfg.Log)}
	s.flows = collector.NewFlows(s.tell, cfg.Interval, nil)
	s.cfg.Log = cfg.Log.With("source", Part) // after the teller's, which names the part itself
	if r := cfg.Records; r != nil {
		s.peeker = &peeker{header: r.Header, every: r.Every, unpack: unpack.New()}
	}
	s.forget()
	return s
}

func (s *source) forget() {
	s.books, s.gone, s.anew, s.names = map[string]*book{}, nil, map[string]bool{}, newNames()
	s.setApps(newApps())
	if r := s.cfg.Records; r != nil && len(r.Traces) > 0 {
		s.traces = newTraces(r.Traces)
	}
}

func (s *source) setApps(a *apps) {
	s.apps = a
	if s.peeker != nil {
		s.peeker.apps = a
	}
}

func (s *source) close() {
	if s.reader != nil {
		s.reader.client.Close()
	}
	s.reader = nil
}

// Observe implements collector.Source.
func (s *source) Observe(ctx context.Context, round time.Time) []lineage.Observation {
	t := s.tell.Take(round)
	o := t.Observe(Part, s.cfg.Interval)
	w, ok := s.board(ctx)
	if !ok { // nothing was lost: its own source says why it does not see the cluster
		t.Untold(o)
		collector.MissAll(o, "the cluster's topics are not known yet")
		return t.Finish(ctx)
	}
	books := s.wanted(w, round)
	s.arrive(ctx, w, round, books)
	if len(books) > 0 && !slices.ContainsFunc(books, func(b *book) bool { return b.ends != nil }) {
		t.Untold(o)
		collector.MissAll(o, "where the topics end is not known in this round")
		return t.Finish(ctx)
	}
	err := s.read(ctx, books)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return t.Finish(ctx) // nothing
	case err != nil: // what was read until then is told when the rest is read
		collector.MissAll(o, err.Error())
	default:
		s.names.find(ctx, s.reader, round, books)
		s.tellAll(o, books)
	}
	t.Blind(o, s.blind(books))
	s.savePositions(t, o)
	s.flows.Tell(o)
	return t.Finish(ctx)
}

// Missed implements collector.Source.
func (s *source) Missed(round time.Time, reason string) []lineage.Observation {
	t := s.tell.Take(round)
	collector.MissAll(t.Observe(Part, s.cfg.Interval), reason)
	return t.Finish(context.Background())
}

// Stored implements collector.Stored.
func (s *source) Stored() { s.tell.Stored() }

// board returns the cluster. At the start its own source needs a moment to see it.
func (s *source) board(ctx context.Context) (w collector.Watched, ok bool) {
	collector.WaitFor(ctx, time.Now().Add(s.cfg.Interval/2), func() bool {
		w, ok = s.cfg.Board.Cluster(s.cfg.Name)
		return ok
	})
	return w, ok
}

// wanted returns the books of the topics to look at, by name.
func (s *source) wanted(w collector.Watched, round time.Time) (books []*book) {
	for _, name := range w.Topics {
		id, known := w.IDs[name]
		if !known || strings.HasPrefix(name, "__") || !matches(s.cfg.Topics, name) {
			continue
		}
		t := lineage.Topic{Cluster: w.ID, ID: id, Name: name}
		b := s.books[name]
		if b == nil || b.topic != t {
			b = newBook(t)
			b.began = s.anew[name]
			s.books[name] = b
		}
		delete(s.anew, name)
		if b.peeker = nil; s.peeker != nil && matches(s.cfg.Records.Topics, name) {
			b.peeker = s.peeker
		}
		if b.traced = nil; b.peeker != nil && s.traces.has(name) {
			b.traced = s.traces
		}
		b.seen = round
		books = append(books, b)
	}
	for name, b := range s.books {
		if b.seen.IsZero() {
			b.seen = round
		}
		if round.Sub(b.seen) > forgetAfter {
			delete(s.books, name)
			s.gone = append(s.gone, topicKey(name))
		}
	}
	return books
}

func matches(patterns []*regexp.Regexp, name string) bool {
	return slices.ContainsFunc(patterns, func(e *regexp.Regexp) bool { return e.MatchString(name) })
}

// arrive takes in where the topics end in this round, as their cluster's own source has booked it.
func (s *source) arrive(ctx context.Context, w collector.Watched, round time.Time, books []*book) {
	if len(books) == 0 {
		return
	}
	names := make([]string, len(books))
	for i, b := range books {
		names[i] = b.topic.Name
	}
	s.cfg.Board.WantEnds(w.ID, names...)
	told := func() (some bool) {
		for _, b := range books {
			b.ends = s.cfg.Board.Ends(w.ID, b.topic.Name, round).Offsets
			some = some || b.ends != nil
		}
		return some
	}
	collector.WaitFor(ctx, time.Now().Add(s.cfg.Interval/2), told)
	for _, b := range books {
		if slices.Contains(b.ends, -1) {
			b.ends = nil
		}
		if b.ends != nil {
			b.arrive(b.ends)
		}
	}
}

// tellAll tells what was counted of the topics of which all was looked at, and of the others why not.
func (s *source) tellAll(o *lineage.Observation, books []*book) {
	why := map[string][]lineage.Topic{}
	for _, b := range books {
		s.apps.learn(o, b, s.names.of)
		sights := b.fresh.names.sights
		if reason := s.tellOne(o, b); reason != "" {
			why[reason] = append(why[reason], b.topic)
		}
		if b.fresh.names.sights == nil { // what they were read from is saved as read, and not read again
			s.traces.take(b.topic.Name, sights)
		}
	}
	s.traces.tell(o, books)
	for _, reason := range slices.Sorted(maps.Keys(why)) {
		topics := why[reason]
		o.Missing = append(o.Missing, lineage.Missing{Reason: reason, Share: float64(len(topics)) / float64(len(books)), Topics: topics})
	}
}

// tellOne tells what was counted of one topic; reason says why it was not.
func (s *source) tellOne(o *lineage.Observation, b *book) (reason string) {
	defer func() { b.asked = false }()
	switch {
	case b.denied != "":
		reason := "headers may not be read: " + b.denied
		b.skipIfKnown(o.Round)
		return reason
	case b.ends == nil:
		return "where its partitions end is not known in this round"
	case b.since.IsZero():
		b.skip(o.Round)
		b.share = 1
		return "headers are read from here on"
	case b.broken != "":
		why := b.broken
		s.sample(o, b)
		b.skip(o.Round)
		b.share = 1
		return "not all of its headers could be looked at: " + why
	case b.rest() > 0 && o.Round.Sub(b.since) >= catchUp:
		s.sample(o, b)
		b.skip(o.Round)
		return short(b.share)
	case b.rest() > 0 && b.share < 1:
		return short(b.share)
	case b.rest() > 0:
		return "the newest headers wait to be looked at"
	case s.names.wait(b, o.Round):
		return "a transactional producer's name is not known yet"
	case !b.room(o.Round):
		b.skip(o.Round)
		b.share = 1
		return fmt.Sprintf("more than %d writers wrote within a day: they are not counted apart", mostWriters)
	default:
		b.tell(o, s.names.of)
		return ""
	}
}

// short says that the budget falls short, as of when records were passed the last time.
func short(share float64) string {
	return fmt.Sprintf("%s of the records were looked at, and the others passed: more is written than the budget pays for", percent(share))
}

// sample says who wrote, of a part of the records: how much is not said.
func (s *source) sample(o *lineage.Observation, b *book) {
	all := b.fresh.looked + b.rest()
	if all == 0 || b.fresh.looked == 0 {
		return
	}
	detail := fmt.Sprintf("%s of the records were looked at", percent(float64(b.fresh.looked)/float64(all)))
	for _, id := range slices.Sorted(maps.Keys(b.fresh.by)) {
		if id < 0 {
			continue
		}
		a := lineage.Access{Topic: b.topic, Op: lineage.Write, Client: writer(id, b.fresh.txn[id], s.names.of)}
		o.Sightings = append(o.Sightings, lineage.Sighting{Access: a, Evidence: lineage.BatchHeader, Moved: true, Detail: detail})
	}
}

// skipIfKnown gives up what was read, where the ends are known.
func (b *book) skipIfKnown(round time.Time) {
	if b.ends != nil {
		b.skip(round)
		b.share = 1
	}
}

func compareWriters(a, b lineage.Client) int {
	return cmp.Or(strings.Compare(a.TransactionalID, b.TransactionalID), cmp.Compare(a.Producer, b.Producer))
}

var (
	_ collector.Source = (*source)(nil)
	_ collector.Stored = (*source)(nil)
)

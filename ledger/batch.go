package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Batch is all that is said of a period at once: when it is closed, or later what has turned out to be otherwise.
type Batch struct {
	Period    Period
	Amendment bool
	Closed    time.Time // by the clock of the rounds
	Final     time.Time // until when amendments of the period can come
	Program   string    // version of lineaged
	Coverage  []Coverage
	// Sources are the SHA-256, in hexadecimal, of what names and owners are given by, by what it is. Where one is another
	// than in the batch before, that is said.
	Sources     map[string]string
	Usage       []Usage // hosts and principals in the clear
	Withdrawals []Withdrawal
}

// Append appends a batch, whole or not at all. When it returns without an error, the batch is on disk and a signed
// checkpoint covers it. What is too long of it is cut: lists to their bounds, texts to 1,024 bytes. Publish is next.
func (l *Log) Append(b Batch) (Checkpoint, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) > 0 {
		if err := l.publish(); err != nil {
			return Checkpoint{}, err
		}
	}
	entries, err := l.entriesOf(&b)
	if err != nil {
		return Checkpoint{}, err
	}
	if err := l.people.sync(); err != nil {
		return Checkpoint{}, err
	}
	c, err := l.append(entries)
	if err == nil {
		at := c.Size - 1
		l.last = &at
	}
	return c, err
}

// Publish makes tiles of what was appended, so that it can be read. It may be called again where it failed.
func (l *Log) Publish() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.publish()
}

// numbered is an entry of a topic that is to be ordered among others.
type numbered struct {
	topic, operation, node string
	entry                  []byte
}

// entriesOf returns the entries of a batch, in the order that the format gives to them.
func (l *Log) entriesOf(b *Batch) ([][]byte, error) {
	a := &assembly{first: l.newest.Size, period: b.Period}
	closing := closeEntry{
		Closed: At(b.Closed), Coverage: []placed{}, Final: At(b.Final), First: a.first, Kind: kindPeriod, Period: b.Period, Previous: l.last, Program: b.Program,
		Sources: []source{}, Type: typeClose, V: version,
	}
	if b.Amendment {
		closing.Kind = kindAmendment
	}
	slices.SortFunc(b.Coverage, func(x, y Coverage) int { return strings.Compare(x.Cluster, y.Cluster) })
	for _, c := range b.Coverage {
		closing.Coverage = append(closing.Coverage, placed{c.Cluster, a.next()})
		a.addCoverage(c.fit(b.Period))
	}
	before, err := l.sources()
	if err != nil {
		return nil, err
	}
	for _, what := range slices.Sorted(maps.Keys(b.Sources)) {
		digest := b.Sources[what]
		closing.Sources = append(closing.Sources, source{what, digest})
		if was, ok := before[what]; ok && was != digest {
			a.add(Change{After: &digest, At: At(b.Closed), Before: &was, Type: typeChange, V: version, What: what})
		}
	}
	all, err := l.ofTopics(b)
	if err != nil {
		return nil, err
	}
	rows := a.addTopics(all)
	closing.Directory = a.addDirectory(rows)
	a.add(closing)
	return a.entries, a.err
}

// sources returns what names were given by in the newest batch.
func (l *Log) sources() (map[string]string, error) {
	out := map[string]string{}
	if l.last == nil {
		return out, nil
	}
	c, err := l.reader().closeAt(*l.last)
	if err != nil {
		return nil, err
	}
	for _, s := range c.Sources {
		out[s.what] = s.digest
	}
	return out, nil
}

// ofTopics returns the entries about topics, in their order.
func (l *Log) ofTopics(b *Batch) ([]numbered, error) {
	all := make([]numbered, 0, len(b.Usage)+len(b.Withdrawals))
	for i := range b.Usage {
		u := &b.Usage[i]
		if u.Operation != Read && u.Operation != Write {
			return nil, fmt.Errorf("the operation %q is neither %s nor %s", u.Operation, Read, Write)
		}
		entry, err := l.usageEntry(u, b.Period)
		if err != nil {
			return nil, err
		}
		all = append(all, numbered{u.Topic, u.Operation, u.Node, entry})
	}
	for _, w := range b.Withdrawals {
		w.Type, w.V, w.Period = typeWithdrawal, version, b.Period
		entry, err := canonical(w)
		if err != nil {
			return nil, err
		}
		all = append(all, numbered{w.Topic, w.Operation, w.Node, entry})
	}
	slices.SortFunc(all, func(x, y numbered) int {
		return cmp.Or(strings.Compare(x.topic, y.topic), strings.Compare(x.operation, y.operation), strings.Compare(x.node, y.node))
	})
	for i := 1; i < len(all); i++ {
		if x, y := &all[i-1], &all[i]; x.topic == y.topic && x.operation == y.operation && x.node == y.node {
			return nil, fmt.Errorf("two entries say what %s did to %s", x.node, x.topic)
		}
	}
	return all, nil
}

// usageEntry returns a use as an entry, with persons as commitments.
func (l *Log) usageEntry(u *Usage, p Period) ([]byte, error) {
	x := *u
	x.Type, x.V, x.Period = typeUsage, version, p
	x.Owner, x.TopicOwner = clipped(x.Owner), clipped(x.TopicOwner)
	x.Tags, x.TopicTags = clippedAll(x.Tags), clippedAll(x.TopicTags)
	x.Evidence = slices.Clone(x.Evidence[:min(len(x.Evidence), mostEvidence)])
	for i := range x.Evidence {
		x.Evidence[i].Detail = clipped(x.Evidence[i].Detail)
	}
	x.Clients = slices.Clone(x.Clients[:min(len(x.Clients), mostClients)])
	for i := range x.Clients {
		c := &x.Clients[i]
		for _, text := range []**string{&c.ClientID, &c.Group, &c.Host, &c.Instance, &c.Principal, &c.Software, &c.TransactionalID} {
			*text = clipped(*text)
		}
		var err, hostErr error
		c.Host, hostErr = l.people.of(c.Host)
		if c.Principal, err = l.people.of(c.Principal); err != nil || hostErr != nil {
			return nil, errors.Join(err, hostErr)
		}
	}
	for {
		entry, err := canonical(notNil(x))
		if err != nil || len(entry) <= MostEntry {
			return entry, err
		}
		switch { // how many there were is said by clientCount; the rest of a list goes before the list does
		case len(x.Clients) > 0:
			x.Clients = x.Clients[:len(x.Clients)/2]
		case len(x.Evidence) > 1:
			x.Evidence = x.Evidence[:len(x.Evidence)/2]
		case len(x.Tags)+len(x.TopicTags) > 0:
			x.Tags, x.TopicTags = x.Tags[:len(x.Tags)/2], x.TopicTags[:len(x.TopicTags)/2]
		default:
			return nil, fmt.Errorf("what %s did to %s does not fit into an entry", x.Node, x.Topic)
		}
	}
}

// notNil gives lists that are empty a form of their own: null is what is not known.
func notNil(u Usage) Usage {
	u.Clients, u.Evidence = append([]Client{}, u.Clients...), append([]Evidence{}, u.Evidence...)
	u.Tags, u.TopicTags = append([]string{}, u.Tags...), append([]string{}, u.TopicTags...)
	return u
}

// fit returns the coverage within its bounds.
func (c Coverage) fit(p Period) Coverage {
	c.Type, c.V, c.Period = typeCoverage, version, p
	c.Gaps = append([]Gap{}, c.Gaps[:min(len(c.Gaps), mostListed)]...)
	for i := range c.Gaps {
		c.Gaps[i].Reason, c.Gaps[i].Source = clip(c.Gaps[i].Reason, mostText/4), clip(c.Gaps[i].Source, mostText/4)
	}
	c.BlindSpots = append([]BlindSpot{}, c.BlindSpots[:min(len(c.BlindSpots), mostListed)]...)
	for i := range c.BlindSpots {
		c.BlindSpots[i].What, c.BlindSpots[i].Source = clip(c.BlindSpots[i].What, mostText/4), clip(c.BlindSpots[i].Source, mostText/4)
	}
	return c
}

func clippedAll(all []string) (out []string) {
	for _, s := range all {
		out = append(out, clip(s, mostText))
	}
	return out
}

func clipped(s *string) *string {
	if s == nil || len(*s) <= mostText {
		return s
	}
	short := clip(*s, mostText)
	return &short
}

// clip cuts a text to so many bytes, between letters.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}

// assembly puts entries one after the other, with their indexes.
type assembly struct {
	first   int64
	period  Period
	entries [][]byte
	err     error
}

func (a *assembly) next() int64 { return a.first + int64(len(a.entries)) }

func (a *assembly) add(v any) {
	entry, err := canonical(v)
	if err == nil && len(entry) > MostEntry {
		err = fmt.Errorf("an entry of type %T has %d bytes, at most %d", v, len(entry), MostEntry)
	}
	a.err = errors.Join(a.err, err)
	a.entries = append(a.entries, entry)
}

// addCoverage adds what was observed; how many gaps there were is said by gapCount, however many are listed.
func (a *assembly) addCoverage(c Coverage) {
	for {
		entry, err := canonical(c)
		if err != nil || len(entry) <= MostEntry || len(c.Gaps)+len(c.BlindSpots) == 0 {
			a.add(c)
			return
		}
		c.Gaps, c.BlindSpots = c.Gaps[:len(c.Gaps)/2], c.BlindSpots[:len(c.BlindSpots)/2]
	}
}

func (a *assembly) addTopics(all []numbered) (rows []topicRow) {
	for _, x := range all {
		if len(rows) == 0 || rows[len(rows)-1].id != x.topic {
			rows = append(rows, topicRow{x.topic, a.next(), 0})
		}
		rows[len(rows)-1].count++
		a.entries = append(a.entries, x.entry)
	}
	return rows
}

// mostDirectory is about how many bytes of names a part of a directory has: who gets a proof of one topic sees the
// names beside it, and few of them are enough.
const mostDirectory = 4096

func (a *assembly) addDirectory(rows []topicRow) span {
	parts := [][]topicRow{{}}
	size := 0
	for _, r := range rows {
		if size > 0 && size+len(r.id) > mostDirectory {
			parts, size = append(parts, nil), 0
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], r)
		size += len(r.id)
	}
	at := span{a.next(), int64(len(parts))}
	for i, topics := range parts {
		t := topicsEntry{Part: i, Parts: len(parts), Period: a.period, Topics: topics, Type: typeTopics, V: version}
		if i+1 < len(parts) {
			t.Next = &parts[i+1][0].id
		}
		a.add(t)
	}
	return at
}

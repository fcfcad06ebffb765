package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Batch is all that is said of a period at once: when it is closed, or later what has turned out to be otherwise.
type Batch struct {
	Period    Period
	Amendment bool
	Closed    time.Time // by the clock of the rounds
	Final     time.Time // until when amendments of the period can come
	Program   string    // version of lineaged
	Coverage  []Coverage
	// Sources are the SHA-256, in hexadecimal, of what names and owners are given by, by what it is. Where one is
	// another than in the batch before, that is said.
	Sources  map[string]string
	Breakers []BreakerRule // the rules by which tags stop, in their order; patterns of principals in the clear
	Metadata []Metadata    // what was edited since the batch before, by edit; persons in the clear
	// Administered is who administered what, as it was told in the period; persons in the clear. What names a topic is
	// of it: whoever proves what is said of the topic has to say it too.
	Administered []Administration
	Usage        []Usage // hosts and principals in the clear
	Withdrawals  []Withdrawal
	// Statement is of a month that has none yet; nil: none is due.
	Statement *BillStatement
}

// ErrFinal says that a period can't be amended any more: who holds a bundle of it was told so.
var ErrFinal = errors.New("the period can't be amended any more")

// Append appends a batch, whole or not at all. When it returns without an error, the batch is on disk and a signed
// checkpoint covers it. What is too long of it is cut: lists to their bounds, texts to 1,024 bytes, ids as ID says.
// Publish is next.
//
// A period begins where the one before ends. What amends names the statement that stands, and is not after the period's
// Final: such a batch is ErrFinal.
func (l *Log) Append(b Batch) (Checkpoint, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) > 0 {
		if err := l.publish(); err != nil {
			return Checkpoint{}, err
		}
	}
	b.trim()
	if err := l.accepts(&b); err != nil {
		return Checkpoint{}, err
	}
	var c Checkpoint
	sources, err := l.assemble(&b)
	if err == nil {
		err = l.people.sync()
	}
	if err == nil {
		c, err = l.append(&l.room)
	}
	if err != nil {
		return Checkpoint{}, errors.Join(err, l.journal.cut())
	}
	at := c.Size - 1
	l.last, l.sourced = &at, sources
	l.wroteNoted()
	l.wrote(l.room.entries)
	if !b.Amendment {
		l.ends = &b.Period.End
	}
	return c, nil
}

// trim gives the batch the instants and ids that its entries will have. The caller's lists stay as they are.
func (b *Batch) trim() {
	b.Period = Period{Start: At(b.Period.Start.Time), End: At(b.Period.End.Time)}
	b.Program = clip(b.Program, mostText)
	b.Coverage, b.Withdrawals = slices.Clone(b.Coverage), slices.Clone(b.Withdrawals)
	for i := range b.Coverage {
		b.Coverage[i].Cluster = ID(b.Coverage[i].Cluster)
	}
	own := false // few ids are not as they are: the list is large
	for i := range b.Usage {
		node, topic := ID(b.Usage[i].Node), ID(b.Usage[i].Topic)
		if node == b.Usage[i].Node && topic == b.Usage[i].Topic {
			continue
		}
		if !own {
			b.Usage, own = slices.Clone(b.Usage), true
		}
		b.Usage[i].Node, b.Usage[i].Topic = node, topic
	}
	for i := range b.Withdrawals {
		b.Withdrawals[i].Node, b.Withdrawals[i].Topic = ID(b.Withdrawals[i].Node), ID(b.Withdrawals[i].Topic)
	}
}

// mostID bounds ids: a topic's is shorter, but a client may call itself as it likes.
const mostID = 2048

// ID returns an id as entries have it: where it is longer than 2,048 bytes, its beginning and the SHA-256 of all of it.
func ID(id string) string {
	id = valid(id)
	if len(id) <= mostID {
		return id
	}
	short, end := cutWithSum(id, mostID)
	if i := strings.LastIndexByte(short, '%'); i > len(short)-3 { // a byte is spelled in three letters
		short = short[:max(i, 0)]
	}
	return short + end
}

// valid returns a text in UTF-8. Nearly all are, which is soon seen.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// cutWithSum returns the beginning of a text that is longer than it may be, and what is to follow it and stands for all
// of the text.
func cutWithSum(s string, most int) (begin, end string) {
	sum := sha256.Sum256([]byte(s))
	end = ".sha256-" + hex.EncodeToString(sum[:])
	return clip(s, most-len(end)), end
}

// accepts checks that a batch goes on where the ledger is.
func (l *Log) accepts(b *Batch) error {
	p := b.Period
	if !p.Start.Before(p.End.Time) {
		return fmt.Errorf("the period from %s ends at %s", p.Start.Format(time.RFC3339), p.End.Format(time.RFC3339))
	}
	if b.Amendment {
		return l.acceptsAmendment(b)
	}
	if l.ends != nil && !l.ends.Equal(p.Start.Time) {
		return fmt.Errorf("the period begins at %s, and the one before ends at %s", p.Start.Format(time.RFC3339), l.ends.Format(time.RFC3339))
	}
	if len(b.Withdrawals) > 0 || slices.ContainsFunc(b.Usage, func(u Usage) bool { return u.Amends != nil }) {
		return errors.New("what is said of a period first amends nothing")
	}
	return nil
}

func (l *Log) acceptsAmendment(b *Batch) error {
	chain, err := l.reader().chainOf(b.Period)
	if err != nil {
		return err
	}
	var of []closed
	for _, c := range slices.Backward(chain) {
		if c.Period == b.Period {
			of = append(of, c)
		}
	}
	if len(of) == 0 {
		return fmt.Errorf("the period from %s is not closed", b.Period.Start.Format(time.RFC3339))
	}
	final := of[len(of)-1].Final
	s := settling{window: b.Period}
	for _, c := range chain {
		s.take(c)
	}
	if s.settled || At(b.Closed).After(final.Time) || !At(b.Final).Equal(final.Time) {
		return fmt.Errorf("%w: that was until %s", ErrFinal, final.Format(time.RFC3339))
	}
	is, err := l.reader().account(b.Period, of)
	if err != nil {
		return err
	}
	says := map[statementKey]Statement{}
	for _, s := range is.Statements {
		says[s.key()] = s
	}
	for i := range b.Usage {
		if u := &b.Usage[i]; !u.follows(says) {
			return fmt.Errorf("what %s did to %s does not amend what stands of it", u.Node, u.Topic)
		}
	}
	for i := range b.Withdrawals {
		if w := &b.Withdrawals[i]; !w.follows(says) {
			return fmt.Errorf("that what %s did to %s did not happen does not amend what stands of it", w.Node, w.Topic)
		}
	}
	return nil
}

// Publish makes tiles of what was appended, so that it can be read. It may be called again where it failed.
func (l *Log) Publish() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.publish()
}

// assemble writes the entries of a batch to the ledger's room, in the order that the format gives to them, and to the
// journal. It returns what its close entry says that names and owners were given by.
func (l *Log) assemble(b *Batch) ([]source, error) {
	l.room.begin(l.newest.Size)
	a := &assembly{room: &l.room, first: l.newest.Size, period: b.Period}
	closing := closeEntry{
		Closed: At(b.Closed), Coverage: []placed{}, Final: At(b.Final), First: a.first, Kind: kindPeriod, Period: b.Period, Previous: l.last, Program: b.Program,
		Sources: []source{}, Type: typeClose, V: version,
	}
	if b.Amendment {
		closing.Kind = kindAmendment
	}
	slices.SortFunc(b.Coverage, func(x, y Coverage) int { return strings.Compare(x.Cluster, y.Cluster) })
	for i, c := range b.Coverage {
		if i > 0 && b.Coverage[i-1].Cluster == c.Cluster {
			return nil, fmt.Errorf("two entries say what was observed of %s", c.Cluster)
		}
		closing.Coverage = append(closing.Coverage, placed{c.Cluster, a.next()})
		a.addCoverage(c.fit(b.Period))
	}
	before, err := l.sources()
	if err != nil {
		return nil, err
	}
	breakers, err := l.breakersOf(b, before[sourceOfBreakers])
	if err != nil {
		return nil, err
	}
	now := map[string]string{}
	maps.Copy(now, b.Sources)
	if breakers.mark != "" {
		now[sourceOfBreakers] = breakers.mark
	}
	for _, what := range slices.Sorted(maps.Keys(now)) {
		closing.Sources = append(closing.Sources, source{what, now[what]})
	}
	for _, c := range l.noted.changes {
		a.add(c)
	}
	since := &noted{now: before}
	if len(l.noted.changes) > 0 {
		since = &l.noted
	}
	for _, c := range since.until(now, At(b.Closed)) {
		a.add(c)
	}
	for _, r := range breakers.write {
		a.add(Breaker{At(b.Closed), r})
	}
	if err := a.addMetadata(l, b.Metadata); err != nil {
		return nil, err
	}
	if err := a.addAdministrations(l, b.Administered); err != nil {
		return nil, err
	}
	mark, err := a.addStatement(b.Statement, before)
	if err != nil {
		return nil, err
	}
	if mark != "" {
		closing.Sources = append(closing.Sources, source{sourceOfStatements, mark})
	}
	all, err := l.ofTopics(b)
	if err != nil {
		return nil, err
	}
	if a.err != nil {
		return nil, a.err
	}
	return closing.Sources, a.addTopics(l, all, &closing)
}

// Configuration is what all of the configuration is called among the sources of a batch, and what the names of its
// parts begin with, each of which is there while it is configured.
const Configuration = "configuration"

func isPart(what string) bool { return strings.HasPrefix(what, Configuration+".") }

// changesOf returns what is another than before. That something was not there before says nothing, but of a part of the
// configuration where that was known.
func changesOf(before, now map[string]string, at Instant) (out []Change) {
	all := maps.Clone(now)
	if all == nil {
		all = map[string]string{}
	}
	_, was := before[Configuration]
	_, is := now[Configuration]
	parts := was && is
	if parts {
		for what := range before {
			if isPart(what) {
				all[what] = now[what]
			}
		}
	}
	for _, what := range slices.Sorted(maps.Keys(all)) {
		c := Change{At: at, Type: typeChange, V: version, What: what}
		if digest, ok := before[what]; ok {
			c.Before = &digest
		}
		if digest, ok := now[what]; ok {
			c.After = &digest
		}
		known := c.Before != nil || parts && isPart(what)
		if known && (c.Before == nil || c.After == nil || *c.Before != *c.After) {
			out = append(out, c)
		}
	}
	return out
}

// sources returns what names were given by in the newest batch.
func (l *Log) sources() (map[string]string, error) {
	out := map[string]string{}
	if l.last == nil {
		return out, nil
	}
	if l.sourced == nil {
		c, err := l.reader().closeAt(*l.last)
		if err != nil {
			return nil, err
		}
		l.sourced = c.Sources
	}
	for _, s := range l.sourced {
		out[s.what] = s.digest
	}
	return out, nil
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

// clippedAll returns texts within their bounds; none is nil.
func clippedAll(all []string) (out []string) {
	if len(all) > 0 && !slices.ContainsFunc(all, func(s string) bool { return len(s) > mostText }) {
		return all
	}
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
	room   *room
	first  int64
	period Period
	err    error
}

func (a *assembly) next() int64 { return a.first + int64(len(a.room.leaves)) }

func (a *assembly) add(v any) {
	entry, err := canonical(v)
	a.put(v, entry, err)
}

// put adds what the entry of a value is, or why it is none.
func (a *assembly) put(v any, entry []byte, err error) {
	if err == nil {
		err = a.room.add(entry)
	}
	if err != nil {
		a.err = errors.Join(a.err, fmt.Errorf("write a %T: %w", v, err))
	}
}

// addCoverage adds what was observed; how many gaps there were is said by gapCount, however many are listed.
func (a *assembly) addCoverage(c Coverage) {
	for {
		entry, err := canonical(c)
		if err != nil || len(entry) <= MostEntry || len(c.Gaps)+len(c.BlindSpots) == 0 {
			a.put(c, entry, err)
			return
		}
		c.Gaps, c.BlindSpots = c.Gaps[:len(c.Gaps)/2], c.BlindSpots[:len(c.BlindSpots)/2]
	}
}

// mostDirectory is about how many bytes of names a part of a directory has: who gets a proof of one topic sees the
// names beside it, and few of them are enough.
const mostDirectory = 4096

// rowBytes is about what else a row has, so that short names do not make long parts.
const rowBytes = 16

// addTopics adds what is said of topics, their directory, and what closes the batch.
func (a *assembly) addTopics(l *Log, all *topical, closing *closeEntry) error {
	first, n := a.next(), len(all.order)
	parts := directory(all.rows(first), a.period)
	closing.Directory = span{first + int64(n), int64(len(parts))}
	l.beginFrame(first + int64(n+len(parts)+1))
	return a.room.addAll(n+len(parts)+1, func() func(b []byte, i int) ([]byte, error) {
		write := all.writer(&l.people, a.period)
		return func(b []byte, i int) ([]byte, error) {
			switch {
			case i < n:
				return write(b, i)
			case i < n+len(parts):
				return appendTopics(b, &parts[i-n])
			}
			return appendCanonical(b, closing)
		}
	}, l.journal.ahead)
}

// directory returns the parts of a directory.
func directory(rows []topicRow, p Period) []topicsEntry {
	parts := []topicsEntry{{Topics: []topicRow{}}}
	size, from := 0, 0
	for i := range rows {
		last := &parts[len(parts)-1]
		if size > 0 && size+len(rows[i].id) > mostDirectory {
			last.Next = &rows[i].id
			parts, size, from = append(parts, topicsEntry{}), 0, i
			last = &parts[len(parts)-1]
		}
		last.Topics = rows[from : i+1]
		size += len(rows[i].id) + rowBytes
	}
	for i := range parts {
		t := &parts[i]
		t.Part, t.Parts, t.Period, t.Type, t.V = i, len(parts), p, typeTopics, version
	}
	return parts
}

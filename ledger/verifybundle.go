package ledger

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/transparency-dev/formats/proof"
)

// mostLine bounds a line of a bundle: an entry as it stands, a proof of 63 hashes, the openings of all its clients.
const mostLine = 4 << 20

// BadError says what is wrong with a ledger or a bundle, and where.
type BadError struct {
	Entry   int64  // index of the first bad entry; -1: that can't be told, or it is none of an entry's
	Where   string // a line or a file
	Problem string
}

func (e *BadError) Error() string {
	at := e.Where
	if e.Entry >= 0 {
		at = fmt.Sprintf("entry %d, %s", e.Entry, e.Where)
	}
	return at + ": " + e.Problem
}

// Said is what a bundle proves of a period.
type Said struct {
	Period   Period
	Closed   time.Time
	Coverage *Coverage // nil: nothing is said of the topic's cluster
	Usage    []Statement
	Amended  int // how many amendments there were
}

// Proved is what a bundle proves.
type Proved struct {
	Topic       string
	Window      Period
	Key         string
	Fingerprint string
	Checkpoint  Checkpoint
	Entries     int
	Periods     []Said // of the window, the oldest first
	// Begins is where the ledger begins, if that is after the window's start; else the zero time.
	Begins time.Time
	// Until is where the last closed period ends, if that is before the window's end; else the zero time.
	Until time.Time
	// Amendable reports whether amendments of the window could still come after the checkpoint.
	Amendable bool
}

// VerifyBundle checks a bundle offline: its form to the byte, the signature, each proof, and that it holds all that the
// ledger says of its topic in its window. key is the verifier key that must have signed; empty: the bundle's own is
// trusted. What is wrong is a BadError.
func VerifyBundle(in io.Reader, key string) (*Proved, error) {
	v := &bundleVerifier{lines: bufio.NewReaderSize(in, 64<<10), topics: map[int64]*topicsEntry{}, usage: map[int64]Statement{}, withdrawn: map[int64]Withdrawal{}, coverage: map[int64]*Coverage{}}
	if err := v.readHead(key); err != nil {
		return nil, err
	}
	for {
		text, err := v.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if err := v.take(text); err != nil {
			return nil, err
		}
	}
	if v.count != v.head.Lines {
		return nil, v.bad(-1, "there are %d lines with entries and not %d", v.count, v.head.Lines)
	}
	return v.conclude()
}

type bundleVerifier struct {
	lines      *bufio.Reader
	number     int // of the line
	head       head
	checkpoint Checkpoint
	count      int
	last       int64
	chain      []closed
	topics     map[int64]*topicsEntry
	usage      map[int64]Statement
	withdrawn  map[int64]Withdrawal
	coverage   map[int64]*Coverage
}

func (v *bundleVerifier) bad(entry int64, format string, args ...any) error {
	return &BadError{entry, fmt.Sprintf("line %d", v.number), fmt.Sprintf(format, args...)}
}

// next returns a line without its line feed.
func (v *bundleVerifier) next() ([]byte, error) {
	v.number++
	var text []byte
	for {
		part, err := v.lines.ReadSlice('\n')
		text = append(text, part...)
		switch {
		case err == nil:
			return text[:len(text)-1], nil
		case errors.Is(err, bufio.ErrBufferFull) && len(text) <= mostLine:
		case errors.Is(err, io.EOF) && len(text) == 0:
			return nil, io.EOF
		case errors.Is(err, io.EOF):
			return nil, v.bad(-1, "it is cut: it has no line feed")
		case errors.Is(err, bufio.ErrBufferFull):
			return nil, v.bad(-1, "it is longer than %d bytes", mostLine)
		default:
			return nil, fmt.Errorf("read the bundle: %w", err)
		}
	}
}

func (v *bundleVerifier) readHead(key string) error {
	text, err := v.next()
	if errors.Is(err, io.EOF) {
		return v.bad(-1, "it is empty")
	}
	if err != nil {
		return err
	}
	if err := read(text, &v.head); err != nil {
		return v.bad(-1, "it is no head of a bundle: %v", err)
	}
	if v.head.Format != bundleFormat || v.head.Version != bundleVersion {
		return v.bad(-1, "it is of format %q, version %d, and not %q, version %d", v.head.Format, v.head.Version, bundleFormat, bundleVersion)
	}
	if key != "" && key != v.head.Key {
		return v.bad(-1, "it is of the key %s, and the key that was given is %s", Fingerprint(v.head.Key), Fingerprint(key))
	}
	v.checkpoint, err = OpenCheckpoint([]byte(v.head.Checkpoint), v.head.Key)
	if err != nil {
		return v.bad(-1, "%v", err)
	}
	v.last = -1
	return nil
}

func (v *bundleVerifier) take(text []byte) error {
	v.count++
	var l line
	if err := read(text, &l); err != nil {
		return v.bad(-1, "%v", err)
	}
	p, err := readProof(l.Proof)
	if err != nil {
		return v.bad(-1, "%v", err)
	}
	i := int64(p.Index)
	if i <= v.last {
		return v.bad(i, "entries are not in their order: %d was before", v.last)
	}
	v.last = i
	if string(p.Checkpoint) != v.head.Checkpoint {
		return v.bad(i, "its proof is of another checkpoint than the head's")
	}
	hashes := make(tlog.RecordProof, len(p.Hashes))
	for k, h := range p.Hashes {
		hashes[k] = h
	}
	if i >= v.checkpoint.Size {
		return v.bad(i, "the checkpoint is of %d entries", v.checkpoint.Size)
	}
	if err := tlog.CheckRecord(hashes, v.checkpoint.Size, v.checkpoint.Root, i, tlog.RecordHash(l.Entry)); err != nil {
		return v.bad(i, "it is not what the ledger has: %v", err)
	}
	if err := v.checkOpenings(i, l); err != nil {
		return err
	}
	return v.sort(i, l)
}

// readProof reads a tlog-proof@v1 that has the one form that it is written in.
func readProof(text string) (*proof.TLogProof, error) {
	p := &proof.TLogProof{}
	if err := p.Unmarshal([]byte(text)); err != nil {
		return nil, fmt.Errorf("its proof can't be read: %w", err)
	}
	if p.Index > 1<<62 || string(p.Marshal()) != text {
		return nil, errors.New("its proof is not in canonical form")
	}
	return p, nil
}

func (v *bundleVerifier) checkOpenings(i int64, l line) error {
	at := 0
	of := commitmentsOf(l.Entry)
	for _, o := range l.Openings {
		if !o.opens() {
			return v.bad(i, "%q with its salt is not what the commitment %s stands for", o.Value, o.Commitment)
		}
		k := slices.Index(of[at:], o.Commitment)
		if k < 0 {
			return v.bad(i, "the commitment %s is not one of its, or not in its order", o.Commitment)
		}
		at += k + 1
	}
	return nil
}

// sort puts an entry to those of its type.
func (v *bundleVerifier) sort(i int64, l line) error {
	is, err := typeOf(l.Entry)
	if err != nil {
		return v.bad(i, "%v", err)
	}
	switch is {
	case typeClose:
		c := &closeEntry{}
		err = read(l.Entry, c)
		v.chain = append(v.chain, closed{i, c})
	case typeTopics:
		t := &topicsEntry{}
		err = read(l.Entry, t)
		v.topics[i] = t
	case typeUsage:
		s := Statement{Index: i}
		err = read(l.Entry, &s.Usage)
		known := map[string]Opening{}
		for _, o := range l.Openings {
			known[o.Commitment] = o
		}
		(&Reader{people: known}).open(&s.Usage)
		v.usage[i] = s
	case typeWithdrawal:
		var w Withdrawal
		err = read(l.Entry, &w)
		v.withdrawn[i] = w
	case typeCoverage:
		c := &Coverage{}
		err = read(l.Entry, c)
		v.coverage[i] = c
	default:
		err = fmt.Errorf("an entry of type %q has no place in a bundle", is)
	}
	if err != nil {
		return v.bad(i, "%v", err)
	}
	return nil
}

// conclude checks that the entries are all that the ledger says of the topic in the window, and no others.
func (v *bundleVerifier) conclude() (*Proved, error) {
	v.number = 0
	bad := func(entry int64, format string, args ...any) error {
		return &BadError{entry, "the bundle", fmt.Sprintf(format, args...)}
	}
	w := v.head.Window
	out := &Proved{Topic: v.head.Topic, Window: w, Key: v.head.Key, Fingerprint: Fingerprint(v.head.Key), Checkpoint: v.checkpoint, Entries: v.count}
	if len(v.chain) == 0 {
		return nil, bad(-1, "it has no close entry")
	}
	for k, c := range v.chain {
		if k > 0 && (c.Previous == nil || *c.Previous != v.chain[k-1].index) {
			return nil, bad(c.index, "the chain of close entries has a hole before it")
		}
	}
	first, last := v.chain[0], v.chain[len(v.chain)-1]
	switch {
	case first.Previous == nil && first.Period.Start.After(w.Start.Time):
		out.Begins = first.Period.Start.Time
	case first.Previous == nil:
	case first.Kind != kindPeriod || first.Period.End.After(w.Start.Time):
		return nil, bad(first.index, "what was closed before it is missing")
	}
	if n := settledAt(v.chain, w); n < len(v.chain) {
		return nil, bad(v.chain[n].index, "it is after all that can be said of the window")
	}
	settled := last.Kind == kindPeriod && !last.Period.Start.Before(w.End.Time) && settledAt(v.chain[:len(v.chain)-1], w) == len(v.chain)-1 && last.Closed.After(finalOf(v.chain, w))
	if !settled && last.index != v.checkpoint.Size-1 {
		return nil, bad(last.index, "what was closed after it is missing")
	}
	out.Amendable = !settled
	if err := v.takePeriods(out, bad); err != nil {
		return nil, err
	}
	if rest := len(v.topics) + len(v.usage) + len(v.withdrawn) + len(v.coverage); rest > 0 {
		return nil, bad(-1, "%d of its entries do not belong to it", rest)
	}
	if n := len(out.Periods); n == 0 {
		return nil, bad(-1, "no period of its window is closed")
	} else if end := out.Periods[n-1].Period.End; end.Before(w.End.Time) {
		out.Until = end.Time
	}
	return out, nil
}

// finalOf returns until when amendments of a window can come.
func finalOf(chain []closed, w Period) (final time.Time) {
	for _, c := range chain {
		if c.Kind == kindPeriod && w.meets(c.Period) && c.Final.After(final) {
			final = c.Final.Time
		}
	}
	return final
}

// takePeriods takes what each batch says of the topic, and leaves what does not belong to any.
func (v *bundleVerifier) takePeriods(out *Proved, bad func(int64, string, ...any) error) error {
	at := map[time.Time]int{}
	says := map[time.Time]map[[3]string]Statement{}
	for _, c := range v.chain {
		if !v.head.Window.meets(c.Period) {
			continue
		}
		start := c.Period.Start.Time
		if c.Kind == kindPeriod {
			if _, again := at[start]; again {
				return bad(c.index, "its period was closed twice")
			}
			if n := len(out.Periods); n > 0 && !out.Periods[n-1].Period.End.Equal(start) {
				return bad(c.index, "its period does not begin where the one before ends")
			}
			at[start] = len(out.Periods)
			says[start] = map[[3]string]Statement{}
			out.Periods = append(out.Periods, Said{Period: c.Period, Closed: c.Closed.Time})
		} else if _, ok := at[start]; !ok {
			return bad(c.index, "it amends a period that was not closed")
		} else {
			out.Periods[at[start]].Amended++
		}
		if err := v.takeTopic(c, says[start], bad); err != nil {
			return err
		}
		for _, p := range c.Coverage {
			if p.cluster != clusterOf(v.head.Topic) {
				continue
			}
			x := v.coverage[p.index]
			if x == nil || x.Cluster != p.cluster {
				return bad(p.index, "the coverage of the topic's cluster is missing")
			}
			out.Periods[at[start]].Coverage = x
			delete(v.coverage, p.index)
		}
	}
	for i := range out.Periods {
		p := &out.Periods[i]
		for _, s := range says[p.Period.Start.Time] {
			p.Usage = append(p.Usage, s)
		}
		slices.SortFunc(p.Usage, func(a, b Statement) int {
			return strings.Compare(a.Operation+" "+a.Node, b.Operation+" "+b.Node)
		})
	}
	return nil
}

// takeTopic takes what a batch says of the topic: what its directory names, whole.
func (v *bundleVerifier) takeTopic(c closed, says map[[3]string]Statement, bad func(int64, string, ...any) error) error {
	topic := v.head.Topic
	var part *topicsEntry
	var where int64
	for k := range c.Directory[1] {
		if t := v.topics[c.Directory[0]+k]; t != nil {
			where, part = c.Directory[0]+k, t
			break
		}
	}
	if part == nil {
		return bad(c.index, "the part of its directory in which the topic would be is missing")
	}
	inside := (part.Part == 0 || len(part.Topics) > 0 && part.Topics[0].id <= topic) && (part.Next == nil || topic < *part.Next)
	if !inside || part.Parts != int(c.Directory[1]) || where != c.Directory[0]+int64(part.Part) {
		return bad(where, "it is not the part of the directory in which the topic would be")
	}
	delete(v.topics, where)
	row, ok := part.rowOf(topic)
	if !ok {
		return nil
	}
	for i := row.first; i < row.first+row.count; i++ {
		s, used := v.usage[i]
		w, gone := v.withdrawn[i]
		switch {
		case used && s.Topic == topic:
			says[[3]string{s.Topic, s.Operation, s.Node}] = s
		case gone && w.Topic == topic:
			delete(says, [3]string{w.Topic, w.Operation, w.Node})
		default:
			return bad(i, "the directory names it, and it is missing")
		}
		delete(v.usage, i)
		delete(v.withdrawn, i)
	}
	return nil
}

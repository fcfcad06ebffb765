package ledger

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/tlog"
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
	// Administered is who was allowed to administer the topic, in the order in which it was said.
	Administered []Administration
	Amended      int // how many amendments there were
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

// VerifyBundle checks a bundle offline: its form to the byte, the signatures, each proof, and that it holds all that
// the ledger says of its topic in its window. key is the verifier key that must have signed; empty: the bundle's own is
// trusted. What is wrong is a BadError.
func VerifyBundle(in io.Reader, key string) (*Proved, error) {
	v := newBundleVerifier(in)
	if err := v.readHead(key); err != nil {
		return nil, err
	}
	for v.count < v.head.Lines {
		text, err := v.next()
		if errors.Is(err, io.EOF) {
			return nil, v.bad(-1, "there are %d lines with entries and not %d", v.count, v.head.Lines)
		}
		if err != nil {
			return nil, err
		}
		v.count++
		if err := v.take(text); err != nil {
			return nil, err
		}
	}
	if err := v.readSeal(); err != nil {
		return nil, err
	}
	return v.conclude()
}

func newBundleVerifier(in io.Reader) *bundleVerifier {
	return &bundleVerifier{lines: bufio.NewReaderSize(in, 64<<10), hash: sha256.New(), last: -1, at: map[Period]int{}}
}

type bundleVerifier struct {
	lines      *bufio.Reader
	hash       hash.Hash // of the lines before
	number     int       // of the line
	head       head
	checkpoint Checkpoint
	count      int
	last       int64 // index of the entry before
	chain      chain
	settling   settling
	batch      lot
	out        Proved
	at         map[Period]int // where a period is in out
	says       []map[statementKey]Statement
}

// lot is what a bundle has of one batch, before its close entry.
type lot struct {
	partAt, coverageAt int64
	part               *topicsEntry
	coverage           *Coverage
	said               []said
}

// said is an entry about the topic: a use, a withdrawal, or that somebody administered it.
type said struct {
	index int64
	usage *Usage
	gone  *Withdrawal
	did   *Administration
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

// first returns the line with the head.
func (v *bundleVerifier) first() ([]byte, error) {
	text, err := v.next()
	if errors.Is(err, io.EOF) {
		return nil, v.bad(-1, "it is empty")
	}
	return text, err
}

func (v *bundleVerifier) readHead(key string) error {
	text, err := v.first()
	if err != nil {
		return err
	}
	if err := read(text, &v.head); err != nil {
		return v.bad(-1, "it is no head of a bundle: %v", err)
	}
	if v.head.Format != bundleFormat || v.head.Version != bundleVersion {
		return v.bad(-1, "it is of format %q, version %d, and not %q, version %d", v.head.Format, v.head.Version, bundleFormat, bundleVersion)
	}
	if err := v.openHead(text, key); err != nil {
		return err
	}
	v.settling.window = v.head.Window
	v.out = Proved{Topic: v.head.Topic, Window: v.head.Window, Key: v.head.Key, Fingerprint: Fingerprint(v.head.Key), Checkpoint: v.checkpoint}
	return nil
}

// openHead checks whose a head is, and its checkpoint.
func (v *bundleVerifier) openHead(text []byte, key string) (err error) {
	if key != "" && key != v.head.Key {
		return v.bad(-1, "it is of the key %s, and the key that was given is %s", Fingerprint(v.head.Key), Fingerprint(key))
	}
	v.checkpoint, err = OpenCheckpoint([]byte(v.head.Checkpoint), v.head.Key)
	if err != nil {
		return v.bad(-1, "%v", err)
	}
	if string(v.checkpoint.Text) != v.head.Checkpoint {
		return v.bad(-1, "its checkpoint is not in canonical form, with the signature of the ledger alone")
	}
	v.hashed(text)
	return nil
}

func (v *bundleVerifier) hashed(text []byte) {
	v.hash.Write(text)
	v.hash.Write([]byte("\n"))
}

// readSeal checks the last line, and that it is the last.
func (v *bundleVerifier) readSeal() error {
	text, err := v.next()
	if errors.Is(err, io.EOF) {
		return v.bad(-1, "the signature over the lines before is missing")
	}
	if err != nil {
		return err
	}
	var s seal
	if err := read(text, &s); err != nil {
		return v.bad(-1, "it is not the signature over the lines before: %v", err)
	}
	signed, own, err := openNote([]byte(s.Signature), v.head.Key)
	switch {
	case err != nil:
		return v.bad(-1, "it %v", err)
	case string(own) != s.Signature:
		return v.bad(-1, "its signature is not in canonical form")
	case signed != sealed(v.head.Format, v.hash):
		return v.bad(-1, "the lines before are not those that were signed")
	}
	if _, err := v.next(); !errors.Is(err, io.EOF) {
		return v.bad(-1, "something follows the signature")
	}
	return nil
}

func (v *bundleVerifier) take(text []byte) error {
	i, l, err := v.proveLine(text)
	if err != nil {
		return err
	}
	return v.sort(i, l)
}

// proveLine checks a line's form and proof, and returns which entry it has.
func (v *bundleVerifier) proveLine(text []byte) (i int64, l line, err error) {
	if err := read(text, &l); err != nil {
		return 0, l, v.bad(-1, "%v", err)
	}
	if l.Openings == nil {
		return 0, l, v.bad(-1, "its openings are null and not a list")
	}
	p, err := readProof(l.Proof)
	if err != nil {
		return 0, l, v.bad(-1, "%v", err)
	}
	i = int64(p.Index)
	if i <= v.last {
		return i, l, v.bad(i, "entries are not in their order: %d was before", v.last)
	}
	v.last = i
	if string(p.Checkpoint) != v.head.Checkpoint {
		return i, l, v.bad(i, "its proof is of another checkpoint than the head's")
	}
	hashes := make(tlog.RecordProof, len(p.Hashes))
	for k, h := range p.Hashes {
		hashes[k] = h
	}
	if i >= v.checkpoint.Size {
		return i, l, v.bad(i, "the checkpoint is of %d entries", v.checkpoint.Size)
	}
	if err := tlog.CheckRecord(hashes, v.checkpoint.Size, v.checkpoint.Root, i, tlog.RecordHash(l.Entry)); err != nil {
		return i, l, v.bad(i, "it is not what the ledger has: %v", err)
	}
	if err := v.checkOpenings(i, l); err != nil {
		return i, l, err
	}
	v.hashed(text)
	return i, l, nil
}

// readProof reads a tlog-proof@v1 that has the one form that it is written in.
func readProof(text string) (*proof.TLogProof, error) {
	p := &proof.TLogProof{}
	if err := p.Unmarshal([]byte(text)); err != nil {
		return nil, fmt.Errorf("its proof can't be read: %w", err)
	}
	if p.Index > math.MaxInt64 || p.ExtraData != nil || string(p.Marshal()) != text {
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

// sort puts an entry to those of its batch; a close entry ends it.
func (v *bundleVerifier) sort(i int64, l line) error {
	is, err := typeOf(l.Entry)
	if err != nil {
		return v.bad(i, "%v", err)
	}
	b := &v.batch
	switch {
	case is == typeClose:
		c := closed{i, &closeEntry{}}
		if err := read(l.Entry, c.closeEntry); err != nil {
			return v.bad(i, "%v", err)
		}
		return v.close(c)
	case is == typeTopics && b.part == nil:
		b.part, b.partAt = &topicsEntry{}, i
		err = read(l.Entry, b.part)
	case is == typeCoverage && b.coverage == nil:
		b.coverage, b.coverageAt = &Coverage{}, i
		err = read(l.Entry, b.coverage)
	case is == typeUsage:
		u := &Usage{}
		err = read(l.Entry, u)
		l.reader().open(u)
		b.said = append(b.said, said{index: i, usage: u})
	case is == typeWithdrawal:
		w := &Withdrawal{}
		err = read(l.Entry, w)
		b.said = append(b.said, said{index: i, gone: w})
	case is == typeAdministration:
		a := &Administration{}
		err = read(l.Entry, a)
		l.reader().openBoth(a)
		b.said = append(b.said, said{index: i, did: a})
	default:
		err = fmt.Errorf("an entry of type %q has no place here", is)
	}
	if err != nil {
		return v.bad(i, "%v", err)
	}
	return nil
}

// reader knows what the line's openings say.
func (l *line) reader() *Reader {
	known := map[string]Opening{}
	for _, o := range l.Openings {
		known[o.Commitment] = o
	}
	return &Reader{people: known}
}

// close takes in a close entry, with what the bundle has of its batch: all that it says of the topic, and no more.
func (v *bundleVerifier) close(c closed) error {
	w := v.head.Window
	if err := v.chain.add(c); err != nil {
		return v.bad(c.index, "%v", err)
	}
	switch first := len(v.chain) == 1; {
	case first && c.Previous != nil && (c.Kind != kindPeriod || c.Period.End.After(w.Start.Time)):
		return v.bad(c.index, "what was closed before it is missing")
	case first && c.Previous == nil && c.Period.Start.After(w.Start.Time):
		v.out.Begins = c.Period.Start.Time
	case !first && c.Kind == kindPeriod && !c.Period.End.After(w.Start.Time):
		return v.bad(v.chain[0].index, "it is before all that can be said of the window")
	}
	if v.settling.settled {
		return v.bad(c.index, "it is after all that can be said of the window")
	}
	v.settling.take(c)
	b := v.batch
	v.batch = lot{}
	if w.meets(c.Period) {
		return v.closeBatch(c, &b)
	}
	if b.part != nil || b.coverage != nil || len(b.said) > 0 {
		return v.bad(c.index, "the bundle has entries of its batch, which is of no period of the window")
	}
	return nil
}

// closeBatch takes in what the batch of a period in the window, or an amendment of one, says of the topic.
func (v *bundleVerifier) closeBatch(c closed, b *lot) error {
	k, amends := v.at[c.Period]
	if !amends {
		k = len(v.out.Periods)
		v.at[c.Period] = k
		v.out.Periods = append(v.out.Periods, Said{Period: c.Period, Closed: c.Closed.Time})
		v.says = append(v.says, map[statementKey]Statement{})
	} else {
		v.out.Periods[k].Amended++
	}
	count, err := v.rows(c, b)
	if err != nil {
		return err
	}
	if int64(len(b.said)) != count {
		return v.bad(c.index, "its directory names %d entries of the topic, and there are %d", count, len(b.said))
	}
	uses, err := v.administered(c, b.said, k)
	if err == nil {
		err = v.statements(c, uses, v.says[k])
	}
	if err != nil {
		return err
	}
	at, ok := c.coverageOf(v.head.Topic)
	if ok != (b.coverage != nil) || ok && (at != b.coverageAt || b.coverage.Period != c.Period) {
		return v.bad(c.index, "the coverage of the topic's cluster is missing, or another's is there")
	}
	if ok {
		v.out.Periods[k].Coverage = b.coverage
	}
	return nil
}

// rows checks that a batch's directory has the topic where it is looked for, and the entries that it names are there.
// It returns how many it names.
func (v *bundleVerifier) rows(c closed, b *lot) (int64, error) {
	topic, t := v.head.Topic, b.part
	if t == nil {
		return 0, v.bad(c.index, "the part of its directory in which the topic would be is missing")
	}
	inside := (t.Part == 0 || len(t.Topics) > 0 && t.Topics[0].id <= topic) && (t.Next == nil || topic < *t.Next)
	if !inside || !t.sound(c, b.partAt) {
		return 0, v.bad(b.partAt, "it is not the part of the directory in which the topic would be")
	}
	row, ok := t.rowOf(topic)
	if !ok {
		return 0, nil
	}
	for k, s := range b.said {
		if s.index != row.first+int64(k) {
			return 0, v.bad(row.first+int64(k), "the directory names it, and it is missing")
		}
	}
	return row.count, nil
}

// administered takes what a batch begins with of who administered the topic, and returns what follows.
func (v *bundleVerifier) administered(c closed, all []said, k int) ([]said, error) {
	var before Instant
	for n, s := range all {
		a := s.did
		switch {
		case a == nil:
			return all[n:], nil
		case a.Topic != v.head.Topic || a.Cluster != clusterOf(a.Topic) || a.Period != c.Period:
			return nil, v.bad(s.index, "it is of another topic or period than its directory says")
		case a.At.Before(before.Time):
			return nil, v.bad(s.index, "it is not in the order of its batch")
		}
		before = a.At
		v.out.Periods[k].Administered = append(v.out.Periods[k].Administered, *a)
	}
	return nil, nil
}

// statements applies what a batch says of the topic.
func (v *bundleVerifier) statements(c closed, all []said, says map[statementKey]Statement) error {
	var before statementKey
	for k, s := range all {
		u, w := s.usage, s.gone
		var key statementKey
		var period Period
		var follows bool
		switch {
		case s.did != nil:
			return v.bad(s.index, "who administered the topic is not before how it was used")
		case u != nil:
			key, period, follows = u.key(), u.Period, u.follows(says)
		default:
			key, period, follows = w.key(), w.Period, w.follows(says)
		}
		switch {
		case key.topic != v.head.Topic || period != c.Period:
			return v.bad(s.index, "it is of another topic or period than its directory says")
		case k > 0 && before.compare(key) >= 0:
			return v.bad(s.index, "it is not in the order of its batch")
		case !follows:
			return v.bad(s.index, "it does not amend what stands of the same")
		}
		if before = key; u != nil {
			says[key] = Statement{s.index, *u}
		} else {
			delete(says, key)
		}
	}
	return nil
}

// conclude checks that nothing is missing at the end, and says what is proved.
func (v *bundleVerifier) conclude() (*Proved, error) {
	bad := func(entry int64, problem string) (*Proved, error) {
		return nil, &BadError{entry, "the bundle", problem}
	}
	switch n := len(v.chain); {
	case n == 0:
		return bad(-1, "it has no close entry")
	case v.batch.part != nil || v.batch.coverage != nil || len(v.batch.said) > 0:
		return bad(v.last, "its batch's close entry is missing")
	case !v.settling.settled && v.chain[n-1].index != v.checkpoint.Size-1:
		return bad(v.chain[n-1].index, "what was closed after it is missing")
	case len(v.out.Periods) == 0:
		return bad(-1, "no period of its window is closed")
	}
	out := &v.out
	out.Entries, out.Amendable = v.count, !v.settling.settled
	if end := out.Periods[len(out.Periods)-1].Period.End; end.Before(v.head.Window.End.Time) {
		out.Until = end.Time
	}
	for k := range out.Periods {
		out.Periods[k].Usage = slices.SortedFunc(maps.Values(v.says[k]), compareStatements)
	}
	return out, nil
}

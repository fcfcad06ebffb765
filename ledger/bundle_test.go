package ledger

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/note"
)

// opened is a bundle that is taken apart, to be changed and put together again by the key's holder.
type opened struct {
	head  head
	lines []line
}

func open(tb testing.TB, bundle []byte) *opened {
	tb.Helper()
	all := bytes.Split(bytes.TrimSuffix(bundle, []byte("\n")), []byte("\n"))
	o := &opened{lines: make([]line, len(all)-2)}
	if err := read(all[0], &o.head); err != nil {
		tb.Fatal(err)
	}
	for i := range o.lines {
		if err := read(all[i+1], &o.lines[i]); err != nil {
			tb.Fatal(err)
		}
	}
	return o
}

func (o *opened) clone() *opened {
	out := *o
	out.lines = slices.Clone(o.lines)
	return &out
}

// sealed puts the bundle together, with as many lines as it has, signed by a key.
func (o *opened) sealed(tb testing.TB, key *Key) []byte {
	tb.Helper()
	o.head.Lines = len(o.lines)
	var out []byte
	add := func(v any) {
		data, err := canonical(v)
		if err != nil {
			tb.Fatal(err)
		}
		out = append(append(out, data...), '\n')
	}
	add(o.head)
	for _, l := range o.lines {
		add(l)
	}
	h := sha256.New()
	h.Write(out)
	signature, err := key.sign(sealed(bundleFormat, h))
	if err != nil {
		tb.Fatal(err)
	}
	add(seal{string(signature)})
	return out
}

// typeOfLine is of which type a line's entry is.
func typeOfLine(tb testing.TB, l line) string {
	tb.Helper()
	is, err := typeOf(l.Entry)
	if err != nil {
		tb.Fatal(err)
	}
	return is
}

func refused(t *testing.T, what string, bundle []byte) {
	t.Helper()
	p, err := VerifyBundle(bytes.NewReader(bundle), "")
	if err == nil {
		t.Errorf("%s: it verifies, %d periods of %s", what, len(p.Periods), p.Topic)
		return
	}
	if _, ok := errors.AsType[*BadError](err); !ok {
		t.Errorf("%s: %v", what, err)
	}
}

// shopBundle is a ledger of 30 hours, and the bundle of west/orders for hours 10, 11 and 12. Hours 10 was amended.
func shopBundle(tb testing.TB) (*book, []byte) {
	tb.Helper()
	b := newBook(tb)
	b.shop(30)
	return b, b.bundle("west/orders", hour(10).Start.Time, hour(12).End.Time)
}

func TestBundleProves(t *testing.T) {
	b, bundle := shopBundle(t)
	p, err := VerifyBundle(bytes.NewReader(bundle), b.key.Public)
	if err != nil {
		t.Fatal(err)
	}
	if p.Topic != "topic:west/orders" || len(p.Periods) != 3 || p.Amendable || !p.Begins.IsZero() || !p.Until.IsZero() || p.Fingerprint != Fingerprint(b.key.Public) {
		t.Errorf("%+v", p)
	}
	for k, said := range p.Periods {
		is := b.account(10 + k)
		var want []Statement
		for _, s := range is.Statements {
			if s.Topic == p.Topic {
				want = append(want, s)
			}
		}
		var who []string
		for _, a := range said.Administered {
			who = append(who, *a.Principal)
		}
		if k == 0 && strings.Join(who, " ") != "User:ann User:bob User:ann User:late" || k > 0 && strings.Join(who, " ") != "User:ann User:bob User:ann" {
			t.Errorf("hour %d was administered by %v", 10+k, who)
		}
		if compact(t, said.Usage) != compact(t, want) || said.Coverage.Cluster != "west" || said.Period != hour(10+k) {
			t.Errorf("hour %d: %s, not %s", 10+k, compact(t, said.Usage), compact(t, want))
		}
	}
	if p.Periods[0].Amended != 1 || len(p.Periods[0].Usage) != 2 || *p.Periods[0].Usage[1].Records != 1015 || len(p.Periods[1].Usage) != 3 {
		t.Errorf("%+v", p.Periods[0])
	}
	if host := *p.Periods[0].Usage[0].Clients[0].Host; !strings.HasPrefix(host, "10.1.2.") {
		t.Errorf("the host is %s", host)
	}
	if _, err := VerifyBundle(bytes.NewReader(bundle), newKey(t).Public); err == nil {
		t.Error("it verifies by another key")
	}
	if again := open(t, bundle).sealed(t, b.key); !bytes.Equal(again, bundle) {
		t.Error("a bundle that is taken apart and put together is another")
	}
}

// TestBundleWindows: windows before the ledger's begin, beyond its end, between and within periods, and of topics that
// are in no, some and other parts of directories.
func TestBundleWindows(t *testing.T) {
	b := newBook(t)
	b.shop(8)
	at := func(minutes int) time.Time { return midnight.Add(time.Duration(minutes) * time.Minute) }
	f := func(topic string, from, to, periods int, begins, until time.Time, amendable bool) {
		t.Helper()
		p, err := VerifyBundle(bytes.NewReader(b.bundle(topic, at(from), at(to))), b.key.Public)
		if err != nil {
			t.Errorf("%s from %d to %d: %v", topic, from, to, err)
			return
		}
		if len(p.Periods) != periods || !p.Begins.Equal(begins) || !p.Until.Equal(until) || p.Amendable != amendable {
			t.Errorf("%s from %d to %d: %d periods, begins %s, until %s, amendable %v", topic, from, to, len(p.Periods), p.Begins, p.Until, p.Amendable)
		}
	}
	var none time.Time
	for _, topic := range []string{"west/orders", "west/late", "west/none", "east/zeta", "north/none", "west/", "zzz"} {
		f(topic, 0, 60, 1, none, none, false)
		f(topic, 60, 120, 1, none, none, false)
		f(topic, 61, 62, 1, none, none, false)
		f(topic, 59, 61, 2, none, none, false)
		f(topic, -100, 60, 1, midnight, none, false)
		f(topic, -100, 10000, 8, midnight, at(480), true)
		f(topic, 420, 480, 1, none, none, true)
		f(topic, 479, 1000, 1, none, at(480), true)
	}
	for _, window := range [][2]int{{-100, 0}, {480, 500}, {-2, -1}, {900, 901}, {60, 60}, {120, 60}} {
		if _, err := b.Reader().Bundle("topic:west/orders", at(window[0]), at(window[1])); window[0] != 120 && window[0] != 60 && !errors.Is(err, ErrNothing) {
			t.Errorf("%v: %v", window, err)
		}
	}
}

// TestBundleHoldsAllOfIt: who holds the key could sign whatever he leaves out or puts in; each is found, since the
// chain and the directories say what there is.
func TestBundleHoldsAllOfIt(t *testing.T) {
	b, bundle := shopBundle(t)
	whole := open(t, bundle)
	n := len(whole.lines)
	for i := range n {
		o := whole.clone()
		o.lines = slices.Delete(o.lines, i, i+1)
		refused(t, fmt.Sprintf("without line %d, a %s", i, typeOfLine(t, whole.lines[i])), o.sealed(t, b.key))
		for k := i + 1; k < n; k += 1 + 2*(k-i) {
			o := whole.clone()
			o.lines = slices.Delete(slices.Delete(o.lines, k, k+1), i, i+1)
			refused(t, fmt.Sprintf("without lines %d and %d", i, k), o.sealed(t, b.key))
			o = whole.clone()
			o.lines = slices.Delete(o.lines, i, k)
			refused(t, fmt.Sprintf("without lines %d to %d", i, k), o.sealed(t, b.key))
			o = whole.clone()
			o.lines[i], o.lines[k] = o.lines[k], o.lines[i]
			refused(t, fmt.Sprintf("lines %d and %d swapped", i, k), o.sealed(t, b.key))
		}
		o = whole.clone()
		o.lines = slices.Insert(o.lines, i, o.lines[i])
		refused(t, fmt.Sprintf("line %d twice", i), o.sealed(t, b.key))
	}
	there := map[int64]bool{}
	for _, l := range whole.lines {
		p, err := readProof(l.Proof)
		if err != nil {
			t.Fatal(err)
		}
		there[int64(p.Index)] = true
	}
	r := b.Reader()
	for i := range r.checkpoint.Size {
		if there[i] {
			continue
		}
		l, err := r.lineOf(i)
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(whole.lines, func(l line) bool {
			p, err := readProof(l.Proof)
			return err == nil && int64(p.Index) > i
		})
		if at < 0 {
			at = n
		}
		o := whole.clone()
		o.lines = slices.Insert(o.lines, at, l)
		refused(t, fmt.Sprintf("with entry %d, a %s", i, typeOfLine(t, l)), o.sealed(t, b.key))
		if at < n {
			o = whole.clone()
			o.lines[at] = l
			refused(t, fmt.Sprintf("entry %d in the place of another", i), o.sealed(t, b.key))
		}
	}
}

// TestBundleHead: what is in the head, changed and signed by the key's holder, fits no other entries.
func TestBundleHead(t *testing.T) {
	b, bundle := shopBundle(t)
	whole := open(t, bundle)
	f := func(what string, change func(*opened)) {
		t.Helper()
		o := whole.clone()
		change(o)
		refused(t, what, o.sealed(t, b.key))
	}
	f("a window that begins earlier", func(o *opened) { o.head.Window.Start = At(o.head.Window.Start.Add(-time.Hour)) })
	f("a window that begins later", func(o *opened) { o.head.Window.Start = At(o.head.Window.Start.Add(time.Hour)) })
	f("a window that ends later", func(o *opened) { o.head.Window.End = At(o.head.Window.End.Add(time.Millisecond)) })
	f("a window that ends earlier", func(o *opened) { o.head.Window.End = At(o.head.Window.End.Add(-time.Hour)) })
	f("a window of another day", func(o *opened) {
		o.head.Window = Period{Start: At(o.head.Window.Start.Add(24 * time.Hour)), End: At(o.head.Window.End.Add(24 * time.Hour))}
	})
	f("another topic", func(o *opened) { o.head.Topic = "topic:west/alpha" })
	f("a topic that is not there", func(o *opened) { o.head.Topic = "topic:west/order" })
	f("a topic of another cluster", func(o *opened) { o.head.Topic = "topic:east/orders" })
	f("another format", func(o *opened) { o.head.Format = "Lineaged-bundle" })
	f("another version", func(o *opened) { o.head.Version = 2 })
	f("another key", func(o *opened) { o.head.Key = newKey(t).Public })
	name, rest, _ := strings.Cut(b.key.Public, "+")
	f("the key's hash in upper case", func(o *opened) { o.head.Key = name + "+" + strings.ToUpper(rest[:8]) + rest[8:] })
	f("a line feed in the key", func(o *opened) { o.head.Key = o.head.Key[:len(o.head.Key)-4] + "\n" + o.head.Key[len(o.head.Key)-4:] })
	f("an older checkpoint in the head", func(o *opened) {
		c, err := sign(b.key, b.Newest().Size-1, b.Newest().Root)
		if err != nil {
			t.Fatal(err)
		}
		o.head.Checkpoint = string(c.Text)
	})
	everywhere := func(checkpoint string) func(*opened) {
		return func(o *opened) {
			o.head.Checkpoint = checkpoint
			for i := range o.lines {
				p, err := readProof(o.lines[i].Proof)
				if err != nil {
					t.Fatal(err)
				}
				p.Checkpoint = []byte(checkpoint)
				o.lines[i].Proof = string(p.Marshal())
			}
		}
	}
	text := whole.head.Checkpoint
	own := strings.Split(text, "\n\n")[1]
	f("its signature twice", everywhere(text+own))
	witness := newKey(t)
	signed, err := note.Sign(&note.Note{Text: strings.Split(text, "\n\n")[0] + "\n"}, b.key.signer, witness.signer)
	if err != nil {
		t.Fatal(err)
	}
	f("a witness's signature too", everywhere(string(signed)))
	if c, err := OpenCheckpoint(signed, b.key.Public); err != nil || string(c.Text) != text {
		t.Errorf("a checkpoint with a witness's signature is not its own: %v, %q", err, c.Text)
	}
	last := text[len(text)-3] // the last letter of base64 before its padding has two bits that mean nothing
	f("bits of the signature that mean nothing", everywhere(text[:len(text)-3]+string(last+1)+"=\n"))
}

// TestBundleLines: what of a line is not its entry, changed and signed by the key's holder.
func TestBundleLines(t *testing.T) {
	b, bundle := shopBundle(t)
	whole := open(t, bundle)
	at := slices.IndexFunc(whole.lines, func(l line) bool { return len(l.Openings) == 2 && typeOfLine(t, l) == typeUsage })
	f := func(what string, change func(*line)) {
		t.Helper()
		o := whole.clone()
		l := o.lines[at]
		l.Openings = slices.Clone(l.Openings)
		change(&l)
		o.lines[at] = l
		refused(t, what, o.sealed(t, b.key))
	}
	f("another value", func(l *line) { l.Openings[0].Value += "x" })
	f("another salt", func(l *line) { l.Openings[0].Salt = l.Openings[1].Salt })
	f("an opening twice", func(l *line) { l.Openings[1] = l.Openings[0] })
	f("openings in another order", func(l *line) { slices.Reverse(l.Openings) })
	f("an opening of another", func(l *line) { l.Openings[0] = whole.lines[at+1].Openings[1] })
	f("null openings", func(l *line) { l.Openings = nil })
	reproved := func(change func(*proof.TLogProof)) func(*line) {
		return func(l *line) {
			p, err := readProof(l.Proof)
			if err != nil {
				t.Fatal(err)
			}
			change(p)
			l.Proof = string(p.Marshal())
		}
	}
	f("data beside the proof", reproved(func(p *proof.TLogProof) { p.ExtraData = []byte("x") }))
	f("no data beside the proof", reproved(func(p *proof.TLogProof) { p.ExtraData = []byte{} }))
	f("another index", reproved(func(p *proof.TLogProof) { p.Index++ }))
	f("a huge index", reproved(func(p *proof.TLogProof) { p.Index |= 1 << 63 }))
	f("a hash less", reproved(func(p *proof.TLogProof) { p.Hashes = p.Hashes[1:] }))
	f("a hash more", reproved(func(p *proof.TLogProof) { p.Hashes = append(p.Hashes, p.Hashes[0]) }))
	f("another hash", reproved(func(p *proof.TLogProof) { p.Hashes[0][0] ^= 1 }))
	f("another line's proof", func(l *line) { l.Proof = whole.lines[at+1].Proof })
	f("a carriage return", func(l *line) { l.Proof = strings.Replace(l.Proof, "\n", "\r\n", 1) })
	f("a space", func(l *line) { l.Proof = strings.Replace(l.Proof, "index ", "index 0", 1) })
	f("another entry", func(l *line) { l.Entry = bytes.Replace(l.Entry, []byte(`"observed":1`), []byte(`"observed":2`), 1) })
	// Without the key an opening that is left out is found by the seal; the holder of the key says by it that it was
	// erased.
	o := whole.clone()
	o.lines[at].Openings = o.lines[at].Openings[1:]
	if _, err := VerifyBundle(bytes.NewReader(o.sealed(t, b.key)), ""); err != nil {
		t.Errorf("an opening that was erased: %v", err)
	}
	stolen := bytes.Replace(bundle, []byte(compact(t, whole.lines[at].Openings[0])+","), nil, 1)
	if len(stolen) == len(bundle) {
		t.Fatal("no opening was left out")
	}
	refused(t, "an opening left out", stolen)
}

// TestBundleSeal: the last line is the signature over all lines before it, by the same key, and nothing else.
func TestBundleSeal(t *testing.T) {
	b, bundle := shopBundle(t)
	cut := bytes.LastIndexByte(bundle[:len(bundle)-1], '\n') + 1
	body, last := bundle[:cut], bundle[cut:]
	with := func(more ...[]byte) []byte { return bytes.Join(append([][]byte{body}, more...), nil) }
	refused(t, "no seal", body)
	refused(t, "two seals", with(last, last))
	refused(t, "trailing bytes", with(last, []byte("\n")))
	refused(t, "no line feed", with(last[:len(last)-1]))
	refused(t, "nothing", nil)
	refused(t, "another key's", open(t, bundle).sealed(t, newKey(t)))
	other := b.bundle("west/orders", hour(11).Start.Time, hour(12).End.Time)
	refused(t, "another bundle's", with(other[bytes.LastIndexByte(other[:len(other)-1], '\n')+1:]))
	checkpoint, err := canonical(seal{open(t, bundle).head.Checkpoint})
	if err != nil {
		t.Fatal(err)
	}
	refused(t, "a checkpoint", with(checkpoint, []byte("\n")))
	refused(t, "a line without an end", append(bytes.Clone(body), bytes.Repeat([]byte("x"), mostLine+1<<20)...))
}

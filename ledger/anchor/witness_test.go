package anchor

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/lineaged/lineaged/ledger"
)

// witness is one by C2SP's tlog-witness, of one log.
type witness struct {
	tb     testing.TB
	log    string // the log's verifier key
	key    string // its own
	signer ed25519.PrivateKey
	url    string

	mu   sync.Mutex
	size int64
	root tlog.Hash
	turn func(w http.ResponseWriter) bool // answers in its place
}

func newWitness(tb testing.TB, log string) *witness {
	tb.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	raw := append([]byte{kindCosignature}, public...)
	w := &witness{tb: tb, log: log, signer: private}
	w.key = fmt.Sprintf("witness.example/w1+%08x+%s", keyHash("witness.example/w1", raw), base64.StdEncoding.EncodeToString(raw))
	server := httptest.NewServer(w)
	tb.Cleanup(server.Close)
	w.url = server.URL
	return w
}

func (w *witness) anchor() *Witness {
	w.tb.Helper()
	a, err := NewWitness(w.url+"/", w.key)
	if err != nil {
		w.tb.Fatal(err)
	}
	return a
}

func (w *witness) cosignedSize() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.size
}

// instead answers in the place of the witness; nil: it answers itself again.
func (w *witness) instead(turn func(http.ResponseWriter) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.turn = turn
}

func (w *witness) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.turn != nil && w.turn(out) {
		return
	}
	body, err := io.ReadAll(r.Body)
	head, checkpoint, ok := strings.Cut(string(body), "\n\n")
	lines := strings.Split(head, "\n")
	oldText, isOld := strings.CutPrefix(lines[0], "old ")
	old, sizeErr := strconv.ParseInt(oldText, 10, 64)
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/add-checkpoint" || !ok || !isOld || sizeErr != nil || len(lines) > 64 {
		out.WriteHeader(http.StatusBadRequest)
		return
	}
	c, err := ledger.OpenCheckpoint([]byte(checkpoint), w.log)
	switch {
	case err != nil:
		out.WriteHeader(http.StatusForbidden)
		return
	case old > c.Size:
		out.WriteHeader(http.StatusBadRequest)
		return
	case old != w.size, old == c.Size && old > 0 && c.Root != w.root:
		out.Header().Set("Content-Type", "text/x.tlog.size")
		out.WriteHeader(http.StatusConflict)
		fmt.Fprintf(out, "%d\n", w.size)
		return
	}
	var proof tlog.TreeProof
	for _, line := range lines[1:] {
		var h tlog.Hash
		raw, err := base64.StdEncoding.DecodeString(line)
		if err != nil || copy(h[:], raw) != tlog.HashSize {
			out.WriteHeader(http.StatusBadRequest)
			return
		}
		proof = append(proof, h)
	}
	if old == 0 && len(proof) > 0 || old > 0 && tlog.CheckTree(proof, c.Size, c.Root, old, w.root) != nil {
		out.WriteHeader(http.StatusUnprocessableEntity)
		return
	}
	w.size, w.root = c.Size, c.Root
	text, _, _ := strings.Cut(checkpoint, "\n\n")
	_, _ = io.WriteString(out, w.cosign(text+"\n", time.Now()))
}

func (w *witness) cosign(text string, at time.Time) string {
	sig := binary.BigEndian.AppendUint64(nil, uint64(at.Unix()))
	sig = append(sig, ed25519.Sign(w.signer, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at.Unix(), text))...)
	name, rest, _ := strings.Cut(w.key, "+")
	hash, err := strconv.ParseUint(rest[:8], 16, 32)
	if err != nil {
		w.tb.Error(err)
	}
	return fmt.Sprintf("— %s %s\n", name, base64.StdEncoding.EncodeToString(append(binary.BigEndian.AppendUint32(nil, uint32(hash)), sig...)))
}

func TestAWitnessCosignsEachCheckpoint(t *testing.T) {
	b := newBook(t)
	w := newWitness(t, b.Public())
	k, said, stop := b.keep(w.anchor())
	name := "witness:" + w.url
	for range 3 {
		b.closeHours(2, "test")
		eventually(t, "the witness has it", func() bool { return k.held(name) == b.Published().Size })
	}
	if err := k.Fork(); err != nil || said.String() != "" {
		t.Fatal(err, said)
	}
	k.Figures(func(_ string, h Held) {
		v, err := newCosigner(w.key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := note.Open(h.Signed, note.VerifierList(v)); err != nil {
			t.Errorf("%v: %s", err, h.Signed)
		}
		if _, err := ledger.OpenCheckpoint(h.Signed, b.Public()); err != nil {
			t.Errorf("%v: %s", err, h.Signed)
		}
	})
	// A restart asks with a size that it does not know any more, and what was anchored is known before.
	stop()
	again, _, _ := b.keep(w.anchor())
	if size := again.held(name); size != b.Published().Size || again.Fork() != nil {
		t.Errorf("after a restart %d is held: %v", size, again.Fork())
	}
	lines := 0
	if err := readRecord(again.Record, func(l line) {
		lines++
		if c, err := ledger.OpenCheckpoint([]byte(l.Checkpoint), b.Public()); err != nil || c.Size != l.Size || l.At.IsZero() || !strings.Contains(l.Checkpoint, "— witness.example/w1 ") {
			t.Errorf("%v: %+v", err, l)
		}
	}); err != nil || lines < 4 {
		t.Errorf("the record has %d lines: %v", lines, err)
	}
}

func TestAWitnessThatKnowsMoreOrOtherwiseIsAFork(t *testing.T) {
	for name, then := range map[string]func(b *book){
		"an old copy":                      func(*book) {},
		"an old copy that went on":         func(b *book) { b.closeHours(1, "other") },
		"as long as it was, and otherwise": func(b *book) { b.closeHours(4, "other") },
		"longer than it was":               func(b *book) { b.closeHours(7, "other") },
		"begun anew under its key":         func(b *book) {},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBook(t)
			w := newWitness(t, b.Public())
			putBack := b.backup()
			if name != "begun anew under its key" {
				b.closeHours(3, "test")
				putBack = b.backup()
			}
			k, _, stop := b.keep(w.anchor())
			b.closeHours(4, "test")
			eventually(t, "the witness has it", func() bool { return k.held("witness:"+w.url) == b.Published().Size })
			size := w.cosignedSize()
			stop()
			putBack()
			then(b)
			k, said, _ := b.keep(w.anchor())
			if err := k.Fork(); err == nil || !strings.Contains(err.Error(), "put back from an old copy") || !strings.Contains(said.String(), "another history") {
				t.Fatalf("%v; %s", err, said)
			}
			if now := w.cosignedSize(); now != size {
				t.Errorf("the witness has %d, and had %d", now, size)
			}
		})
	}
}

// The witness is down when the copy is put back: the ledger goes on, until the witness can be asked.
func TestAForkIsFoundOnceTheAnchorIsUpAgain(t *testing.T) {
	b := newBook(t)
	w := newWitness(t, b.Public())
	b.closeHours(1, "test")
	putBack := b.backup()
	k, _, stop := b.keep(w.anchor())
	b.closeHours(1, "test")
	eventually(t, "the witness has it", func() bool { return k.held("witness:"+w.url) == b.Published().Size })
	stop()
	putBack()
	w.instead(func(out http.ResponseWriter) bool {
		out.WriteHeader(http.StatusBadGateway)
		return true
	})
	if k, _, stop = b.keep(w.anchor()); k.Fork() != nil {
		t.Error("nobody can know yet:", k.Fork())
	}
	b.closeHours(3, "other")
	w.instead(nil)
	eventually(t, "it is a fork", func() bool { return k.Fork() != nil })
	stop()
}

func TestAWitnessThatErrsCostsNothingButItsAge(t *testing.T) {
	b := newBook(t)
	w := newWitness(t, b.Public())
	b.closeHours(1, "test")
	text := func(status int, body string) func(http.ResponseWriter) bool {
		return func(out http.ResponseWriter) bool {
			out.WriteHeader(status)
			_, _ = io.WriteString(out, body)
			return true
		}
	}
	other := newWitness(t, b.Public())
	signed, _, _ := strings.Cut(string(b.Published().Text), "\n\n")
	for name, x := range map[string]struct {
		turn func(http.ResponseWriter) bool
		want string
	}{
		"down":              {text(http.StatusServiceUnavailable, ""), "it answers 503"},
		"unknown log":       {text(http.StatusNotFound, ""), "it answers 404"},
		"elsewhere":         {text(http.StatusTemporaryRedirect, ""), "it answers 307"},
		"no size":           {text(http.StatusConflict, "many\n"), "does not say which size"},
		"empty":             {text(http.StatusOK, ""), "is no cosignature"},
		"another's key":     {text(http.StatusOK, other.cosign(signed+"\n", time.Now())), "is no cosignature"},
		"another text":      {text(http.StatusOK, w.cosign("x\n1\nAAAA\n", time.Now())), "is no cosignature"},
		"a signature's end": {text(http.StatusOK, strings.TrimSuffix(w.cosign(signed+"\n", time.Now()), "\n")), "is no cosignature"},
		"before all time":   {text(http.StatusOK, w.cosign(signed+"\n", time.Unix(0, 0))), "of the instant 0"},
		"endless":           {text(http.StatusOK, strings.Repeat("x", mostCheckpoint+1)), "is longer than"},
	} {
		w.instead(x.turn)
		k, said, stop := b.keep(w.anchor())
		if err := k.Fork(); err != nil || k.held("witness:"+w.url) != -1 || !strings.Contains(said.String(), x.want) {
			t.Errorf("%s: fork %v, held %d, %s", name, err, k.held("witness:"+w.url), said)
		}
		stop()
	}
	w.instead(text(http.StatusServiceUnavailable, ""))
	k, said, _ := b.keep(w.anchor())
	b.closeHours(2, "test") // it goes on
	w.instead(nil)
	eventually(t, "the witness has it", func() bool { return k.held("witness:"+w.url) == b.Published().Size })
	eventually(t, "that is said", func() bool { return strings.Contains(said.String(), "told of its checkpoints again") })
	if n := strings.Count(said.String(), "can't be told"); n != 1 {
		t.Errorf("it is said %d times that it can't be told", n)
	}
}

func TestASlowWitnessIsNotWaitedFor(t *testing.T) {
	b := newBook(t)
	w := newWitness(t, b.Public())
	held := make(chan struct{})
	w.instead(func(http.ResponseWriter) bool { <-held; return false })
	defer close(held)
	b.closeHours(1, "test")
	k := New(Options{Log: b.Log, Anchors: []Anchor{w.anchor()}, Record: b.home + "/anchored", Now: time.Now, Logger: slogNone})
	k.awaited = 50 * time.Millisecond
	ctx, cancel := contextOf(t)
	ended := make(chan error, 1)
	go func() { ended <- k.Run(ctx) }()
	k.Await(ctx) // or the test does not end
	b.closeHours(1, "test")
	if size := k.held("witness:" + w.url); size != -1 {
		t.Errorf("%d is held", size)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestKeysOfWitnesses(t *testing.T) {
	// of C2SP's signed-note and tlog-cosignature, kinds 1 and 4 of one key
	w := newWitness(t, "")
	raw, err := base64.StdEncoding.DecodeString(strings.SplitN(w.key, "+", 3)[2])
	if err != nil {
		t.Fatal(err)
	}
	plain, err := note.NewEd25519VerifierKey("witness.example/w1", raw[1:])
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{w.key, plain} {
		c, err := newCosigner(key)
		if err != nil || fmt.Sprintf("%08x", c.KeyHash()) != w.key[len("witness.example/w1+"):][:8] {
			t.Errorf("%s: %v", key, err)
		}
	}
	for _, key := range []string{"", "a", "a+b", "a+00000000+AAAA", strings.Replace(w.key, "w1", "w2", 1), w.key + "AAAA", "witness+00000000+" + base64.StdEncoding.EncodeToString(append([]byte{6}, raw[1:]...))} {
		if err := CheckWitnessKey(key); err == nil {
			t.Errorf("%q is a key", key)
		}
	}
}

package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// of reads all entries of a type.
func of[T any](b *book, typ string) (all []T) {
	b.tb.Helper()
	for i, e := range entriesIn(b.tb, b.Log) {
		if is, err := typeOf([]byte(e)); err != nil || is != typ {
			continue
		}
		var v T
		if err := readAs([]byte(e), typ, &v); err != nil {
			b.tb.Fatalf("entry %d: %v", i, err)
		}
		all = append(all, v)
	}
	return all
}

func TestOrderOfABatch(t *testing.T) {
	b := newBook(t)
	batch := said1(0)
	for i := range 200 {
		for _, op := range []string{Write, Read} {
			batch.Usage = append(batch.Usage, use(fmt.Sprintf("west/%d", i%67), op, fmt.Sprint("node", i), 1))
		}
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(batch.Usage), func(i, j int) { batch.Usage[i], batch.Usage[j] = batch.Usage[j], batch.Usage[i] })
	given := compact(t, batch)
	b.append(batch)
	if compact(t, batch) != given {
		t.Error("the caller's batch was changed")
	}
	var types []string
	var keys []statementKey
	for _, e := range entriesIn(t, b.Log) {
		var u Usage
		if err := json.Unmarshal([]byte(e), &u); err != nil {
			t.Fatal(err)
		}
		types = append(types, u.Type)
		if u.Type == typeUsage {
			keys = append(keys, u.key())
		}
	}
	if got := slices.Compact(types); !slices.Equal(got, []string{typeCoverage, typeUsage, typeTopics, typeClose}) {
		t.Errorf("the types are %v", got)
	}
	if len(keys) != 400 || !slices.IsSortedFunc(keys, statementKey.compare) {
		t.Errorf("%d statements are not in their order", len(keys))
	}
	if is := b.account(0); len(is.Statements) != 400 || len(is.Coverage) != 2 || is.Coverage[0].Cluster != "east" {
		t.Errorf("%d statements, %+v", len(is.Statements), is.Coverage)
	}
}

// TestChangesOfSources: rules that are others than in the batch before are said, once.
func TestChangesOfSources(t *testing.T) {
	b := newBook(t)
	b.shop(12) // other rules each five hours
	all := of[Change](b, typeChange)
	if len(all) != 2 || *all[0].Before != "0" || *all[0].After != "1" || all[1].What != "rules" {
		t.Errorf("%+v", all)
	}
}

func TestNoTopics(t *testing.T) {
	b := newBook(t)
	batch := said1(0)
	batch.Coverage, batch.Sources = nil, nil
	b.append(batch)
	if all := entriesIn(t, b.Log); len(all) != 2 || !strings.Contains(all[0], `"next":null,"part":0,"parts":1,`) || !strings.Contains(all[0], `"topics":[]`) {
		t.Errorf("%q", all)
	}
	if _, err := VerifyBundle(strings.NewReader(string(b.bundle("west/orders", midnight, midnight.Add(time.Hour)))), ""); err != nil {
		t.Error(err)
	}
}

// TestManyTopics: each topic is found in its part of the directory, and each that is not there is not.
func TestManyTopics(t *testing.T) {
	b := newBook(t)
	batch := said1(0)
	for i := range 10_000 {
		batch.Usage = append(batch.Usage, use(fmt.Sprintf("west/topic.with.a.longer.name.%05d", 2*i), Write, "shop", 1))
	}
	b.append(batch)
	parts := of[topicsEntry](b, typeTopics)
	if len(parts) < 60 || len(parts) > 250 {
		t.Errorf("there are %d parts", len(parts))
	}
	r := b.Reader()
	last, err := r.closeAt(r.checkpoint.Size - 1)
	if err != nil {
		t.Fatal(err)
	}
	c := closed{r.checkpoint.Size - 1, last}
	for i := 0; i < 20_000; i += 37 {
		topic := fmt.Sprintf("topic:west/topic.with.a.longer.name.%05d", i)
		_, part, err := r.directoryOf(c, topic)
		if err != nil {
			t.Fatal(err)
		}
		row, ok := part.rowOf(topic)
		if ok != (i%2 == 0) || ok && row.count != 1 {
			t.Fatalf("%s: %v, %v", topic, row, ok)
		}
	}
	for _, topic := range []string{"", "a", "topic:west/", "topic:west/topic.with.a.longer.name.00000", "topic:west/topic.with.a.longer.name.19999", "zzz", "\U0010ffff"} {
		bundle, err := r.Bundle(topic, midnight, midnight.Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		if _, err := bundle.WriteTo(&text); err != nil {
			t.Fatal(err)
		}
		if _, err := VerifyBundle(strings.NewReader(text.String()), ""); err != nil {
			t.Errorf("%q: %v", topic, err)
		}
	}
}

// TestNames: ids with all that Kafka and clients may call themselves.
func TestNames(t *testing.T) {
	b := newBook(t)
	long := strings.Repeat("t", 249)
	nodes := []string{"a", `quote"back\slash`, "\x00\x01\x1f", "line\nfeed", "שלום\u202eمرحبا", "\xff\xfe", "<b>&", "\u2028", "😀", strings.Repeat("%E2%82%AC", 4000), strings.Repeat("%E2%82%AC", 4000) + "b", strings.Repeat("\x01", 32767)}
	for k := range 2 {
		batch := said1(k)
		for _, topic := range []string{"west/a.b_c-D", "west/" + long, "west/.", "west/" + strings.Repeat("%D7%90", 249)} {
			for _, node := range nodes {
				batch.Usage = append(batch.Usage, use(topic, Read, node, 1))
			}
		}
		b.append(batch)
	}
	is := b.account(1)
	if want := 4 * len(nodes); len(is.Statements) != want {
		t.Fatalf("there are %d statements, not %d", len(is.Statements), want)
	}
	proved, err := VerifyBundle(strings.NewReader(string(b.bundle("west/"+long, midnight, midnight.Add(2*time.Hour)))), "")
	if err != nil || len(proved.Periods) != 2 || len(proved.Periods[0].Usage) != len(nodes) {
		t.Fatalf("%+v, %v", proved, err)
	}
	checkFolder(t, b)
	// An id that is cut is one that amendments name by what stands, and that stays itself.
	a := amendment(1)
	for _, s := range is.Statements {
		if ID(s.Node) != s.Node || len(s.Node) > mostID {
			t.Fatalf("%q is not its own id", s.Node)
		}
		if len(s.Node) == mostID {
			a.Withdrawals = append(a.Withdrawals, Withdrawal{Amends: s.Index, Node: s.Node, Operation: s.Operation, Topic: s.Topic})
		}
	}
	b.append(a)
}

// TestWhatDoesNotFitIsCut: nothing that a client or an operator can say keeps a period from being closed.
func TestWhatDoesNotFitIsCut(t *testing.T) {
	b := newBook(t)
	huge := strings.Repeat("\x01\"", 20_000)
	u := use("west/orders", Write, huge, 1)
	u.Owner, u.TopicOwner = &huge, &huge
	for range 500 {
		u.Tags, u.TopicTags = append(u.Tags, huge), append(u.TopicTags, huge)
		u.Evidence = append(u.Evidence, Evidence{Detail: &huge, Kind: "CONNECTION"})
		u.Clients = append(u.Clients, Client{ClientID: &huge, Group: &huge, Host: &huge, Instance: &huge, Kind: "CONNECTION", Principal: &huge, Software: &huge, TransactionalID: &huge})
	}
	u.ClientCount = len(u.Clients)
	batch := said1(0, u)
	batch.Program = huge
	c := Coverage{Cluster: huge, GapCount: 500, BlindSpotCount: 500}
	for range 500 {
		c.Gaps, c.BlindSpots = append(c.Gaps, Gap{Reason: huge, Source: huge}), append(c.BlindSpots, BlindSpot{What: huge, Source: huge})
	}
	batch.Coverage = append(batch.Coverage, c)
	b.append(batch)
	checkFolder(t, b)
	is := b.account(0)
	if s := is.Statements[0]; s.ClientCount != 501 || len(s.Clients) == 0 || len(s.Evidence) == 0 || len(*s.Owner) > mostText {
		t.Errorf("%d clients of %d, %d of evidence", len(s.Clients), s.ClientCount, len(s.Evidence))
	}
	found := false
	for _, c := range is.Coverage {
		if c.GapCount == 500 {
			found = len(c.Gaps) > 0 && c.BlindSpotCount == 500
		}
	}
	if !found {
		t.Error("the gaps are not told")
	}
}

func TestClip(t *testing.T) {
	f := func(s string, most int, want string) {
		t.Helper()
		if got := clip(s, most); got != want {
			t.Errorf("%q cut to %d is %q, not %q", s, most, got, want)
		}
	}
	f("abc", 3, "abc")
	f("abcd", 3, "abc")
	f("aé", 2, "a")
	f("€€", 3, "€")
	f("€€", 5, "€")
	f("a\xffb", 9, "a\xffb")
	f("", 0, "")
}

func TestAppendRefuses(t *testing.T) {
	b := newBook(t)
	b.shop(4)
	size := b.Newest().Size
	f := func(what string, batch Batch) {
		t.Helper()
		if _, err := b.Append(batch); err == nil {
			t.Errorf("%s is appended", what)
		}
		if b.Newest().Size != size {
			t.Fatalf("%s: there are %d entries, not %d", what, b.Newest().Size, size)
		}
	}
	u := use("west/orders", Write, "shop", 1)
	f("one use twice", said1(4, u, u))
	f("a period that is closed", said1(3))
	f("a period that leaves one out", said1(5))
	other := u
	other.Operation = "delete"
	f("another operation", said1(4, other))
	twice := said1(4)
	twice.Coverage = append(twice.Coverage, twice.Coverage[0])
	f("a cluster's coverage twice", twice)
	backward := said1(4)
	backward.Period.End = backward.Period.Start
	f("a period of no time", backward)
	amending := u
	amending.Amends = new(int64)
	f("a period that amends", said1(4, amending))
	gone := said1(4)
	gone.Withdrawals = []Withdrawal{{Node: u.Node, Operation: Write, Topic: u.Topic}}
	f("a period that withdraws", gone)

	f("an amendment of a period that is not closed", amendment(4, u))
	f("an amendment of what stands that does not say so", amendment(2, u))
	f("an amendment of another entry", amendment(2, amending))
	wrong := amendment(2)
	wrong.Withdrawals = []Withdrawal{{Amends: 1, Node: u.Node, Operation: Write, Topic: u.Topic}}
	f("a withdrawal of another entry", wrong)
	part := amendment(2)
	part.Period.End = At(part.Period.End.Add(-time.Minute))
	f("an amendment of a part of a period", part)
	late := amendment(2)
	late.Closed = late.Final.Add(time.Millisecond)
	if _, err := b.Append(late); !errors.Is(err, ErrFinal) {
		t.Errorf("an amendment after its time: %v", err)
	}
	longer := amendment(2)
	longer.Final = longer.Final.Add(time.Hour)
	f("an amendment that moves until when there can be some", longer)
	b.append(said1(4))
}

// TestClockJumps: once an entry says that it was written after a period's final instant, a bundle of that period ends
// there; that the clock goes back makes no amendment possible that such a bundle would lack.
func TestClockJumps(t *testing.T) {
	b := newBook(t)
	b.shop(3)
	ahead := said1(3)
	ahead.Closed = ahead.Closed.Add(1000 * time.Hour)
	b.append(ahead)
	settled := b.bundle("west/orders", hour(1).Start.Time, hour(1).End.Time)
	if p, err := VerifyBundle(strings.NewReader(string(settled)), ""); err != nil || p.Amendable {
		t.Fatalf("%+v, %v", p, err)
	}
	if _, err := b.Append(amendment(1, use("west/late", Write, "a", 1))); !errors.Is(err, ErrFinal) {
		t.Errorf("an amendment that bundles lack: %v", err)
	}
	b.append(said1(4)) // by the clock of before
	b.append(amendment(4, use("west/late", Write, "a", 1)))
	checkFolder(t, b)
	if got := b.bundle("west/orders", hour(1).Start.Time, hour(1).End.Time); len(got) == 0 {
		t.Error("no bundle")
	} else if p, err := VerifyBundle(strings.NewReader(string(got)), ""); err != nil || p.Amendable || p.Entries == 0 {
		t.Errorf("%+v, %v", p, err)
	}
}

// TestAmendments: what is amended, withdrawn, said anew and amended again is what stands.
func TestAmendments(t *testing.T) {
	b := newBook(t)
	b.append(said1(0, use("west/orders", Write, "shop", 10), use("west/orders", Read, "bill", 20)))
	records := func() map[string]int64 {
		out := map[string]int64{}
		for _, s := range b.account(0).Statements {
			out[s.Operation] = *s.Records
		}
		p, err := VerifyBundle(strings.NewReader(string(b.bundle("west/orders", midnight, midnight.Add(time.Hour)))), "")
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range p.Periods[0].Usage {
			if out[s.Operation] != *s.Records {
				t.Errorf("the bundle says %d of %s, the ledger %d", *s.Records, s.Operation, out[s.Operation])
			}
		}
		if len(p.Periods[0].Usage) != len(out) {
			t.Errorf("the bundle says %d of it, the ledger %d", len(p.Periods[0].Usage), len(out))
		}
		return out
	}
	amend := func(want map[string]int64, change func(a *Batch, of map[string]Statement)) {
		t.Helper()
		of := map[string]Statement{}
		for _, s := range b.account(0).Statements {
			of[s.Operation] = s
		}
		a := amendment(0)
		change(&a, of)
		b.append(a)
		if got := records(); compact(t, got) != compact(t, want) {
			t.Errorf("%v, not %v", got, want)
		}
	}
	reset := func(op, node string, n int64) func(*Batch, map[string]Statement) {
		return func(a *Batch, of map[string]Statement) {
			u := use("west/orders", op, node, n)
			if s, ok := of[op]; ok {
				u.Amends = &s.Index
			}
			a.Usage = append(a.Usage, u)
		}
	}
	amend(map[string]int64{Write: 11, Read: 20}, reset(Write, "shop", 11))
	amend(map[string]int64{Write: 12, Read: 20}, reset(Write, "shop", 12))
	amend(map[string]int64{Write: 12}, func(a *Batch, of map[string]Statement) {
		s := of[Read]
		a.Withdrawals = []Withdrawal{{Amends: s.Index, Node: s.Node, Operation: Read, Topic: s.Topic}}
	})
	amend(map[string]int64{Write: 12, Read: 3}, reset(Read, "bill", 3))
	amend(map[string]int64{Write: 12, Read: 4}, reset(Read, "bill", 4))
	amend(map[string]int64{Write: 12, Read: 4}, func(a *Batch, _ map[string]Statement) { a.Coverage = said1(0).Coverage[:1] })
	checkFolder(t, b)
}

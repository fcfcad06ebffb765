package closing

import (
	"bytes"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/ledger"
	"github.com/lineaged/lineaged/timeseries"
	"github.com/lineaged/lineaged/usage"
)

// books is a world of months, whose periods are days: what is written is billed to an owner who may change.
type books struct {
	*world
	owner string
	total int64
}

func newBooks(t *testing.T) *books {
	b := &books{world: newWorld(t), owner: "shop"}
	b.open()
	return b
}

// open opens the ledger as a start of the program does.
func (b *books) open() {
	b.Helper()
	_ = b.log.Close()
	b.start()
	who := func() answer.Identity {
		rules := identity.Rules{Applications: []identity.Rule{{TransactionalID: regexp.MustCompile("^writer$"), Name: "writer", Owner: b.owner}}}
		is, err := identity.New(rules)
		if err != nil {
			b.Fatal(err)
		}
		return is
	}
	is := who()
	owner := b.owner
	b.Length = 24 * time.Hour
	price, _ := usage.ParseDecimal("0.001")
	b.Answers = answer.New(answer.Options{
		History: b.store, Now: func() time.Time { return b.now }, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west", Environment: "shop"}},
		Identity: func() answer.Identity {
			if b.owner != owner {
				is, owner = who(), b.owner
			}
			return is
		},
		Tariff: usage.Tariff{Currency: "EUR", Prices: []usage.Price{{Per: map[usage.Meter]usage.Decimal{usage.IngressRecords: price}}}},
	})
	b.Bills = BillsOf(b.Answers)
}

// write has 600 records written on a day of March, or of a later month by its days.
func (b *books) write(day int) {
	at := int(time.Date(2026, 3, day, 12, 0, 0, 0, time.UTC).Sub(begin) / tick)
	for n := at + 1; n < at+8; n++ {
		b.total += 100
		b.ends(n, b.total)
	}
}

// until lets the program run, day by day, and be killed and started again now and then.
func (b *books) until(at time.Time) {
	b.Helper()
	for n := 0; b.now.Before(at); n++ {
		b.now = b.now.Add(24 * time.Hour)
		if b.now.After(at) {
			b.now = at
		}
		b.step()
		if n%5 == 3 {
			b.open()
			b.step()
		}
	}
}

func (b *books) statement(month time.Month) []ledger.StatementPart {
	b.Helper()
	parts, err := b.log.Reader().Statement(ledger.MonthOf(time.Date(2026, month, 1, 0, 0, 0, 0, time.UTC)))
	if err != nil {
		b.Fatal(err)
	}
	return parts
}

// texts are the entries of a statement as they stand.
func (b *books) texts(parts []ledger.StatementPart) (out []byte) {
	b.Helper()
	for _, p := range parts {
		text, err := b.log.Reader().Entry(p.Index)
		if err != nil {
			b.Fatal(err)
		}
		out = append(append(out, text...), '\n')
	}
	return out
}

// said is what a statement says of the records that were written.
func said(parts []ledger.StatementPart) (out []string) {
	for _, p := range parts {
		for _, l := range p.Lines {
			if l.Meter != usage.IngressRecords.String() {
				continue
			}
			owner, cost := "nobody", "?"
			if l.Owner != nil {
				owner = *l.Owner
			}
			if l.Cost != nil {
				cost = *l.Cost
			}
			corrects := ""
			if l.Corrects != nil {
				corrects = " corrects"
			}
			out = append(out, fmt.Sprintf("%s %s %s%s", owner, l.Count, cost, corrects))
		}
	}
	return out
}

func is(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

var (
	april = time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	may   = april.AddDate(0, 1, 0)
)

func TestAMonthIsStatedOnceTwoDaysAfterItsEnd(t *testing.T) {
	b := newBooks(t)
	b.write(3)
	b.write(20)
	b.until(april.Add(48 * time.Hour))
	if got := b.statement(3); got != nil {
		t.Errorf("while it can be amended it is stated: %q", said(got))
	}
	b.until(april.Add(72 * time.Hour).Add(Wait))
	march := b.statement(3)
	is(t, "March", said(march), "shop 1400 1.4")
	if march[0].Currency == nil || *march[0].Currency != "EUR" || len(march[0].Rules) != int(usage.Meters) {
		t.Errorf("%+v", march[0])
	}
	b.until(april.AddDate(0, 0, 20))
	if got := b.statement(4); got != nil || b.statement(2) != nil {
		t.Errorf("April is stated: %q", said(got))
	}
	b.verified(nil)
	n := 0
	r := b.log.Reader()
	for i := range r.Checkpoint().Size {
		if text, err := r.Entry(i); err != nil || bytes.Contains(text, []byte(`"type":"statement"`)) {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d entries are of statements", n)
	}
}

func TestWhatIsKnownLaterIsACorrectionInTheNextMonth(t *testing.T) {
	b := newBooks(t)
	b.write(3)
	b.until(april.AddDate(0, 0, 4))
	before := b.statement(3)
	is(t, "March", said(before), "shop 700 0.7")
	text := b.texts(before)
	b.owner = "warehouse" // a rule changes
	b.write(31 + 9)
	b.until(may.AddDate(0, 0, 4))
	is(t, "April", said(b.statement(4)), "warehouse 700 0.7", "warehouse 700 0.7 corrects", "shop -700 -0.7 corrects")
	for _, l := range b.statement(4)[0].Lines {
		if l.Corrects != nil && (*l.Corrects != before[0].Index || l.Start.Month() != time.March) {
			t.Errorf("it names entry %d, of %s, and March is entry %d", *l.Corrects, l.Start, before[0].Index)
		}
	}
	if after := b.texts(b.statement(3)); !bytes.Equal(text, after) {
		t.Errorf("March was\n%s, and is\n%s", text, after)
	}
	b.until(may.AddDate(0, 1, 4))
	is(t, "May", said(b.statement(5)))
	b.verified(nil)

	// Statement and corrections together are what is known now.
	sum := map[string]*big.Int{}
	for _, parts := range [][]ledger.StatementPart{before, b.statement(4)} {
		for _, p := range parts {
			for _, l := range p.Lines {
				if l.Start.Month() == time.March && l.Owner != nil {
					key := *l.Owner + " " + l.Meter
					if sum[key] == nil {
						sum[key] = new(big.Int)
					}
					n, _ := new(big.Int).SetString(l.Count, 10)
					sum[key].Add(sum[key], n)
				}
			}
		}
	}
	now, err := b.Bills(t.Context(), april.AddDate(0, -1, 0), april)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range now.By(usage.ByOwner) {
		if key := l.Owner + " " + l.Meter.String(); l.Owner != "" && (sum[key] == nil || sum[key].Cmp(l.Count) != 0) {
			t.Errorf("%s: %s by the statements, %s is known", key, sum[key], l.Count)
		}
	}
}

// TestWhatIsKnownLaterReachesEachSealedMonth changes a rule each month: each statement corrects all before it, by what
// was corrected already, and all together are what is known at the last.
func TestWhatIsKnownLaterReachesEachSealedMonth(t *testing.T) {
	b := newBooks(t)
	b.write(3)
	b.until(april.AddDate(0, 0, 4))
	b.owner = "warehouse"
	b.write(31 + 9)
	b.until(may.AddDate(0, 0, 4))
	b.owner = "depot"
	b.until(may.AddDate(0, 1, 4))
	is(t, "May", said(b.statement(5)), "depot 700 0.7 corrects", "warehouse -700 -0.7 corrects", "depot 700 0.7 corrects", "warehouse -700 -0.7 corrects")
	b.owner = "shop" // as at the first
	b.until(may.AddDate(0, 2, 4))
	is(t, "June", said(b.statement(6)), "shop 700 0.7 corrects", "depot -700 -0.7 corrects", "shop 700 0.7 corrects", "depot -700 -0.7 corrects")
	b.until(may.AddDate(0, 3, 4))
	is(t, "July", said(b.statement(7)))
	for month, first := range map[time.Month]int64{time.March: b.statement(3)[0].Index, time.April: b.statement(4)[0].Index} {
		sum := map[string]int{}
		for _, of := range []time.Month{3, 4, 5, 6, 7} {
			for _, p := range b.statement(of) {
				for _, l := range p.Lines {
					if l.Meter != usage.IngressRecords.String() || l.Start.Month() != month {
						continue
					}
					n, _ := new(big.Int).SetString(l.Count, 10)
					sum[*l.Owner] += int(n.Int64())
					if l.Corrects != nil && *l.Corrects != first {
						t.Errorf("%s: a line corrects entry %d, and the statement is entry %d", month, *l.Corrects, first)
					}
				}
			}
		}
		if sum["shop"] != 700 || sum["warehouse"] != 0 || sum["depot"] != 0 {
			t.Errorf("%s by all statements: %v", month, sum)
		}
	}
	b.verified(nil)
}

func TestWhatIsHeldNoMoreCorrectsNothing(t *testing.T) {
	b := newBooks(t)
	b.write(3)
	b.until(april.AddDate(0, 0, 4))
	_ = b.store.Close()
	b.store = timeseries.NewMemory(timeseries.Options{Tick: tick}) // retention, or a damaged block
	t.Cleanup(func() { _ = b.store.Close() })
	b.open()
	b.write(31 + 9)
	b.until(may.AddDate(0, 0, 4))
	is(t, "April", said(b.statement(4)), "shop 1400 1.4")
}

func TestALedgerThatBeginsLaterStatesNoMonthBefore(t *testing.T) {
	b := newBooks(t)
	b.now = april.AddDate(0, 0, 5).Add(10 * time.Minute)
	at := int(b.now.Sub(begin) / tick)
	for n := at + 1; n < at+8; n++ {
		b.ends(n, int64(n))
	}
	b.until(april.AddDate(0, 0, 12))
	if got := b.statement(3); got != nil || b.log.Ends().IsZero() {
		t.Errorf("March: %q", said(got))
	}
	b.until(may.AddDate(0, 0, 4))
	if got := b.statement(4); len(got) == 0 {
		t.Error("April is not stated")
	}
}

func TestAMonthIsNotStatedTwice(t *testing.T) {
	b := newBooks(t)
	b.write(3)
	b.until(april.AddDate(0, 0, 4))
	p := ledger.Period{Start: ledger.At(b.log.Ends()), End: ledger.At(b.log.Ends().Add(24 * time.Hour))}
	again := ledger.Batch{Period: p, Closed: b.now, Final: p.End.Add(Amendable), Statement: &ledger.BillStatement{Month: ledger.MonthOf(begin)}}
	if _, err := b.log.Append(again); err == nil {
		t.Error("March is stated twice")
	}
	again.Statement.Month.End = ledger.At(april.Add(time.Hour))
	if _, err := b.log.Append(again); err == nil {
		t.Error("what is no month is stated")
	}
	b.verified(nil)
}

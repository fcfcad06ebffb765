package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(fullDiskChild) != "" {
		runFullDisk()
		return
	}
	goleak.VerifyTestMain(m)
}

var midnight = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// tempDir is a folder in memory where there is one: kills are made of copies, and a disk's syncs would only take time.
func tempDir(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "lineaged-ledger") //nolint:usetesting // that is where memory is
	if err != nil {
		return tb.TempDir()
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// hour is the k-th period of a test's ledger.
func hour(k int) Period {
	start := midnight.Add(time.Duration(k) * time.Hour)
	return Period{Start: At(start), End: At(start.Add(time.Hour))}
}

// book is a ledger under test.
type book struct {
	tb          testing.TB
	dir         string
	key         *Key
	unpublished []byte // the journal when the newest batch was appended
	*Log
}

func newKey(tb testing.TB) *Key {
	tb.Helper()
	for {
		key, err := OpenKey(filepath.Join(tempDir(tb), "ledger.key"), true)
		if err != nil {
			tb.Fatal(err)
		}
		if hash := strings.Split(key.Public, "+")[1]; strings.ToUpper(hash) != hash {
			return key // one that can be spelled otherwise
		}
	}
}

func newBook(tb testing.TB) *book {
	tb.Helper()
	b := &book{tb: tb, dir: filepath.Join(tempDir(tb), "ledger"), key: newKey(tb)}
	b.reopen()
	tb.Cleanup(func() { _ = b.Close() })
	return b
}

func (b *book) reopen() {
	b.tb.Helper()
	if b.Log != nil {
		_ = b.Close()
	}
	var err error
	if b.Log, err = Open(b.dir, b.key); err != nil {
		b.tb.Fatal(err)
	}
}

// amendable is for how long an hour can be amended.
const amendable = 4 * time.Hour

// said1 is what is said of an hour.
func said1(k int, usage ...Usage) Batch {
	p := hour(k)
	return Batch{
		Period: p, Closed: p.End.Add(2 * time.Minute), Final: p.End.Add(amendable), Program: "test", Usage: usage,
		Sources: map[string]string{"rules": fmt.Sprint(k / 5)}, Coverage: []Coverage{{Cluster: "west", Complete: true, Observed: 1e6}, {Cluster: "east", Observed: 5e5, GapCount: 1, Gaps: []Gap{{End: p.End, Start: p.Start, Reason: "gone", Source: "east"}}}},
	}
}

// amendment is said of hour k two hours after it was closed.
func amendment(k int, usage ...Usage) Batch {
	b := said1(k, usage...)
	b.Amendment, b.Coverage, b.Closed = true, nil, b.Closed.Add(2*time.Hour)
	return b
}

func use(topic, operation, node string, records int64) Usage {
	active, host, principal := true, "10.1.2."+fmt.Sprint(records%200), "User:"+node
	return Usage{
		Active: &active, Records: &records, Topic: "topic:" + topic, Operation: operation, Node: "application:prod/" + node, Observed: 1e6, ClientCount: 1,
		Clients:  []Client{{ClientID: &node, Host: &host, Kind: "CONNECTION", Principal: &principal}},
		Evidence: []Evidence{{Kind: "COMMITTED_OFFSETS", Since: At(midnight)}}, Tags: []string{"pii"},
	}
}

// administered is that a topic was changed so many minutes into an hour; empty: its cluster was.
func administered(k, minute int, topic, who string) Administration {
	host, operation, resource := "10.9.9.9", "ALTER_CONFIGS", "Cluster"
	a := Administration{At: At(hour(k).Start.Add(time.Duration(minute) * time.Minute)), Cluster: "west", Host: &host, Name: "kafka-cluster", Operation: &operation, Principal: &who, Resource: &resource, Times: 1}
	if topic != "" {
		resource = "Topic"
		a.Topic = "topic:" + topic
		a.Cluster, a.Name, _ = strings.Cut(topic, "/")
	}
	return a
}

func (b *book) append(batch Batch) Checkpoint {
	b.tb.Helper()
	c, err := b.Append(batch)
	if err == nil {
		b.unpublished, err = os.ReadFile(filepath.Join(b.dir, journalFile))
	}
	if err == nil {
		err = b.Publish()
	}
	if err != nil {
		b.tb.Fatal(err)
	}
	return c
}

// roomOf is a room with entries as they are.
func roomOf(tb testing.TB, entries ...[]byte) *room {
	tb.Helper()
	r := &room{}
	r.begin(0)
	for _, e := range entries {
		if err := r.add(e); err != nil {
			tb.Fatal(err)
		}
	}
	r.cut()
	return r
}

// shop fills a ledger with hours of a shop: west/orders each hour, others now and then, and from the third hour on
// amendments and withdrawals of the hour two before.
func (b *book) shop(hours int) {
	b.tb.Helper()
	for k := range hours {
		batch := said1(
			k, use("west/orders", Write, "shop", int64(1000+k)), use("west/orders", Read, "bill", int64(900+k)), use("west/orders", Read, "ship", int64(k)),
			use("west/alpha", Write, "shop", 1), use("east/zeta", Read, "bill", 7),
		)
		for i := range 20 {
			batch.Usage = append(batch.Usage, use(fmt.Sprintf("west/t%03d", i*7+k), Write, "gen", int64(i)))
		}
		batch.Administered = []Administration{
			administered(k, 40, "west/orders", "User:ann"), administered(k, 10, "west/orders", "User:ann"), administered(k, 20, "west/orders", "User:bob"), administered(k, 30, "", "User:ann"),
			administered(k, 5, "east/rules", "User:eve"),
		}
		b.append(batch)
		if k >= 3 && k%3 == 0 {
			b.amendShop(k - 2)
		}
	}
}

func (b *book) amendShop(k int) {
	b.tb.Helper()
	is := b.account(k)
	a := amendment(k)
	a.Sources = said1(k + 2).Sources // which it is closed after
	for i := range is.Statements {
		s := &is.Statements[i]
		switch {
		case s.Topic != "topic:west/orders":
		case s.Node == "application:prod/ship":
			a.Withdrawals = append(a.Withdrawals, Withdrawal{Amends: s.Index, Node: s.Node, Operation: s.Operation, Topic: s.Topic})
		case s.Operation == Write:
			u := use("west/orders", Write, "shop", *s.Records+5)
			u.Amends = &s.Index
			a.Usage = append(a.Usage, u)
		}
	}
	a.Usage = append(a.Usage, use("west/late", Write, "shop", 3))
	a.Administered = []Administration{administered(k, 50, "west/orders", "User:late"), administered(k, 50, "west/created", "User:late")}
	b.append(a)
}

// account is what the ledger says of an hour.
func (b *book) account(k int) *Account {
	b.tb.Helper()
	_, read, err := b.Reader().Accounts(midnight)
	if err != nil {
		b.tb.Fatal(err)
	}
	is, err := read(hour(k))
	if err != nil {
		b.tb.Fatal(err)
	}
	return is
}

// bundle writes the bundle of a topic.
func (b *book) bundle(topic string, start, end time.Time) []byte {
	b.tb.Helper()
	found, err := b.Reader().Bundle("topic:"+topic, start, end)
	if err != nil {
		b.tb.Fatal(err)
	}
	var out bytes.Buffer
	if n, err := found.WriteTo(&out); err != nil || n != int64(out.Len()) {
		b.tb.Fatalf("%d bytes of %d: %v", n, out.Len(), err)
	}
	return out.Bytes()
}

// files reads a folder into memory.
func files(tb testing.TB, dir string) map[string][]byte {
	tb.Helper()
	out := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		out[filepath.ToSlash(name)], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// folder writes files into a new folder.
func folder(tb testing.TB, of map[string][]byte) string {
	tb.Helper()
	dir := tempDir(tb)
	for name, data := range of {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}

func compact(tb testing.TB, v any) string {
	tb.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return string(out)
}

package headers

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/lineage"
)

// peeks makes the source look into one of so many batches.
func (w *world) peeks(every int) {
	w.records = &Records{Topics: []*regexp.Regexp{regexp.MustCompile("^orders$")}, Header: "app", Every: every}
	w.start()
}

// bears writes one batch whose records bear names; "" none.
func (w *world) bears(cl *kgo.Client, names ...string) {
	w.Helper()
	var records []*kgo.Record
	for _, name := range names {
		r := &kgo.Record{Topic: "orders", Key: []byte("canary-key app"), Value: []byte("app canary-value"), Headers: []kgo.RecordHeader{{Key: "canary-header", Value: []byte("canary-content")}}}
		if name != "" {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: "app", Value: []byte(name)})
		}
		records = append(records, r)
	}
	if err := cl.ProduceSync(w.Context(), records...).FirstErr(); err != nil {
		w.Fatal(err)
	}
}

// links are the links as they stand.
func (w *world) links() string {
	var all []string
	for k, level := range w.rec.totals {
		if k.metric != lineage.Linked || level == 0 {
			continue
		}
		c := k.access.Client
		who := c.TransactionalID
		if c.Producer != 0 {
			who = "producer id"
		}
		all = append(all, c.ClientID+" is "+who)
	}
	return strings.Join(all, ", ")
}

func (w *world) wantLinks(want string) {
	w.Helper()
	if got := w.links(); got != want {
		w.Errorf("links are %q, want %q", got, want)
	}
}

// claimed is what a name was told to have written.
func (w *world) claimed(name string) int64 {
	return w.rec.sums[key{lineage.Access{Topic: w.topic("orders"), Op: lineage.Write, Client: lineage.Client{ClientID: name}}, lineage.Claimed}]
}

// A producer id is the one name's that its records bear, in whatever codec, and who writes without idempotence is
// counted by name where all batches are looked into. Nothing else of a record is told.
func TestNames(t *testing.T) {
	for name, codec := range map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "orders")
			w.peeks(1)
			pack := kgo.ProducerBatchCompression(codec)
			plain, named, txn := w.client(pack, kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.LeaderAck())), w.client(pack), w.client(pack, kgo.TransactionalID("tx"))
			w.look()
			w.bears(named, "billing", "billing", "")
			w.bears(plain, "feed", "feed", "other", "")
			if err := txn.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
			w.bears(txn, "ledger")
			if err := txn.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
				t.Fatal(err)
			}
			w.look()
			w.wantMissing("orders", "")
			for _, link := range []string{"billing is producer id", "ledger is tx"} {
				if !strings.Contains(w.links(), link) {
					t.Errorf("links are %s", w.links())
				}
			}
			w.want("feed", w.claimed("feed"), 2)
			w.want("other", w.claimed("other"), 1)
			w.want("without idempotence", w.own(lineage.Left), 4)
			if got := fmt.Sprintf("%+v %+v", w.rec, w.rec.last); strings.Contains(got, "canary") {
				t.Errorf("what is in a record is told: %s", got)
			}
		})
	}
}

// Who bears several names is nobody's, also where that is seen later or after a restart, and does not become somebody's
// again.
func TestSeveralNames(t *testing.T) {
	w := newWorld(t, "orders")
	w.peeks(1)
	gateway := w.client()
	w.look()
	w.bears(gateway, "a", "a")
	w.look()
	w.wantLinks("a is producer id")
	w.bears(gateway, "b")
	w.start()
	w.look()
	w.wantLinks("")
	w.bears(gateway, "a")
	w.start()
	w.look()
	w.wantLinks("")
	if got := w.blind(); !strings.Contains(got, "bear several names") {
		t.Errorf("blind spots: %s", got)
	}
}

// Of one of so many batches: each producer id's first, and who writes without idempotence is seen to and not counted.
func TestSampledNames(t *testing.T) {
	w := newWorld(t, "orders")
	w.peeks(5)
	plain := w.plain()
	w.look()
	for i := range 3 {
		cl := w.client()
		w.bears(cl, fmt.Sprint("app-", i))
	}
	for range 20 {
		w.bears(plain, "feed")
	}
	w.look()
	for i := range 3 {
		if link := fmt.Sprintf("app-%d is producer id", i); !strings.Contains(w.links(), link) {
			t.Errorf("links are %s, want %s", w.links(), link)
		}
	}
	w.want("feed", w.claimed("feed"), 0)
	if len(w.rec.sightings) != 1 || w.rec.sightings[0].Access.Client.ClientID != "feed" || !strings.Contains(w.rec.sightings[0].Detail, "20 % of the batches") {
		t.Errorf("sightings: %+v", w.rec.sightings)
	}
	w.want("counted", w.own(lineage.Left), 20)
}

// What is no name is passed, and said.
func TestOddNames(t *testing.T) {
	w := newWorld(t, "orders")
	w.peeks(1)
	plain := w.plain()
	w.look()
	w.bears(plain, strings.Repeat("x", 257), "\xff\xfe", " \t", "a\nb", " good ")
	w.look()
	w.want("good", w.claimed("good"), 1)
	for k := range w.rec.totals {
		if k.metric == lineage.Claimed && k.access.Client.ClientID != "good" {
			t.Errorf("%q is a name", k.access.Client.ClientID)
		}
	}
	if got := w.blind(); !strings.Contains(got, "that are no names") {
		t.Errorf("blind spots: %s", got)
	}
}

// One topic can bear no more names than are kept, and what bears none is counted as before.
func TestManyNames(t *testing.T) {
	w := newWorld(t, "orders")
	w.peeks(1)
	plain := w.plain()
	w.look()
	for range 3 {
		var names []string
		for i := range 150 {
			names = append(names, fmt.Sprintf("%d-%d", len(w.rec.totals), i))
		}
		w.bears(plain, names...)
		w.look()
	}
	n := 0
	for k := range w.rec.totals {
		if k.metric == lineage.Claimed {
			n++
		}
	}
	if n != mostApps {
		t.Errorf("%d names are counted, want %d", n, mostApps)
	}
	w.want("counted", w.own(lineage.Left), 450)
}

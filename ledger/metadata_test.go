package ledger

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestWhatWasEditedIsInItsBatch(t *testing.T) {
	b := newBook(t)
	by, key, at := "anna@example.org", "cost-center", At(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	batch := said1(0, use("west/orders", Read, "shop", 1))
	batch.Sources["catalog"] = "1"
	batch.Metadata = []Metadata{
		{At: at, By: &by, Edit: 1, Field: "tags", Node: "topic:west/orders", After: []string{"pii", "gdpr"}},
		{At: at, Edit: 2, Field: "contact", Node: "topic:west/orders", Before: []string{by}, After: []string{"ben@example.org"}},
		{At: at, Edit: 3, Field: "property", Key: &key, Node: "topic:west/orders", Before: []string{"4711"}},
		{At: at, Edit: 4, Field: "tags", Node: "topic:west/orders", Before: []string{"pii", "gdpr"}, After: []string{}},
	}
	given := compact(t, batch)
	b.append(batch)
	if compact(t, batch) != given {
		t.Error("the caller's batch was changed")
	}
	all := of[Metadata](b, typeMetadata)
	if len(all) != 4 || !slices.Equal(all[0].After, []string{"pii", "gdpr"}) || all[0].Before != nil || all[1].By != nil || *all[2].Key != key || all[2].After != nil {
		t.Fatalf("%+v", all)
	}
	if all[3].After == nil || len(all[3].After) != 0 {
		t.Errorf("that there are none became %#v", all[3].After)
	}
	// Persons are commitments, one value one commitment.
	if !strings.HasPrefix(*all[0].By, commitmentPrefix) || all[1].Before[0] != *all[0].By || !strings.HasPrefix(all[1].After[0], commitmentPrefix) {
		t.Errorf("persons stand as %q, %+v", *all[0].By, all[1])
	}
	for _, e := range entriesIn(t, b.Log) {
		if strings.Contains(e, "example.org") {
			t.Errorf("a person stands in the clear in %s", e)
		}
	}
	// A whole directory of another type of entry does not confuse who reads the period.
	if is := b.account(0); len(is.Statements) != 1 {
		t.Errorf("%d statements", len(is.Statements))
	}
	if _, err := Verify(os.DirFS(b.dir), "", nil); err != nil {
		t.Error(err)
	}
	var found []string
	for d, err := range b.Reader().Digests("catalog") {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, d)
	}
	if !slices.Equal(found, []string{"1"}) {
		t.Errorf("the digests are %q", found)
	}
}

// FuzzMetadata: what is written is read back, whatever the texts.
func FuzzMetadata(f *testing.F) {
	f.Add("a", "b\n\"\u2028", int64(1))
	f.Fuzz(func(t *testing.T, node, text string, edit int64) {
		m := Metadata{Node: node, After: []string{text}, Edit: edit, Field: "owner", Type: typeMetadata, V: version}
		line, err := canonical(m)
		if err != nil {
			t.Fatal(err)
		}
		var back Metadata
		if err := readAs(line, typeMetadata, &back); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if !json.Valid(line) || back.Edit != edit {
			t.Fatalf("%s becomes %+v", line, back)
		}
	})
}

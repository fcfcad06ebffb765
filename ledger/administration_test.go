package ledger

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestWhoAdministeredIsInItsBatch(t *testing.T) {
	b := newBook(t)
	text := func(s string) *string { return &s }
	at := At(time.Date(2026, 3, 1, 0, 30, 0, 0, time.UTC))
	batch := said1(0, use("west/orders", Read, "shop", 1))
	batch.Administered = []Administration{
		{At: At(at.Add(time.Minute)), Cluster: "west", Name: "west", Times: 7},
		{At: at, Cluster: "west", Host: text("10.0.0.7"), Logged: &at, Name: "orders", Operation: text("DELETE"), Principal: text("User:ann"), Request: text("DeleteTopics"), Resource: text("Topic"), Times: 2},
		{At: at, Cluster: "west", Name: strings.Repeat("x", 5000), Operation: text("ALTER"), Principal: text(strings.Repeat("y", 5000)), Resource: text("Group"), Times: 1},
	}
	given := compact(t, batch)
	b.append(batch)
	if compact(t, batch) != given {
		t.Error("the caller's batch was changed")
	}
	all := of[Administration](b, typeAdministration)
	if len(all) != 3 || *all[0].Operation != "DELETE" || all[2].Times != 7 || all[2].Principal != nil || len(all[1].Name) != mostText {
		t.Fatalf("%+v", all)
	}
	if p := *all[0].Principal; !strings.HasPrefix(p, commitmentPrefix) || !strings.HasPrefix(*all[0].Host, commitmentPrefix) {
		t.Errorf("a person stands as %q", p)
	}
	for _, e := range entriesIn(t, b.Log) {
		if strings.Contains(e, "User:ann") || strings.Contains(e, "10.0.0.7") {
			t.Errorf("a person stands in the clear in %s", e)
		}
	}
	if is := b.account(0); len(is.Statements) != 1 {
		t.Errorf("%d statements", len(is.Statements))
	}
	late := amendment(0)
	late.Administered = []Administration{{At: at, Cluster: "west", Name: "payments", Operation: text("CREATE"), Principal: text("User:ann"), Resource: text("Topic"), Times: 1}}
	b.append(late)
	b.append(said1(1))
	said, err := b.Reader().Administrations(hour(0))
	if err != nil || len(said) != 4 || *said[0].Principal != "User:ann" || said[0].Name != "payments" {
		t.Errorf("%+v %v", said, err)
	}
	if said, err := b.Reader().Administrations(hour(1)); err != nil || len(said) != 0 {
		t.Errorf("%+v %v", said, err)
	}
	if _, err := Verify(os.DirFS(b.dir), "", nil); err != nil {
		t.Error(err)
	}
	b.bundle("topic:west/orders", hour(0).Start.Time, hour(0).End.Time) // which is as whole without
}

package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestWithin reads a part of the ledger: each period once, as it was amended, and of it what is asked for.
func TestWithin(t *testing.T) {
	b := newBook(t)
	b.shop(30)
	all, read, err := b.Reader().Accounts(time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for name, only := range map[string]Only{
		"all":            {Keep: func(*Usage) bool { return true }},
		"a topic":        {Topic: "topic:west/orders", Keep: func(*Usage) bool { return true }},
		"no topic":       {Topic: "topic:west/nothing", Keep: func(*Usage) bool { return true }},
		"a tag":          {Text: Text("pii"), Keep: func(u *Usage) bool { return slices.Contains(u.Tags, "pii") }},
		"no tag":         {Text: Text("pi"), Keep: func(u *Usage) bool { return slices.Contains(u.Tags, "pi") }},
		"few records":    {Keep: func(u *Usage) bool { return *u.Records < 30 }},
		"a cluster":      {Text: `"topic:west/`, Keep: func(u *Usage) bool { return strings.HasPrefix(u.Topic, "topic:west/") }},
		"what is no use": {Keep: func(*Usage) bool { return false }},
	} {
		var want, got []string
		for _, p := range all[10:20] {
			is, err := read(p)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, fmt.Sprint(p, is.Final, len(is.Coverage)))
			for i := range is.Statements {
				if s := &is.Statements[i]; (only.Topic == "" || only.Topic == s.Topic) && only.Keep(&s.Usage) {
					want = append(want, fmt.Sprint(s.Index, s.Topic, s.Node, *s.Records, *s.Clients[0].Principal))
				}
			}
		}
		err := b.Reader().Within(t.Context(), all[10].Start.Add(time.Minute), all[19].End.Add(-time.Minute), only, func(a *Account) error {
			got = append(got, fmt.Sprint(a.Period, a.Final, len(a.Coverage)))
			for _, s := range a.Statements {
				got = append(got, fmt.Sprint(s.Index, s.Topic, s.Node, *s.Records, *s.Clients[0].Principal))
			}
			return nil
		})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	from, until, err := b.Reader().Closed(t.Context(), all[10].Start.Add(time.Minute), all[19].End.Add(-time.Minute))
	if err != nil || !from.Equal(all[10].Start.Time) || !until.Equal(all[19].End.Time) {
		t.Errorf("%s %s %v", from, until, err)
	}
	if _, _, err := b.Reader().Closed(t.Context(), all[29].End.Time, all[29].End.Add(time.Hour)); !errors.Is(err, ErrNothing) {
		t.Errorf("after the last: %v", err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	everything := Only{Keep: func(*Usage) bool { return true }}
	if err := b.Reader().Within(ended, all[0].Start.Time, all[29].End.Time, everything, func(*Account) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waits for it: %v", err)
	}
	stop := errors.New("stop")
	if err := b.Reader().Within(t.Context(), all[0].Start.Time, all[29].End.Time, everything, func(*Account) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
}

// TestWithinAnAmendedTag leaves out what an amendment says bears the tag no more, and has what now bears it.
func TestWithinAnAmendedTag(t *testing.T) {
	b := newBook(t)
	tagged, bare := use("west/orders", Read, "billing", 5), use("west/orders", Read, "mailer", 7)
	bare.Tags = nil
	b.append(said1(0, tagged, bare))
	only := Only{Text: Text("pii"), Keep: func(u *Usage) bool { return slices.Contains(u.Tags, "pii") }}
	f := func(want string) {
		t.Helper()
		err := b.Reader().Within(t.Context(), hour(0).Start.Time, hour(0).End.Time, only, func(a *Account) error {
			if len(a.Statements) != 1 || a.Statements[0].Node != "application:prod/"+want {
				t.Errorf("%+v, want %s", a.Statements, want)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	f("billing")
	_, read, err := b.Reader().Accounts(time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	is, err := read(hour(0))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range is.Statements {
		for _, u := range []*Usage{&tagged, &bare} {
			if u.Node == s.Node {
				u.Amends = &s.Index
			}
		}
	}
	tagged.Tags, bare.Tags = nil, []string{"pii"}
	b.append(amendment(0, tagged, bare))
	f("mailer")
}

package deadletter_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/deadletter"
)

var t0 = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func TestLettersAreKept(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "openlineage")
	b := deadletter.New(folder)
	add := func(at time.Duration, job string) {
		t.Helper()
		if err := b.Add(deadletter.Letter{At: t0.Add(at), Address: "10.1.2.3", Index: -1, Pointer: "/eventTime", Why: "is missing", Namespace: "ns", Job: job}); err != nil {
			t.Fatal(err)
		}
	}
	said := func(now time.Time) (out string) {
		t.Helper()
		all, err := deadletter.Read(folder, now)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range all {
			out += fmt.Sprintf("%s %s %d more; ", l.At.Sub(t0), l.Job, l.More)
		}
		return out
	}
	if got := said(t0); got != "" {
		t.Errorf("of a folder that is not there: %s", got)
	}
	add(0, "a")
	add(time.Second, "b")
	for n := range 30 {
		add(time.Duration(2+n)*time.Second, "a")
	}
	add(70*time.Second, "a")
	if got, want := said(t0.Add(time.Hour)), "0s a 0 more; 1s b 0 more; 1m10s a 30 more; "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	f, err := os.OpenFile(filepath.Join(folder, "dead-letters"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.WriteString(`{"at":"2026-11-28T12:0`)
	_ = f.Close()
	if got := said(t0.Add(7*24*time.Hour + time.Second/2)); got != "1s b 0 more; 1m10s a 30 more; " {
		t.Errorf("a week later, and of a line that was cut short: %s", got)
	}
	if removed, err := deadletter.Remove(folder); err != nil || !removed || said(t0) != "" {
		t.Errorf("removed: %v, %v", removed, err)
	}
}

// What is older than a week is taken off the disk with the next letter, from both files, and leaves the others there.
func TestOldLettersLeaveTheDisk(t *testing.T) {
	folder := t.TempDir()
	b := deadletter.New(folder)
	add := func(at time.Duration, job string) {
		t.Helper()
		if err := b.Add(deadletter.Letter{At: t0.Add(at), Why: "is missing", Job: job}); err != nil {
			t.Fatal(err)
		}
	}
	const day = 24 * time.Hour
	holds := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		out := ""
		for _, job := range []string{"first", "second", "third", "fourth", "\x00"} {
			if strings.Contains(string(text), job) {
				out += job + " "
			}
		}
		return out
	}
	add(0, "first")
	add(day, "second")
	if err := os.Rename(filepath.Join(folder, "dead-letters"), filepath.Join(folder, "dead-letters.old")); err != nil {
		t.Fatal(err)
	}
	add(2*day, "third")
	f, err := os.OpenFile(filepath.Join(folder, "dead-letters"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.WriteString("\x00\x00{\n")
	_ = f.Close()
	b = deadletter.New(folder)
	for _, x := range []struct {
		at       time.Duration
		job      string
		old, new string
	}{
		{6 * day, "fourth", "first second ", "third fourth \x00 "},
		{7*day + 2*time.Hour, "other", "second ", "third fourth \x00 "},
		{8*day + 2*time.Hour, "other", "", "third fourth \x00 "},
		{9*day + 2*time.Hour, "other", "", "fourth "},
		{20 * day, "last", "", ""},
	} {
		if add(x.at, x.job); holds("dead-letters.old") != x.old || holds("dead-letters") != x.new {
			t.Errorf("after %s: %q and %q, want %q and %q", x.at, holds("dead-letters.old"), holds("dead-letters"), x.old, x.new)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "dead-letters.old")); !os.IsNotExist(err) {
		t.Errorf("the emptied file is left: %v", err)
	}
	if all, err := deadletter.Read(folder, t0.Add(20*day)); err != nil || len(all) != 1 || all[0].Job != "last" {
		t.Errorf("left are %+v, %v", all, err)
	}
}

func TestLettersAreBounded(t *testing.T) {
	folder := t.TempDir()
	b := deadletter.New(folder)
	for n := range 3000 {
		if err := b.Add(deadletter.Letter{At: t0.Add(time.Duration(n) * time.Second), Why: strings.Repeat("x", 500), Job: fmt.Sprint(n)}); err != nil {
			t.Fatal(err)
		}
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	size := int64(0)
	for _, f := range files {
		is, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		if size += is.Size(); is.Mode().Perm() != 0o600 {
			t.Errorf("%s may be read by others: %s", f.Name(), is.Mode())
		}
	}
	all, err := deadletter.Read(folder, t0.Add(time.Hour))
	if err != nil || size > 1<<20 || len(files) != 2 || len(all) < 800 || all[len(all)-1].Job != "2999" {
		t.Errorf("%d letters in %d bytes of %d files, %v", len(all), size, len(files), err)
	}
}

package ledger

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// python is a script that has not a line of this package, and knows no more than docs/format/ledger.md.
func python(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err == nil {
		return path
	}
	if ci := os.Getenv("CI"); ci != "" && ci != "0" && ci != "false" {
		t.Fatal(err)
	}
	t.Skip("python3 is not here: bundles are not verified by a second implementation")
	return ""
}

// TestSecondImplementation holds what VerifyBundle says of bundles, of changed ones, and of some that the key's holder
// changed and signed, against what the script says of them.
func TestSecondImplementation(t *testing.T) {
	py := python(t)
	b, bundle := shopBundle(t)
	cases := map[string][]byte{"the bundle": bundle}
	for k, topic := range []string{"west/orders", "west/late", "west/none", "east/zeta", "north/none", "zzz", "א"} {
		cases[topic+" early"] = b.bundle(topic, midnight.AddDate(-1, 0, 0), hour(2).End.Time)
		cases[topic+" late"] = b.bundle(topic, hour(28).Start.Time, midnight.AddDate(1, 0, 0))
		cases[topic+" some"] = b.bundle(topic, hour(9+k).Start.Time, hour(10+k).End.Time)
	}
	if ok, err := b.Erase("User:shop"); !ok || err != nil {
		t.Fatal(ok, err)
	}
	cases["erased"] = b.bundle("west/orders", hour(10).Start.Time, hour(10).End.Time)
	whole := open(t, bundle)
	for i := range whole.lines {
		o := whole.clone()
		o.lines = slices.Delete(o.lines, i, i+1)
		cases[fmt.Sprint("signed without line ", i)] = o.sealed(t, b.key)
		o = whole.clone()
		o.lines = slices.Insert(o.lines, i, o.lines[i])
		cases[fmt.Sprint("signed with line twice ", i)] = o.sealed(t, b.key)
	}
	for k, change := range []func(*head){
		func(h *head) { h.Topic = "topic:west/alpha" },
		func(h *head) { h.Topic = "topic:east/orders" },
		func(h *head) { h.Window.Start = hour(9).Start },
		func(h *head) { h.Window.Start = hour(11).Start },
		func(h *head) { h.Window.End = hour(13).End },
		func(h *head) { h.Window.End = hour(11).End },
		func(h *head) { h.Window.End = At(h.Window.End.Add(-1e6)) }, // the same hours: it verifies
		func(h *head) { h.Version = 2 },
		func(h *head) { h.Key = strings.ToUpper(h.Key) },
	} {
		o := whole.clone()
		change(&o.head)
		cases[fmt.Sprint("signed head ", k)] = o.sealed(t, b.key)
	}
	small := b.bundle("west/alpha", hour(29).Start.Time, hour(29).End.Time)
	draw := rand.New(rand.NewPCG(9, 9))
	for i := range 150 {
		cases[fmt.Sprint("edited ", i)] = edit(draw, small)
		cases[fmt.Sprint("lines ", i)] = editLines(draw, small)
	}
	dir := tempDir(t)
	args := []string{"testdata/verify.py", "--key", b.key.Public}
	var names []string
	for name, data := range cases {
		path := filepath.Join(dir, fmt.Sprint(len(names)))
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		names, args = append(names, name), append(args, path)
	}
	out, _ := exec.CommandContext(t.Context(), py, args...).CombinedOutput() // it ends with 1 where one is bad
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(names) {
		t.Fatalf("%d lines for %d bundles: %s", len(lines), len(names), out)
	}
	good := 0
	for i, name := range names {
		_, err := VerifyBundle(bytes.NewReader(cases[name]), b.key.Public)
		if ok := strings.HasPrefix(lines[i], "ok "); ok != (err == nil) {
			t.Errorf("%s: the script says %q, and VerifyBundle %v", name, lines[i], err)
		}
		if err == nil {
			good++
		}
	}
	if good < 23 || good > len(cases)/2 {
		t.Errorf("%d of %d verify", good, len(cases))
	}
}

// TestPythonWritesTheSame holds the canonical form against Python's json.dumps.
func TestPythonWritesTheSame(t *testing.T) {
	py := python(t)
	b := newBook(t)
	b.shop(4)
	entries := entriesIn(t, b.Log)
	draw := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		text := make([]rune, draw.IntN(20))
		for i := range text {
			text[i] = []rune{rune(draw.IntN(0x80)), rune(draw.IntN(0x3000)), rune(draw.IntN(0x20000))}[draw.IntN(3)]
		}
		data, err := canonical(Withdrawal{Node: string(text), Amends: draw.Int64() - draw.Int64()})
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, string(data))
	}
	cmd := exec.CommandContext(t.Context(), py, "-c", `
import json, sys
for line in sys.stdin.buffer:
    x = json.loads(line)
    sys.stdout.buffer.write(json.dumps(x, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n")
`)
	in := strings.Join(entries, "\n") + "\n"
	cmd.Stdin = strings.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if string(out) != in {
		for i, line := range strings.Split(string(out), "\n") {
			if i < len(entries) && line != entries[i] {
				t.Fatalf("%s is %s by Python", entries[i], line)
			}
		}
		t.Fatal("Python writes other lines")
	}
}

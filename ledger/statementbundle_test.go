package ledger

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func statementBundle(tb testing.TB, l *Log, month Period) []byte {
	tb.Helper()
	b, err := l.Reader().StatementBundle(month)
	if err != nil {
		tb.Fatal(err)
	}
	var out bytes.Buffer
	if n, err := b.WriteTo(&out); err != nil || n != int64(out.Len()) {
		tb.Fatal(n, err)
	}
	return out.Bytes()
}

// resealed puts lines together under a head, signed by the ledger's key: what its holder could make.
func resealed(tb testing.TB, l *Log, h statementHead, lines [][]byte) []byte {
	tb.Helper()
	h.Lines = len(lines)
	text, err := canonical(h)
	if err != nil {
		tb.Fatal(err)
	}
	out := append(text, '\n')
	for _, x := range lines {
		out = append(out, x...)
	}
	sum := sha256.New()
	sum.Write(out)
	signature, err := l.key.sign(sealed(statementFormat, sum))
	if err != nil {
		tb.Fatal(err)
	}
	last, err := canonical(seal{string(signature)})
	if err != nil {
		tb.Fatal(err)
	}
	return append(append(out, last...), '\n')
}

// TestStatementBundle holds what a bundle of a month's statement proves, and that this program and the script find the
// same wrong: what was changed, and what the key's holder put together otherwise.
func TestStatementBundle(t *testing.T) {
	l, _ := booked(t)
	whole := statementBundle(t, l, march)
	p, err := VerifyStatement(bytes.NewReader(whole), l.Public())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, part := range p.Parts {
		n += len(part.Lines)
	}
	if n != 500 || p.Month != march || len(p.Parts) < 2 || p.Fingerprint != Fingerprint(l.Public()) || !IsStatementBundle(whole) {
		t.Errorf("%d lines in %d parts of %v", n, len(p.Parts), p.Month)
	}
	if _, err := l.Reader().StatementBundle(MonthOf(march.Start.Add(-time.Hour))); !errors.Is(err, ErrNothing) {
		t.Errorf("of a month without one: %v", err)
	}
	if _, err := VerifyBundle(bytes.NewReader(whole), ""); err == nil {
		t.Error("it passes for the bundle of a topic")
	}
	april := statementBundle(t, l, MonthOf(march.End.Time))
	all := bytes.SplitAfter(whole, []byte("\n"))
	parts := all[1 : len(all)-2]
	h := statementHead{}
	if err := read(bytes.TrimSuffix(all[0], []byte("\n")), &h); err != nil {
		t.Fatal(err)
	}
	moved, ofApril := h, h
	moved.Version, ofApril.Month = 2, MonthOf(march.End.Time)
	cases := map[string][]byte{
		"whole": whole, "april": april, "resealed": resealed(t, l, h, parts),
		"version": resealed(t, l, moved, parts), "of april": resealed(t, l, ofApril, parts), "the first is missing": resealed(t, l, h, parts[1:]),
		"the last is missing": resealed(t, l, h, parts[:len(parts)-1]), "none": resealed(t, l, h, nil), "doubled": resealed(t, l, h, append(slices.Clone(parts), parts[0])),
		"swapped": resealed(t, l, h, [][]byte{parts[1], parts[0]}), "with april": resealed(t, l, h, append(slices.Clone(parts), bytes.SplitAfter(april, []byte("\n"))[1])),
		"torn": whole[:len(whole)-1], "empty": nil, "cost": bytes.Replace(whole, []byte(`"cost":"0.7"`), []byte(`"cost":"0.6"`), 1),
	}
	draw := rand.New(rand.NewPCG(3, 3))
	for i := range 40 {
		if e := edit(draw, april); !bytes.Equal(e, april) {
			cases[fmt.Sprint("edited ", i)] = e
		}
	}
	good := map[string]bool{"whole": true, "april": true, "resealed": true}
	dir, names, args := t.TempDir(), []string(nil), []string{"testdata/verify.py", "--key", l.Public()}
	for name, data := range cases {
		if _, err := VerifyStatement(bytes.NewReader(data), l.Public()); (err == nil) != good[name] {
			t.Errorf("%s: %v", name, err)
		}
		path := filepath.Join(dir, fmt.Sprint(len(names)))
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		names, args = append(names, name), append(args, path)
	}
	if _, err := VerifyStatement(bytes.NewReader(whole), newKey(t).Public); err == nil {
		t.Error("it verifies by another key")
	}
	out, _ := exec.CommandContext(t.Context(), python(t), args...).CombinedOutput() // it ends with 1 where one is bad
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(names) {
		t.Fatalf("%s", out)
	}
	for i, name := range names {
		if strings.HasPrefix(lines[i], "ok ") != good[name] {
			t.Errorf("%s: the script says %q", name, lines[i])
		}
	}
}

package recordbatch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// record returns a record as a producer makes it; headers are names and values in turn, "-" a null.
func record(key, value string, headers ...string) []byte {
	field := func(b []byte, s string) []byte {
		if s == "-" {
			return binary.AppendVarint(b, -1)
		}
		return append(binary.AppendVarint(b, int64(len(s))), s...)
	}
	b := binary.AppendVarint(binary.AppendVarint([]byte{0}, 17), 3)
	b = binary.AppendVarint(field(field(b, key), value), int64(len(headers)/2))
	for _, h := range headers {
		b = field(b, h)
	}
	return append(binary.AppendVarint(nil, int64(len(b))), b...)
}

func told(in []byte, n int32) (string, error) {
	var out []string
	err := Values(in, n, []string{"app", "trace"}, func(record int, delta int64, name int, value []byte) {
		out = append(out, fmt.Sprintf("%d+%d %d %s", record, delta, name, value))
	})
	return strings.Join(out, ", "), err
}

// Only headers of the names that are asked for are given, of each record.
func TestValues(t *testing.T) {
	in := slices.Concat(
		record("app", "trace", "other", "secret", "app", "billing"), record("-", "-"), record("k", strings.Repeat("v", 1000), "trace", "-", "app", "", "apps", "x"),
	)
	got, err := told(in, 3)
	if want := "0+17 0 billing, 2+17 1 , 2+17 0 "; got != want || err != nil {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

func TestWhatAreNoRecords(t *testing.T) {
	f := func(name string, in []byte, n int32) {
		t.Helper()
		if got, err := told(in, n); !errors.Is(err, ErrRecord) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	one := record("k", "v", "app", "billing")
	f("cut off", one[:len(one)-1], 1)
	f("more than it has", one, 2)
	f("fewer than it has", slices.Concat(one, one), 1)
	f("2^31 records", one, 1<<31-1)
	f("a length below zero", []byte{1}, 1)
	f("a length that is none", []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 1)
	f("empty", []byte{0}, 1)
	broken := slices.Clone(one)
	broken[4] = 0x7f // its key is longer than all of it
	f("a key that goes beyond it", broken, 1)
}

// It always ends, and what it gives lies in what it was given.
func FuzzValues(f *testing.F) {
	f.Add(record("k", "v", "app", "billing"), int32(1))
	f.Add(slices.Concat(record("-", "-"), record("k", "v", "trace", "00-1-2-3")), int32(2))
	f.Fuzz(func(t *testing.T, in []byte, n int32) {
		total := 0
		err := Values(in, n, []string{"app", ""}, func(record int, _ int64, name int, value []byte) {
			if total += len(value); record < 0 || record >= int(n) || name < 0 || name > 1 {
				t.Fatalf("record %d of %d, name %d", record, n, name)
			}
		})
		if total > len(in) {
			t.Fatalf("%d bytes of %d, %v", total, len(in), err)
		}
	})
}

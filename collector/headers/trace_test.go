package headers

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
)

const aTrace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestTraceOf(t *testing.T) {
	for value, want := range map[string]bool{
		aTrace: true,
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00": true,
		"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff": true,
		"":                      false,
		strings.ToUpper(aTrace): false,
		aTrace + "-":            false,
		aTrace + " ":            false,
		aTrace[:54]:             false,
		" " + aTrace[:54]:       false,
		"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01":      false,
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01":      false,
		"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01":      false,
		"00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01":      false,
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902bx-01":      false,
		"0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01":      false,
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x":      false,
		"00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01":      false,
		"00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01":      false,
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01":      false,
		"00-4bf92f3577b34da6a3ce929d0e0e47360-0f067aa0ba902b7-01":      false,
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more": false,
	} {
		if id, ok := traceOf([]byte(value)); ok != want || ok && hex.EncodeToString(id[:]) != aTrace[3:35] {
			t.Errorf("%q: %x, %v; want %v", value, id, ok, want)
		}
	}
}

// What is taken for a trace is spelled in the one way.
func FuzzTraceOf(f *testing.F) {
	f.Add([]byte(aTrace))
	f.Add([]byte(strings.ToUpper(aTrace)))
	f.Add([]byte("00-00000000000000000000000000000000-00f067aa0ba902b7-01"))
	f.Fuzz(func(t *testing.T, in []byte) {
		id, ok := traceOf(in)
		if !ok {
			if id != (traceID{}) && len(in) != 55 {
				t.Fatalf("%q has the id %x", in, id)
			}
			return
		}
		if len(in) != 55 || !bytes.Equal(in, bytes.ToLower(in)) || hex.EncodeToString(id[:]) != string(in[3:35]) || id == (traceID{}) {
			t.Fatalf("%q: %x", in, id)
		}
	})
}

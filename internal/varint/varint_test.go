package varint

import (
	"errors"
	"testing"
	"time"
)

func encoded(n uint64, i int64, s string, b bool, t time.Time) (e Encoder) {
	e.Uint(1)
	e.Uint(n)
	e.Int(i)
	e.String(s)
	e.Bool(b)
	e.Time(t)
	return e
}

type values struct {
	n uint64
	i int64
	s string
	b bool
	t time.Time
}

func decoded(value []byte) (v values, err error) {
	d := Decoder{Left: value}
	d.Version(1)
	v = values{d.Uint(), d.Int(), d.String(), d.Bool(), d.Time()}
	return v, d.Done()
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	f := func(want values) {
		t.Helper()
		e := encoded(want.n, want.i, want.s, want.b, want.t)
		if got, err := decoded(e); err != nil || got != want {
			t.Errorf("%+v is read as %+v, %v", want, got, err)
		}
		for n := range e {
			if _, err := decoded(e[:n]); !errors.Is(err, ErrCut) {
				t.Errorf("%+v, cut to %d bytes: %v", want, n, err)
			}
		}
		if _, err := decoded(append(e, 0)); !errors.Is(err, ErrCut) {
			t.Errorf("%+v with a byte too much: %v", want, err)
		}
	}
	f(values{})
	f(values{1<<64 - 1, -1 << 63, "a string", true, time.UnixMilli(1).UTC()})
	f(values{7, 1<<63 - 1, "", false, time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)})
}

func TestAnotherVersionIsRefused(t *testing.T) {
	e := encoded(1, 1, "", false, time.Time{})
	e[0] = 2
	if _, err := decoded(e); err == nil || errors.Is(err, ErrCut) {
		t.Errorf("version 2: %v", err)
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add([]byte(encoded(1, 1, "a", true, time.Time{})))
	f.Add([]byte{1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := decoded(b)
		if err != nil {
			return
		}
		if again, err := decoded(encoded(v.n, v.i, v.s, v.b, v.t)); err != nil || again != v {
			t.Errorf("%x is %+v, and again %+v, %v", b, v, again, err)
		}
	})
}

package scheduled

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

func TestWindows(t *testing.T) {
	f := func(e Every, at, want string) {
		t.Helper()
		w := e.Window(instant(t, at))
		if got := w.Start.Format(time.RFC3339) + " " + w.End.Format(time.RFC3339); got != want {
			t.Errorf("%+v of %s: %s, want %s", e, at, got, want)
		}
	}
	const day = 24 * time.Hour
	f(Every{Length: time.Hour}, "2026-11-28T10:59:59Z", "2026-11-28T10:00:00Z 2026-11-28T11:00:00Z")
	f(Every{Length: time.Hour}, "2026-11-28T11:00:00Z", "2026-11-28T11:00:00Z 2026-11-28T12:00:00Z")
	f(Every{Length: day}, "2026-11-28T01:00:00+02:00", "2026-11-27T00:00:00Z 2026-11-28T00:00:00Z")
	f(Every{Length: 7 * day}, "2026-11-28T10:00:00Z", "2026-11-23T00:00:00Z 2026-11-30T00:00:00Z") // a Monday
	f(Every{Month: true}, "2026-12-31T23:59:59Z", "2026-12-01T00:00:00Z 2027-01-01T00:00:00Z")
	f(Every{Length: 7 * day}, "1970-01-01T00:00:00Z", "1969-12-29T00:00:00Z 1970-01-05T00:00:00Z")
	month := Every{Month: true}
	if got := month.back(month.Window(instant(t, "2026-03-31T00:00:00Z")), 1); got.Start != instant(t, "2026-02-01T00:00:00Z") {
		t.Errorf("the month before March begins at %s", got.Start)
	}
	if got := (Every{Length: day}).Before(instant(t, "2026-11-28T00:00:00Z")); got.End != instant(t, "2026-11-28T00:00:00Z") {
		t.Errorf("the newest day that has ended by midnight ends at %s", got.End)
	}
}

func instant(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

// world is what a Writer writes in.
type world struct {
	*testing.T

	now, held time.Time
	folder    string
	state     string
	log       bytes.Buffer
	makes     func(w lineage.Window) (io.WriterTo, error)
	w         *Writer
}

func begin(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	is := &world{T: t, now: instant(t, "2026-11-28T12:30:00Z"), held: instant(t, "2026-11-28T08:20:00Z"), folder: filepath.Join(dir, "out"), state: filepath.Join(dir, "state")}
	is.makes = func(w lineage.Window) (io.WriterTo, error) {
		return bytes.NewBufferString("of " + w.Start.String()), nil
	}
	is.start()
	return is
}

// start makes a Writer as a start of the program does.
func (is *world) start() {
	is.w = New(Options{
		Reports: []Report{{
			Called: "usage-tag-pii", Suffix: "csv", Folder: is.folder, Every: Every{Length: time.Hour}, Late: 10 * time.Minute,
			Make: func(_ context.Context, w lineage.Window) (io.WriterTo, error) { return is.makes(w) },
		}},
		State: is.state, Held: func(context.Context) (time.Time, error) { return is.held, nil },
		Now: func() time.Time { return is.now }, Logger: slog.New(slog.NewTextHandler(&is.log, nil)),
	})
}

// at looks at an instant, and holds what files there are then against the hours that they are of.
func (is *world) at(when string, hours ...int) {
	is.Helper()
	is.now = instant(is.T, "2026-11-28T"+when+":00Z")
	is.w.Step(is.Context())
	var want []string
	for _, h := range hours {
		want = append(want, fmt.Sprintf("usage-tag-pii-20261128T%02d0000Z-20261128T%02d0000Z.csv", h, h+1))
	}
	if got := is.files(); !slices.Equal(got, want) {
		is.Errorf("at %s there are %q, want %q; %s", when, got, want, is.log.String())
	}
}

// files names all that is in the folder, hidden ones too.
func (is *world) files() (names []string) {
	all, err := os.ReadDir(is.folder)
	if err != nil && !errors.Is(err, os.ErrNotExist) && !strings.Contains(err.Error(), "not a directory") {
		is.Fatal(err)
	}
	for _, e := range all {
		names = append(names, e.Name())
	}
	return names
}

func TestDue(t *testing.T) {
	is := begin(t)
	is.at("12:09", 10) // the newest that has ended and been waited for
	is.at("12:10", 10, 11)
	is.at("13:09", 10, 11)
	is.at("13:10", 10, 11, 12)
	if f := is.w.Figures(0); f.Until != instant(t, "2026-11-28T13:00:00Z") || f.Written != is.now || f.Failures != 0 || len(is.w.Trouble()) > 0 {
		t.Errorf("%+v %q", f, is.w.Trouble())
	}
	info, err := os.Stat(filepath.Join(is.folder, is.files()[0]))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v %v", info.Mode(), err)
	}
}

func TestNothingHeld(t *testing.T) {
	is := begin(t)
	is.held = time.Time{}
	is.at("12:30")
	is.held = instant(t, "2026-11-28T12:05:00Z") // the hour before is nobody's
	is.at("12:30")
	is.at("13:10", 12)
}

func TestMissedIsMadeUpFor(t *testing.T) {
	is := begin(t)
	is.at("10:30", 9)
	// Whoever takes files away does not get them again.
	if err := os.Remove(filepath.Join(is.folder, is.files()[0])); err != nil {
		t.Fatal(err)
	}
	is.start()
	is.at("15:30", 10, 11, 12, 13, 14)
	is.start()
	is.held = instant(t, "2026-11-28T17:00:01Z")
	is.at("19:10", 10, 11, 12, 13, 14, 17, 18)
	if !strings.Contains(is.log.String(), "nothing is held of their windows") {
		t.Error(is.log.String())
	}
	// As many as there may be, and no more.
	is.now = is.now.AddDate(1, 0, 0)
	is.w.most = 20
	is.w.Step(t.Context())
	if got := len(is.files()); got != 7+20 {
		t.Errorf("%d files, want 20 more than 7", got)
	}
}

// TestKilled holds that what a kill leaves is no report, and that what was written is not written again.
func TestKilled(t *testing.T) {
	is := begin(t)
	name := "usage-tag-pii-20261128T110000Z-20261128T120000Z.csv"
	if err := os.MkdirAll(is.folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(is.folder, "."+name+".part"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	is.at("12:30", 11)
	if text, err := os.ReadFile(filepath.Join(is.folder, name)); err != nil || !strings.HasPrefix(string(text), "of 2026-11-28") {
		t.Errorf("%s %v", text, err)
	}
	// Killed between the file and how far the report is: somebody has signed the file since.
	if err := errors.Join(os.Remove(is.state), os.WriteFile(filepath.Join(is.folder, name), []byte("signed"), 0o600)); err != nil {
		t.Fatal(err)
	}
	is.start()
	is.at("12:31", 11)
	if text, err := os.ReadFile(filepath.Join(is.folder, name)); err != nil || string(text) != "signed" {
		t.Errorf("%s %v", text, err)
	}
	if is.w.Figures(0).Until != instant(t, "2026-11-28T12:00:00Z") {
		t.Errorf("%+v", is.w.Figures(0))
	}
}

type halfWritten struct{}

func (halfWritten) WriteTo(w io.Writer) (int64, error) {
	n, _ := w.Write([]byte("half"))
	return int64(n), errors.New("no space left on device")
}

// TestFailures holds that a failure is said once, leaves nothing behind and loses nothing.
func TestFailures(t *testing.T) {
	t.Run("full", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			is := begin(t)
			whole := is.makes
			is.makes = func(lineage.Window) (io.WriterTo, error) { return halfWritten{}, nil }
			is.at("12:30")
			time.Sleep(mostWait)
			is.at("12:40")
			is.at("12:41") // it is too early to try again
			if f := is.w.Figures(0); f.Failures != 2 || !f.Written.IsZero() {
				t.Errorf("%+v", f)
			}
			if got := is.w.Trouble(); len(got) != 1 || !strings.Contains(got[0], "20261128T120000Z.csv: no space left") {
				t.Errorf("%q", got)
			}
			if n := strings.Count(is.log.String(), "it is tried again"); n != 1 {
				t.Errorf("said %d times: %s", n, is.log.String())
			}
			is.makes = whole
			time.Sleep(mostWait)
			is.at("14:30", 11, 12, 13)
			if got := is.w.Trouble(); len(got) != 0 {
				t.Errorf("%q", got)
			}
		})
	})
	t.Run("no folder", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			is := begin(t)
			is.at("11:30", 10)
			aside := is.folder + ".aside"
			if err := errors.Join(os.Rename(is.folder, aside), os.WriteFile(is.folder, nil, 0o600)); err != nil {
				t.Fatal(err)
			}
			is.at("13:30")
			if got := is.w.Trouble(); len(got) != 1 || !strings.Contains(got[0], "not a directory") {
				t.Errorf("%q", got)
			}
			if err := errors.Join(os.Remove(is.folder), os.Rename(aside, is.folder)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(mostWait)
			is.at("13:31", 10, 11, 12)
		})
	})
	t.Run("state", func(t *testing.T) {
		is := begin(t)
		if err := os.WriteFile(is.state, []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		is.at("12:30")
		if got := is.w.Trouble(); len(got) != 1 || !strings.Contains(got[0], is.state) {
			t.Errorf("%q", got)
		}
		if err := os.Remove(is.state); err != nil {
			t.Fatal(err)
		}
		is.at("12:31", 11)
		if got := is.w.Trouble(); len(got) != 0 {
			t.Errorf("%q", got)
		}
	})
}

// TestRefused holds that one window that there is no report of does not keep the others waiting for ever.
func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := begin(t)
		is.at("10:30", 9)
		whole := is.makes
		is.makes = func(w lineage.Window) (io.WriterTo, error) {
			if w.Start.Hour() == 10 {
				return nil, &answer.RefusedError{Reason: answer.TooMuch, Sentence: "there are too many uses"}
			}
			return whole(w)
		}
		is.at("12:30", 9)
		time.Sleep(refusedFor - time.Second)
		is.at("12:31", 9)
		time.Sleep(mostWait)
		is.at("12:32", 9, 11)
		if f := is.w.Figures(0); f.GivenUp != 1 || f.Failures != 2 {
			t.Errorf("%+v", f)
		}
		if n := strings.Count(is.log.String(), "is given up"); n != 1 {
			t.Error(is.log.String())
		}
	})
}

// TestRun holds that it ends when it is told to.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := begin(t)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- is.w.Run(ctx) }()
		time.Sleep(2 * lookEvery)
		cancel()
		if err := <-ended; err != nil || len(is.files()) != 1 {
			t.Errorf("%v %q", err, is.files())
		}
	})
}

package openlineage

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/sourcetest"
	"github.com/lineaged/lineaged/internal/runevent"
)

// TestBattery breaks the disk: nothing else can come between a job and its events that lineaged would know of.
func TestBattery(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) sourcetest.World {
		w, n := newWorld(t), 0
		folder := filepath.Join(t.TempDir(), "events")
		breaks := func(broken bool) {
			err := os.Rename(folder+".away", folder)
			if broken {
				err = os.Rename(folder, folder+".away")
				_ = w.c.journal.file.Close()
				_ = w.c.Take(t.Context(), []runevent.Event{{Kind: runevent.OfDataset}})
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		return sourcetest.World{
			Tick: tick, Before: t0,
			Source: func(sink collector.Sink) collector.Source {
				c, err := New(Config{Folder: folder, Interval: tick, Board: w.board}, sink)
				if err != nil {
					t.Fatal(err)
				}
				w.c = c
				t.Cleanup(func() { _ = c.journal.close() })
				return c.source
			},
			Live: func(round time.Time) {
				n++
				w.at = round
				w.c.journal.now = func() time.Time { return round }
				e, _, err := runevent.Parse([]byte(w.event(n, "RUNNING", streaming, fmt.Sprintf("a/b%d", n), "")))
				if err != nil {
					t.Fatal(err)
				}
				_ = w.c.Take(t.Context(), []runevent.Event{e}) // is refused while the disk is broken
			},
			Break: breaks, Hang: breaks,
			Spoil: func(collector.Source) { w.c.source.runs = nil },
		}
	})
}

// What jobs say that they move begins and ends as any other flow, and no sooner ends than its run does.
func TestFlowsBeginAndEnd(t *testing.T) {
	w := newWorld(t)
	said := func() (all []string) {
		for _, o := range w.obs {
			for _, e := range o.Events {
				all = append(all, fmt.Sprintf("%s %s +%s", e.Type, words(e.Access), e.At.Sub(t0)))
			}
		}
		return all
	}
	rounds := func(n int) {
		for range n {
			w.round()
		}
	}
	w.send(w.event(9, "COMPLETE", streaming, "a/other", "")) // from here on it is watched
	rounds(12)
	w.obs = nil
	w.send(w.event(1, "START", streaming, "a/b", ""))
	rounds(2)
	w.send(w.event(1, "RUNNING", "", "", ""))
	rounds(2)
	w.start() // it is killed, and goes on
	rounds(500)
	if got, want := said(), []string{"FLOW_STARTED streamjob:ns/j read a/b +2m30s"}; !slices.Equal(got, want) {
		t.Errorf("while it goes on: %q, want %q", got, want)
	}
	w.send(w.event(1, "COMPLETE", "", "", ""))
	rounds(30)
	if got := said(); len(got) != 2 || got[1] != "FLOW_STOPPED streamjob:ns/j read a/b +1h26m10s" {
		t.Errorf("after its end: %q", got)
	}
}

package api

import (
	"context"
	"strings"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// mostLives bounds ids of lastLives: as many roots as a picture is usually of.
const mostLives = 10

// LastLives is the schema's type of that name.
type LastLives struct {
	Lives []LastLife
	asked *answer.View
}

// Coverage answers coverage.
func (l *LastLives) Coverage() *Coverage { return coverageOf(l.asked) }

// LastLife is the schema's type of that name.
type LastLife struct {
	ID  string
	End answer.LifeEnd
	is  answer.Life
}

// FirstSeen answers firstSeen.
func (l *LastLife) FirstSeen() *time.Time { return timeOrNil(l.is.First) }

// LastSeen answers lastSeen.
func (l *LastLife) LastSeen() *time.Time { return timeOrNil(l.is.Last) }

// Since answers since.
func (l *LastLife) Since() *time.Time { return timeOrNil(l.is.Since) }

// GoneAt answers goneAt.
func (l *LastLife) GoneAt() *time.Time { return timeOrNil(l.is.GoneAt) }

// Window answers window.
func (l *LastLife) Window() *ResolvedWindow {
	if l.is.Window.Empty() {
		return nil
	}
	return shownWindow(l.is.Window)
}

// Coverage answers coverage.
func (l *LastLife) Coverage() *Coverage {
	if l.is.Over == nil {
		return nil
	}
	return &Coverage{v: l.is.Over, cov: l.is.Coverage}
}

// lastLives answers the root field of that name.
func (a *resolver) lastLives(ctx context.Context, ids []string, window WindowInput) (*LastLives, error) {
	if len(ids) > mostLives {
		return nil, badInput("lastLives: at most %d ids", mostLives)
	}
	of := make([]answer.Lived, len(ids))
	for i, id := range ids {
		if strings.Contains(id, "->") {
			f, err := lineage.ParseFlowID(id)
			if err != nil {
				return nil, badInput("%s is no flow id; ids are FROM->TO, two node ids", quote(id))
			}
			of[i] = answer.LivedFlow(f)
			continue
		}
		n, err := parseNode(id)
		if err != nil {
			return nil, err
		}
		of[i] = answer.LivedNode(n)
	}
	v, err := a.view(ctx, &window)
	if err != nil {
		return nil, err
	}
	all, err := v.LastLives(ctx, of)
	if err != nil {
		return nil, err
	}
	out := make([]LastLife, len(all))
	for i, is := range all {
		out[i] = LastLife{ids[i], is.End, is}
	}
	return &LastLives{out, v}, nil
}

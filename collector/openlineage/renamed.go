package openlineage

import (
	"regexp"
	"strings"
	"time"

	"github.com/lineaged/lineaged/internal/runevent"
)

// This file is about runs whose job calls itself otherwise in later events, as Spark's do once they know what they
// write: its run is one by its id, and has ended under all names where it has under one.

// renamed is how a run ended by what its job said under another name; the zero value: it did not.
type renamed struct {
	at  time.Time
	how runevent.Type
}

var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// unique reports whether an id is one run's alone: a UUID, as the specification has it, and none that stands for none.
// Several jobs may use another, as a date.
func unique(id string) bool {
	return uuid.MatchString(id) && strings.Trim(id, "0-") != ""
}

// endRenamed says of runs that did not end by their own word whether they did by another name of their job. What a run
// said after that end it goes on with. Whose name changed says no more under the first once it speaks under the last:
// where both spoke by turns they may be two jobs with one id, and neither ends the other. It hangs on what the runs
// said alone, and not on when that came.
func (s *source) endRenamed() {
	type same struct{ namespace, id string }
	open := map[same][]*run{}
	for key, r := range s.runs {
		r.renamed = renamed{}
		if unique(key.id) && r.ownEnd().IsZero() {
			is := same{key.job.Namespace, key.id}
			open[is] = append(open[is], r)
		}
	}
	if len(open) == 0 {
		return
	}
	for key, r := range s.runs {
		end := r.ownEnd()
		if end.IsZero() {
			continue
		}
		for _, other := range open[same{key.job.Namespace, key.id}] {
			if is := (renamed{end, r.how()}); other.seen.Before(r.first) && is.after(other.renamed) {
				other.renamed = is
			}
		}
	}
}

// after reports whether an end is to be told before another: the later one, and of two at once always the same.
func (x renamed) after(y renamed) bool {
	return x.at.After(y.at) || x.at.Equal(y.at) && x.how > y.how
}

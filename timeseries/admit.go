package timeseries

import (
	"errors"
	"fmt"

	"github.com/lineaged/lineaged/lineage"
)

// check says what makes an observation impossible to keep.
func (e *engine) check(o *lineage.Observation) error {
	switch {
	case o.Source.Name == "":
		return errors.New("the source has no name")
	case !e.aligned(o.Round):
		return fmt.Errorf("the round is not a multiple of the tick of %s", e.step)
	case o.Interval <= 0 || o.Interval%e.step != 0 || int64(o.Interval/e.step) > maxSpanTicks:
		return fmt.Errorf("the interval %s is not a multiple of the tick of %s", o.Interval, e.step)
	}
	for i := range o.Samples {
		s := &o.Samples[i] // a copy would cost as much as looking at it
		switch {
		case !known(&s.Subject):
			return errUnknownAccess
		case !s.Metric.Known():
			return fmt.Errorf("unknown metric %d", s.Metric)
		case s.Evidence >= lineage.EvidenceKinds:
			return fmt.Errorf("unknown kind of evidence %d", s.Evidence)
		case s.Metric.Counter() && s.Value < 0:
			return fmt.Errorf("the total %d of %s is below zero", s.Value, s.Metric)
		}
	}
	for i := range o.Sightings {
		s := &o.Sightings[i]
		if !known(&s.Access) {
			return errUnknownAccess
		}
		if s.Evidence == lineage.NoEvidence || s.Evidence >= lineage.EvidenceKinds {
			return fmt.Errorf("a sighting of an unknown kind of evidence %d", s.Evidence)
		}
	}
	for _, m := range o.Missing {
		if !(m.Share >= 0 && m.Share <= 1) {
			return fmt.Errorf("the missing share %v is not between 0 and 1", m.Share)
		}
	}
	for i := range o.Events {
		if !known(&o.Events[i].Access) {
			return errUnknownAccess
		}
	}
	for _, f := range o.Facts {
		if err := checkFact(f); err != nil {
			return err
		}
	}
	return nil
}

var errUnknownAccess = errors.New("an access has an unknown operation, kind of client or kind of mover")

// known reports whether an access can be read again once it is written.
func known(a *lineage.Access) bool {
	return a.Op <= lineage.Read && a.Client.Kind <= lineage.Others && a.Client.Mover.Kind.Storable()
}

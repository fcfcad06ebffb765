package flink

import (
	"errors"
	"maps"
	"slices"

	"github.com/lineaged/lineaged/collector/rest"
)

// This file looks at single runs of jobs: what is told of each, within what a round may ask.

// look asks for what jobs are and do, of as many as a round may. A run that is over is looked at once more.
func (t *take) look() {
	var due []*run
	for _, j := range t.allJobs() {
		for i := range j.runs {
			l := &j.runs[i]
			r := t.runs[l.ID]
			if r == nil {
				r = &run{id: l.ID, restarts: -1, verdicts: map[string]verdict{}, sends: map[sink]*sending{}}
				t.runs[l.ID] = r
			}
			r.fresh = false
			if r.done { // what it is does not change any more
				continue
			}
			if r.looked.IsZero() || t.round.Sub(r.looked) >= lookEvery*t.cfg.Interval {
				due = append(due, r)
			}
		}
	}
	slices.SortStableFunc(due, func(a, b *run) int { return a.looked.Compare(b.looked) })
	begun := t.client.Asked()
	for _, r := range due {
		if t.client.Asked()-begun >= asksARound || t.ctx.Err() != nil {
			break
		}
		r.looked, r.failed = t.round, ""
		if err := t.lookAt(r); err != nil {
			r.looked, r.failed = t.round.Add(lookEvery*t.cfg.Interval), err.Error()
		}
	}
}

// allJobs are the stream jobs by name, and then the batch jobs.
func (t *take) allJobs() (all []*job) {
	for _, name := range slices.Sorted(maps.Keys(t.jobs)) {
		all = append(all, t.jobs[name])
	}
	for _, name := range slices.Sorted(maps.Keys(t.batches)) {
		all = append(all, t.batches[name].job)
	}
	return all
}

// lookAt asks for all that is told of a run. One that Flink forgot since the list was made is no failure.
func (t *take) lookAt(r *run) error {
	is, err := t.client.describe(t.ctx, r.id)
	if errors.Is(err, rest.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	r.described = is
	restarts, err := t.client.restarts(t.ctx, r.id) // which lets the JobManager gather all metrics anew
	if err != nil {
		return err
	}
	if t.follow(); t.primed.IsZero() {
		t.primed = t.round
	}
	if err := t.readCheckpoints(r); err != nil {
		return err
	}
	if err := t.readNames(r); err != nil {
		return err
	}
	if !t.settling() { // else they are as old as the last question
		places, err := t.readPlaces(r)
		if err != nil {
			return err
		}
		sent, err := t.readSent(r)
		if err != nil {
			return err
		}
		if !t.settling() { // else another answered some of it
			r.restarts = restarts
			t.takePlaces(r, places)
			t.takeSent(r, sent)
		}
	}
	if over(r.state) && r.ended.IsZero() {
		r.ended = t.round
	}
	r.seen, r.done = t.round, over(r.state) && !t.mayBeSaved(r)
	return nil
}

// readCheckpoints reads how a run keeps its state, each time that it is looked at: how many failed is told as it
// happens, and the fact says what was so some minutes ago, as each version of it is kept.
func (t *take) readCheckpoints(r *run) error {
	due := r.checked.IsZero() || !t.round.Truncate(slowly).Equal(r.checked.Truncate(slowly)) || over(r.state)
	how := r.checkpoints
	if due {
		var err error
		if how, err = t.client.checkpointing(t.ctx, r.id); err != nil {
			return err
		}
	}
	var now *kept
	if how != nil {
		var err error
		if now, err = t.client.checkpoints(t.ctx, r.id); err != nil {
			return err
		}
	}
	if r.kept = now; !due {
		return nil
	}
	if r.checked, r.checkpoints = t.round, how; how != nil && now != nil {
		how.Completed, how.Failed, how.Restored = now.Counts.Completed, now.Counts.Failed, now.Counts.Restored
	}
	return nil
}

// readNames reads which metrics there are, where that is not known or long ago. New partitions and topics bring new
// ones.
func (t *take) readNames(r *run) error {
	if len(r.names) > 0 && t.round.Sub(r.named) < slowly {
		return nil
	}
	names, sinks, writers, n, count := map[string][]string{}, map[string]bool{}, map[string][]string{}, 0, 0
	for _, v := range r.vertices {
		all, err := t.client.metrics(t.ctx, r.id, v.ID)
		if err != nil && !errors.Is(err, rest.ErrNotFound) {
			return err
		}
		for _, m := range all {
			if _, _, ok := placeOf(m.ID); ok && n < 2*mostPlaces {
				names[v.ID] = append(names[v.ID], m.ID)
				n++
			}
			if operator, ok := sinkOf(m.ID); ok && !sinks[operator] {
				if sinks[operator] = true; count < mostSinks {
					writers[v.ID] = append(writers[v.ID], operator)
					count++
				}
			}
		}
	}
	if len(names) > 0 || len(sinks) > 0 { // else they are not gathered yet
		r.names, r.named, r.sinks, r.writers = names, t.round, sinks, writers
	}
	return nil
}

// readPlaces reads how far each partition is read.
func (t *take) readPlaces(r *run) (map[place]position, error) {
	now := map[place]position{}
	for vertex, names := range r.names {
		for some := range slices.Chunk(names, valuesAtOnce) {
			all, err := t.client.metrics(t.ctx, r.id, vertex, some...)
			if err != nil {
				return nil, err
			}
			for _, m := range all {
				p, name, ok := placeOf(m.ID)
				if !ok {
					continue
				}
				at, known := now[p]
				if !known {
					at = position{-1, -1}
				}
				switch name {
				case readUpTo:
					at.read = max(at.read, int64(m.Max))
				case committed:
					at.committed = max(at.committed, int64(m.Max))
				}
				now[p] = at
			}
		}
	}
	return now, nil
}

// takePlaces takes in how far each partition is read. One that is read less far than before while the run's tasks went
// on was told by a JobManager whose metrics are older, so that coming back from there is no reading.
func (t *take) takePlaces(r *run, now map[place]position) {
	if len(now) == 0 {
		return
	}
	if begun := r.tasksBegan(); r.reached == nil || r.begun != begun {
		r.reached, r.begun = map[place]int64{}, begun
		for p, at := range r.places {
			r.reached[p] = at.read
		}
	}
	moved := map[string]bool{}
	for p, at := range now {
		was, known := r.reached[p]
		if known && at.read > was {
			moved[p.topic] = true
		}
		r.reached[p] = max(at.read, was)
	}
	r.places, r.read, r.moved, r.fresh = now, t.round, moved, true
}

// tasksBegan is when a run's tasks began last, in ms of Flink's clock.
func (r *run) tasksBegan() int64 { return max(r.stamps["RUNNING"], r.stamps["RESTARTING"], 1) }

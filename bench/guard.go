package main

import (
	"errors"
	"fmt"
	"slices"
)

// ratiosFile holds what the guard's ratios were when it was last written.
const ratiosFile = "ratios.json"

// slack is how much a ratio may be of what stands in the file.
const slack = 1.5

// ratios are the guard's, with the sizes that they are of.
type ratios struct {
	Sizes  string
	Ratios map[string]float64
}

func sizes(f form) (s string) {
	for _, x := range f.shapes {
		s += fmt.Sprintf("%s: %d series of %d ticks, %d edges; ", x.name, x.series, x.ticks, x.edges)
	}
	return s
}

// ratiosOf returns those that were measured.
func ratiosOf(f form, res *results) ratios {
	out := ratios{Sizes: sizes(f), Ratios: map[string]float64{}}
	for _, r := range f.rows {
		if v, ok := res.ratio(r.ours, r.to); ok {
			out.Ratios[r.work] = v
		}
	}
	return out
}

// holdAgainst prints each ratio beside the one in a file, and fails where it is more than slack of it.
func holdAgainst(file string, f form, res *results) error {
	var want ratios
	if err := readJSON(file, &want); err != nil {
		return err
	}
	if want.Sizes != sizes(f) {
		return fmt.Errorf("%s is of other sizes: write it with -update", file)
	}
	lines, err := compare(want.Ratios, ratiosOf(f, res).Ratios, f)
	fmt.Print(lines)
	return err
}

// compare tells each ratio in the order of the rows. One that is not in the file is an error, and so is one that was
// not measured, unless its peer was not asked for.
func compare(want, got map[string]float64, f form) (lines string, err error) {
	var errs []error
	for _, r := range f.rows {
		v, ok := got[r.work]
		if !ok {
			if slices.Contains(f.peers, peerOf(r.to)) {
				errs = append(errs, fmt.Errorf("%s: it was not measured", r.work))
			}
			continue
		}
		w, ok := want[r.work]
		if !ok {
			errs = append(errs, fmt.Errorf("%s: %s is not known: write it with -update", ratiosFile, r.work))
			continue
		}
		lines += fmt.Sprintf("%-50s %8s, was %8s\n", r.work, number(v), number(w))
		if v > slack*w {
			errs = append(errs, fmt.Errorf("%s: %s of what it was (%s, was %s)", r.work, number(v/w), number(v), number(w)))
		}
	}
	if len(got) == 0 {
		errs = append(errs, errors.New("nothing was measured"))
	}
	return lines, errors.Join(errs...)
}

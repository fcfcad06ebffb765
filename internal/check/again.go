package main

import (
	"maps"
	"slices"
	"strings"
)

// mostAgain bounds how many tests are asked a second time: where more fail, it is not the machine.
const mostAgain = 3

// retry is the tests that are asked once more, by package.
type retry map[string][]string

// again returns which tests failed and may have done so because the machine was busy; nil if there are none, or if
// anything speaks against it: many failed, one did not compile or was cut off, something panicked, raced or leaked.
// Tests with real brokers and a real browser beside a hundred others fail now and then on two cores, each for a reason
// of its own that is looked for; until it is found, one run in three would tell nothing of what was changed. So such a
// test has a second try, alone, and both are told.
func (s *summary) again() retry {
	tests := retry{}
	n := 0
	for _, key := range s.failed() {
		name, isTest := strings.CutPrefix(key, s.packageOf(key)+" ")
		switch {
		case s.results[key] != "fail" || s.broken[key] != "" || s.says(key, "DATA RACE", "panic:", "goleak"):
			return nil
		case !isTest && !s.childFailed(key):
			return nil
		case isTest && !strings.Contains(name, "/"):
			tests[s.packageOf(key)] = append(tests[s.packageOf(key)], name)
			n++
		}
	}
	if n == 0 || n > mostAgain {
		return nil
	}
	return tests
}

func (s *summary) packageOf(key string) string {
	name, _, _ := strings.Cut(key, " ")
	return name
}

func (s *summary) says(key string, words ...string) bool {
	b := s.output[key]
	return b != nil && slices.ContainsFunc(words, func(w string) bool { return strings.Contains(b.String(), w) })
}

// of returns the arguments of go test for the same tests alone, one package after the other.
func (r retry) of(args []string) []string {
	var out []string
	for _, a := range args {
		if strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "-run=") && !strings.HasPrefix(a, "-skip=") {
			out = append(out, a)
		}
	}
	var names []string
	for _, tests := range r {
		names = append(names, tests...)
	}
	slices.Sort(names)
	out = append(out, "-count=1", "-p=1", "-run=^("+strings.Join(slices.Compact(names), "|")+")$")
	return append(out, slices.Sorted(maps.Keys(r))...)
}

// names are those of the tests, with their packages.
func (r retry) names() (all []string) {
	for _, p := range slices.Sorted(maps.Keys(r)) {
		for _, test := range r[p] {
			all = append(all, short(p)+" "+test)
		}
	}
	return all
}

// passed reports whether each of the tests ran, and passed.
func (s *summary) passed(r retry) bool {
	for p, tests := range r {
		for _, test := range tests {
			if s.results[p+" "+test] != "pass" {
				return false
			}
		}
	}
	return true
}

// take has what a second run said stand in the place of what failed.
func (s *summary) take(second *summary) {
	for _, key := range s.failed() {
		delete(s.results, key)
		delete(s.tests, key)
		if !strings.Contains(key, " ") {
			s.results[key] = "pass"
		}
	}
	for key := range second.tests {
		s.tests[key], s.results[key] = true, second.results[key]
	}
	maps.Copy(s.parents, second.parents)
}

// firstWords is the beginning of what failed tests printed, indented as a note.
func (s *summary) firstWords() string {
	const most = 40
	var b strings.Builder
	s.write(&b)
	lines := strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
	if len(lines) > most {
		lines = append(lines[:most], "…")
	}
	return "| " + strings.Join(lines, "\n     | ")
}

package main

import (
	"strings"
	"testing"
)

func summaryOf(t *testing.T, lines ...string) *summary {
	t.Helper()
	s := newSummary()
	if err := s.read(strings.NewReader(strings.Join(lines, "\n"))); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAgain(t *testing.T) {
	const (
		good = `{"Action":"pass","Package":"m/a","Test":"TestGood"}`
		deep = `{"Action":"fail","Package":"m/a","Test":"TestTable/two"}
{"Action":"output","Package":"m/a","Test":"TestTable/two","Output":"two was late\n"}
{"Action":"fail","Package":"m/a","Test":"TestTable"}`
		pkg = `{"Action":"fail","Package":"m/a"}`
	)
	s := summaryOf(t, good, deep, pkg)
	once := s.again()
	if once == nil {
		t.Fatal("one test that failed is not asked again")
	}
	args := strings.Join(once.of([]string{"-race", "-timeout=15m", "-skip=^TestX$", "-run=Y", "m/a", "m/b"}), " ")
	if want := "-race -timeout=15m -count=1 -p=1 -run=^(TestTable)$ m/a"; args != want {
		t.Errorf("asked with %s, want %s", args, want)
	}
	if second := summaryOf(t, `{"Action":"fail","Package":"m/a","Test":"TestTable"}`); second.passed(once) {
		t.Error("it failed twice, and passed")
	}
	if second := summaryOf(t, `{"Action":"pass","Package":"m/a"}`); second.passed(once) {
		t.Error("it did not run, and passed")
	}
	second := summaryOf(t, `{"Action":"pass","Package":"m/a","Test":"TestTable/one"}
{"Action":"pass","Package":"m/a","Test":"TestTable/two"}
{"Action":"pass","Package":"m/a","Test":"TestTable"}
{"Action":"pass","Package":"m/a"}`)
	if !second.passed(once) {
		t.Error("it passed, and is said not to have")
	}
	if words := s.firstWords(); !strings.Contains(words, "two was late") {
		t.Errorf("what was wrong at first is not told: %s", words)
	}
	s.take(second)
	if got, want := s.counts(), (counts{3, 0, 0}); got != want || len(s.failed()) > 0 {
		t.Errorf("counts: got %s with %q failed, want %s", got, s.failed(), want)
	}
	for what, lines := range map[string][]string{
		"a race":        {strings.Replace(deep, "two was late", "WARNING: DATA RACE", 1), pkg},
		"a panic":       {strings.Replace(deep, "two was late", "panic: nil", 1), pkg},
		"a leak":        {good, `{"Action":"output","Package":"m/a","Output":"goleak: leaked\n"}`, pkg},
		"no test":       {good, pkg},
		"no compiling":  {deep, pkg, `{"Action":"fail","Package":"m/b","FailedBuild":"m/b [m/b.test]"}`},
		"a test cut":    {deep, pkg, `{"Action":"run","Package":"m/a","Test":"TestCut"}`},
		"many failures": {deep, pkg, strings.ReplaceAll(deep, "Table", "B"), strings.ReplaceAll(deep, "Table", "C"), strings.ReplaceAll(deep, "Table", "D")},
		"none":          {good},
	} {
		if again := summaryOf(t, lines...).again(); again != nil {
			t.Errorf("%s: asked again: %v", what, again)
		}
	}
}

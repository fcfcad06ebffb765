package main

import (
	"strings"
	"testing"
)

const stream = `{"Action":"run","Package":"m/a","Test":"TestGood"}
{"Action":"output","Package":"m/a","Test":"TestGood","Output":"good says this\n"}
{"Action":"pass","Package":"m/a","Test":"TestGood"}
{"Action":"run","Package":"m/a","Test":"TestTable"}
{"Action":"pass","Package":"m/a","Test":"TestTable/one"}
{"Action":"output","Package":"m/a","Test":"TestTable/two/deep","Output":"deep was wrong\n"}
{"Action":"fail","Package":"m/a","Test":"TestTable/two/deep"}
{"Action":"fail","Package":"m/a","Test":"TestTable/two"}
{"Action":"fail","Package":"m/a","Test":"TestTable"}
{"Action":"output","Package":"m/a","Test":"TestNoJava","Output":"    a_test.go:3: no java\n"}
{"Action":"skip","Package":"m/a","Test":"TestNoJava"}
{"Action":"fail","Package":"m/a"}
{"ImportPath":"m/b [m/b.test]","Action":"build-output","Output":"b.go:1: undefined: x\n"}
{"ImportPath":"m/b [m/b.test]","Action":"build-fail"}
{"Action":"fail","Package":"m/b","FailedBuild":"m/b [m/b.test]"}
{"Action":"pass","Package":"m/c","Test":"TestC"}
{"Action":"output","Package":"m/c","Output":"goleak: leaked\n"}
{"Action":"fail","Package":"m/c"}
{"Action":"pass","Package":"m/d"}
`

func TestSummaryCountsLeavesAndBrokenPackages(t *testing.T) {
	s := newSummary()
	if err := s.read(strings.NewReader(stream)); err != nil {
		t.Fatal(err)
	}
	// Passed: TestGood, TestTable/one, TestC. Failed: deep, the build of b, c's TestMain.
	if got, want := s.counts(), (counts{3, 3, 1}); got != want {
		t.Errorf("counts: got %s, want %s", got, want)
	}
	var b strings.Builder
	s.write(&b)
	for _, want := range []string{"deep was wrong", "undefined: x", "goleak: leaked"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "good says this") {
		t.Errorf("the report shows the output of a test that passed:\n%s", b.String())
	}
	if got := s.skips(); len(got) != 1 || !strings.Contains(got[0], "no java") {
		t.Errorf("skips: got %q, want one with its reason", got)
	}
}

func TestLongest(t *testing.T) {
	s := newSummary()
	if err := s.read(strings.NewReader(`{"Action":"pass","Package":"m/a","Test":"TestLong/part","Elapsed":30}
{"Action":"pass","Package":"m/a","Test":"TestLong","Elapsed":30.4}
{"Action":"pass","Package":"m/a","Test":"TestShort","Elapsed":0.1}
{"Action":"fail","Package":"m/a","Test":"TestOther","Elapsed":31}
{"Action":"fail","Package":"m/a","Elapsed":62}
{"Action":"pass","Package":"m/b","Elapsed":70}
{"Action":"pass","Package":"m/c","Elapsed":1}
`)); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(s.longest(), ", "), "m/b 70, m/a 62 (TestOther 31, TestLong 30)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLastCounts(t *testing.T) {
	f := func(in string, want counts, wantOK bool) {
		t.Helper()
		got, ok := lastCounts(in)
		if got != want || ok != wantOK {
			t.Errorf("lastCounts(%q): got %v %v, want %v %v", in, got, ok, want, wantOK)
		}
	}
	f("1 passed, 0 failed\nmore\n7 passed, 1 failed, 2 skipped\n", counts{7, 1, 2}, true)
	f("7 passed, 1 failed\n", counts{7, 1, 0}, true)
	f("all is well", counts{}, false)
}

func TestDifferences(t *testing.T) {
	before := map[string][32]byte{"same": {1}, "changed": {1}, "gone": {1}}
	after := map[string][32]byte{"same": {1}, "changed": {2}, "new": {1}}
	if got := strings.Join(differences(before, after), " "); got != "changed gone new" {
		t.Errorf("got %q", got)
	}
}

package archtest

import (
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// widest is how many columns a line with a comment may have, a tab counted as four.
const widest = 120

// Comments are prose, and prose beyond 120 columns is not read.
func TestCommentsAreNotTooWide(t *testing.T) {
	files := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && (name == "node_modules" || len(name) > 2 && name[0] == '.'):
			return filepath.SkipDir
		case !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "generated.go"):
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for _, line := range tooWide(src) {
			t.Errorf("%s:%d: a comment beyond %d columns: wrap it", path, line, widest)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 100 {
		t.Fatalf("only %d files read", files)
	}
}

func TestTooWideIsFound(t *testing.T) {
	long := strings.Repeat("word ", 30)
	src := "package a\n// " + long + "\n//go:generate " + long + "\nvar b = `// " + long + "` // short\nvar c = 1 // " + long +
		"\n// https://" + strings.Repeat("x", 120) + "\n"
	if got := tooWide([]byte(src)); len(got) != 2 || got[0] != 2 || got[1] != 5 {
		t.Errorf("lines %v are too wide, want 2 and 5", got)
	}
}

// tooWide returns the lines of a Go source whose comment goes beyond widest: those that are only a directive, and words
// that can't be broken, excepted.
func tooWide(src []byte) (lines []int) {
	files := token.NewFileSet()
	f := files.AddFile("", -1, len(src))
	var s scanner.Scanner
	s.Init(f, src, nil, scanner.ScanComments)
	text := strings.Split(string(src), "\n")
	for {
		pos, tok, lit := s.Scan()
		if tok == token.EOF {
			return lines
		}
		if tok != token.COMMENT || strings.HasPrefix(lit, "//go:") || strings.HasPrefix(lit, "//nolint") || len(strings.Fields(lit)) < 3 {
			continue
		}
		at := f.Position(pos)
		line := text[at.Line-1]
		before := utf8.RuneCountInString(line[:at.Column-1]) + 3*strings.Count(line[:at.Column-1], "\t")
		first, _, _ := strings.Cut(lit, "\n")
		if before+utf8.RuneCountInString(first) > widest {
			lines = append(lines, at.Line)
		}
	}
}

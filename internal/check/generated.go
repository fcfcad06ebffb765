package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
)

// generated runs every generator and compares the tree before and after. Contents are compared, not the index, so that
// it also tells the truth on a tree with changes that are not committed.
func generated(ctx context.Context, out *output) (counts, error) {
	before, err := contents(ctx)
	if err != nil {
		return counts{}, err
	}
	for _, args := range [][]string{{"go", "generate", "./..."}, {"npm", "--prefix", "ui", "run", "--if-present", "generate"}} {
		if err := command(ctx, out, nil, args[0], args[1:]...); err != nil {
			return counts{}, err
		}
	}
	after, err := contents(ctx)
	if err != nil {
		return counts{}, err
	}
	if changed := differences(before, after); len(changed) > 0 {
		fmt.Fprintln(out, "not up to date; now regenerated, look at the difference and commit it:")
		for _, f := range changed {
			fmt.Fprintln(out, "  "+f)
		}
		return counts{}, errors.New("generated files were not up to date: run make generate and commit")
	}
	return counts{}, nil
}

// contents maps every file that belongs to the tree (tracked, or new and not ignored) to the hash of what it holds.
func contents(ctx context.Context) (map[string][sha256.Size]byte, error) {
	list, err := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return nil, fmt.Errorf("list the tree's files: %w", err)
	}
	sums := map[string][sha256.Size]byte{}
	for name := range bytes.SplitSeq(bytes.TrimRight(list, "\x00"), []byte{0}) {
		b, err := os.ReadFile(string(name))
		switch {
		case errors.Is(err, os.ErrNotExist): // deleted, not yet committed
		case err != nil:
			return nil, fmt.Errorf("hash the tree: %w", err)
		default:
			sums[string(name)] = sha256.Sum256(b)
		}
	}
	return sums, nil
}

// differences names the files that were added, changed or removed, sorted.
func differences(before, after map[string][sha256.Size]byte) []string {
	var changed []string
	for name, sum := range after {
		if old, ok := before[name]; !ok || old != sum {
			changed = append(changed, name)
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			changed = append(changed, name)
		}
	}
	slices.Sort(changed)
	return changed
}

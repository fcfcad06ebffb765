package main

import (
	"context"
	"errors"
)

// fsckDir is the module in which others' code checks what the ledger writes.
const fsckDir = "ledger/fsck"

// fsckTests has Tessera's own check of transparency logs read a ledger's tiles.
func fsckTests(ctx context.Context, out *output) (counts, error) {
	vet := command(ctx, out, nil, "go", "vet", "-C", fsckDir, ".")
	lint := command(ctx, out, nil, "go", "tool", "-C", fsckDir, "-modfile=../../tools/go.mod", "golangci-lint", "run", ".")
	c, test := goTestIn(ctx, out, fsckDir, nil, ".")
	return c, errors.Join(vet, lint, test)
}

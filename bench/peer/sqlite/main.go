// Command sqlite does a graph task of the benchmarks with a recursive query of SQLite, in Go and within this process.
package main

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver

	"github.com/lineaged/lineaged/bench/work"
)

func main() {
	work.Main(func(t work.Task, r *work.Report) error {
		if err := os.MkdirAll(t.Dir, 0o750); err != nil {
			return err
		}
		db, err := sql.Open("sqlite", filepath.Join(t.Dir, "graph.db"))
		if err != nil {
			return err
		}
		defer db.Close()
		db.SetMaxOpenConns(1) // the settings are the connection's
		g := work.NewEdges(t.Edges)
		if err := load(db, g, r); err != nil {
			return err
		}
		var nodes, sum uint64
		r.CPU("closure cpu-ns", work.Cost(func(int) {
			row := db.QueryRowContext(context.Background(), `WITH RECURSIVE c(n) AS (SELECT ? UNION SELECT e.d FROM e JOIN c ON e.s = c.n)
				SELECT count(*), sum(n) FROM c`, work.Root)
			err = row.Scan(&nodes, &sum)
		}))
		if err != nil {
			return err
		}
		r.Check("closure", work.Reached(nodes, sum), g.Reached())
		return nil
	})
}

// load writes the edges, with all that makes writing and reading faster.
func load(db *sql.DB, g *work.Edges, r *work.Report) error {
	ctx := context.Background()
	from := work.CPU()
	for _, q := range []string{"PRAGMA journal_mode=OFF", "PRAGMA synchronous=OFF", "PRAGMA cache_size=-400000", "CREATE TABLE e(s INT, d INT)"} {
		if _, err := db.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	insert, err := tx.PrepareContext(ctx, "INSERT INTO e VALUES(?,?)")
	if err != nil {
		return err
	}
	for _, e := range g.List {
		if _, err := insert.ExecContext(ctx, e.From, e.To); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "CREATE INDEX ei ON e(s,d)")
	r.CPU("build cpu-ns", work.CPU()-from)
	return err
}

package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/collector"
)

// That a logger of a cluster that is not configured any more was left switched on is said, in the log and to /readyz,
// once it is known that it is none of those that are; of these it is not.
func TestLoggersOfAFormerClusterAreSaid(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"cluster-former%2Fid.json", "cluster-west-id.json", ".new-1", "else"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var said strings.Builder
	l := &loggers{folder: folder, board: &collector.Board{}, log: slog.New(slog.NewTextHandler(&said, nil))}
	l.board.Await("west")
	if all := l.trouble(); len(all) > 0 {
		t.Errorf("before the clusters are known: %q", all)
	}
	l.board.SetCluster(collector.Watched{Source: "west", ID: "kept-id", Reported: "west-id"})
	if err := l.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := l.trouble()
	if len(all) != 1 || !strings.Contains(all[0], "of cluster former/id, which is not configured any more, was switched on") || strings.Count(said.String(), "former/id") != 1 || strings.Contains(said.String(), "west-id") {
		t.Errorf("%q; the log: %s", all, said.String())
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if all := l.trouble(); len(all) > 0 {
		t.Errorf("without a folder: %q", all)
	}
}

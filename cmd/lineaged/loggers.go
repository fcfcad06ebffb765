package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/logs"
	"github.com/lineaged/lineaged/internal/config"
)

// loggers says of clusters that were taken out of the configuration that a killed lineaged may have left their request
// logs switched on: nobody can put them back who has no address of theirs.
type loggers struct {
	folder string
	board  *collector.Board
	log    *slog.Logger
}

// loggersFolder is where it is remembered which loggers were switched.
func loggersFolder(cfg config.Config) string { return filepath.Join(cfg.Data, "loggers") }

// trouble tells /readyz of them, once all clusters of the configuration have been seen.
func (l *loggers) trouble() (all []string) {
	for _, id := range logs.Strangers(l.folder, l.board) {
		all = append(all, fmt.Sprintf("the request log of cluster %s, which is not configured any more, was switched on for a sample and not put back: configure the cluster once more, "+
			"or set it back by kafka-configs.sh and remove its file in %s", id, l.folder))
	}
	return all
}

// run says so once in the log.
func (l *loggers) run(ctx context.Context) error {
	for ctx.Err() == nil && !l.board.Settled() {
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	for _, what := range l.trouble() {
		l.log.Warn(what)
	}
	return nil
}

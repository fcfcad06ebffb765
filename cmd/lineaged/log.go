package main

import (
	"io"
	"log/slog"
	"os"

	"golang.org/x/term"

	"github.com/lineaged/lineaged/internal/config"
)

// newLogger returns a logger of text for people at a terminal and of JSON for machines.
func newLogger(w io.Writer, c config.Log) *slog.Logger {
	opts := &slog.HandlerOptions{}
	level := new(slog.LevelVar)
	if err := level.UnmarshalText([]byte(c.Level)); err == nil {
		opts.Level = level
	}
	f, isFile := w.(*os.File)
	if c.Format == "text" || c.Format == "auto" && isFile && term.IsTerminal(int(f.Fd())) {
		return slog.New(slog.NewTextHandler(w, opts))
	}
	return slog.New(slog.NewJSONHandler(w, opts))
}

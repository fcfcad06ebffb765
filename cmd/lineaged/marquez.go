package main

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/marquez"
	"github.com/lineaged/lineaged/openlineage"
)

// addMarquez adds what answers Marquez's clients. Things are called there as a Marquez is told of them: where one is
// configured that calls clusters its own way, in that way.
func addMarquez(questions map[string]func(api.Gate) http.Handler, cfg config.Config, asked *answer.Answers, now func() time.Time, log *slog.Logger) error {
	var namespaces map[string]string
	for _, t := range cfg.OpenLineage.Targets {
		if openlineage.Kind(t.Kind) == openlineage.Marquez {
			namespaces = t.Namespaces
			break
		}
	}
	names, err := openlineage.NewTarget(openlineage.Marquez, emitted(cfg), namespaces)
	if err != nil {
		return err
	}
	m := marquez.New(marquez.Options{Answers: asked, Names: names, Now: now, Log: log})
	for _, path := range []string{marquez.Prefix, marquez.LineagePath} {
		questions[path] = func(g api.Gate) http.Handler { return m.Handler(g) }
	}
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/openlineage"
	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/internal/lineagein"
	"github.com/lineaged/lineaged/internal/runevent"
)

// eventsFolder is the folder of OpenLineage events that are not observed yet, in the folder of the data.
const eventsFolder = "openlineage"

// events takes what jobs say of themselves.
type events struct{ *openlineage.Collector }

func newEvents(cfg config.Config, sink collector.Sink, board *collector.Board, clock *collector.Clock, log *slog.Logger) (events, error) {
	topics, err := eventTopics(cfg)
	if err != nil {
		return events{}, err
	}
	c, err := openlineage.New(openlineage.Config{
		Topics: topics,
		Folder: filepath.Join(cfg.Data, eventsFolder), Interval: time.Duration(cfg.Interval), Clock: clock, Board: board,
		TimeToLive: time.Duration(cfg.OpenLineage.TimeToLive), Log: log,
	}, sink)
	return events{c}, err
}

// eventTopics are the topics whose records are events, read as their clusters are watched.
func eventTopics(cfg config.Config) (all []openlineage.Topic, err error) {
	for _, t := range cfg.OpenLineage.Topics {
		for _, cl := range cfg.Clusters {
			if cl.Source() != t.Cluster {
				continue
			}
			k, err := collectorConfig(cl, time.Duration(cfg.Interval), slog.New(slog.DiscardHandler))
			if err != nil {
				return nil, err
			}
			all = append(all, openlineage.Topic{Cluster: t.Cluster, Name: t.Topic, Client: dialer(k)})
		}
	}
	return all, nil
}

// addEvents adds what answers OpenLineage's clients. On a loopback address nobody needs a token where none is set.
func (p *pushes) addEvents(cfg config.Config, e events, log *slog.Logger) error {
	token, err := cfg.OpenLineage.Reread()
	if err != nil {
		return err
	}
	local, err := config.Loopback(cfg.Listen)
	if err != nil {
		return err
	}
	r := lineagein.New(lineagein.Options{
		Token: func() string { return token().Reveal() }, Open: local, MaxBody: int64(cfg.OpenLineage.MaxBody), Refused: e.Refused, Log: log,
		Take: func(ctx context.Context, all []runevent.Event) error {
			err := e.Take(ctx, all)
			if errors.Is(err, openlineage.ErrFull) {
				return fmt.Errorf("%w: %w", lineagein.ErrFull, err)
			}
			return err
		},
	})
	p.add(r.Handlers(), !token().IsZero(), r.Collectors())
	return nil
}

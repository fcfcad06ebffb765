package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"path/filepath"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/export"
	"github.com/lineaged/lineaged/export/scheduled"
	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/lineage"
)

// reportsFile says how far each scheduled report is, in the folder of the data.
const reportsFile = "reports.json"

// newScheduled makes who writes the reports of a configuration to their folders.
func newScheduled(cfg config.Config, asked *answer.Answers, past *past, now func() time.Time, log *slog.Logger) *scheduled.Writer {
	o := scheduled.Options{State: filepath.Join(cfg.Data, reportsFile), Held: asked.SaidSince, Now: now, Logger: log}
	files := export.New(asked)
	for _, r := range cfg.Usage.Reports {
		o.Reports = append(o.Reports, scheduled.Report{
			Called: r.Called(), Suffix: r.Form(), Folder: string(r.Folder), Every: scheduled.Every(r.Every), Late: r.Late(),
			Make: func(ctx context.Context, w lineage.Window) (io.WriterTo, error) {
				if r.Rows == "periods" {
					if err := past.closed(ctx, w); err != nil {
						return nil, err
					}
				}
				return made(ctx, files, r, w)
			},
		})
	}
	return scheduled.New(o)
}

// made asks for a report as whoever asks the server does.
func made(ctx context.Context, files *export.Exporter, r config.Report, w lineage.Window) (io.WriterTo, error) {
	kind, name := r.Scope.Of()
	params := url.Values{"start": {w.Start.Format(time.RFC3339)}, "end": {w.End.Format(time.RFC3339)}, "format": {r.Form()}, kind: {name}}
	for key, value := range map[string]string{"groupBy": r.GroupBy, "rows": r.Rows} {
		if value != "" {
			params.Set(key, value)
		}
	}
	if r.Derived != nil {
		params.Set("derived", strconv.FormatBool(*r.Derived))
	}
	if r.Kind() == "register" {
		return files.Register(ctx, params)
	}
	return files.Report(ctx, params)
}

// closed says that a window is not in the ledger yet; nil: it is.
func (p *past) closed(ctx context.Context, w lineage.Window) error {
	said := p.ledger()
	if said == nil {
		return fmt.Errorf("rows of periods are the ledger's: %s", noLedger)
	}
	_, until, err := said.Closed(ctx, w)
	if err == nil && until.Before(w.End) {
		err = fmt.Errorf("the ledger has not closed all of the time until %s yet", w.End.Format(time.RFC3339))
	}
	return err
}

// scheduledFigures has for /metrics how each report fares.
type scheduledFigures struct{ *scheduled.Writer }

var (
	reportWritten  = prometheus.NewDesc("lineaged_report_written_timestamp_seconds", "When a scheduled report was written to its folder the last time.", []string{"report", "folder"}, nil)
	reportUntil    = prometheus.NewDesc("lineaged_report_window_end_timestamp_seconds", "Until when the windows of a scheduled report are written, or given up.", []string{"report", "folder"}, nil)
	reportFailures = prometheus.NewDesc("lineaged_report_failures_total", "Failed attempts to write a scheduled report, which are made again.", []string{"report", "folder"}, nil)
	reportGivenUp  = prometheus.NewDesc("lineaged_report_given_up_total", "Windows of which there is no scheduled report, since it was refused for an hour.", []string{"report", "folder"}, nil)
)

// Describe is prometheus.Collector's.
func (s scheduledFigures) Describe(all chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{reportWritten, reportUntil, reportFailures, reportGivenUp} {
		all <- d
	}
}

// Collect is prometheus.Collector's.
func (s scheduledFigures) Collect(all chan<- prometheus.Metric) {
	for i := range s.Reports {
		r, f := &s.Reports[i], s.Figures(i)
		put := func(d *prometheus.Desc, kind prometheus.ValueType, v float64) {
			all <- prometheus.MustNewConstMetric(d, kind, v, r.Name(), r.Folder)
		}
		if !f.Written.IsZero() {
			put(reportWritten, prometheus.GaugeValue, float64(f.Written.UnixMilli())/1000)
		}
		if !f.Until.IsZero() {
			put(reportUntil, prometheus.GaugeValue, float64(f.Until.Unix()))
		}
		put(reportFailures, prometheus.CounterValue, float64(f.Failures))
		put(reportGivenUp, prometheus.CounterValue, float64(f.GivenUp))
	}
}

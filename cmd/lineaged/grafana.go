package main

import (
	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/export"
)

// grafanaExports are what Grafana's Infinity data source asks, see docs/grafana.md.
func grafanaExports(files *export.Exporter) map[string]api.Exporter {
	const path = "/api/v1/grafana/"
	return map[string]api.Exporter{
		path + "nodes": exporter(files.GraphNodes), path + "edges": exporter(files.GraphEdges),
		path + "coverage": exporter(files.GraphCoverage), path + "annotations": exporter(files.Annotations),
	}
}

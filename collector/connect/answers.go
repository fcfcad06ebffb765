package connect

import (
	"cmp"
	"context"
	"encoding/json"
	"hash/fnv"
	"net/url"

	"github.com/lineaged/lineaged/internal/mm2"
	"github.com/lineaged/lineaged/lineage"
)

// This file has the answers of Connect's REST interface that are asked for, as far as they are (Apache Kafka 4.3.1,
// connect/runtime, org.apache.kafka.connect.runtime.rest.entities).

// serverInfo is the answer of GET /.
type serverInfo struct {
	Version string `json:"version"`
	Kafka   string `json:"kafka_cluster_id"`
}

// described is one connector in the answer of GET /connectors?expand=info&expand=status.
type described struct {
	Info struct {
		Config settings `json:"config"`
		Type   string   `json:"type"`
	} `json:"info"`
	Status struct {
		Connector struct {
			State string `json:"state"`
		} `json:"connector"`
		Tasks []struct {
			ID     int    `json:"id"`
			State  string `json:"state"`
			Worker string `json:"worker_id"`
		} `json:"tasks"`
		Type string `json:"type"`
	} `json:"status"`
}

// settings are a connector's configuration, secrets included: they live for one round, and only what is asked for by
// name leaves this package. A null is an empty text.
type settings map[string]string

// UnmarshalJSON takes texts, and the numbers and flags that some tools write; anything else is left out.
func (s *settings) UnmarshalJSON(b []byte) error {
	var raw map[string]any
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	*s = make(settings, len(raw))
	for k, v := range raw {
		switch v := v.(type) {
		case string:
			(*s)[k] = v
		case bool, float64:
			text, err := json.Marshal(v)
			if err == nil {
				(*s)[k] = string(text)
			}
		}
	}
	return nil
}

func (s settings) get(key string) string { return s[key] }

// connectors asks for all connectors, by name.
func (c *client) connectors(ctx context.Context) (map[string]described, error) {
	var all map[string]described
	err := c.Get(ctx, "/connectors?expand=info&expand=status", &all)
	return all, err
}

// topics asks which topics a connector has used since it was created, or since somebody reset that.
func (c *client) topics(ctx context.Context, connector string) ([]string, error) {
	var all map[string]struct {
		Topics []string `json:"topics"`
	}
	err := c.Get(ctx, "/connectors/"+url.PathEscape(connector)+"/topics", &all)
	return all[connector].Topics, err
}

// offset is where a connector stands in one partition of what it reads (KIP-875). Of what a connector of others says
// only a hash is kept: to see that it changed is enough.
type offset struct {
	Partition map[string]any  `json:"partition"`
	Offset    json.RawMessage `json:"offset"`
}

// offsets asks how far a connector is.
func (c *client) offsets(ctx context.Context, connector string) ([]offset, error) {
	var all struct {
		Offsets []offset `json:"offsets"`
	}
	err := c.Get(ctx, "/connectors/"+url.PathEscape(connector)+"/offsets", &all)
	return all.Offsets, err
}

// marks are hashes of offsets by a hash of their partitions, with the words that a partition holds, e.g. a file's or a
// table's name.
type marks map[uint64]mark

type mark struct {
	hash  uint64
	words []string
}

func marksOf(offsets []offset) marks {
	out := marks{}
	for _, o := range offsets {
		key, err := json.Marshal(o.Partition) // with its keys in order
		if err != nil {
			continue
		}
		m := mark{hash: hash(o.Offset)}
		for _, v := range o.Partition {
			if s, ok := v.(string); ok {
				m.words = append(m.words, s)
			}
		}
		out[hash(key)] = m
	}
	return out
}

func hash(b []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(b) // never fails
	return h.Sum64()
}

// The kinds of connectors, as Connect calls them. A worker that lacks a connector's plugin answers "unknown".
const (
	aSink   = "sink"
	aSource = "source"
)

// kind is aSink or aSource, or empty where nobody can say. Only sinks have topics to read in their configuration, but
// for MirrorMaker 2, which calls so what it reads elsewhere.
func (d described) kind() string {
	for _, k := range [...]string{d.Info.Type, d.Status.Type} {
		if k == aSink || k == aSource {
			return k
		}
	}
	get := d.Info.Config.get
	switch {
	case mm2.IsConnector(get("connector.class")):
		return aSource
	case get("topics") != "" || get("topics.regex") != "":
		return aSink
	}
	return ""
}

// fact is what is kept of a connector's description.
func (d described) fact(name string, kafka lineage.ClusterID) *lineage.ConnectorFact {
	f := &lineage.ConnectorFact{Kafka: kafka, Class: d.Info.Config.get("connector.class"), Type: cmp.Or(d.kind(), "unknown"), State: d.Status.Connector.State}
	for _, t := range d.Status.Tasks {
		f.Tasks = append(f.Tasks, lineage.Task{ID: t.ID, State: t.State, Worker: t.Worker})
	}
	if f.Type == aSink {
		if f.Group = d.Info.Config.get("consumer.override.group.id"); f.Group == "" {
			f.Group = "connect-" + name
		}
	}
	return f
}

// running reports whether any of the connector's tasks is at work. Tasks go on while the connector itself has failed or
// is on no worker; one that is to rest may show tasks that run for a moment longer.
func (d described) running() bool {
	switch d.Status.Connector.State {
	case "PAUSED", "STOPPED", "DESTROYED":
		return false
	}
	return d.tasks("RUNNING") > 0
}

// state is what the connector is with its tasks: RUNNING while one runs, FAILED where all have, else what Connect says
// of the connector.
func (d described) state() string {
	n := len(d.Status.Tasks)
	switch {
	case d.running():
		return "RUNNING"
	case n > 0 && d.tasks("FAILED") == n && d.Status.Connector.State == "RUNNING":
		return "FAILED"
	}
	return d.Status.Connector.State
}

// tasks counts the tasks in a state.
func (d described) tasks(state string) (n int) {
	for _, t := range d.Status.Tasks {
		if t.State == state {
			n++
		}
	}
	return n
}

package mm2

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// ConnectorConfig is what lineaged wants to know of the configuration of one of MirrorMaker 2's connectors. A
// configuration holds credentials too: what has no field here never leaves this package.
type ConnectorConfig struct {
	Name, Class              string
	SourceAlias, TargetAlias string
	// SourceBrokers and TargetBrokers are bootstrap addresses, host:port.
	SourceBrokers, TargetBrokers []string
	Policy                       Policy
	Topics, TopicsExclude        string // lists of names and expressions, as configured
	TopicFilter                  string // topic.filter.class; empty: the default
	// Off: it copies nothing, though Connect says that it runs. A dedicated process makes all three connectors of both
	// directions, since the heartbeats of one need those of the other.
	Off bool
}

// defaultTarget is the alias of the target where none is set (MirrorConnectorConfig, 4.3.1). The source's has no
// default.
const defaultTarget = "target"

// ReadConfig takes the named fields out of a connector's configuration, which get returns by key, "" for what is not
// there.
func ReadConfig(get func(key string) string) ConnectorConfig {
	return ConnectorConfig{
		Name: get("name"), Class: get("connector.class"),
		SourceAlias: get("source.cluster.alias"), TargetAlias: cmp.Or(get("target.cluster.alias"), defaultTarget),
		SourceBrokers: addresses(get("source.cluster.bootstrap.servers")), TargetBrokers: addresses(get("target.cluster.bootstrap.servers")),
		Policy: NewPolicy(get("replication.policy.class"), get("replication.policy.separator"), strings.EqualFold(get("replication.policy.internal.topic.separator.enabled"), "false")),
		Topics: get("topics"), TopicsExclude: get("topics.exclude"), TopicFilter: get("topic.filter.class"), Off: strings.EqualFold(strings.TrimSpace(get("enabled")), "false"),
	}
}

// addresses splits a list of addresses. One with an @ in it is not an address but might be a secret; it is left out.
func addresses(list string) (out []string) {
	for a := range strings.SplitSeq(list, ",") {
		a = strings.TrimSpace(a)
		if _, rest, ok := strings.Cut(a, "://"); ok {
			a = rest
		}
		if a != "" && !strings.Contains(a, "@") {
			out = append(out, a)
		}
	}
	return out
}

// ConfigKind is what a record of a Connect configs topic is about.
type ConfigKind uint8

// The kinds of ConfigRecord.
const (
	OtherConfig    ConfigKind = iota // tasks, commits, session keys, log levels: not looked into
	ConnectorEntry                   // a connector's configuration
	TargetState                      // whether it is to run
)

// ConfigRecord is a record of a Connect configs topic.
type ConfigRecord struct {
	Kind      ConfigKind
	Connector string
	Gone      bool // deleted
	Config    ConnectorConfig
	State     string // of TargetState: STARTED, PAUSED or STOPPED
}

// DecodeConfig decodes a record of a Connect configs topic. An empty value is a deletion.
func DecodeConfig(key, value []byte) (ConfigRecord, error) {
	if name, ok := strings.CutPrefix(string(key), "connector-"); ok {
		r := ConfigRecord{Kind: ConnectorEntry, Connector: name}
		props, gone, err := properties(value)
		if err != nil {
			return ConfigRecord{}, fmt.Errorf("configuration of a connector: %w", err)
		}
		if r.Gone = gone; !gone {
			r.Config = ReadConfig(props)
		}
		return r, nil
	}
	if name, ok := strings.CutPrefix(string(key), "target-state-"); ok {
		r := ConfigRecord{Kind: TargetState, Connector: name}
		var v struct {
			State string `json:"state"`
			V2    string `json:"state.v2"` // KIP-875: knows STOPPED, which state says as PAUSED
		}
		gone, err := unmarshal(value, &v)
		if err != nil {
			return ConfigRecord{}, fmt.Errorf("target state of a connector: %w", err)
		}
		if r.Gone, r.State = gone, v.V2; r.State == "" {
			r.State = v.State
		}
		return r, nil
	}
	return ConfigRecord{}, nil
}

// properties returns the getter of a connector record's properties. They are left as raw bytes until one is asked for
// by its name.
func properties(value []byte) (get func(string) string, gone bool, err error) {
	var v struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if gone, err = unmarshal(value, &v); err != nil || gone {
		return nil, gone, err
	}
	if v.Properties == nil {
		return nil, false, errMalformed
	}
	return func(key string) (s string) {
		if json.Unmarshal(v.Properties[key], &s) != nil {
			return "" // Connect's properties are strings; null is one that is not set
		}
		return s
	}, false, nil
}

// OffsetRecord is a record of a Connect offsets topic: how far MirrorSourceConnector has copied a partition of the
// source.
type OffsetRecord struct {
	Connector string
	// Cluster, Topic and Partition are those of the source. Topic is empty for records of other connectors, which are
	// not looked into.
	Cluster, Topic string
	Partition      int32
	Offset         int64 // of the last record that was copied
	Gone           bool
}

// DecodeOffset decodes a record of a Connect offsets topic. An empty value is a deletion.
func DecodeOffset(key, value []byte) (OffsetRecord, error) {
	bad := func() (OffsetRecord, error) { return OffsetRecord{}, fmt.Errorf("source offset: %w", errMalformed) }
	var parts []json.RawMessage
	if json.Unmarshal(key, &parts) != nil || len(parts) != 2 {
		return bad()
	}
	var r OffsetRecord
	if json.Unmarshal(parts[0], &r.Connector) != nil {
		return bad()
	}
	var k struct {
		Cluster   *string `json:"cluster"`
		Topic     *string `json:"topic"`
		Partition *int32  `json:"partition"`
	}
	other := json.Unmarshal(parts[1], &k) != nil || k.Cluster == nil || k.Topic == nil || k.Partition == nil
	if other { // a connector that counts in another way
		return OffsetRecord{Connector: r.Connector}, nil
	}
	r.Cluster, r.Topic, r.Partition = *k.Cluster, *k.Topic, *k.Partition
	var v struct {
		Offset *int64 `json:"offset"`
	}
	gone, err := unmarshal(value, &v)
	if err != nil || !gone && v.Offset == nil || r.Partition < 0 || r.Topic == "" {
		return bad()
	}
	if r.Gone = gone; !gone {
		r.Offset = *v.Offset
	}
	return r, nil
}

// StatusRecord is a record of a Connect status topic: the state of a connector or of a task, or a topic that a
// connector uses.
type StatusRecord struct {
	Connector string
	Task      int    // -1: the connector itself
	Topic     string // a topic in use; State is then empty
	State     string // RUNNING, PAUSED, STOPPED, FAILED, UNASSIGNED, RESTARTING, DESTROYED
	Worker    string // host:port, or the worker's name
	Gone      bool
}

// DecodeStatus decodes a record of a Connect status topic. An empty value is a deletion. A stack trace, which may quote
// a configuration, is dropped. Connector is empty for keys of another kind.
func DecodeStatus(key, value []byte) (StatusRecord, error) {
	r := StatusRecord{Task: -1}
	k := string(key)
	if rest, ok := strings.CutPrefix(k, "status-topic-"); ok {
		// A topic's name has no colon.
		if r.Topic, r.Connector, ok = strings.Cut(rest, ":connector-"); !ok || r.Topic == "" {
			return StatusRecord{}, fmt.Errorf("topic in use: %w", errMalformed)
		}
	} else if rest, ok := strings.CutPrefix(k, "status-task-"); ok {
		i := strings.LastIndexByte(rest, '-')
		task, err := strconv.Atoi(rest[i+1:])
		if i < 0 || err != nil || task < 0 {
			return StatusRecord{}, fmt.Errorf("status of a task: %w", errMalformed)
		}
		r.Connector, r.Task = rest[:i], task
	} else if r.Connector, ok = strings.CutPrefix(k, "status-connector-"); !ok {
		return StatusRecord{Task: -1}, nil
	}
	var v struct {
		State  string          `json:"state"`
		Worker string          `json:"worker_id"`
		Topic  json.RawMessage `json:"topic"`
	}
	gone, err := unmarshal(value, &v)
	if err != nil || !gone && r.Topic == "" && v.State == "" || !gone && r.Topic != "" && v.Topic == nil {
		return StatusRecord{}, fmt.Errorf("status of a connector: %w", errMalformed)
	}
	r.Gone = gone
	if r.Topic == "" {
		r.State, r.Worker = v.State, v.Worker
	}
	return r, nil
}

// unmarshal decodes JSON. gone is true for no value and for null. The JSON package's own errors quote values, so they
// go no further.
func unmarshal(value []byte, into any) (gone bool, err error) {
	if len(value) == 0 || string(value) == "null" {
		return true, nil
	}
	if json.Unmarshal(value, into) != nil {
		return false, errMalformed
	}
	return false, nil
}

package demo

import (
	"encoding/binary"
	"encoding/json"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// This file has the records of MirrorMaker 2's internal topics: JSON in Connect's own ones, and Kafka's Struct
// serialization (big-endian numbers, strings behind an int16 length) in the others.

const heartbeats = "heartbeats"

// heartbeat says that a direction lived at a time. The value begins with the version, 0.
func heartbeat(source, target string, at time.Time) *kgo.Record {
	return &kgo.Record{
		Topic: heartbeats,
		Key:   text(text(nil, source), target),
		Value: binary.BigEndian.AppendUint64([]byte{0, 0}, uint64(at.UnixMilli())),
	}
}

// offsetSync is the offset of a record and that of its copy. It has no version.
func (m *mirror) offsetSync(r *kgo.Record, downstream int64) *kgo.Record {
	return &kgo.Record{
		Topic: "mm2-offset-syncs." + m.to.Name + ".internal",
		Key:   binary.BigEndian.AppendUint32(text(nil, r.Topic), uint32(r.Partition)),
		Value: binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(r.Offset)), uint64(downstream)),
	}
}

// checkpointOf is a group's offset and where that is on the target. The value begins with the version, 0.
func (m *mirror) checkpointOf(o kadm.OffsetResponse, downstream int64) *kgo.Record {
	value := binary.BigEndian.AppendUint64([]byte{0, 0}, uint64(o.At))
	return &kgo.Record{
		Topic: m.from.Name + ".checkpoints.internal",
		Key:   binary.BigEndian.AppendUint32(text(text(nil, m.group), m.from.Name+"."+o.Topic), uint32(o.Partition)),
		Value: text(binary.BigEndian.AppendUint64(value, uint64(downstream)), o.Metadata),
	}
}

func text(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

// configuration is a record of the worker's configs topic.
func (m *mirror) configuration(key string, value any) *kgo.Record {
	return words("mm2-configs."+m.from.Name+".internal", key, value)
}

// status says that a connector or a task runs.
func (m *mirror) status(key string) *kgo.Record {
	return m.say(key, object{"state": "RUNNING", "trace": nil, "worker_id": m.name(), "generation": 1, "version": kafkaVersion})
}

// inUse says that the source connector writes a topic.
func (m *mirror) inUse(topic string) *kgo.Record {
	return m.say("status-topic-"+topic+":connector-MirrorSourceConnector", object{
		"topic": object{"name": topic, "connector": "MirrorSourceConnector", "task": 0, "discoverTimestamp": time.Now().UnixMilli()},
	})
}

func (m *mirror) say(key string, value any) *kgo.Record {
	return words("mm2-status."+m.from.Name+".internal", key, value)
}

// sourceOffset is the offset of the last record of a partition that is copied.
func (m *mirror) sourceOffset(p partition, offset int64) *kgo.Record {
	key := []any{"MirrorSourceConnector", object{"cluster": m.from.Name, "partition": p.index, "topic": p.topic}}
	return words("mm2-offsets."+m.from.Name+".internal", key, object{"offset": offset})
}

// words makes a record of Connect's JSON. The key is a text as it is, or made JSON too.
func words(topic string, key, value any) *kgo.Record {
	r := &kgo.Record{Topic: topic, Value: inJSON(value)}
	if s, ok := key.(string); ok {
		r.Key = []byte(s)
	} else {
		r.Key = inJSON(key)
	}
	return r
}

func inJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("demo: " + err.Error()) // texts and numbers only
	}
	return b
}

package kafkatest

import (
	"maps"
	"strings"
	"testing"
)

// MirrorOptions say what MirrorMaker 2 to start.
type MirrorOptions struct {
	SourceAlias, TargetAlias string
	Properties               map[string]string // they win over those of this package, e.g. west->east.topics
}

// Mirror is a running dedicated MirrorMaker 2.
type Mirror struct{ *daemon }

// StartMirror starts a MirrorMaker 2 that copies from one open cluster to another, and returns when it runs. It looks
// for new topics each second, commits its offsets each second, and gives a sign of life each second. The test's end
// stops it.
func StartMirror(t testing.TB, source, target *Cluster, o MirrorOptions) *Mirror {
	t.Helper()
	flow := o.SourceAlias + "->" + o.TargetAlias
	props := map[string]string{
		"clusters":                           o.SourceAlias + "," + o.TargetAlias,
		o.SourceAlias + ".bootstrap.servers": source.Bootstrap(), o.TargetAlias + ".bootstrap.servers": target.Bootstrap(),
		flow + ".enabled": "true", o.TargetAlias + "->" + o.SourceAlias + ".enabled": "false",
		"replication.factor": "1", "checkpoints.topic.replication.factor": "1", "heartbeats.topic.replication.factor": "1", "offset-syncs.topic.replication.factor": "1",
		"config.storage.replication.factor": "1", "offset.storage.replication.factor": "1", "status.storage.replication.factor": "1",
		"offset.storage.partitions": "2", "status.storage.partitions": "2",
		// Of a worker's own properties only those are taken that bear the target's alias.
		o.TargetAlias + ".offset.flush.interval.ms": "1000",
		"refresh.topics.interval.seconds":           "1", "refresh.groups.interval.seconds": "2", "emit.checkpoints.interval.seconds": "2", "emit.heartbeats.interval.seconds": "1",
		"sync.group.offsets.enabled": "true", "sync.group.offsets.interval.seconds": "2",
		"scheduled.rebalance.max.delay.ms": "0", "plugin.discovery": "service_load",
	}
	maps.Copy(props, o.Properties)
	args := []string{"-Dlevel.root=INFO", "org.apache.kafka.connect.mirror.MirrorMaker", target.writeProperties(t, "mirror-"+o.SourceAlias+"-"+o.TargetAlias, props)}
	return &Mirror{target.startDaemon(t, "mirror", "-Xmx256m", args, func(output string) bool { return strings.Contains(output, "Kafka MirrorMaker started") })}
}

package acceptance

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/lineaged/lineaged/internal/cast"
	"github.com/lineaged/lineaged/internal/kafkatest"
)

// tellingToken is the bearer token by which the telling cluster's brokers forward what clients push.
const tellingToken = "acceptance-token-0123456789"

// people are the users of the telling cluster besides Admin, none of whom has a right at first.
var people = []string{"alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ruth"}

// telling is the secured cluster whose brokers forward their clients' metrics, which several tests have in common.
var telling struct {
	once sync.Once
	dir  string
	gate *cast.Gate
	err  error
}

// tellingCluster returns that cluster. Its gate is shut until a test opens it.
func tellingCluster(t *testing.T) *kafkatest.Cluster {
	t.Helper()
	jar := cast.ReporterJar(t)
	telling.once.Do(func() {
		telling.gate = cast.NewGate()
		if telling.dir, telling.err = os.MkdirTemp("", "lineaged-telling-"); telling.err == nil { //nolint:usetesting // shared by all tests
			telling.err = os.WriteFile(filepath.Join(telling.dir, "token"), []byte(tellingToken), 0o600)
		}
	})
	if telling.err != nil {
		t.Fatal(telling.err)
	}
	t.Cleanup(func() { telling.gate.Open() })
	return kafkatest.Shared(t, kafkatest.Options{Secure: true, Users: people, Plugins: []string{jar}, Config: map[string]string{
		"metric.reporters":              "org.apache.kafka.common.metrics.JmxReporter,io.lineaged.telemetry.TelemetryReporter",
		"lineaged.telemetry.url":        telling.gate.URL + "/v1/metrics",
		"lineaged.telemetry.token.file": filepath.Join(telling.dir, "token"),
	}})
}

func closeTelling() {
	if telling.gate != nil {
		telling.gate.Close()
	}
	if telling.dir != "" {
		os.RemoveAll(telling.dir)
	}
}

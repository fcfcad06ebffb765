package kafkatest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// ConnectOptions say what Connect to start.
type ConnectOptions struct {
	Group      string            // group.id; empty: connect-test. Its topics are GROUP-configs, GROUP-offsets, GROUP-status
	Properties map[string]string // worker properties; they win over those of this package
}

// Connect is one running Connect worker, with the file connectors, Kafka's transformations and MirrorMaker 2's connectors.
type Connect struct {
	*daemon
	URL string // of its REST interface
}

// StartConnect starts a distributed worker on an open cluster that the test's end stops. It commits offsets each second.
func (c *Cluster) StartConnect(t testing.TB, o ConnectOptions) *Connect {
	t.Helper()
	if o.Group == "" {
		o.Group = "connect-test"
	}
	ports, err := FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("http://127.0.0.1:%d", ports[0])
	props := map[string]string{
		"bootstrap.servers": c.Bootstrap(), "group.id": o.Group, "listeners": address, "rest.advertised.host.name": "127.0.0.1",
		"config.storage.topic": o.Group + "-configs", "offset.storage.topic": o.Group + "-offsets", "status.storage.topic": o.Group + "-status",
		"config.storage.replication.factor": "1", "offset.storage.replication.factor": "1", "status.storage.replication.factor": "1",
		"offset.storage.partitions": "2", "status.storage.partitions": "2",
		"offset.flush.interval.ms": "1000", "scheduled.rebalance.max.delay.ms": "0", "plugin.discovery": "service_load",
		"key.converter": "org.apache.kafka.connect.storage.StringConverter", "value.converter": "org.apache.kafka.connect.storage.StringConverter",
	}
	maps.Copy(props, o.Properties)
	args := []string{"org.apache.kafka.connect.cli.ConnectDistributed", c.writeProperties(t, o.Group, props)}
	d := c.startDaemon(t, "connect", "-Xmx192m", args, func(string) bool {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/connectors", nil)
		if err != nil {
			return false
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return &Connect{d, address}
}

// Put creates or changes a connector, and returns when it and a task of it run.
func (c *Connect) Put(t testing.TB, name string, config map[string]string) {
	t.Helper()
	body, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	c.must(t, http.MethodPut, name+"/config", body)
	within(t, time.Minute, "connector "+name, func() error {
		_, text, err := c.do(t.Context(), http.MethodGet, name+"/status", nil)
		if err == nil && strings.Count(text, `"RUNNING"`) < 2 {
			err = fmt.Errorf("its status is %s", text)
		}
		return err
	})
}

// Delete deletes a connector.
func (c *Connect) Delete(t testing.TB, name string) {
	t.Helper()
	c.must(t, http.MethodDelete, name, nil)
}

// must asks until the workers do not rebalance.
func (c *Connect) must(t testing.TB, method, path string, body []byte) {
	t.Helper()
	within(t, time.Minute, method+" "+path, func() error {
		status, text, err := c.do(t.Context(), method, path, body)
		if err == nil && status >= http.StatusMultipleChoices {
			err = fmt.Errorf("status %d: %s", status, text)
		}
		return err
	})
}

func (c *Connect) do(ctx context.Context, method, path string, body []byte) (status int, text string, err error) {
	name, rest, _ := strings.Cut(path, "/")
	address := strings.TrimRight(c.URL+"/connectors/"+url.PathEscape(name)+"/"+rest, "/")
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(answer), err
}

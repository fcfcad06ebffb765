package kafkatest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ConnectOptions say what Connect to start.
type ConnectOptions struct {
	// group.id; empty: connect-test. Its topics are GROUP-configs, GROUP-offsets, GROUP-status
	Group      string
	Properties map[string]string // worker properties; they win over those of this package
	Secure     bool              // the REST interface speaks HTTPS and asks for basic authentication
}

// Connect is one running Connect worker, with the file connectors, Kafka's transformations and MirrorMaker 2's
// connectors.
type Connect struct {
	*daemon
	URL string // of its REST interface
	// Of a secure one: its certificate, which is its own authority, and who may ask. Empty of an open one.
	CAFile, Username, Password string

	client *http.Client
}

// StartConnect starts a distributed worker on an open cluster that the test's end stops. It commits offsets each
// second.
func (c *Cluster) StartConnect(t testing.TB, o ConnectOptions) *Connect {
	t.Helper()
	if o.Group == "" {
		o.Group = "connect-test"
	}
	ports, err := FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	w := &Connect{URL: fmt.Sprintf("http://127.0.0.1:%d", ports[0]), client: http.DefaultClient}
	props := map[string]string{
		"bootstrap.servers": c.Bootstrap(), "group.id": o.Group, "rest.advertised.host.name": "127.0.0.1",
		"config.storage.topic": o.Group + "-configs", "offset.storage.topic": o.Group + "-offsets", "status.storage.topic": o.Group + "-status",
		"config.storage.replication.factor": "1", "offset.storage.replication.factor": "1", "status.storage.replication.factor": "1",
		"offset.storage.partitions": "2", "status.storage.partitions": "2",
		"offset.flush.interval.ms": "1000", "scheduled.rebalance.max.delay.ms": "0", "plugin.discovery": "service_load",
		"key.converter": "org.apache.kafka.connect.storage.StringConverter", "value.converter": "org.apache.kafka.connect.storage.StringConverter",
	}
	var args []string
	if o.Secure {
		args = w.secure(t, c, props)
	}
	props["listeners"] = w.URL
	maps.Copy(props, o.Properties)
	args = append(args, "org.apache.kafka.connect.cli.ConnectDistributed", c.writeProperties(t, fmt.Sprintf("%s-%d", o.Group, ports[0]), props))
	w.daemon = c.startDaemon(t, "connect", "-Xmx192m", args, func(string) bool {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		status, _, err := w.do(ctx, http.MethodGet, "", nil)
		return err == nil && status == http.StatusOK
	})
	return w
}

// secure makes the certificate and the users of a worker's REST interface, and returns what the JVM needs for it.
func (w *Connect) secure(t testing.TB, c *Cluster, props map[string]string) (jvm []string) {
	t.Helper()
	dir := t.TempDir()
	store := filepath.Join(dir, "connect.p12")
	w.CAFile, w.Username, w.Password = filepath.Join(dir, "connect.pem"), "lineaged", Password("connect")
	w.URL = strings.Replace(w.URL, "http:", "https:", 1)
	keytool := func(args ...string) {
		t.Helper()
		args = append(args, "-alias", "connect", "-keystore", store, "-storepass", w.Password)
		if out, err := exec.CommandContext(t.Context(), "keytool", args...).CombinedOutput(); err != nil {
			t.Fatalf("keytool: %v\n%s", err, out)
		}
	}
	keytool("-genkeypair", "-keyalg", "EC", "-storetype", "PKCS12", "-dname", "CN=connect", "-ext", "san=ip:127.0.0.1", "-ext", "bc=ca:true", "-validity", "1")
	keytool("-exportcert", "-rfc", "-file", w.CAFile)
	pem, err := os.ReadFile(w.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	w.client = &http.Client{Transport: transport}
	props["listeners.https.ssl.keystore.location"], props["listeners.https.ssl.keystore.password"] = store, w.Password
	props["listeners.https.ssl.keystore.type"], props["listeners.https.ssl.key.password"] = "PKCS12", w.Password
	props["rest.extension.classes"] = "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension"
	users := c.writeProperties(t, "connect-users", map[string]string{w.Username: w.Password})
	jaas := filepath.Join(dir, "jaas.conf")
	login := fmt.Sprintf("KafkaConnect { org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule required file=%q; };\n", users)
	if err := os.WriteFile(jaas, []byte(login), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"-Djava.security.auth.login.config=" + jaas}
}

// Put creates or changes a connector, and returns when it and a task of it run.
func (w *Connect) Put(t testing.TB, name string, config map[string]string) {
	t.Helper()
	body, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	w.must(t, http.MethodPut, name+"/config", body)
	within(t, time.Minute, "connector "+name, func() error {
		_, text, err := w.do(t.Context(), http.MethodGet, name+"/status", nil)
		if err == nil && strings.Count(text, `"RUNNING"`) < 2 {
			err = fmt.Errorf("its status is %s", text)
		}
		return err
	})
}

// Delete deletes a connector.
func (w *Connect) Delete(t testing.TB, name string) {
	t.Helper()
	w.must(t, http.MethodDelete, name, nil)
}

// must asks until the workers do not rebalance.
func (w *Connect) must(t testing.TB, method, path string, body []byte) {
	t.Helper()
	within(t, time.Minute, method+" "+path, func() error {
		status, text, err := w.do(t.Context(), method, path, body)
		if err == nil && status >= http.StatusMultipleChoices {
			err = fmt.Errorf("status %d: %s", status, text)
		}
		return err
	})
}

func (w *Connect) do(ctx context.Context, method, path string, body []byte) (status int, text string, err error) {
	name, rest, _ := strings.Cut(path, "/")
	address := strings.TrimRight(w.URL+"/connectors/"+url.PathEscape(name)+"/"+rest, "/")
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/json")
	if w.Username != "" {
		req.SetBasicAuth(w.Username, w.Password)
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(answer), err
}

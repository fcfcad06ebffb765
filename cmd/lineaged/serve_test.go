package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/crypto/bcrypt"

	"github.com/lineaged/lineaged/internal/child"
	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/store/storetest"
)

// server is a lineaged in this process.
type server struct {
	t    *testing.T
	url  string
	stop context.CancelFunc
	done chan error
}

// start runs fn, which prints a ready line, and returns when it did.
func start(t *testing.T, fn func(ctx context.Context, stdout io.Writer) error) *server {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	s := &server{t: t, stop: cancel, done: make(chan error, 1)}
	go func() {
		err := fn(ctx, w)
		_ = w.Close() // never fails
		s.done <- err
	}()
	line, err := bufio.NewReader(r).ReadString('\n')
	go func() { _, _ = io.Copy(io.Discard, r) }()
	url, ok := strings.CutPrefix(line, "lineaged is ready: ")
	if err != nil || !ok {
		cancel()
		t.Fatalf("ready line %q, %v; the program says %v", line, err, <-s.done)
	}
	s.url = strings.TrimSpace(url)
	return s
}

// end stops the server and checks that it needs less than five seconds and has nothing to complain about.
func (s *server) end() {
	s.t.Helper()
	began := time.Now()
	s.stop()
	select {
	case err := <-s.done:
		if err != nil {
			s.t.Errorf("stopped with %v", err)
		}
	case <-time.After(5 * time.Second):
		s.t.Fatal("not stopped after 5s")
	}
	s.t.Logf("stopped in %v", time.Since(began))
	http.DefaultClient.CloseIdleConnections()
}

func (s *server) get(path string) (status int, body string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// query asks GraphQL, fills into with its data, and returns the errors of the answer, e.g. that a node is not known
// yet.
func (s *server) query(document string, into any) (problem string) {
	s.t.Helper()
	body, err := json.Marshal(map[string]string{"query": document})
	if err != nil {
		s.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer := struct {
		Data   any
		Errors []struct{ Message string }
	}{Data: into}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		s.t.Fatalf("HTTP %d: %v", resp.StatusCode, err)
	}
	if len(answer.Errors) > 0 {
		return fmt.Sprintf("%s: %v", document, answer.Errors)
	}
	return ""
}

// eventually polls until check returns "".
func eventually(t *testing.T, limit time.Duration, check func() string) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		problem := check()
		if problem == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v: %s", limit, problem)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func testConfig(t *testing.T, broker string) config.Config {
	t.Helper()
	cfg := config.Default()
	cfg.Listen, cfg.Data, cfg.Interval = "127.0.0.1:0", filepath.Join(t.TempDir(), "data"), config.Duration(time.Second)
	cfg.Clusters = []config.Cluster{{Name: "west", Brokers: []string{broker}}}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// freePort returns an address on which nobody listens.
func freePort(t *testing.T) (address string, port int) {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String(), ln.Addr().(*net.TCPAddr).Port
}

// A Kafka that is down at the start is no error: it is said, and seen as soon as it is up.
func TestKafkaDownThenUp(t *testing.T) {
	address, port := freePort(t)
	cfg := testConfig(t, address)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	s := start(t, func(ctx context.Context, stdout io.Writer) error { return serve(ctx, cfg, reloader{}, log, stdout) })

	if status, body := s.get("/healthz"); status != http.StatusOK {
		t.Errorf("/healthz is %d: %s", status, body)
	}
	var coverage struct {
		Coverage struct {
			Complete bool
			Gaps     []struct{ Source, Reason string }
		}
	}
	eventually(t, 10*time.Second, func() string {
		if problem := s.query(`{ coverage(window: {last: "1m"}) { complete gaps { source reason } } }`, &coverage); problem != "" {
			return problem
		}
		if coverage.Coverage.Complete || len(coverage.Coverage.Gaps) == 0 {
			return fmt.Sprintf("coverage does not tell that Kafka is down: %+v", coverage)
		}
		return ""
	})
	if _, body := s.get("/readyz"); !strings.Contains(body, "west") {
		t.Errorf("/readyz does not tell that Kafka is down: %s", body)
	}

	k, err := kfake.NewCluster(kfake.Ports(port), kfake.SeedTopics(2, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	cl, err := kgo.NewClient(kgo.SeedBrokers(address))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	eventually(t, 20*time.Second, func() string {
		if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: "orders", Value: []byte("x")}).FirstErr(); err != nil {
			return err.Error()
		}
		var lineage struct {
			Lineage struct {
				Flows []struct {
					ID     string
					Active bool
				}
			}
		}
		if problem := s.query(`{ lineage(roots: ["topic:west/orders"], window: {last: "1m"}) { flows { id active } } }`, &lineage); problem != "" {
			return problem
		}
		if fmt.Sprint(lineage.Lineage.Flows) != "[{unidentified:west/orders->topic:west/orders true}]" {
			return fmt.Sprintf("flows of orders: %v", lineage.Lineage.Flows)
		}
		return ""
	})
	var latest struct {
		Clusters []struct{ LastRound time.Time }
	}
	if problem := s.query(`{ clusters { lastRound } }`, &latest); problem != "" {
		t.Fatal(problem)
	}
	cl.Close()
	s.end()

	// What was answered is still there.
	store, err := openStore(cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if got := storetest.Newest(t, store, "west"); got.Before(latest.Clusters[0].LastRound) {
		t.Errorf("the newest round in the store is %v, and %v was answered", got, latest.Clusters[0].LastRound)
	}
}

// process starts the real program and waits for its ready line.
func process(t *testing.T, args ...string) (cmd *exec.Cmd, url string) {
	t.Helper()
	cmd = exec.CommandContext(t.Context(), "lineaged", args...) // dies with the test
	cmd.Dir, cmd.Env = t.TempDir(), child.Environ()
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ok := strings.CutPrefix(line, "lineaged is ready: ")
	if err != nil || !ok {
		t.Fatalf("ready line %q, %v", line, err)
	}
	return cmd, strings.TrimSpace(url)
}

func ended(t *testing.T, cmd *exec.Cmd, limit time.Duration) int {
	t.Helper()
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the exit code says it
		close(done)
	}()
	select {
	case <-done:
		return cmd.ProcessState.ExitCode()
	case <-time.After(limit):
		t.Fatalf("still running after %v", limit)
		return -1
	}
}

func TestSignals(t *testing.T) {
	broker, _ := freePort(t)
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		cmd, _ := process(t, "serve", "--brokers", broker, "--interval", "1s", "--listen", "127.0.0.1:0")
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		if code := ended(t, cmd, 5*time.Second); code != exitOK {
			t.Errorf("%v: exit code %d, want 0", sig, code)
		}
	}
}

// While a slow client holds up the end, a second signal does not wait for it.
func TestSecondSignal(t *testing.T) {
	broker, _ := freePort(t)
	cmd, url := process(t, "serve", "--brokers", broker, "--interval", "1s", "--listen", "127.0.0.1:0")
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\n")); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // nothing tells from outside that the server has accepted the connection
	for range 2 {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		time.Sleep(200 * time.Millisecond) // two signals at once are one
	}
	if code := ended(t, cmd, drainTimeout/2); code != exitFailure {
		t.Errorf("exit code %d, want %d", code, exitFailure)
	}
}

// With a web configuration file the server speaks TLS and asks for a password; the ready line says https.
func TestProtected(t *testing.T) {
	dir := t.TempDir()
	cert, key := selfSigned(t)
	hash, err := bcrypt.GenerateFromPassword([]byte("open sesame"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"cert.pem": cert, "key.pem": key,
		"web.yaml": fmt.Appendf(nil, "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\nbasic_auth_users: {anna: '%s'}\n", hash),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	broker, _ := freePort(t)
	cfg := testConfig(t, broker)
	cfg.Listen, cfg.Web.ConfigFile = "0.0.0.0:0", config.File(filepath.Join(dir, "web.yaml"))
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	s := start(t, func(ctx context.Context, stdout io.Writer) error {
		return serve(ctx, cfg, reloader{}, slog.New(slog.DiscardHandler), stdout)
	})
	if !strings.HasPrefix(s.url, "https://127.0.0.1:") {
		t.Errorf("ready at %s", s.url)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	defer client.CloseIdleConnections()
	f := func(password string, want int) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		if password != "" {
			req.SetBasicAuth("anna", password)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("with password %q: HTTP %d, want %d", password, resp.StatusCode, want)
		}
	}
	f("", http.StatusUnauthorized)
	f("sesame", http.StatusUnauthorized)
	f("open sesame", http.StatusOK)
	// Nor does anybody listen to changes without the password. Who does holds up no end.
	dial := func(password string) (*websocket.Conn, int) {
		r := &http.Request{Header: http.Header{}}
		r.SetBasicAuth("anna", password)
		c, resp, err := websocket.Dial(t.Context(), s.url+"/graphql", &websocket.DialOptions{
			HTTPClient: client, HTTPHeader: r.Header, Subprotocols: []string{"graphql-transport-ws"},
		})
		if resp == nil {
			t.Fatal(err)
		}
		if resp.Body != nil {
			_ = resp.Body.Close()
		}
		return c, resp.StatusCode
	}
	if _, status := dial("sesame"); status != http.StatusUnauthorized {
		t.Errorf("a websocket with a wrong password: HTTP %d", status)
	}
	c, status := dial("open sesame")
	if status != http.StatusSwitchingProtocols {
		t.Fatalf("a websocket: HTTP %d", status)
	}
	for _, message := range []string{`{"type":"connection_init"}`, `{"type":"subscribe","id":"1","payload":{"query":"subscription{lineageChanged(window:{last:\"10m\"}){version}}"}}`} {
		if err := c.Write(t.Context(), websocket.MessageText, []byte(message)); err != nil {
			t.Fatal(err)
		}
		if _, answer, err := c.Read(t.Context()); err != nil || !strings.Contains(string(answer), "connection_ack") && !strings.Contains(string(answer), "version") {
			t.Errorf("%s: %v %s", message, err, answer)
		}
	}
	ended := make(chan error, 1)
	go func() {
		for {
			if _, _, err := c.Read(context.Background()); err != nil {
				ended <- err
				return
			}
		}
	}()
	client.CloseIdleConnections()
	s.end()
	if err := <-ended; websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Error(err)
	}
}

func selfSigned(t *testing.T) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

func TestAliasesByTarget(t *testing.T) {
	got := aliases(config.Config{Mirrors: []config.Mirror{
		{Source: "west", Target: "east", Aliases: config.Aliases{"a": "west"}},
		{Source: "north", Target: "west", Aliases: config.Aliases{"a": "north"}},
	}})
	want := map[string]map[string]string{"east": {"west": "west", "a": "west"}, "west": {"north": "north", "a": "north"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("aliases are %v, want %v", got, want)
	}
}

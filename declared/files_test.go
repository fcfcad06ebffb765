package declared

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lineaged/lineaged/lineage"
)

const operation = "channels: {c: {address: TOPIC}}\noperations: {o: {action: send, channel: {$ref: 'CHANNEL'}}}\n"

func documentOf(topic, channel string) string {
	return head + strings.NewReplacer("TOPIC", topic, "CHANNEL", channel).Replace(operation)
}

// disk is a folder with files, and a reader of it.
type disk struct {
	t   *testing.T
	dir string
	Reader
	cfg     Config
	written time.Time
}

func newDisk(t *testing.T) *disk {
	d := &disk{t: t, dir: t.TempDir(), written: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	d.cfg = Config{AsyncAPI: []string{filepath.Join(d.dir, "apis", "*.yaml")}, Products: []string{filepath.Join(d.dir, "products", "*")}, Base: d.dir}
	return d
}

// write writes a file, a second later than the one before.
func (d *disk) write(name, text string) {
	d.t.Helper()
	path := filepath.Join(d.dir, name)
	d.written = d.written.Add(time.Second)
	for _, err := range []error{os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600), os.Chtimes(path, d.written, d.written)} {
		if err != nil {
			d.t.Fatal(err)
		}
	}
}

// holds reads again and compares the topics of all flows, what is wrong, and whether anything has changed.
func (d *disk) holds(wantChanged bool, topics string, problems ...string) {
	d.t.Helper()
	now, changed := d.Read(d.cfg)
	var all []string
	for _, f := range now.Flows {
		all = append(all, f.Topic.Text)
	}
	if got := strings.Join(all, " "); got != topics || changed != wantChanged {
		d.t.Errorf("%q, changed %v, want %q, %v", got, changed, topics, wantChanged)
	}
	if diff := cmp.Diff(problems, Problems(now)); diff != "" {
		d.t.Error(diff)
	}
}

// What a file says holds until it says something else that is sound, or is gone.
func TestFilesChange(t *testing.T) {
	d := newDisk(t)
	d.write("products/p.yaml", "kind: DataProduct\napiVersion: v1.0.0\nid: p\nstatus: active\n")
	d.holds(true, "", "apis/*.yaml: there is no such file")
	d.write("apis/a.yaml", documentOf("orders", "#/channels/c"))
	d.holds(true, "orders")
	d.holds(false, "orders")
	d.write("apis/b.yaml", documentOf("x", "parts/p.yaml#/payments"))
	d.holds(true, "orders", "apis/b.yaml: apis/parts/p.yaml: no such file or directory")
	d.write("apis/parts/p.yaml", "payments: {address: payments}\n")
	d.holds(true, "orders payments")
	d.write("apis/parts/p.yaml", "payments: {address: refunds}\n") // the part alone
	d.holds(true, "orders refunds")
	d.write("apis/a.yaml", "asyncapi: 2.6.0\n")
	d.holds(true, "orders refunds", `apis/a.yaml:1: /asyncapi: "2.6.0": AsyncAPI 2 is refused: its publish and subscribe say what others may do, the inverse of send and receive; `+
		"convert the document to 3.0; what it said before holds")
	d.write("apis/a.yaml", "")
	d.holds(true, "orders refunds", "apis/a.yaml: is empty; what it said before holds")
	d.write("apis/a.yaml", documentOf("returns", "#/channels/c"))
	d.holds(true, "returns refunds")
	if err := os.Remove(filepath.Join(d.dir, "apis/a.yaml")); err != nil {
		t.Fatal(err)
	}
	d.holds(true, "refunds")
	d.cfg.Flows = []Flow{{From: "application:shop/a", To: "topic:west/t"}}
	if now, _ := d.Read(d.cfg); len(now.Flows) != 2 || now.Flows[0].Flow.To != (lineage.Node{Scope: "west", Kind: lineage.TopicNode, Name: "t"}) {
		t.Errorf("%+v", now.Flows)
	}
}

// No file reaches over the folder of its pattern, be it by a link; what is no file is not opened.
func TestFilesOfOtherFolders(t *testing.T) {
	d := newDisk(t)
	d.cfg.Products = nil
	d.write("secret.yaml", "c: {address: secret}\n")
	d.write("apis/a.yaml", documentOf("x", "../secret.yaml#/c"))
	d.write("apis/b.yaml", documentOf("x", "link.txt#/c"))
	d.write("apis/c.yaml", documentOf("x", "pipe#/c"))
	if err := os.Symlink("../secret.yaml", filepath.Join(d.dir, "apis/link.txt")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(d.dir, "apis/pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.holds(true, "",
		`apis/a.yaml:6: /operations/o/channel/$ref: "../secret.yaml#/c": leads out of the folder`,
		"apis/b.yaml: apis/link.txt: path escapes from parent", "apis/c.yaml: apis/pipe: is no regular file")
	d.cfg.AsyncAPI = []string{filepath.Join(d.dir, "apis/pipe"), filepath.Join(d.dir, "[")}
	d.holds(true, "", "[: is not a pattern of files", "apis/pipe: is no regular file")
	// the folder is the one that the pattern names
	d.cfg.AsyncAPI = []string{filepath.Join(d.dir, "*", "a.yaml")}
	d.holds(true, "secret")
	if got := rootOf("/etc/a*/b/*.yaml"); got != "/etc" {
		t.Error(got)
	}
}

// A file that is too large is not read at all.
func TestFileTooLarge(t *testing.T) {
	d := newDisk(t)
	d.write("apis/a.yaml", "")
	if err := os.Truncate(filepath.Join(d.dir, "apis/a.yaml"), 64<<30); err != nil {
		t.Fatal(err)
	}
	d.cfg.Products = nil
	d.holds(true, "", "apis/a.yaml: has more than 10 MiB")
}

func TestNodesOfAFlow(t *testing.T) {
	f := func(from, to, problem string) {
		t.Helper()
		flow, err := Flow{From: from, To: to}.Nodes()
		switch {
		case problem == "" && (err != nil || flow.From.ID() != from || flow.To.ID() != to):
			t.Errorf("%s -> %s: %v, %v", from, to, flow, err)
		case problem != "" && (err == nil || !strings.Contains(err.Error(), problem)):
			t.Errorf("%s -> %s: %v, want %s", from, to, err, problem)
		}
	}
	f("application:production/shop", "topic:west/orders", "")
	f("topic:west/orders", "connector:connect-west/sink", "")
	f("topic:west/orders", "topic:west/payments", "one of from and to must be a topic")
	f("application:a/b", "application:a/c", "one of from and to must be a topic")
	f("orders", "topic:west/orders", "is not a node's id")
	f("topic:west/orders", "dataset:a/b", "is none of topic, application")
	f("unidentified:west/orders", "topic:west/orders", "is none of topic, application")
}

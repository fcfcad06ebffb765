//go:build matrix

package matrix

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/internal/child"
	"github.com/lineaged/lineaged/internal/kafkatest"
)

// atOnce is how many drivers run beside each other: they mostly rest, and a machine of two cores starts no more JVMs
// than this at a time without falling behind.
const atOnce = 6

// did is what a driver reports.
type did struct {
	Read, Wrote int64
	Unsupported string
}

// Each library in each column: who read and wrote must be found, named where it has a name, and counted exactly or by a
// stated bound that holds what the driver says it did. MATRIX names a pattern of cells, all by default; then the page
// is left alone.
func TestMatrix(t *testing.T) {
	// As many partitions of committed offsets as a cluster has that nobody tuned: whose transactions move which group's
	// is told by their keeping apart.
	c := kafkatest.Start(t, kafkatest.Options{Config: map[string]string{"offsets.topic.num.partitions": "50"}})
	commands := drivers(t, c.Classpath())
	only := regexp.MustCompile(os.Getenv("MATRIX"))
	var cells []cell
	for _, l := range libraries {
		for _, col := range columns {
			if x := (cell{l, col}); only.MatchString(x.base()) {
				cells = append(cells, x)
			}
		}
	}
	// Not every library can decompress what franz-go compresses by default.
	writer := c.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()))
	admin := c.Admin(t)
	for _, x := range cells {
		c.CreateTopic(t, x.topic(), partitions)
		if x.column.mode == "copy" {
			c.CreateTopic(t, x.out(), partitions)
		}
		if x.column.mode == "share" {
			c.ShareFromBeginning(t, x.base())
		}
	}
	s := serve(t, fmt.Sprintf("interval: %ds\nclusters: [{name: west, brokers: [%q]}]\n", tick, c.Brokers()[0]))

	truths := map[string]did{}
	var mu sync.Mutex // guards truths
	var wg sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for _, x := range cells {
		wg.Go(func() {
			if x.column.mode != "copy" { // which rests nearly all of its long life
				places <- struct{}{}
				defer func() { <-places }()
			}
			switch {
			case x.column.role == "write":
			case x.column.seen():
				filled := make(chan struct{})
				defer func() { <-filled }()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel() // when the driver has ended without a member
				go func() {
					defer close(filled)
					if joined(ctx, admin, x.base()) {
						fill(t, writer, x.topic())
					}
				}()
			default:
				fill(t, writer, x.topic())
			}
			if strings.Contains(x.column.head, "shorter") { // all of it between two looks
				time.Sleep(time.Until(time.Now().Truncate(tick * time.Second).Add(tick*time.Second + 300*time.Millisecond)))
			}
			d, err := drive(t, commands[x.library.driver], x, x.errand(c.Bootstrap()))
			if err != nil {
				t.Errorf("%s: %v", x.base(), err)
			}
			mu.Lock()
			defer mu.Unlock()
			truths[x.base()] = d
		})
	}
	wg.Wait()
	time.Sleep(8 * tick * time.Second) // what is shared out late, and a share group's slower look

	verdicts, copiers, parted := map[string]verdict{}, 0, []string(nil)
	for _, x := range cells {
		v := s.verdict(t, x, truths[x.base()])
		verdicts[x.base()] = v
		if v.wrong != nil {
			t.Errorf("%s: %v", x.base(), v.wrong)
		}
		if x.column.mode == "copy" && v.lacks == "" {
			copiers++
			if !v.named {
				parted = append(parted, x.base())
			}
		}
	}
	if 2*len(parted) > copiers {
		t.Errorf("of %d that copy in transactions %d are not known to do both: %q", copiers, len(parted), parted)
	}
	heading := fmt.Sprintf("Made %s on Kafka %s with an interval of %d s: %d cells. ✓ found and named, ○ found under another name; then what was said less the truth, ≤ as an upper bound, ≥ as a lower one, ≈ as an estimate; – the library can't do it, or nobody can tell. "+
		"The truth of a reader is what it read, of one that dies or commits another offset what it has committed, of a writer what it wrote; 600 records in two partitions.",
		time.Now().UTC().Format(time.DateOnly), c.Version(), tick, len(cells))
	section := render(verdicts, heading)
	t.Log("\n" + section)
	if only.String() != "" {
		return
	}
	page, err := os.ReadFile("../../docs/evidence.md")
	if err != nil {
		t.Fatal(err)
	}
	text, err := place(string(page), section)
	if err == nil {
		err = os.WriteFile("../../docs/evidence.md", []byte(text), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// joined waits until a group has members, and lineaged has had the time to see them.
func joined(ctx context.Context, admin *kadm.Client, group string) bool {
	for {
		if groups, err := admin.ListGroups(ctx); err == nil && groups[group].State == "Stable" {
			break
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(300 * time.Millisecond):
		}
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(2 * tick * time.Second):
		return true
	}
}

// fill writes the records of a topic that is read.
func fill(t testing.TB, writer *kgo.Client, topic string) {
	t.Helper()
	var rs []*kgo.Record
	for i := range records {
		rs = append(rs, &kgo.Record{Topic: topic, Partition: int32(i % partitions), Value: []byte("x")})
	}
	if err := writer.ProduceSync(t.Context(), rs...).FirstErr(); err != nil {
		t.Errorf("fill %s: %v", topic, err)
	}
}

// errand is what a driver is told besides what it does: where, and who it is. A client.id and a user may be empty.
type errand struct {
	brokers, topic, out, group, id string
	client, user, password         string
}

// errand is that of a cell on an open cluster.
func (c cell) errand(brokers string) errand {
	return errand{brokers: brokers, topic: c.topic(), out: c.out(), group: c.base(), id: c.id()}
}

// drive runs a cell's driver to its end.
func drive(t testing.TB, command []string, x cell, e errand) (did, error) {
	t.Helper()
	args := slices.Clone(command[1:])
	var in bytes.Buffer
	var env []string
	if x.library.driver == "java" {
		args = append(args, x.column.role, x.column.mode, e.brokers, e.topic, e.out, e.group, e.id, strconv.Itoa(partitions))
		for _, s := range x.column.steps {
			args = append(args, fmt.Sprintf("%s:%d", s.Do, int64(s.N+s.Seconds)+s.To))
		}
		if e.user != "" {
			env = append(os.Environ(), "MATRIX_CLIENT="+e.client, "MATRIX_USER="+e.user, "MATRIX_PASSWORD="+e.password)
		}
	} else if err := json.NewEncoder(&in).Encode(map[string]any{
		"role": x.column.role, "library": x.library.name, "mode": x.column.mode, "brokers": e.brokers, "topic": e.topic, "out": e.out, "group": e.group, "id": e.id,
		"client": e.client, "user": e.user, "password": e.password, "partitions": partitions, "steps": x.column.steps,
	}); err != nil {
		return did{}, err
	}
	cmd := exec.CommandContext(t.Context(), command[0], args...)
	var out, errs bytes.Buffer
	cmd.Env = env // nil: ours
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &in, &out, &errs, time.Second
	timer := time.AfterFunc(8*time.Minute, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	err := cmd.Run()
	var d did
	if err == nil {
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		err = json.Unmarshal([]byte(lines[len(lines)-1]), &d)
	}
	if err != nil {
		return d, fmt.Errorf("its driver: %w\n%s", err, child.Tail(errs.String(), 12))
	}
	return d, nil
}

// verdict asks what lineaged says of a cell, and compares.
func (s server) verdict(t testing.TB, x cell, d did) verdict {
	t.Helper()
	if d.Unsupported != "" {
		return verdict{lacks: d.Unsupported}
	}
	if x.column.role == "write" {
		return s.writes(t, "topic:west/"+x.topic(), x.application(), d.Wrote)
	}
	v := verdict{truth: d.Read}
	if x.column.committed >= 0 {
		v.truth = x.column.committed
	}
	topic := "topic:west/" + x.topic()
	n := 0
	for _, f := range s.mustAround(t, topic) {
		if f.From.ID == topic {
			v.told, n = f.told(f.To.ID), n+1
		}
	}
	v.named = v.told.node == x.application()
	if v.wrong = judge(v.told, v.truth); n > 1 {
		v.wrong = errors.Join(v.wrong, fmt.Errorf("%d readers", n))
	}
	if x.column.mode == "copy" {
		w := s.writes(t, "topic:west/"+x.out(), x.application(), d.Wrote)
		v.named = v.named && w.named
		if w.wrong != nil {
			v.wrong = errors.Join(v.wrong, fmt.Errorf("its copy: %w", w.wrong))
		}
		// Whose offsets it moves shows in time, and later where others' are kept with them. Until then it stands under
		// two names, of its own: another's would be wrong.
		if v.told.node != w.told.node && w.told.node != x.alone() {
			v.wrong = errors.Join(v.wrong, fmt.Errorf("%s reads and %s writes what one program copies", v.told.node, w.told.node))
		}
	}
	return v
}

// writes asks who wrote a topic that one program wrote alone. What is nobody's beside it must be no more than a bound
// that holds that nobody else did.
func (s server) writes(t testing.TB, topic, application string, truth int64) verdict {
	t.Helper()
	v := verdict{truth: truth}
	var others error
	for _, f := range s.mustAround(t, topic) {
		switch {
		case f.To.ID != topic:
		case v.told.node == "" || f.From.ID == application:
			if v.told.node != "" {
				others = errors.Join(others, nobody(v.told))
			}
			v.told = f.told(f.From.ID)
		default:
			others = errors.Join(others, nobody(f.told(f.From.ID)))
		}
	}
	v.named = application == "" || v.told.node == application
	v.wrong = errors.Join(judge(v.told, truth), others)
	return v
}

// nobody reports an error unless what is told of a further writer may be nothing.
func nobody(t told) error {
	err := judge(t, 0)
	if err == nil && (!strings.HasPrefix(t.node, "unidentified:") || !t.says("at most")) {
		err = errors.New("it is no bound")
	}
	if err != nil {
		return fmt.Errorf("%s writes too: %w", t.node, err)
	}
	return nil
}

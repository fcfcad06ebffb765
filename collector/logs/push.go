package logs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	common "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	"golang.org/x/sync/errgroup"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/brokerlog"
	"github.com/lineaged/lineaged/lineage"
)

// pushSilence is for how long nothing may come: a broker that logs its requests does so every few seconds, asked or
// not.
const pushSilence = 2 * time.Minute

var errSilent = errors.New("no line has come for a while: either nobody sends them, or nothing is logged")

// maxWaiting bounds what was sent and waits for the tick, in bytes.
const maxWaiting = 32 << 20

// line is a line that was sent, and when it was written, by its sender; the zero time where that does not say.
type line struct {
	text []byte
	at   time.Time
}

// pushed are the lines that were sent for a round. What was sent again, since nobody knew whether it had come, says
// nothing new: accesses and links stand once, and a request that begins before the newest claims nothing.
type pushed struct {
	waiting []line
	silence time.Duration // after so long without a line nobody sends them
	heard   time.Time     // the newest round with one, or the first of all
}

func (p *pushed) restore(map[string][]byte, bool, func(string, error)) { p.waiting = nil }

func (p *pushed) read(_ context.Context, round time.Time, _ *budget, each func(line []byte, at when)) result {
	if len(p.waiting) > 0 || p.heard.IsZero() {
		p.heard = round
	}
	if round.Sub(p.heard) > p.silence {
		return result{err: errSilent}
	}
	for _, l := range p.waiting {
		each(l.text, when{at: l.at, zoned: true, live: true})
	}
	p.waiting = nil
	return result{}
}

func (p *pushed) save() []lineage.Position { return nil }
func (p *pushed) close()                   {}

// pusher is a source that is sent its lines. It is a collector.Pusher.
type pusher struct{ *source }

// Parts implements collector.Pusher.
func (p pusher) Parts() []collector.Cadence {
	return []collector.Cadence{{Part: SourcePush, Every: p.cfg.Interval}}
}

// Merge implements collector.Pusher.
func (p pusher) Merge(_ *collector.Take, lines []line) error {
	in := p.input.(*pushed)
	in.waiting = append(in.waiting, lines...)
	return nil
}

// End implements collector.Pusher.
func (p pusher) End(t *collector.Take) { p.observe(context.Background(), t) }

// Desk takes the lines of all clusters that are sent and gives each its own.
type Desk struct {
	board *collector.Board
	by    map[string]*Collector // by the name under which the cluster is configured
}

// NewDesk makes the desk of collectors that are sent their lines (Config.Push).
func NewDesk(board *collector.Board, all ...*Collector) *Desk {
	d := &Desk{board: board, by: map[string]*Collector{}}
	for _, c := range all {
		d.by[c.source.cfg.Name] = c
	}
	return d
}

// Take takes a request of a sender that may tell of one cluster, by its configured name, or of any (""). A record's
// body is a line, or has it in one of its fields. It keeps nothing of what it is given.
func (d *Desk) Take(cluster string, m *logspb.LogsData) (collector.Receipt, error) {
	var out collector.Receipt
	letters := map[*Collector][]line{}
	for _, r := range m.GetResourceLogs() {
		name, why, err := collector.Whose(d.board, slices.Sorted(maps.Keys(d.by)), cluster, clusterOf(r.GetResource().GetAttributes()))
		if err != nil {
			return out, err
		}
		reject := func(because string) {
			out.Rejected++
			if out.Why == "" {
				out.Why = because
			}
		}
		for _, s := range r.GetScopeLogs() {
			for _, rec := range s.GetLogRecords() {
				text := textOf(rec.GetBody())
				switch {
				case why != "":
					reject(why)
				case text == "":
					reject("a log record has no line for a body, nor in a field of it")
				case len(text) > brokerlog.MaxLine:
					reject(fmt.Sprintf("a line is longer than %d bytes", brokerlog.MaxLine))
				default:
					letters[d.by[name]] = append(letters[d.by[name]], line{[]byte(text), timeOf(rec)})
				}
			}
		}
	}
	out.Deliver = func(ctx context.Context) error {
		var g errgroup.Group
		for c, lines := range letters {
			bytes := int64(0)
			for _, l := range lines {
				bytes += int64(len(l.text)) + 64
			}
			g.Go(func() error {
				if err := c.inbox.Send(ctx, lines, bytes); err != nil {
					return fmt.Errorf("cluster %q: %w", c.source.cfg.Name, err)
				}
				return nil
			})
		}
		return g.Wait()
	}
	return out, nil
}

// clusterOf returns the cluster's id that attributes name; empty: none.
func clusterOf(attributes []*common.KeyValue) string {
	for _, a := range attributes {
		if strings.ReplaceAll(strings.ToLower(a.GetKey()), "_", ".") == "kafka.cluster.id" {
			return a.GetValue().GetStringValue()
		}
	}
	return ""
}

// timeOf returns when a record was written, by its sender; zero: it does not say.
func timeOf(r *logspb.LogRecord) time.Time {
	for _, n := range [...]uint64{r.GetTimeUnixNano(), r.GetObservedTimeUnixNano()} {
		if n > 0 && n < 1<<63 {
			return time.Unix(0, int64(n)).UTC()
		}
	}
	return time.Time{}
}

// textOf returns the line in a body: all of it, or, where a sender has taken it apart, the field that holds what looks
// like a line of one of both loggers.
func textOf(v *common.AnyValue) string {
	if s := v.GetStringValue(); s != "" {
		return strings.TrimRight(s, "\r\n")
	}
	for _, f := range v.GetKvlistValue().GetValues() {
		if s := f.GetValue().GetStringValue(); strings.Contains(s, "Completed request") || strings.Contains(s, "rincipal = ") {
			return strings.TrimRight(s, "\r\n")
		}
	}
	return ""
}

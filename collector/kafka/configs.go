package kafka

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector/ask"
	"github.com/lineaged/lineaged/lineage"
)

// configsCadence is how often all topics' configurations are read again.
const configsCadence = 5 * time.Minute

// configChunk bounds the topics of one DescribeConfigs request.
const configChunk = 500

// topicConfigs reads what is set on the topics themselves: of new topics at once, of all on the cadence. A change is an
// event.
func (t *take) topicConfigs(cadence time.Duration) {
	all := t.due(sourceConfigs, cadence)
	var names []string
	for name, tp := range t.byName {
		if tp.unseen == "" && (all || tp.configs == nil && !t.configsDenied) {
			names = append(names, name)
		}
	}
	if len(names) == 0 && !all {
		return
	}
	slices.SortFunc(names, func(a, b string) int {
		// where not all are read in time, the others come first the next time
		return cmp.Or(t.byName[a].configsRead.Compare(t.byName[b].configsRead), cmp.Compare(a, b))
	})
	o := t.observe(sourceConfigs, cadence)
	forbidden := 0
	read := 0
	for chunk := range slices.Chunk(names, configChunk) {
		n, err := t.configsOf(o, chunk)
		forbidden += n
		if err != nil {
			// The rest waits for the next look: a broker that failed is not asked again in this round.
			o.Missing = append(o.Missing, lineage.Missing{
				Reason: err.Error(), All: all && read == 0, Share: float64(len(names)-read) / float64(max(len(t.byName), 1)),
			})
			break
		}
		for _, name := range chunk {
			t.byName[name].configsRead = t.round
		}
		read += len(chunk)
	}
	if !all {
		return
	}
	t.askListeners()
	t.configsDenied = forbidden > 0
	var spots []lineage.BlindSpot
	if forbidden > 0 {
		spots = append(spots, lineage.BlindSpot{
			What:   fmt.Sprintf("the configuration of %d topics may not be described", forbidden),
			Remedy: "grant DESCRIBE_CONFIGS on topics to lineaged's principal",
		})
	}
	t.sayBlind(o, spots)
}

// configsOf reads the configurations of some topics and returns how many may not be described.
func (t *take) configsOf(o *lineage.Observation, names []string) (forbidden int, err error) {
	req := kmsg.NewPtrDescribeConfigsRequest()
	for _, name := range names {
		r := kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, name
		req.Resources = append(req.Resources, r)
	}
	ctx, cancel := t.half()
	defer cancel()
	if len(t.brokers) == 0 {
		return 0, errors.New("no broker is known")
	}
	// Any broker can answer; they take turns.
	broker := t.brokers[int(t.round.Unix())%len(t.brokers)]
	resp, err := req.RequestWith(ctx, t.client.Broker(int(broker)))
	if err != nil {
		return 0, fmt.Errorf("broker %d: %w", broker, ask.Plain(err))
	}
	for _, r := range resp.Resources {
		tp := t.byName[r.ResourceName]
		if tp == nil {
			continue
		}
		if ask.Denied(r.ErrorCode) {
			forbidden++
			tp.compact(maybeCompacted)
			continue
		}
		if r.ErrorCode == 0 {
			tp.compact(policyOf(r.Configs))
			t.configsNow(o, tp, setOnTopic(r.Configs), retentionOf(r.Configs))
		}
	}
	return forbidden, nil
}

// policyOf says whether a topic's log has holes, by whatever set its policy.
func policyOf(entries []kmsg.DescribeConfigsResponseResourceConfig) compaction {
	for _, e := range entries {
		if e.Name == "cleanup.policy" && e.Value != nil && strings.Contains(*e.Value, "compact") {
			return isCompacted
		}
	}
	return notCompacted
}

// compact notes whether the topic's log has holes. One that was compacted once has them for as long as it is there.
func (tp *topic) compact(c compaction) {
	if tp.compaction != c && tp.compaction != isCompacted {
		tp.compaction, tp.dirty = c, true
		tp.stirs++
	}
}

// setOnTopic picks the entries that are set on the topic itself. Sensitive ones are never taken.
func setOnTopic(entries []kmsg.DescribeConfigsResponseResourceConfig) []lineage.Config {
	out := []lineage.Config{}
	for _, e := range entries {
		if e.Source == kmsg.ConfigSourceDynamicTopicConfig && !e.IsSensitive && e.Value != nil {
			out = append(out, lineage.Config{Name: e.Name, Value: *e.Value})
		}
	}
	slices.SortFunc(out, func(a, b lineage.Config) int { return compare(a.Name, b.Name) })
	return out
}

// retentionOf returns what deletes the topic's records, by whatever set it; nil: not all of it was told.
func retentionOf(entries []kmsg.DescribeConfigsResponseResourceConfig) *lineage.Retention {
	out, told := &lineage.Retention{}, 0
	for _, e := range entries {
		if e.Value == nil {
			continue
		}
		var err error
		switch e.Name {
		case "cleanup.policy":
			out.Policy = *e.Value
		case "retention.ms":
			out.Millis, err = strconv.ParseInt(*e.Value, 10, 64)
		case "retention.bytes":
			out.Bytes, err = strconv.ParseInt(*e.Value, 10, 64)
		default:
			continue
		}
		if err == nil {
			told++
		}
	}
	if told < 3 {
		return nil
	}
	return out
}

func sameRetention(a, b *lineage.Retention) bool { return a == b || a != nil && b != nil && *a == *b }

func (t *take) configsNow(o *lineage.Observation, tp *topic, now []lineage.Config, kept *lineage.Retention) {
	if tp.configs != nil {
		for _, d := range configChanges(tp.configs, now) {
			o.Events = append(o.Events, lineage.Event{At: t.round, Type: lineage.ConfigChanged, Topic: tp.topic, Detail: d})
		}
		if slices.Equal(tp.configs, now) && sameRetention(tp.retention, kept) {
			return
		}
	}
	tp.configs, tp.retention, tp.dirty = now, kept, true
	o.Facts = append(o.Facts, t.topicFact(tp))
}

// configChanges describes each entry that differs.
func configChanges(before, now []lineage.Config) []string {
	old := map[string]string{}
	for _, c := range before {
		old[c.Name] = c.Value
	}
	var out []string
	for _, c := range now {
		if v, ok := old[c.Name]; !ok {
			out = append(out, fmt.Sprintf("%s: set to %s", c.Name, c.Value))
		} else if v != c.Value {
			out = append(out, fmt.Sprintf("%s: %s before, %s now", c.Name, v, c.Value))
		}
		delete(old, c.Name)
	}
	for name, v := range old {
		out = append(out, fmt.Sprintf("%s: %s before, default now", name, v))
	}
	slices.Sort(out)
	return out
}

// Package cast is what tests of names have in common: who writes and reads in a world (Actor), what each lineaged that
// watches it is given (Source), and how its answer is held against the truth (World.Judge) and against the table in the
// documentation (World.Table). Besides, what stands around secured brokers in such a world: who carries their logs on,
// and their clients' telemetry.
//
// It knows lineaged from outside only: its configuration and its answers. It starts neither Kafka nor lineaged.
package cast

import (
	"context"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
)

// Actor is a program of a world: what it truly is and does.
type Actor struct {
	What      string // for the table, once in it
	Name      string // its client.id, or its group
	Principal string
	Topic     string
	Reads     bool
	Records   int64
	Most      bool // what is counted is a bound: markers of its transactions may be among it
	Group     bool // its commits count it, whatever is switched on
}

// Source is what one lineaged of a world is given.
type Source struct {
	Name                        string
	Request, Authorizer, Pushes bool
	Headers, Audit              bool
	Sent                        bool // its request log by OpenTelemetry's own exporter
	// Whole is where every writer and reader has to have a name; Counted, where what is nobody's is next to nothing;
	// Exact, where counts are within 1 % of the truth. With telemetry alone those of its clients may lie beside what
	// the topic grew by, since busy ones push late.
	Whole, Counted, Exact bool
}

// World is a cluster, and all who write and read there.
type World struct {
	Cluster string // as it is called in lineaged
	Admin   string // the principal of lineaged itself
	Cast    []Actor
}

// Topics are the nodes of all topics of the cast.
func (w *World) Topics() (ids []string) {
	seen := map[string]bool{}
	for _, a := range w.Cast {
		if id := w.topic(a.Topic); !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}

func (w *World) topic(name string) string { return "topic:" + w.Cluster + "/" + name }

// application is the node that a name is shown as.
func (w *World) application(name string) string { return "application:" + w.Cluster + "/" + name }

// flow is the flow of an actor that is shown as a node.
func (w *World) flow(a *Actor, node string) string {
	if a.Reads {
		return w.topic(a.Topic) + "->" + node
	}
	return node + "->" + w.topic(a.Topic)
}

// Permit gives everybody the rights to what they do, and no others.
func (w *World) Permit(ctx context.Context, admin *kadm.Client) error {
	for _, a := range w.Cast {
		b := kadm.NewACLs().Allow("User:" + a.Principal).AllowHosts().ResourcePatternType(kadm.ACLPatternLiteral).Topics(a.Topic)
		if a.Reads {
			b = b.Groups("*").Operations(kadm.OpRead)
		} else {
			b = b.TransactionalIDs("*").Operations(kadm.OpWrite)
		}
		if _, err := admin.CreateACLs(ctx, b); err != nil {
			return fmt.Errorf("permit %s: %w", a.Name, err)
		}
	}
	return nil
}

// Files are what a configuration refers to.
type Files struct {
	Brokers, Token, Password string
	Logs                     map[string]string // by logger
}

// Config is the configuration of the lineaged that has these sources.
func (x *Source) Config(w *World, f *Files) string {
	var b strings.Builder
	fmt.Fprintf(&b, "log: {level: debug}\ninterval: 2s\nclusters:\n  - name: %s\n    brokers: [%s]\n    sasl: {mechanism: SCRAM-SHA-512, username: %s, password_file: %s}\n", w.Cluster, f.Brokers, w.Admin, f.Password)
	var files []string
	if x.Request {
		files = append(files, f.Logs[RequestLogger])
	}
	if x.Authorizer {
		files = append(files, f.Logs[AuthorizerLogger])
	}
	if files != nil {
		b.WriteString("    logs: {files: [" + strings.Join(files, ", ") + "]}\n")
	}
	if x.Sent {
		b.WriteString("    logs: {push: true}\n")
	}
	if x.Headers {
		b.WriteString("    headers: {topics: [.*], records: {topics: [clicks, prices], sample: 1/1}}\n")
	}
	if x.Audit {
		b.WriteString("    audit: [{topic: audited}]\n")
	}
	if x.Pushes {
		b.WriteString("    telemetry: {subscribe: true, interval: 1s}\n")
	}
	if x.Pushes || x.Sent {
		fmt.Fprintf(&b, "otlp: {token_file: %s}\n", f.Token)
	}
	return b.String()
}

package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/connect"
	"github.com/lineaged/lineaged/collector/headers"
	"github.com/lineaged/lineaged/collector/kafka"
	"github.com/lineaged/lineaged/collector/logs"
	"github.com/lineaged/lineaged/export"
	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/timeseries"
	"github.com/lineaged/lineaged/ui"
	"github.com/lineaged/lineaged/usage"
)

// The functions in this file turn the configuration into what each package wants to know.

func collectorConfig(c config.Cluster, interval time.Duration, log *slog.Logger) (kafka.Config, error) {
	tlsConfig, err := c.TLS.Reread()
	if err != nil {
		return kafka.Config{}, err
	}
	mechanism, err := mechanism(c.SASL)
	if err != nil {
		return kafka.Config{}, err
	}
	if c.SASL.Mechanism == "PLAIN" && tlsConfig == nil {
		log.Warn("the password is sent to Kafka in plain text: SASL PLAIN without TLS", "cluster", c.Source())
	}
	return kafka.Config{
		Name: c.Source(), Brokers: c.Brokers, TLS: tlsConfig, SASL: mechanism,
		Include: expressions(c.Topics.Include), Exclude: expressions(c.Topics.Exclude),
		Interval: interval, Applications: identity.Applications, Log: log,
	}, nil
}

// mechanism returns nil when the configuration asks for none.
func mechanism(s config.SASL) (sasl.Mechanism, error) {
	if s.Mechanism == "" {
		return nil, nil //nolint:nilnil // nil is how franz-go spells "no SASL"
	}
	secret, err := s.Reread() // at each connection, since it may be rotated
	if err != nil {
		return nil, err
	}
	scrambled := func(context.Context) (scram.Auth, error) {
		return scram.Auth{User: s.Username, Pass: secret().Reveal()}, nil
	}
	switch s.Mechanism {
	case "PLAIN":
		return plain.Plain(func(context.Context) (plain.Auth, error) {
			return plain.Auth{User: s.Username, Pass: secret().Reveal()}, nil
		}), nil
	case "SCRAM-SHA-256":
		return scram.Sha256(scrambled), nil
	case "SCRAM-SHA-512":
		return scram.Sha512(scrambled), nil
	default:
		return nil, fmt.Errorf("sasl.mechanism %q is unknown", s.Mechanism)
	}
}

func expressions(patterns []config.Pattern) []*regexp.Regexp {
	all := make([]*regexp.Regexp, len(patterns))
	for i, p := range patterns {
		all[i] = p.Regexp
	}
	return all
}

// dialer makes clients of a cluster for who does not speak its Admin API.
func dialer(cfg kafka.Config) func(opts ...kgo.Opt) (*kgo.Client, error) {
	return func(opts ...kgo.Opt) (*kgo.Client, error) {
		return kgo.NewClient(append(kafka.ClientOptions(cfg), opts...)...)
	}
}

// logConfigs are the places where a cluster's brokers' logs are, and its audit topics.
func logConfigs(cfg config.Config, c config.Cluster, k kafka.Config) (all []logs.Config, err error) {
	common := logs.Config{Name: k.Name, Interval: k.Interval, Clock: k.Clock, Board: k.Board, Wanted: wanted(k), NoRequests: c.Logs.NoRequestLog, Log: k.Log}
	if len(c.Logs.Files) > 0 {
		files := common
		files.Files = c.Logs.Files
		all = append(all, files)
	}
	if c.Logs.Topic != "" {
		topic := common
		topic.Topic, topic.Client = c.Logs.Topic, dialer(k)
		all = append(all, topic)
	}
	if c.Logs.Push {
		sent := common
		sent.Push = true
		all = append(all, sent)
	}
	for _, a := range c.Audit {
		audit := common
		audit.NoRequests = false
		audit.Topic, audit.Audit, audit.About, audit.Client = a.Topic, true, a.ClusterID, dialer(k)
		for _, other := range cfg.Clusters {
			for _, x := range other.Audit {
				if x.ClusterID != "" {
					audit.Others = append(audit.Others, x.ClusterID)
				}
			}
		}
		if len(a.Brokers) > 0 {
			at, err := collectorConfig(config.Cluster{Name: c.Source(), Brokers: a.Brokers, TLS: a.TLS, SASL: a.SASL}, k.Interval, k.Log)
			if err != nil {
				return nil, err
			}
			audit.Client = dialer(at)
		}
		all = append(all, audit)
	}
	return all, nil
}

// headersConfig is of which topics of a cluster the headers of batches are read.
func headersConfig(c config.Cluster, k kafka.Config) headers.Config {
	cfg := headers.Config{
		Name: k.Name, Client: dialer(k), Interval: k.Interval, Clock: k.Clock, Board: k.Board, Log: k.Log,
		Topics: expressions(c.Headers.Topics), Budget: c.Headers.BytesPerSecond(),
	}
	if r := c.Headers.Records; len(r.Topics) > 0 {
		cfg.Records = &headers.Records{Topics: expressions(r.Topics), Header: r.Name(), Every: r.Every()}
		for _, p := range r.Traces {
			cfg.Records.Traces = append(cfg.Records.Traces, headers.Pair(p))
		}
	}
	return cfg
}

// sampler is what samples a cluster's request log, or puts back what one left; nil: there is neither to do.
func sampler(cfg config.Config, c config.Cluster, k kafka.Config) (*logs.Sampler, error) {
	folder, sample := loggersFolder(cfg), c.Logs.SampleRequestLog
	if left, err := os.ReadDir(folder); sample.Every == 0 && (err != nil || len(left) == 0) {
		return nil, nil //nolint:nilnil,nilerr // there is nothing to put back
	}
	s := logs.SampleConfig{Name: k.Name, Every: time.Duration(sample.Every), For: sample.Length(), Client: dialer(k), Folder: folder, Board: k.Board, Log: k.Log}
	return logs.NewSampler(s)
}

// wanted says of a topic whether it is looked at.
func wanted(k kafka.Config) func(topic string) bool {
	if len(k.Include)+len(k.Exclude) == 0 {
		return nil
	}
	return func(topic string) bool {
		matches := func(e *regexp.Regexp) bool { return e.MatchString(topic) }
		return (len(k.Include) == 0 || slices.ContainsFunc(k.Include, matches)) && !slices.ContainsFunc(k.Exclude, matches)
	}
}

func connectConfig(cfg config.Config, c config.Server, log *slog.Logger) (connect.Config, error) {
	tlsConfig, err := c.TLS.Reread()
	if err != nil {
		return connect.Config{}, err
	}
	secret, err := c.BasicAuth.Reread()
	if err != nil {
		return connect.Config{}, err
	}
	return connect.Config{
		Name: c.Source(), URLs: c.Addresses(), Cluster: c.Cluster, Username: c.BasicAuth.Username,
		Password: func() string { return secret().Reveal() }, TLS: tlsConfig,
		Aliases: aliases(cfg), Interval: time.Duration(cfg.Interval), Log: log, Datasets: mappings(cfg),
	}, nil
}

func mappings(cfg config.Config) (all []connect.Mapping) {
	for _, d := range cfg.Datasets {
		all = append(all, connect.Mapping{Class: d.Class.Regexp, Namespace: d.Namespace, Name: d.Name})
	}
	return all
}

// aliases returns the aliases by which MirrorMaker 2 knows the clusters that it copies from, by the source name of the
// one that it copies to.
func aliases(cfg config.Config) map[string]map[string]string {
	out := map[string]map[string]string{}
	for _, m := range cfg.Mirrors {
		if out[m.Target] == nil {
			out[m.Target] = map[string]string{}
		}
		out[m.Target][m.Source] = m.Source
		maps.Copy(out[m.Target], m.Aliases)
	}
	return out
}

func identityRules(cfg config.Config) identity.Rules {
	var rules identity.Rules
	for _, a := range cfg.Applications {
		rules.Applications = append(rules.Applications, identity.Rule{
			ClientID: a.Match.ClientID.Regexp, Group: a.Match.Group.Regexp,
			TransactionalID: a.Match.TransactionalID.Regexp, Principal: a.Match.Principal.Regexp, Unidentified: a.Match.Unidentified.Regexp,
			Name: a.Name, Owner: a.Owner, Tags: a.Tags, PerCluster: a.PerCluster,
			About: identity.About{Contact: a.Contact, Description: a.Description, Stops: a.Stops, Properties: a.Properties},
		})
	}
	for _, t := range cfg.Topics {
		rules.Topics = append(rules.Topics, identity.TopicRule{
			Match: t.Match.Regexp, Owner: t.Owner, Tags: t.Tags,
			About: identity.About{Contact: t.Contact, Description: t.Description, Stops: t.Stops, Properties: t.Properties},
		})
	}
	for _, n := range cfg.Nodes {
		rules.Nodes = append(rules.Nodes, identity.NodeRule{
			Match: n.Match.Regexp, Owner: n.Owner, Tags: n.Tags,
			About: identity.About{Contact: n.Contact, Description: n.Description, Stops: n.Stops, Properties: n.Properties},
		})
	}
	return rules
}

// answers is who says what a window means, for all who ask about lineage.
func answers(cfg config.Config, store timeseries.Store, rules *rules, said *declarations, edited *edits, past *past, clock *collector.Clock) *answer.Answers {
	o := answer.Options{
		History: store, Rounds: store, Identity: rules.identity, Declared: said.current.Load, Edits: edited.all, Ledger: past.ledger, Now: clock.Now, Tariff: tariff(cfg.Usage),
	}
	for _, c := range cfg.Clusters {
		o.Clusters = append(o.Clusters, answer.ClusterConfig{Source: c.Source(), Name: c.Name, Environment: c.Environment})
	}
	for _, c := range cfg.Connect {
		o.Connects = append(o.Connects, answer.ConnectConfig{Name: c.Source(), Cluster: c.Cluster})
	}
	for _, f := range cfg.Flink { // what it does not see is missing of its Kafka cluster too
		o.Connects = append(o.Connects, answer.ConnectConfig{Name: f.Source(), Cluster: f.Cluster})
	}
	return answer.New(o)
}

// tariff is who pays for what is used, and how much. What is checked already can't fail.
func tariff(u config.Usage) usage.Tariff {
	t := usage.Tariff{Currency: u.Currency, Rules: usage.Rules{
		Write: cmp.Or(u.Charge.Write, usage.Usual.Write), Read: cmp.Or(u.Charge.Read, usage.Usual.Read), Storage: cmp.Or(u.Charge.Storage, usage.Usual.Storage),
	}}
	for _, p := range u.Prices {
		price := usage.Price{Cluster: p.Cluster, From: p.From.Time, Until: p.Until.Time, Per: map[usage.Meter]usage.Decimal{}}
		for m, text := range map[usage.Meter]config.Decimal{
			usage.Ingress: p.Ingress, usage.IngressRecords: p.IngressRecords, usage.Egress: p.Egress, usage.EgressRecords: p.EgressRecords,
			usage.Replication: p.Replication, usage.Storage: p.Storage, usage.Partitions: p.Partitions,
		} {
			if d, err := usage.ParseDecimal(string(text)); err == nil {
				price.Per[m] = d
			}
		}
		t.Prices = append(t.Prices, price)
	}
	return t
}

func apiOptions(cfg config.Config, store timeseries.Store, asked *answer.Answers, book *book, log *slog.Logger) api.Options {
	o := api.Options{
		Answers: asked, UI: ui.Handler(), Hosts: cfg.Web.AllowedHosts, Log: log,
		Sizes: func() api.Sizes {
			s := store.Stats()
			return api.Sizes{Subjects: s.Subjects, Series: s.Series, LogBytes: s.LogBytes, DiskBytes: s.DiskBytes, FreeBytes: s.FreeBytes}
		},
		Storage: storage(store), Ledger: book.state,
	}
	files := export.New(asked)
	bundle := func(ctx context.Context, params url.Values) (*export.Document, error) {
		return files.Bundle(ctx, book, params)
	}
	statement := func(ctx context.Context, params url.Values) (*export.Document, error) {
		return files.Statement(ctx, book, params)
	}
	o.Exports = map[string]api.Exporter{lineageExport: exporter(files.Lineage), usageExport: exporter(files.Usage), impactExport: exporter(files.Impact), ledgerExport: exporter(bundle), billExport: exporter(files.Bill), statementExport: exporter(statement), reportExport: exporter(files.Report), registerExport: exporter(files.Register), backstageExport: exporter(files.Backstage)}
	maps.Copy(o.Exports, grafanaExports(files))
	maps.Copy(o.Exports, changeExports(files))
	o.Files = map[string]http.Handler{ledgerFiles: book.handler()}
	o.Collectors = book.figures()
	o.Metrics = api.Metrics{Series: cfg.Metrics.Series(), ByGroup: cfg.Metrics.LagBy == "group"}
	o.Version, o.Revision = buildVersion()
	assistants(&o, cfg, log)
	return o
}

// The paths of what is exported.
const (
	lineageExport = "/export/lineage"
	usageExport   = "/export/usage"
	impactExport  = "/export/impact"
	ledgerExport  = "/export/ledger"
	billExport    = "/export/bill"
	reportExport  = "/export/report"
	// registerExport is of who handles data of a tag.
	registerExport = "/export/register"
	// statementExport is of a month that is sealed in the ledger.
	statementExport = "/export/statement"
	// backstageExport is what was observed as entities of Backstage's software catalog.
	backstageExport = "/export/backstage"
	// ledgerFiles is where the ledger's tiles are read (C2SP tlog-tiles).
	ledgerFiles = "/ledger/"
)

// exporter hands documents to who serves them.
func exporter(make func(context.Context, url.Values) (*export.Document, error)) api.Exporter {
	return func(ctx context.Context, params url.Values) (*api.Export, error) {
		d, err := make(ctx, params)
		if err != nil {
			return nil, err
		}
		write := func(w io.Writer) error {
			_, err := d.WriteTo(w)
			return err
		}
		return &api.Export{MediaType: d.MediaType, FileName: d.FileName, Size: d.Size, Write: write}, nil
	}
}

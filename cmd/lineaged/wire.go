package main

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/collector/kafka"
	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/timeseries"
	"github.com/lineaged/lineaged/ui"
)

// The functions in this file turn the configuration into what each package wants to know.

func collectorConfig(c config.Cluster, interval time.Duration, log *slog.Logger) (kafka.Config, error) {
	tlsConfig, err := c.TLS.Config()
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
		Interval: interval, Log: log,
	}, nil
}

// mechanism returns nil when the configuration asks for none.
func mechanism(s config.SASL) (sasl.Mechanism, error) {
	if s.Mechanism == "" {
		return nil, nil //nolint:nilnil // nil is how franz-go spells "no SASL"
	}
	secret, err := s.Secret()
	if err != nil {
		return nil, err
	}
	switch s.Mechanism {
	case "PLAIN":
		return plain.Auth{User: s.Username, Pass: secret.Reveal()}.AsMechanism(), nil
	case "SCRAM-SHA-256":
		return scram.Auth{User: s.Username, Pass: secret.Reveal()}.AsSha256Mechanism(), nil
	case "SCRAM-SHA-512":
		return scram.Auth{User: s.Username, Pass: secret.Reveal()}.AsSha512Mechanism(), nil
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

// identify makes the identity of the configured rules and keeps its record in the store, so that what is asked later knows which rules named it.
func identify(ctx context.Context, cfg config.Config, store timeseries.Store) (*identity.Resolver, error) {
	rules := identityRules(cfg)
	who, err := identity.New(rules)
	if err != nil {
		return nil, &config.Error{Problem: err.Error()}
	}
	if _, err := store.PutIdentity(ctx, identity.Encode(rules)); err != nil {
		return nil, fmt.Errorf("store the rules: %w", err)
	}
	return who, nil
}

func identityRules(cfg config.Config) identity.Rules {
	var rules identity.Rules
	for _, a := range cfg.Applications {
		rules.Applications = append(rules.Applications, identity.Rule{
			ClientID: a.Match.ClientID.Regexp, Group: a.Match.Group.Regexp,
			TransactionalID: a.Match.TransactionalID.Regexp, Principal: a.Match.Principal.Regexp,
			Name: a.Name, Owner: a.Owner, Tags: a.Tags, PerCluster: a.PerCluster,
		})
	}
	for _, t := range cfg.Topics {
		rules.Topics = append(rules.Topics, identity.TopicRule{Match: t.Match.Regexp, Owner: t.Owner, Tags: t.Tags})
	}
	return rules
}

func apiOptions(cfg config.Config, store timeseries.Store, who *identity.Resolver, log *slog.Logger) api.Options {
	o := api.Options{
		History: store, Identity: func() api.Identity { return who }, UI: ui.Handler(), Hosts: cfg.Web.AllowedHosts, Log: log,
		Sizes: func() api.Sizes {
			s := store.Stats()
			return api.Sizes{Subjects: s.Subjects, Series: s.Series, LogBytes: s.LogBytes, DiskBytes: s.DiskBytes, FreeBytes: s.FreeBytes}
		},
	}
	o.Version, o.Revision = buildVersion()
	for _, c := range cfg.Clusters {
		o.Clusters = append(o.Clusters, api.ClusterConfig{Source: c.Source(), Name: c.Name, Environment: c.Environment})
	}
	return o
}

package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var currency = regexp.MustCompile(`^[A-Z]{3}$`)

func (c *Config) checkUsage() error {
	u := &c.Usage
	if u.Currency != "" && !currency.MatchString(u.Currency) {
		return bad("usage.currency", u.Currency, "is not a currency of ISO 4217, as EUR")
	}
	if len(u.Prices) > 0 && u.Currency == "" {
		return bad("usage.currency", "", "is not set, and usage.prices is")
	}
	for _, x := range []struct {
		key, value string
		of         []string
	}{
		{"write", u.Charge.Write, []string{"producer", "topic-owner"}},
		{"read", u.Charge.Read, []string{"consumer", "topic-owner"}},
		{"storage", u.Charge.Storage, []string{"topic-owner", "producers-by-share"}},
	} {
		if x.value != "" && !slices.Contains(x.of, x.value) {
			return bad("usage.charge."+x.key, x.value, "is none of %s", strings.Join(x.of, ", "))
		}
	}
	type begin struct {
		cluster string
		from    Date
	}
	taken := map[begin]int{}
	for i := range u.Prices {
		p, at := &u.Prices[i], fmt.Sprintf("usage.prices[%d].", i)
		if p.Cluster != "" {
			if err := c.knownCluster(at+"cluster", p.Cluster); err != nil {
				return err
			}
		}
		if !p.Until.IsZero() && !p.From.Before(p.Until.Time) {
			return bad(at+"until", p.Until.String(), "is not after from: %s", p.From)
		}
		if p.Ingress+p.IngressRecords+p.Egress+p.EgressRecords+p.Replication+p.Storage+p.Partitions == "" {
			return bad(at+"ingress", "", "is not set, and no other price is")
		}
		if first, twice := taken[begin{p.Cluster, p.From}]; twice {
			return bad(at+"from", p.From.String(), "prices[%d] begins on the same day, for the same cluster", first)
		}
		taken[begin{p.Cluster, p.From}] = i
	}
	return nil
}

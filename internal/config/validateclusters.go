package config

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

func (c *Config) checkClusters() error {
	if len(c.Clusters) == 0 {
		return bad("clusters", "", "there is no cluster to watch: give --brokers HOST:PORT or --config FILE")
	}
	names := map[string]int{}
	for i, cl := range c.Clusters {
		at := fmt.Sprintf("clusters[%d].", i)
		if len(cl.Brokers) == 0 {
			return bad(at+"brokers", "", "is empty: give at least one HOST:PORT")
		}
		if err := checkBrokers(cl.Brokers, at); err != nil {
			return err
		}
		if first, twice := names[cl.Source()]; twice {
			if cl.Name == "" {
				return bad(at+"brokers[0]", cl.Brokers[0], "clusters[%d] has this address too: give both a name", first)
			}
			return bad(at+"name", cl.Name, "clusters[%d] has this name too", first)
		}
		names[cl.Source()] = i
		if err := cl.TLS.check(at + "tls."); err != nil {
			return err
		}
		if err := cl.SASL.check(at + "sasl."); err != nil {
			return err
		}
		if err := cl.Headers.check(at + "headers."); err != nil {
			return err
		}
		if err := cl.Logs.check(at + "logs."); err != nil {
			return err
		}
		if err := checkAudit(cl.Audit, at); err != nil {
			return err
		}
	}
	return nil
}

func checkBrokers(brokers []string, at string) error {
	for j, b := range brokers {
		host, port, err := net.SplitHostPort(b)
		n, numberErr := strconv.Atoi(port)
		switch key := fmt.Sprintf("%sbrokers[%d]", at, j); {
		case strings.Contains(b, "@"):
			return bad(key, b, "holds a user: put it into sasl")
		case err != nil || numberErr != nil || host == "" || strings.ContainsAny(host, "/?#") || n < 1 || n > 65535:
			return bad(key, b, "is not an address HOST:PORT")
		}
	}
	return nil
}

func (h Headers) check(at string) error {
	switch {
	case h.Budget != 0 && h.Budget < leastBudget:
		return bad(at+"budget", h.Budget.String(), "is less than %s", leastBudget)
	case h.Budget != 0 && len(h.Topics) == 0:
		return bad(at+"budget", h.Budget.String(), "is for nothing: no headers.topics are given")
	case len(h.Records.Topics) > 0 && len(h.Topics) == 0:
		return bad(at+"records.topics", h.Records.Topics[0].String(), "is of none: no headers.topics are given")
	case len(h.Records.Topics) == 0 && h.Records.Header != "":
		return bad(at+"records.header", h.Records.Header, "is for nothing: no headers.records.topics are given")
	case len(h.Records.Topics) == 0 && h.Records.Sample != 0:
		return bad(at+"records.sample", h.Records.Sample.String(), "is for nothing: no headers.records.topics are given")
	case len(h.Records.Topics) == 0 && len(h.Records.Traces) > 0:
		return bad(at+"records.traces", h.Records.Traces[0].From, "is for nothing: no headers.records.topics are given")
	}
	return checkTraces(h.Records.Traces, at+"records.traces")
}

// mostTraces is how many pairs of topics may be asked for.
const mostTraces = 100

func checkTraces(all []Traced, at string) error {
	if len(all) > mostTraces {
		return bad(at, strconv.Itoa(len(all)), "are more than %d pairs of topics", mostTraces)
	}
	to := map[string]int{}
	for i, x := range all {
		key := fmt.Sprintf("%s[%d].", at, i)
		first, twice := to[x.To]
		switch {
		case x.From == "" || !isTopicName(x.From):
			return bad(key+"from", x.From, "is not the name of a topic")
		case x.To == "" || !isTopicName(x.To):
			return bad(key+"to", x.To, "is not the name of a topic")
		case x.From == x.To:
			return bad(key+"to", x.To, "is where the traces come from")
		case twice:
			return bad(key+"to", x.To, "is the end of traces[%d] too: the time is told of the topic, since one other", first)
		}
		to[x.To] = i
	}
	return nil
}

func checkAudit(all []Audit, at string) error {
	taken := map[string]int{}
	for i, a := range all {
		at := fmt.Sprintf("%saudit[%d].", at, i)
		first, twice := taken[a.Topic]
		switch {
		case !isTopicName(a.Topic) || a.Topic == "":
			return bad(at+"topic", a.Topic, "is not the name of a topic")
		case twice:
			return bad(at+"topic", a.Topic, "audit[%d] has this topic too", first)
		case len(a.Brokers) == 0 && (a.TLS.On() || a.SASL.Mechanism != ""):
			return bad(at+"brokers", "", "is not set, and tls or sasl are: without brokers the topic is in the cluster itself")
		}
		taken[a.Topic] = i
		if err := checkBrokers(a.Brokers, at); err != nil {
			return err
		}
		if err := a.TLS.check(at + "tls."); err != nil {
			return err
		}
		if err := a.SASL.check(at + "sasl."); err != nil {
			return err
		}
	}
	return nil
}

// isTopicName reports whether a text, empty or not, has no characters but those of topics' names.
func isTopicName(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '_' && r != '-'
	})
}

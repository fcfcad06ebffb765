package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
)

// Validate checks everything that one value alone cannot tell, and that the files which are named can be read. The
// error is an *Error.
func (c *Config) Validate() error {
	for _, check := range []func() error{c.checkServer, c.checkTimes, c.checkLedger, c.checkWords, c.checkClusters, c.checkAnchors, c.checkConnect, c.checkFlink, c.checkRegistries, c.checkMirrors, c.checkAliases, c.checkPushes, c.checkMetricsPush, c.checkRules, c.checkUsage, c.checkReports, c.checkTargets, c.checkEventTopics} {
		if err := check(); err != nil {
			if e, ok := errors.AsType[*Error](err); ok {
				e.Origin = c.Origin(cmp.Or(e.beside, e.Key))
			}
			return err
		}
	}
	return nil
}

func bad(key, value, format string, args ...any) error {
	return &Error{Key: key, Value: value, Problem: fmt.Sprintf(format, args...)}
}

func (c *Config) checkServer() error {
	loopback, err := Loopback(c.Listen)
	if err != nil {
		return bad("listen", c.Listen, "%v", err)
	}
	if c.Data == "" {
		return bad("data", "", "is empty: name a folder")
	}
	if c.Web.URL != "" {
		if err := CheckWebURL(c.Web.URL); err != nil {
			value := c.Web.URL
			if strings.Contains(value, "@") {
				value = "" // it may hold a password
			}
			return bad("web.url", value, "%v", err)
		}
	}
	path := string(c.Web.ConfigFile)
	if path == "" {
		if !loopback {
			return bad("listen", c.Listen, "other machines could reach it: set web.config_file (TLS, client certificates or passwords), or listen on 127.0.0.1")
		}
		return nil
	}
	if _, err := os.ReadFile(path); err != nil {
		return bad("web.config_file", path, "%v", cause(err))
	}
	if err := web.Validate(path); err != nil {
		return bad("web.config_file", path, "%s", webProblem(err))
	}
	if !loopback && !protects(path) {
		return bad("web.config_file", path, "has neither tls_server_config nor basic_auth_users, and %s can be reached from other machines", c.Listen)
	}
	return nil
}

// CheckWebURL says what is wrong with an address of the web pages; nil: nothing.
func CheckWebURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.User != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("is not an address such as https://lineaged.example, without a path")
	}
	return nil
}

// webProblem says what is wrong with a web configuration file. The YAML parser's own words may quote a value.
func webProblem(err error) string {
	if text := err.Error(); strings.Contains(text, "yaml:") && (!strings.Contains(text, "not found in type") || strings.Contains(text, "cannot unmarshal")) {
		return syntax(err)
	}
	return err.Error()
}

// protects reports whether a web configuration file asks for encryption or for a password: an empty one is valid and
// does neither.
func protects(path string) bool {
	p, err := ReadProtection(path)
	return err == nil && (p.TLS || len(p.Users) > 0)
}

// Loopback reports whether only this machine can reach an address to listen on, HOST:PORT with port 0 for any free one.
// A name other than localhost is taken to be reachable: what it resolves to may change.
func Loopback(address string) (bool, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return false, fmt.Errorf("is not an address HOST:PORT")
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return false, fmt.Errorf("its port %q is not a number from 0 to 65535", port)
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback(), nil
}

func (c *Config) checkTimes() error {
	interval := time.Duration(c.Interval)
	switch {
	case interval < time.Second:
		return bad("interval", c.Interval.String(), "is below 1s")
	case time.Minute%interval != 0 && (interval%time.Minute != 0 || time.Hour%interval != 0):
		// So that the samples of a minute and of an hour are those of one of their ticks.
		return bad("interval", c.Interval.String(), "divides neither a minute nor, in whole minutes, an hour: 1s, 2s, 5s, 10s, 15s, 20s, 30s, 1m, 5m would")
	}
	r := c.Retention
	for _, t := range []struct {
		key         string
		value, less Duration
		than        string
	}{
		{"retention.raw", r.Raw, c.Interval, "interval"},
		{"retention.minute", r.Minute, r.Raw, "retention.raw"},
		{"retention.hour", r.Hour, r.Minute, "retention.minute"},
	} {
		if t.value < t.less {
			return bad(t.key, t.value.String(), "is shorter than %s, %s from %s", t.than, t.less, c.Origin(t.than))
		}
	}
	return nil
}

func (c *Config) checkLedger() error {
	const day = 24 * time.Hour
	switch length := time.Duration(c.Ledger.Period); {
	case !c.Ledger.Enabled:
	case length < time.Minute || length > day || day%length != 0:
		return bad("ledger.period", c.Ledger.Period.String(), "is no part of a day from 1m to 24h: 1m, 5m, 15m, 1h, 24h would be")
	case length%time.Duration(c.Interval) != 0:
		return bad("ledger.period", length.String(), "is no multiple of interval, %s from %s", c.Interval, c.Origin("interval"))
	case c.Ledger.Retention != 0 && time.Duration(c.Ledger.Retention) < leastLedger:
		return bad("ledger.retention", c.Ledger.Retention.String(), "is shorter than %s, and periods may be amended for two days: 0 holds them for ever", Duration(leastLedger))
	}
	return nil
}

// leastLedger is the least for which entries of the ledger are held: longer than they may be amended.
const leastLedger = 7 * 24 * time.Hour

func (c *Config) checkWords() error {
	for _, o := range []struct {
		key, value string
		known      []string
	}{
		{"log.level", c.Log.Level, []string{"debug", "info", "warn", "error"}},
		{"log.format", c.Log.Format, []string{"auto", "text", "json"}},
		{"metrics.lag_by", cmp.Or(c.Metrics.LagBy, "topic"), []string{"topic", "group"}},
	} {
		if !slices.Contains(o.known, o.value) {
			return bad(o.key, o.value, "is none of %s", strings.Join(o.known, ", "))
		}
	}
	return nil
}

// leastBudget is the least that may be fetched a second: a batch of 64 KiB then takes four seconds' worth.
const leastBudget Size = 16 << 10

func (l Logs) check(at string) error {
	for i, pattern := range l.Files {
		if _, err := filepath.Match(pattern, ""); err != nil || pattern == "" {
			return bad(fmt.Sprintf("%sfiles[%d]", at, i), pattern, "is not a pattern of files, as /var/log/kafka/kafka-request.log*")
		}
	}
	switch every, length := time.Duration(l.SampleRequestLog.Every), l.SampleRequestLog.Length(); {
	case length < time.Second || length > time.Minute:
		return bad(at+"sample_request_log.for", l.SampleRequestLog.For.String(), "is not from 1s to 1m")
	case every != 0 && every < 4*length:
		return bad(at+"sample_request_log.every", l.SampleRequestLog.Every.String(), "is shorter than four times sample_request_log.for, %s", length)
	case l.NoRequestLog && every != 0:
		return bad(at+"no_request_log", "true", "is set, and sample_request_log.every is set too: that switches the request log on")
	case l.NoRequestLog && len(l.Files) == 0 && l.Topic == "" && !l.Push:
		return bad(at+"no_request_log", "true", "is set, and it is not said where the authorizer log is: set files, topic or push, or leave both away")
	case every != 0 && len(l.Files) == 0 && l.Topic == "" && !l.Push:
		return bad(at+"sample_request_log.every", l.SampleRequestLog.Every.String(), "is set, and it is not said where the request log is: set files, topic or push")
	}
	if !isTopicName(l.Topic) {
		return bad(at+"topic", l.Topic, "is not the name of a topic")
	}
	return nil
}

func (c *Config) checkConnect() error {
	taken := map[string]string{}
	for i, cl := range c.Clusters {
		taken[cl.Source()] = fmt.Sprintf("clusters[%d]", i)
	}
	for i, cn := range c.Connect {
		if err := c.checkServerOf(fmt.Sprintf("connect[%d]", i), "of a worker, e.g. http://127.0.0.1:8083", cn, taken); err != nil {
			return err
		}
	}
	for i, d := range c.Datasets {
		at := fmt.Sprintf("datasets[%d].", i)
		switch {
		case d.Class.IsZero():
			return bad(at+"class", "", "is not set")
		case d.Namespace == "":
			return bad(at+"namespace", "", "is not set")
		case d.Name == "":
			return bad(at+"name", "", "is not set")
		}
	}
	return nil
}

// checkServerOf checks what is said of a server that is asked over HTTP. taken are the names of others.
func (c *Config) checkServerOf(is, whose string, cn Server, taken map[string]string) error {
	at := is + "."
	if len(cn.Addresses()) == 0 {
		return bad(at+"url", "", "is not set, and neither are urls: give the address %s", whose)
	}
	for j, address := range cn.Addresses() {
		key := at + "url"
		if cn.URL == "" || j > 0 {
			key = fmt.Sprintf("%surls[%d]", at, j-min(len(cn.URL), 1))
		}
		if err := checkURL(key, address, cn); err != nil {
			return err
		}
	}
	if other, twice := taken[cn.Source()]; twice {
		return bad(at+"name", cn.Source(), "%s has this name too", other)
	}
	taken[cn.Source()] = is
	if err := c.knownCluster(at+"cluster", cn.Cluster); cn.Cluster != "" && err != nil {
		return err
	}
	if err := cn.BasicAuth.check(at + "basic_auth."); err != nil {
		return err
	}
	return cn.TLS.check(at + "tls.")
}

// namesBefore are the names of what is checked before schema registries and Flinks, and where each stands.
func (c *Config) namesBefore() map[string]string {
	taken := map[string]string{}
	for i, cl := range c.Clusters {
		taken[cl.Source()] = fmt.Sprintf("clusters[%d]", i)
	}
	for i, cn := range c.Connect {
		taken[cn.Source()] = fmt.Sprintf("connect[%d]", i)
	}
	return taken
}

func (c *Config) checkFlink() error {
	taken := c.namesBefore()
	for i, r := range c.SchemaRegistry {
		taken[r.Server().Source()] = fmt.Sprintf("schema_registry[%d]", i)
	}
	for i, f := range c.Flink {
		is := fmt.Sprintf("flink[%d]", i)
		if err := c.checkServerOf(is, "of the JobManager's REST interface, e.g. http://127.0.0.1:8081", f.Server(), taken); err != nil {
			return err
		}
		if f.URL != "" && len(f.URLs) > 0 {
			return bad(is+".urls", hosts(f.URLs...), "%s.url is set too, to %q: name each JobManager under urls, or the only one under url", is, hosts(f.URL))
		}
		for j, job := range f.Jobs {
			at := fmt.Sprintf("%s.jobs[%d].groups", is, j)
			switch {
			case len(job.Groups)+len(job.TransactionalIDPrefixes) == 0:
				return bad(at, "", "is not set, and neither are transactional_id_prefixes: the rule says nothing of the jobs that it is about")
			case slices.Contains(job.Groups, "") || slices.Contains(job.TransactionalIDPrefixes, ""):
				return bad(at, "", "has an empty name in it, or transactional_id_prefixes has")
			}
		}
	}
	return nil
}

// hosts are those of addresses that were checked, without paths, which may be secrets.
func hosts(addresses ...string) string {
	var all []string
	for _, address := range addresses {
		if u, err := url.Parse(address); err == nil {
			all = append(all, u.Host)
		}
	}
	return strings.Join(all, ", ")
}

// checkURL never repeats an address that holds a password.
func checkURL(key, address string, c Server) error {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return bad(key, "", "is not a URL")
	case u.User != nil:
		return bad(key, address, "holds a user name: put it into basic_auth")
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return bad(key, address, "is not a URL such as http://127.0.0.1:8083")
	case u.RawQuery != "" || u.Fragment != "":
		return bad(key, "", "has more than an address and a path")
	case u.Scheme == "http" && c.TLS != (TLS{}):
		return bad(key, address, "tls is set and the address is not https://")
	}
	return nil
}

func (b BasicAuth) check(at string) error {
	switch {
	case b.Username == "" && b.PasswordFile == "" && b.Password.IsZero():
		return nil
	case b.Username == "":
		return bad(at+"username", "", "is not set")
	case b.PasswordFile == "" && b.Password.IsZero():
		return bad(at+"password_file", "", "is not set, and neither is the password in the environment")
	}
	_, err := password(b.Password, b.PasswordFile, at)
	return err
}

// Secret returns the password from the environment, else from its file, without the line's end; none when no user is
// set.
func (b BasicAuth) Secret() (Secret, error) {
	if b.Username == "" {
		return Secret{}, nil
	}
	return password(b.Password, b.PasswordFile, "basic_auth.")
}

func (c *Config) knownCluster(key, name string) error {
	var names []string
	for _, cl := range c.Clusters {
		if cl.Source() == name {
			return nil
		}
		names = append(names, cl.Source())
	}
	return bad(key, name, "is no configured cluster: there are %s", strings.Join(names, ", "))
}

func (c *Config) checkMirrors() error {
	for i, m := range c.Mirrors {
		at := fmt.Sprintf("mirrors[%d].", i)
		if err := c.knownCluster(at+"source", m.Source); err != nil {
			return err
		}
		if err := c.knownCluster(at+"target", m.Target); err != nil {
			return err
		}
		if m.Source == m.Target {
			return bad(at+"target", m.Target, "is the source too")
		}
		for _, alias := range slices.Sorted(maps.Keys(m.Aliases)) {
			if err := c.knownCluster(at+"aliases."+alias, m.Aliases[alias]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Config) checkAliases() error {
	for i, x := range c.ClusterAliases {
		at := fmt.Sprintf("cluster_aliases[%d].", i)
		switch {
		case strings.TrimSpace(x.Spelling) == "":
			return bad(at+"spelling", "", "is not set")
		case strings.Contains(x.Spelling, "@"): // which is not repeated
			return bad(at+"spelling", "", "holds a user: leave user and password out")
		}
		if err := c.knownCluster(at+"cluster", x.Cluster); err != nil {
			return err
		}
		same := func(y ClusterAlias) bool { return y.Spelling == x.Spelling && y.From == x.From }
		if j := slices.IndexFunc(c.ClusterAliases[:i], same); j >= 0 {
			return bad(at+"spelling", x.Spelling, "cluster_aliases[%d] says it too", j)
		}
	}
	return nil
}

func (c *Config) checkPushes() error {
	by := map[string]string{}
	check := func(at string, read func() (Secret, error)) error {
		token, err := read()
		if err != nil || token.IsZero() {
			return err
		}
		if first, twice := by[token.Reveal()]; twice {
			return bad(at, "", "the token is that of %s too: each needs its own", first)
		}
		by[token.Reveal()] = at
		return nil
	}
	if err := check("otlp.token_file", c.OTLP.Bearer); err != nil {
		return err
	}
	if err := check("metrics_api.token_file", c.MetricsAPI.Bearer); err != nil {
		return err
	}
	if err := check("openlineage.token_file", c.OpenLineage.Bearer); err != nil {
		return err
	}
	if ttl := time.Duration(c.OpenLineage.TimeToLive); ttl != 0 && (ttl < time.Minute || ttl > 90*24*time.Hour) {
		return bad("openlineage.time_to_live", c.OpenLineage.TimeToLive.String(), "is not from 1m to 90d")
	}
	for i, cl := range c.Clusters {
		at := fmt.Sprintf("clusters[%d].", i)
		if err := check(at+"push.token_file", cl.Push.bearer(at)); err != nil {
			return err
		}
		every := cl.Telemetry.Every()
		switch {
		case every < time.Second || every > time.Hour:
			return bad(at+"telemetry.interval", cl.Telemetry.Interval.String(), "is not from 1s to 1h")
		case cl.Logs.Push && !c.Pushes(cl):
			return bad(at+"logs.push", "true", "nobody may send lines then: set otlp.token_file, or push.token_file of the cluster")
		case cl.Telemetry.Subscribe && !c.Pushes(cl):
			return bad(at+"telemetry.subscribe", "true", "nobody may send what clients push then: set otlp.token_file, or push.token_file of the cluster")
		}
	}
	return nil
}

// Pushes reports whether anybody may send what is about a cluster.
func (c *Config) Pushes(cl Cluster) bool {
	return c.OTLP.TokenFile != "" || !c.OTLP.Token.IsZero() || cl.Push.TokenFile != "" || !cl.Push.Token.IsZero()
}

// Bearer returns the token that lets somebody send about any cluster; none when it is not set.
func (o OTLP) Bearer() (Secret, error) { return token(o.Token, o.TokenFile, "otlp.") }

// Bearer returns the token that lets somebody ask the Metrics API; none when it is not set.
func (m MetricsAPI) Bearer() (Secret, error) { return token(m.Token, m.TokenFile, "metrics_api.") }

// Bearer returns the token that lets somebody send OpenLineage events; none when it is not set.
func (o OpenLineage) Bearer() (Secret, error) { return token(o.Token, o.TokenFile, "openlineage.") }

// Bearer returns the token that lets somebody send about the cluster; none when it is not set.
func (p Push) Bearer() (Secret, error) { return p.bearer("push.")() }

func (p Push) bearer(at string) func() (Secret, error) {
	return func() (Secret, error) { return token(p.Token, p.TokenFile, strings.TrimSuffix(at, "push.")+"push.") }
}

// leastToken is how long a token is at least: a word is tried soon.
const leastToken = 16

func token(value Secret, file File, at string) (Secret, error) {
	if value.IsZero() && file == "" {
		return Secret{}, nil
	}
	s := source{value, file, at + "token"}
	text, err := s.content()
	if err != nil {
		return Secret{}, err
	}
	token := strings.TrimSpace(string(text))
	if len(token) < leastToken || strings.ContainsAny(token, " \t\r\n") {
		return Secret{}, s.bad("there is no token in it: one has %d characters at least and no space", leastToken)
	}
	return NewSecret(token), nil
}

var mechanisms = []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}

func (s SASL) check(at string) error {
	switch {
	case s.Mechanism == "" && (s.Username != "" || s.PasswordFile != "" || !s.Password.IsZero()):
		return bad(at+"mechanism", "", "is not set, and other keys of sasl are: use one of %s", strings.Join(mechanisms, ", "))
	case s.Mechanism == "":
		return nil
	case !slices.Contains(mechanisms, s.Mechanism):
		return bad(at+"mechanism", s.Mechanism, "is none of %s", strings.Join(mechanisms, ", "))
	case s.Username == "":
		return bad(at+"username", "", "is not set")
	case s.PasswordFile == "" && s.Password.IsZero():
		return bad(at+"password_file", "", "is not set, and neither is the password in the environment")
	}
	_, err := s.secret(at)
	return err
}

// Secret returns the password from the environment, else from its file, without the line's end.
func (s SASL) Secret() (Secret, error) { return s.secret("sasl.") }

func (s SASL) secret(at string) (Secret, error) { return password(s.Password, s.PasswordFile, at) }

// password returns one from the environment, else from its file, without the line's end.
func password(value Secret, file File, at string) (Secret, error) {
	s := source{value, file, at + "password"}
	text, err := s.content()
	if err != nil {
		return Secret{}, err
	}
	password := strings.TrimRight(string(text), "\r\n")
	if password == "" {
		return Secret{}, s.bad("there is no password in it")
	}
	return NewSecret(password), nil
}

// checkRules leaves to the rules' own package what a name may refer to.
func (c *Config) checkRules() error {
	for i, a := range c.Applications {
		at := fmt.Sprintf("applications[%d].", i)
		m := a.Match
		switch {
		case m.ClientID.IsZero() && m.Group.IsZero() && m.TransactionalID.IsZero() && m.Principal.IsZero() && m.Unidentified.IsZero():
			return bad(at+"match", "", "has no pattern: give client_id, group, transactional_id, principal or unidentified")
		case a.Name == "":
			return bad(at+"name", "", "is not set")
		}
	}
	for i, t := range c.Topics {
		at := fmt.Sprintf("topics[%d].", i)
		if t.Match.IsZero() {
			return bad(at+"match", "", "is not set")
		}
		if t.Owner == "" && len(t.Tags) == 0 && t.Contact == "" && t.Description == "" && len(t.Stops) == 0 && len(t.Properties) == 0 {
			return bad(at+"owner", "", "is not set, nor is anything else: the rule does nothing")
		}
	}
	for i, n := range c.Nodes {
		at := fmt.Sprintf("nodes[%d].", i)
		if n.Match.IsZero() {
			return bad(at+"match", "", "is not set")
		}
		if n.Owner == "" && len(n.Tags) == 0 && n.Contact == "" && n.Description == "" && len(n.Stops) == 0 && len(n.Properties) == 0 {
			return bad(at+"owner", "", "is not set, nor is anything else: the rule does nothing")
		}
	}
	return nil
}

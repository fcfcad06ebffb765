package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

// Input is where Load takes values from.
type Input struct {
	File    string         // a YAML file; empty: none
	Content []byte         // what the file holds; nil: read it
	Environ []string       // as os.Environ returns
	Flags   *pflag.FlagSet // with the flags of AddFlags; nil: none
}

// namedBy is what named the file.
func (in Input) namedBy() string {
	if in.Flags == nil || !in.Flags.Changed("config") {
		if slices.Contains(in.Environ, notKeys[0]+"="+in.File) {
			return "$" + notKeys[0]
		}
	}
	return "--config"
}

// Load merges defaults < file < environment < flags and checks the result, which is then complete. Every error is an
// *Error.
func Load(in Input) (Config, error) {
	cfg, err := Read(in)
	if err != nil {
		return cfg, err
	}
	return cfg, cfg.Validate()
}

// Read is Load without the checks that look at more than one value: for who wants to add to it before calling Validate.
func Read(in Input) (Config, error) {
	l := loader{k: koanf.New("."), origins: origins{file: in.File, set: map[string]string{}}}
	cfg := Default()
	for _, layer := range []func(Input) error{l.loadFile, l.loadEnviron, l.loadFlags} {
		if err := layer(in); err != nil {
			return cfg, err
		}
	}
	raw := l.k.Raw()
	if clusters, ok := raw["clusters"].(map[string]any); ok && len(clusters) > 1 && l.one != "" {
		return cfg, &Error{Problem: fmt.Sprintf("%s speaks of the one cluster, but %d are configured", l.one, len(clusters))}
	}
	cfg.origins = l.origins
	return cfg, decoder{l.origins.of}.decode(reflect.ValueOf(&cfg).Elem(), raw, "")
}

// loader holds the layers while they are merged.
type loader struct {
	k       *koanf.Koanf
	origins origins
	one     string // the first variable or flag that spoke of the one cluster
}

func (l *loader) loadFile(in Input) error {
	text := in.Content
	if text == nil {
		if in.File == "" {
			return nil
		}
		var err error
		if text, err = os.ReadFile(in.File); err != nil {
			return &Error{Key: in.namedBy(), Value: in.File, Problem: cause(err).Error()}
		}
	}
	raw, err := yaml.Parser().Unmarshal(text)
	if err != nil {
		return &Error{Key: in.namedBy(), Value: in.File, Problem: syntax(err)}
	}
	l.origins.lines = lines(text)
	for _, list := range []string{"clusters", "connect", "flink", "schema_registry", "datasets", "mirrors", "cluster_aliases", "applications", "topics", "nodes"} {
		switch items := raw[list].(type) {
		case []any:
			raw[list] = byIndex(items)
		case map[string]any, map[any]any: // or it would pass for a list by index
			return decoder{l.origins.of}.fail(list, items, notAList)
		}
	}
	for _, path := range [][]string{{"clusters", "*", "audit"}, {"clusters", "*", "headers", "records", "traces"}, {"declared", "flows"}, {"flink", "*", "jobs"}, {"ledger", "anchors"}, {"openlineage", "targets"}, {"openlineage", "topics"}, {"usage", "prices"}, {"usage", "reports"}} {
		if err := at(raw, "", path, func(m map[string]any, name, path string) error {
			items, is := m[name].([]any)
			if !is && m[name] != nil {
				return decoder{l.origins.of}.fail(path, m[name], notAList)
			}
			m[name] = byIndex(items)
			return nil
		}); err != nil {
			return err
		}
	}
	for _, k := range keys() {
		if err := at(raw, "", strings.Split(k.path, "."), func(m map[string]any, name, path string) error {
			if k.secret {
				return &Error{
					Key: readable(path), Origin: l.origins.of(path),
					Problem: fmt.Sprintf("a secret may not stand in the file: use %s_file or the environment variable %s",
						name, envPrefix+strings.ToUpper(strings.ReplaceAll(path, ".", "_"))),
				}
			}
			if k.file {
				m[name] = besideFile(in.File, m[name])
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return l.k.Load(confmap.Provider(raw, ""), nil)
}

// besideFile starts a relative path of a file, or those of a list, from the file's folder.
func besideFile(file string, v any) any {
	switch v := v.(type) {
	case string:
		if v != "" && !filepath.IsAbs(v) {
			return filepath.Join(filepath.Dir(file), v)
		}
	case []any:
		for i := range v {
			if s, ok := v[i].(string); ok {
				v[i] = besideFile(file, s)
			}
		}
	}
	return v
}

// syntax says where a file is not YAML. The parser's own words may quote a value, and the value may be a secret: only
// those that never do are repeated.
func syntax(err error) string {
	for _, harmless := range []string{"already defined", "did not find", "not allowed"} {
		if strings.Contains(err.Error(), harmless) {
			return err.Error()
		}
	}
	problem := "is not a YAML mapping of keys to values"
	if line := regexp.MustCompile(`line \d+`).FindString(err.Error()); line != "" {
		problem += ", see " + line
	}
	return problem
}

// byIndex turns a list into a map by index: koanf merges maps and replaces lists.
func byIndex(items []any) map[string]any {
	m := make(map[string]any, len(items))
	for i, item := range items {
		if item == nil {
			item = map[string]any{}
		}
		m[strconv.Itoa(i)] = item
	}
	return m
}

// at calls fn wherever the path, with * for any key, leads in m.
func at(m map[string]any, path string, rest []string, fn func(m map[string]any, name, path string) error) error {
	for name, v := range m {
		if name != rest[0] && rest[0] != "*" {
			continue
		}
		here := strings.TrimPrefix(path+"."+name, ".")
		if len(rest) == 1 {
			if err := fn(m, name, here); err != nil {
				return err
			}
		} else if sub, ok := v.(map[string]any); ok {
			if err := at(sub, here, rest[1:], fn); err != nil {
				return err
			}
		}
	}
	return nil
}

// kubernetes matches what Kubernetes sets in every container beside a service named lineaged.
var kubernetes = regexp.MustCompile(`^LINEAGED_(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT|PORT_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)$`)

// notKeys are variables that other parts of the program read.
var notKeys = []string{envPrefix + "CONFIG"}

func (l *loader) loadEnviron(in Input) error {
	var failed error
	provider := env.Provider(".", env.Opt{
		Prefix:      envPrefix,
		EnvironFunc: func() []string { return in.Environ },
		TransformFunc: func(name, value string) (string, any) {
			if value == "" || slices.Contains(notKeys, name) || kubernetes.MatchString(name) {
				return "", nil // an empty variable is one that is not set
			}
			for _, k := range keys() {
				path, one, ok := k.matchEnv(name)
				if !ok {
					continue
				}
				l.note(path, "$"+name, one)
				if k.list {
					return path, splitList(value)
				}
				return path, value
			}
			failed = &Error{Key: "$" + name, Problem: "unknown environment variable" + suggestEnv(name)}
			return "", nil
		},
	})
	if err := l.k.Load(provider, nil); err != nil {
		return &Error{Problem: err.Error()}
	}
	return failed
}

func (l *loader) note(path, origin string, one bool) {
	l.origins.note(path, origin)
	if one && l.one == "" {
		l.one = origin
	}
}

func splitList(value string) []string {
	var items []string
	for item := range strings.SplitSeq(value, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

func suggestEnv(name string) string {
	best, distance := "", 1+len(name)/4
	for _, k := range keys() {
		for _, known := range []string{k.env(), k.shortEnv()} {
			if n := levenshtein.ComputeDistance(name, known); n < distance {
				best, distance = known, n
			}
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(", did you mean %s?", best)
}

func (l *loader) loadFlags(in Input) error {
	if in.Flags == nil {
		return nil
	}
	provider := posflag.ProviderWithFlag(in.Flags, ".", l.k, func(f *pflag.Flag) (string, any) {
		v, ok := f.Value.(*flagValue)
		if !ok || !f.Changed {
			return "", nil
		}
		path := strings.Replace(v.key.path, "*", "0", 1)
		l.note(path, "--"+f.Name, path != v.key.path)
		if v.key.list {
			return path, v.values
		}
		return path, v.values[0]
	})
	if err := l.k.Load(provider, nil); err != nil {
		return &Error{Problem: err.Error()}
	}
	return nil
}

// AddFlags adds a flag for every key that has one. Their values are checked by Load.
func AddFlags(fs *pflag.FlagSet) {
	for _, k := range keys() {
		if name := k.flag(); name != "" {
			fs.Var(&flagValue{key: k}, name, texts[k.path].short)
			f := fs.Lookup(name)
			f.DefValue = defaultOf(k.path)
			if k.kind.Kind() == reflect.Pointer {
				f.NoOptDefVal = "true"
			}
		}
	}
}

// flagValue keeps what a flag was given; a list's flag may be repeated, and holds several items separated by commas
// unless they are patterns.
type flagValue struct {
	key    key
	values []string
}

func (v *flagValue) String() string { return strings.Join(v.values, ",") }

func (v *flagValue) Set(s string) error {
	switch {
	case v.key.list && v.key.kind != reflect.TypeFor[Pattern]():
		v.values = append(v.values, splitList(s)...)
	case v.key.list:
		v.values = append(v.values, s)
	default:
		v.values = []string{s}
	}
	return nil
}

// Type is what the help shows in the place of the value.
func (v *flagValue) Type() string {
	switch {
	case strings.HasSuffix(v.key.path, "brokers"):
		return "HOST:PORT,..."
	case v.key.list && v.key.kind == reflect.TypeFor[Pattern]():
		return "PATTERN"
	case v.key.list:
		return "LIST"
	case v.key.file:
		return "FILE"
	case v.key.kind == reflect.TypeFor[Duration]():
		return "DURATION"
	case v.key.kind == reflect.TypeFor[Size]():
		return "SIZE"
	case v.key.kind.Kind() == reflect.Pointer:
		return "BOOL"
	default:
		return "TEXT"
	}
}

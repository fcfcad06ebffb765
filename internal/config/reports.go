package config

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Report is who used what of a scope, written to a folder at the end of each of its windows.
type Report struct {
	Report  string   `koanf:"report" yaml:"report,omitempty"`
	Name    string   `koanf:"name" yaml:"name,omitempty"`
	Scope   Scope    `koanf:"scope" yaml:"scope"`
	Every   Every    `koanf:"every" yaml:"every"`
	After   Duration `koanf:"after" yaml:"after,omitempty"`
	Format  string   `koanf:"format" yaml:"format,omitempty"`
	GroupBy string   `koanf:"group_by" yaml:"group_by,omitempty"`
	Rows    string   `koanf:"rows" yaml:"rows,omitempty"`
	Derived *bool    `koanf:"derived" yaml:"derived,omitempty"` // nil: true, of a tag
	Folder  File     `koanf:"folder" yaml:"folder"`
}

// Scope is one of a topic, a tag, an owner, a program and a cluster.
type Scope struct {
	Topic       string `koanf:"topic" yaml:"topic,omitempty"`
	Tag         string `koanf:"tag" yaml:"tag,omitempty"`
	Owner       string `koanf:"owner" yaml:"owner,omitempty"`
	Application string `koanf:"application" yaml:"application,omitempty"`
	Cluster     string `koanf:"cluster" yaml:"cluster,omitempty"`
}

// Of returns by what the scope is given, and its name; both empty: by nothing, or by more than one.
func (s Scope) Of() (kind, name string) {
	for _, x := range []struct{ kind, name string }{{"topic", s.Topic}, {"tag", s.Tag}, {"owner", s.Owner}, {"application", s.Application}, {"cluster", s.Cluster}} {
		switch {
		case x.name == "":
		case kind != "":
			return "", ""
		default:
			kind, name = x.kind, x.name
		}
	}
	return kind, name
}

// Form is csv, json or html: csv where nothing is said.
func (r Report) Form() string { return cmp.Or(r.Format, "csv") }

// Kind is usage or register: usage where nothing is said.
func (r Report) Kind() string { return cmp.Or(r.Report, "usage") }

// Late is how long after the end of a window its report is written: ten minutes where nothing is said.
func (r Report) Late() time.Duration { return time.Duration(cmp.Or(r.After, Duration(10*time.Minute))) }

// Called is what the names of its files begin with, by which reports are told apart.
func (r Report) Called() string {
	if r.Name != "" {
		return r.Name
	}
	kind, name := r.Scope.Of()
	return strings.Join([]string{r.Kind(), kind, inFileName(name)}, "-")
}

// inFileName returns a text as a part of a file's name. Two texts never become one: what is replaced or cut is told by
// a digest.
func inFileName(text string) string {
	const most = 60
	safe := strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._-", r)) {
			return r
		}
		return '_'
	}, text)
	safe = strings.Trim(safe[:min(len(safe), most)], "._-")
	if safe == text {
		return safe
	}
	digest := sha256.Sum256([]byte(text))
	return strings.TrimPrefix(safe+"-"+hex.EncodeToString(digest[:4]), "-")
}

// Every is how long the windows of a report are: a length of time, counted from a Monday in UTC, or calendar months in
// UTC. The zero value is not set.
type Every struct {
	Month  bool
	Length time.Duration
}

const month = "month"

// String writes it as it is read.
func (e Every) String() string {
	switch {
	case e.Month:
		return month
	case e.Length == 0:
		return ""
	default:
		return Duration(e.Length).String()
	}
}

// MarshalText writes String.
func (e Every) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// MarshalYAML writes String.
func (e Every) MarshalYAML() (any, error) { return e.String(), nil }

// UnmarshalText parses month, or a duration of whole minutes.
func (e *Every) UnmarshalText(text []byte) error {
	if string(text) == month {
		*e = Every{Month: true}
		return nil
	}
	var d Duration
	if d.UnmarshalText(text) != nil || d < Duration(time.Minute) || d > Duration(366*24*time.Hour) || time.Duration(d)%time.Minute != 0 {
		return errors.New("neither month nor a duration of whole minutes up to 366d, as 1h, 1d or 7d")
	}
	*e = Every{Length: time.Duration(d)}
	return nil
}

// IsZero reports whether nothing is set.
func (e Every) IsZero() bool { return e == Every{} }

var reportName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

func (c *Config) checkReports() error {
	taken := map[string]int{}
	for i, r := range c.Usage.Reports {
		at := fmt.Sprintf("usage.reports[%d].", i)
		if err := r.check(at); err != nil {
			return err
		}
		if r.Scope.Cluster != "" {
			if err := c.knownCluster(at+"scope.cluster", r.Scope.Cluster); err != nil {
				return err
			}
		}
		file := strings.Join([]string{string(r.Folder), r.Called(), r.Form()}, "\x00")
		if first, twice := taken[file]; twice {
			return bad(at+"name", r.Called(), "reports[%d] has it too, and would write the same files; give each a name of its own", first)
		}
		taken[file] = i
	}
	return nil
}

func (r Report) check(at string) error {
	kind, _ := r.Scope.Of()
	for _, x := range []struct {
		key, value string
		of         []string
	}{
		{"report", r.Report, []string{"usage", "register"}},
		{"format", r.Format, []string{"csv", "json", "html"}},
		{"group_by", r.GroupBy, []string{"topic", "application", "owner", "cluster", "day"}},
		{"rows", r.Rows, []string{"uses", "periods"}},
	} {
		if x.value != "" && !slices.Contains(x.of, x.value) {
			return bad(at+x.key, x.value, "is none of %s", strings.Join(x.of, ", "))
		}
	}
	switch {
	case r.Name != "" && !reportName.MatchString(r.Name):
		return bad(at+"name", r.Name, "is no beginning of a file's name: letters, digits, dots, dashes and underscores, at most 100")
	case kind == "":
		return bad(at+"scope", "", "has none or several of topic, tag, owner, application, cluster: give one")
	case r.Kind() == "register" && kind != "tag":
		return bad(at+"scope."+kind, "", "is for usage: a register is of a tag")
	case r.Kind() == "register" && r.GroupBy+r.Rows != "":
		return bad(at+"report", r.Report, "has no group_by and no rows")
	case r.Rows == "periods" && (r.Form() != "csv" || r.GroupBy != ""):
		return bad(at+"rows", r.Rows, "is for format csv without group_by")
	case r.Derived != nil && kind != "tag":
		return bad(at+"derived", strconv.FormatBool(*r.Derived), "is for scope.tag: tags alone come along flows")
	case r.Derived != nil && r.Rows == "periods":
		return bad(at+"derived", strconv.FormatBool(*r.Derived), "is not for rows: periods, which the ledger has of those alone that bear the tag")
	case r.Every.IsZero():
		return bad(at+"every", "", "is not set: month, or a duration such as 1d")
	case r.Folder == "":
		return bad(at+"folder", "", "is not set")
	}
	return nil
}

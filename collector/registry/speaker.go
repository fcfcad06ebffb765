package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/lineaged/lineaged/collector/rest"
)

// mostBytes bounds one answer: a list of 100,000 subjects, or a schema, which takes a few kilobytes.
const mostBytes = 8 << 20

// The interfaces of registries, as the configuration names them.
const (
	Confluent = "confluent"
	Apicurio  = "apicurio"
)

// speaker asks a registry by one interface of it. A path that one of its methods returns another of them takes.
type speaker interface {
	// list returns what subjects there are.
	list(ctx context.Context) (listed, error)
	// newest returns a subject's newest version, without text and references where it is the one that is had.
	newest(ctx context.Context, name string, had *version) (version, error)
	// older is the path of a version that was told once.
	older(name string, was saved) string
	// at returns the version at a path, which never changes, but for what a version refers to that moves. Its format
	// may be empty: that of what refers to it.
	at(ctx context.Context, path string) (version, error)
	// level returns the compatibility that is asked of a subject by a rule of its own; of the empty name the
	// registry's. rest.ErrNotFound: it has none of its own.
	level(ctx context.Context, name string) (string, error)
	// of tells the topic of a subject, by its name and that of its outermost record; empty: it has none, or it is not
	// known. A reading is taken only where no other is left.
	of(name, record string, in topics) whose
	// scope says which of the registry's schemas are subjects: under another scope others are, which is no change.
	scope() string
}

// listed is what a registry has.
type listed struct {
	names []string               // sorted, each once; at most mostSubjects
	more  int                    // subjects beyond these
	gone  func(name string) bool // whether one that is not among them is surely not there
	other string                 // what else there is, which is no schema of records, by kind; empty: nothing
}

// version is one version of a subject.
type version struct {
	there  bool // it was read
	number int  // 0: it is called otherwise, by its label
	label  string
	id     int // as records name it
	format string
	text   string
	refs   []reference
	moves  bool // it refers to the newest of another, whichever that is: refs are of now
}

// reference is what a schema refers to.
type reference struct {
	name string // by which it does
	at   string // its path
}

// same reports whether two are the same version of one subject.
func (v *version) same(w *version) bool {
	return v.there == w.there && v.number == w.number && v.label == w.label && v.id == w.id
}

// door is one way to ask the configured addresses.
type door struct {
	what  string // the interface, for people
	probe string // the path that tells whether it is there
	urls  []string
	open  func(client *rest.Client) speaker
}

// ownPath is what an address that names an interface of Apicurio ends with.
var ownPath = regexp.MustCompile(`^(.*)/apis/(?:(ccompat/v\d+)|registry(?:/(v[23]))?)/?$`)

// doorsOf returns the interfaces that may be meant, in the order in which they are tried.
func doorsOf(cfg *Config) ([]door, error) {
	var bases []string
	named := map[string]bool{}
	for _, url := range cfg.URLs {
		base, name := url, ""
		if m := ownPath.FindStringSubmatch(url); m != nil {
			base, name = m[1], cmp.Or(m[2], m[3], "registry")
			if m[2] != "" {
				name = "ccompat"
			}
		}
		bases, named[name] = append(bases, base), true
	}
	if len(named) > 1 {
		return nil, errors.New("its addresses name different interfaces")
	}
	confluent := door{"Confluent's interface", "/subjects", cfg.URLs, func(c *rest.Client) speaker { return confluentAPI{c, cfg.Group} }}
	own := func(v string) door {
		var urls []string
		for _, base := range bases {
			urls = append(urls, base+"/apis/registry/"+v)
		}
		return door{"Apicurio's interface " + v, "/system/info", urls, func(c *rest.Client) speaker { return newApicurio(c, cfg, v == "v2") }}
	}
	v3, v2 := own("v3"), own("v2")
	apicurio := named["registry"] || named["v3"] || named["v2"]
	switch {
	case cfg.Type == Confluent && apicurio:
		return nil, errors.New("its type is confluent, and its address Apicurio's own interface")
	case named["v3"]:
		return []door{v3}, nil
	case named["v2"]:
		return []door{v2}, nil
	case cfg.Type == Apicurio || apicurio:
		return []door{v3, v2}, nil
	case cfg.Type == Confluent || named["ccompat"]:
		return []door{confluent}, nil
	default:
		return []door{confluent, v3, v2}, nil
	}
}

// client asks the addresses of one registry by one interface. Any of them answers for all, and what one does not have
// none has.
func (d *door) client(cfg *Config) *rest.Client {
	var headers map[string]string
	if cfg.Group != "" {
		headers = map[string]string{groupHeader: cfg.Group}
	}
	return rest.New(rest.Config{
		URLs: d.urls, Username: cfg.Username, Password: cfg.Password, TLS: cfg.TLS, What: "a schema registry", Most: mostBytes,
		Accept: "application/vnd.schemaregistry.v1+json, application/json, */*;q=0.5", Final: []error{rest.ErrNotFound}, Headers: headers,
	})
}

// speak finds the interface that the registry answers, where several may be meant, by one question for each.
func (s *source) speak(ctx context.Context) error {
	s.renew()
	if s.speaker != nil {
		return nil
	}
	var first error
	for i := range s.doors {
		if len(s.doors) > 1 {
			err := s.clients[i].Get(ctx, s.doors[i].probe, new(any))
			if notThere(err) {
				first = cmp.Or(first, err)
				continue
			}
			if err != nil {
				return err
			}
		}
		s.speaker, s.client = s.doors[i].open(s.clients[i]), s.clients[i]
		if s.said != s.doors[i].what {
			s.said = s.doors[i].what
			s.cfg.Log.Info("a schema registry is read", "by", s.said)
		}
		return nil
	}
	return fmt.Errorf("%w; nor does it answer Apicurio's own", first)
}

// notThere reports whether an answer says that there is no such interface.
func notThere(err error) bool {
	return errors.Is(err, rest.ErrNotFound) || errors.Is(err, rest.ErrNotJSON)
}

func (s *source) renew() {
	for _, c := range s.clients {
		c.Renew()
	}
}

func (s *source) close() {
	for _, c := range s.clients {
		c.Close()
	}
}

// upTo bounds names, which it sorts.
func upTo(names []string) listed {
	slices.Sort(names)
	names = slices.Compact(names)
	more := max(0, len(names)-mostSubjects)
	return listed{names: names[:len(names)-more], more: more}
}

package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/lineaged/lineaged/collector/rest"
)

const (
	// defaultGroup is what Apicurio calls the group of artifacts that were given none. Its answers leave it out.
	defaultGroup = "default"
	// pageOf is how many artifacts one request lists, and mostPages how many requests one list takes at most.
	pageOf    = 500
	mostPages = 25
)

// apicurio is Apicurio's own REST interface, version 3 or 2. A subject is an artifact: of the group that is named, by
// its id; else of all groups, and those beyond the default group have their group in front.
type apicurio struct {
	client *rest.Client
	v2     bool
	group  string // empty: all
	leave  []string
	levels map[string]groupLevel // by group, as of the newest look at the registry's own
}

// groupLevel is the rule of a group.
type groupLevel struct {
	level string
	err   error
}

func newApicurio(client *rest.Client, cfg *Config, v2 bool) *apicurio {
	return &apicurio{client: client, v2: v2, group: cfg.Group, leave: cfg.Leave, levels: map[string]groupLevel{}}
}

// formats are the types of artifacts that are schemas of records, as far as they are read.
var formats = map[string]bool{"AVRO": true, "JSON": true, "PROTOBUF": true}

// artifact is what a list says of one: in version 2 under other names.
type artifact struct {
	GroupID      string `json:"groupId"`
	ArtifactID   string `json:"artifactId"`
	ArtifactType string `json:"artifactType"`
	ID           string `json:"id"`
	Type         string `json:"type"`
}

// list reads page by page. What comes or goes between two pages may hide another: only one page tells what is gone.
func (a *apicurio) list(ctx context.Context) (l listed, err error) {
	var names []string
	other := map[string]int{}
	pages, offset, all := 0, 0, 0
	for pages == 0 || offset < all && pages < mostPages {
		var got struct {
			Count     int        `json:"count"`
			Artifacts []artifact `json:"artifacts"`
		}
		if err := a.client.Get(ctx, a.page(offset), &got); err != nil {
			return l, err
		}
		if got.Artifacts == nil {
			return l, fmt.Errorf("%s: %w", a.client.First(), a.client.NotOurs())
		}
		for _, x := range got.Artifacts {
			kind := strings.ToUpper(cmp.Or(x.ArtifactType, x.Type))
			group, id := cmp.Or(x.GroupID, defaultGroup), cmp.Or(x.ArtifactID, x.ID)
			switch {
			case id == "" || a.group != "" && group != a.group || slices.Contains(a.leave, group):
			case formats[kind]:
				names = append(names, a.name(group, id))
			default:
				other[rest.Short(kind)]++
			}
		}
		pages, offset, all = pages+1, offset+len(got.Artifacts), got.Count
		if len(got.Artifacts) == 0 {
			break
		}
	}
	l = upTo(names)
	l.more += max(0, all-offset)
	whole := pages == 1 && l.more == 0
	l.gone = func(string) bool { return whole }
	var words []string
	for _, kind := range slices.Sorted(maps.Keys(other)) {
		words = append(words, fmt.Sprint(kind, " ", other[kind]))
	}
	if len(words) > 0 {
		l.other = join(words)
	}
	return l, nil
}

// join is a bounded list of kinds.
func join(words []string) string {
	const most = 8
	if len(words) > most {
		words = append(words[:most:most], "others")
	}
	return strings.Join(words, ", ")
}

// page is the path of a part of the list.
func (a *apicurio) page(offset int) string {
	q := url.Values{"limit": {strconv.Itoa(pageOf)}, "offset": {strconv.Itoa(offset)}, "order": {"asc"}}
	by, group := "artifactId", "groupId"
	if a.v2 {
		by, group = "name", "group"
	}
	q.Set("orderby", by)
	if a.group != "" {
		q.Set(group, a.group)
	}
	return "/search/artifacts?" + q.Encode()
}

var (
	escape   = strings.NewReplacer("%", "%25", ":", "%3A")
	unescape = strings.NewReplacer("%25", "%", "%3A", ":")
)

// name is what an artifact is called as a subject: as by Confluent's interface, where that has it. No two have one.
func (a *apicurio) name(group, id string) string {
	if a.group != "" || group == defaultGroup && !strings.Contains(id, ":") {
		return id
	}
	return escape.Replace(group) + ":" + id
}

// artifact is the inverse of name.
func (a *apicurio) artifact(name string) (group, id string) {
	if a.group != "" {
		return a.group, name
	}
	if group, id, ok := strings.Cut(name, ":"); ok {
		return unescape.Replace(group), id
	}
	return defaultGroup, name
}

func (a *apicurio) path(name string) string { return artifactPath(a.artifact(name)) }

func artifactPath(group, id string) string {
	return "/groups/" + url.PathEscape(group) + "/artifacts/" + url.PathEscape(id)
}

// meta is what is said of a version.
type meta struct {
	Version      string `json:"version"`
	ContentID    int    `json:"contentId"`
	ArtifactType string `json:"artifactType"`
	Type         string `json:"type"`
}

// latest asks which version of the artifact at a path is the newest.
func (a *apicurio) latest(ctx context.Context, path string) (is meta, err error) {
	at := path + "/versions/branch=latest"
	if a.v2 {
		at = path + "/meta"
	}
	if err := a.client.Get(ctx, at, &is); err != nil {
		return is, err
	}
	if is.Version == "" {
		return is, fmt.Errorf("%s: %w", a.client.First(), a.client.NotOurs())
	}
	return is, nil
}

func (a *apicurio) newest(ctx context.Context, name string, had *version) (version, error) {
	path := a.path(name)
	is, err := a.latest(ctx, path)
	if err != nil {
		return version{}, err
	}
	v := version{there: true, label: is.Version, id: is.ContentID, format: strings.ToUpper(cmp.Or(is.ArtifactType, is.Type))}
	if n, err := strconv.Atoi(is.Version); err == nil && n > 0 && strconv.Itoa(n) == is.Version {
		v.number, v.label = n, ""
	}
	if v.same(had) {
		return v, nil
	}
	text, err := a.at(ctx, path+versionPath(v.number, v.label))
	v.text, v.refs, v.moves = text.text, text.refs, text.moves
	return v, err
}

func versionPath(number int, label string) string {
	if label == "" {
		label = strconv.Itoa(number)
	}
	return "/versions/" + url.PathEscape(label)
}

func (a *apicurio) older(name string, was saved) string {
	return a.path(name) + versionPath(was.version, was.label)
}

func (a *apicurio) at(ctx context.Context, path string) (v version, err error) {
	v.there = true
	content := path
	if !a.v2 {
		content += "/content"
	}
	if v.text, err = a.client.Text(ctx, content); err != nil {
		return v, err
	}
	var refs []struct {
		GroupID    string `json:"groupId"`
		ArtifactID string `json:"artifactId"`
		Version    string `json:"version"`
		Name       string `json:"name"`
	}
	if err = a.client.Get(ctx, path+"/references", &refs); err != nil {
		return v, err
	}
	for _, r := range refs {
		at := artifactPath(cmp.Or(r.GroupID, defaultGroup), r.ArtifactID)
		if r.Version == "" { // the newest, whichever that is
			is, err := a.latest(ctx, at)
			if err != nil && !errors.Is(err, rest.ErrNotFound) {
				return v, err
			}
			r.Version, v.moves = cmp.Or(is.Version, "latest"), true // of what is not there no version is either
		}
		v.refs = append(v.refs, reference{r.Name, at + versionPath(0, r.Version)})
	}
	return v, nil
}

// level asks for the rule of an artifact, then for its group's.
func (a *apicurio) level(ctx context.Context, name string) (string, error) {
	if name == "" {
		clear(a.levels)
		level, err := a.rule(ctx, "/admin")
		if errors.Is(err, rest.ErrNotFound) {
			return "NONE", nil // nothing is asked of a new version
		}
		return level, err
	}
	level, err := a.rule(ctx, a.path(name))
	if a.v2 || !errors.Is(err, rest.ErrNotFound) {
		return level, err
	}
	group, _ := a.artifact(name)
	is, have := a.levels[group]
	if !have {
		is.level, is.err = a.rule(ctx, "/groups/"+url.PathEscape(group))
		a.levels[group] = is
	}
	return is.level, is.err
}

func (a *apicurio) rule(ctx context.Context, of string) (string, error) {
	var is struct {
		Config string `json:"config"`
	}
	err := a.client.Get(ctx, of+"/rules/COMPATIBILITY", &is)
	return word(is.Config), err
}

func (a *apicurio) scope() string {
	return Apicurio + "/" + url.QueryEscape(a.group) + "/" + url.QueryEscape(strings.Join(a.leave, ","))
}

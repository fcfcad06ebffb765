package registry

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/lineaged/lineaged/collector/rest"
)

// groupHeader names the group whose artifacts Apicurio 3 answers as subjects of Confluent's interface. Other registries
// do not know it.
const groupHeader = "X-Registry-GroupId"

// confluentAPI is the REST interface of Confluent's Schema Registry, version 7.
type confluentAPI struct {
	client *rest.Client
	group  string
}

func (c confluentAPI) list(ctx context.Context) (listed, error) {
	var names []string
	if err := c.client.Get(ctx, "/subjects", &names); err != nil {
		return listed{}, err
	}
	l := upTo(names)
	l.gone = func(name string) bool { return l.more == 0 || name < l.names[len(l.names)-1] }
	return l, nil
}

func (c confluentAPI) newest(ctx context.Context, name string, _ *version) (version, error) {
	return c.at(ctx, "/subjects/"+url.PathEscape(name)+"/versions/latest")
}

func (confluentAPI) older(name string, was saved) string { return numbered(name, was.version) }

func numbered(subject string, version int) string {
	return fmt.Sprintf("/subjects/%s/versions/%d", url.PathEscape(subject), version)
}

func (c confluentAPI) at(ctx context.Context, path string) (version, error) {
	var is struct {
		Version    int    `json:"version"`
		ID         int    `json:"id"`
		Type       string `json:"schemaType"`
		Schema     string `json:"schema"`
		References []struct {
			Name    string `json:"name"`
			Subject string `json:"subject"`
			Version int    `json:"version"`
		} `json:"references"`
	}
	if err := c.client.Get(ctx, path, &is); err != nil {
		return version{}, err
	}
	v := version{there: true, number: is.Version, id: is.ID, format: cmp.Or(strings.ToUpper(is.Type), "AVRO"), text: is.Schema}
	for _, ref := range is.References {
		v.refs = append(v.refs, reference{ref.Name, numbered(ref.Subject, ref.Version)})
	}
	return v, nil
}

func (c confluentAPI) level(ctx context.Context, name string) (string, error) {
	var is struct {
		Level string `json:"compatibilityLevel"`
	}
	path := "/config"
	if name != "" {
		path += "/" + url.PathEscape(name)
	}
	err := c.client.Get(ctx, path, &is)
	return word(is.Level), err
}

func (c confluentAPI) scope() string { return Confluent + "/" + c.group }

package declared

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/lineaged/lineaged/lineage"
)

const sequence = yaml.SequenceNode

// parseProducts reads a data product (ODPS) or a data contract (ODCS): one of them is returned.
func parseProducts(top value) (format string, p *lineage.DeclaredProduct, c *lineage.DeclaredContract, err error) {
	kind, err := top.textOf("kind")
	if err != nil {
		return "", nil, nil, err
	}
	version, err := top.version("apiVersion")
	if err != nil {
		return "", nil, nil, err
	}
	at, err := top.child("apiVersion")
	if err != nil {
		return "", nil, nil, err
	}
	switch kind {
	case "DataProduct":
		if !regexp.MustCompile(`^v?1\.0(\.\d+)?$`).MatchString(version) {
			return "", nil, nil, at.bad("is not read: ODPS v1.0 is")
		}
		p, err = product(top)
		return "ODPS " + version, p, nil, err
	case "DataContract":
		if !regexp.MustCompile(`^v?3\.[01](\.\d+)?$`).MatchString(version) {
			return "", nil, nil, at.bad("is not read: ODCS v3.0 and v3.1 are")
		}
		c, err = contract(top)
		return "ODCS " + version, nil, c, err
	}
	k, err := top.child("kind")
	if err == nil {
		err = k.bad("is neither DataProduct (ODPS) nor DataContract (ODCS)")
	}
	return "", nil, nil, err
}

// named reads several keys into texts, the first error ends it.
func named(v value, into map[string]*string) error {
	for _, key := range slices.Sorted(maps.Keys(into)) {
		var err error
		if *into[key], err = v.textOf(key); err != nil {
			return err
		}
	}
	return nil
}

func product(top value) (*lineage.DeclaredProduct, error) {
	p := &lineage.DeclaredProduct{Said: top.said()}
	var err error
	if p.ID, err = top.needed("id"); err != nil {
		return nil, err
	}
	if err = named(top, map[string]*string{"name": &p.Name, "status": &p.Status, "domain": &p.Domain}); err != nil {
		return nil, err
	}
	if p.Version, err = top.version("version"); err != nil {
		return nil, err
	}
	if p.Owner, err = owner(top); err != nil {
		return nil, err
	}
	if p.Tags, err = top.texts("tags"); err != nil {
		return nil, err
	}
	for _, list := range []string{"inputPorts", "outputPorts"} {
		all, err := top.list(list)
		if err != nil {
			return nil, err
		}
		for _, x := range all {
			port := lineage.DeclaredPort{Said: x.said(), Input: list == "inputPorts"}
			if port.Name, err = x.needed("name"); err != nil {
				return nil, err
			}
			if port.Version, err = x.version("version"); err != nil {
				return nil, err
			}
			if port.Contract, err = x.textOf("contractId"); err != nil {
				return nil, err
			}
			p.Ports = append(p.Ports, port)
		}
	}
	return p, nil
}

func contract(top value) (*lineage.DeclaredContract, error) {
	c := &lineage.DeclaredContract{Said: top.said()}
	var err error
	if c.ID, err = top.needed("id"); err != nil {
		return nil, err
	}
	if c.Name, err = top.textOf("name"); err != nil {
		return nil, err
	}
	if c.Version, err = top.version("version"); err != nil {
		return nil, err
	}
	if c.Owner, err = owner(top); err != nil {
		return nil, err
	}
	if c.Tags, err = top.texts("tags"); err != nil {
		return nil, err
	}
	others, err := contractServers(top, c)
	if err != nil {
		return nil, err
	}
	schema, err := top.list("schema")
	if err != nil {
		return nil, err
	}
	for _, x := range schema {
		kind, err := x.textOf("physicalType")
		if err != nil {
			return nil, err
		}
		// Where all is on Kafka what says nothing is a topic; where something else is there too, it may be a table.
		if !strings.EqualFold(kind, "topic") && (kind != "" || others || len(c.Servers) == 0) {
			continue
		}
		t := lineage.DeclaredTopic{Said: x.said()}
		if t.Text, err = x.textOf("physicalName"); err != nil {
			return nil, err
		}
		name, err := x.textOf("name")
		if err != nil {
			return nil, err
		}
		if t.Text = cmp.Or(t.Text, name); t.Text == "" {
			return nil, x.lacks("has neither physicalName nor name")
		}
		if t.Tags, err = x.texts("tags"); err != nil {
			return nil, err
		}
		c.Topics = append(c.Topics, t)
	}
	return c, nil
}

// contractServers reads the servers of a contract that are Kafka's, and tells whether there are others.
func contractServers(top value, c *lineage.DeclaredContract) (others bool, err error) {
	servers, err := top.list("servers")
	if err != nil {
		return false, err
	}
	for _, x := range servers {
		kind, err := x.textOf("type")
		if err != nil {
			return false, err
		}
		if !strings.EqualFold(kind, "kafka") {
			others = true
			continue
		}
		var s lineage.DeclaredServer
		if s.Name, err = x.textOf("server"); err != nil {
			return false, err
		}
		host, err := x.textOf("host")
		if err != nil {
			return false, err
		}
		if s.Hosts, err = hostsOf(x.value, host); err != nil {
			return false, err
		}
		c.Servers = append(c.Servers, s)
	}
	return others, nil
}

// owner returns whose a product or a contract is: the team's name, else the one member whose role is owner; of a member
// the name, else the user name. Of several it is nobody's: which of them answers is not said.
func owner(top value) (string, error) {
	team, err := top.get("team")
	if err != nil || !team.there() {
		return "", err
	}
	var members []item
	if team.n.Kind == yaml.MappingNode {
		name, err := team.textOf("name")
		if err != nil || name != "" {
			return name, err
		}
		if members, err = team.list("members"); err != nil {
			return "", err
		}
	} else if members, err = top.list("team"); err != nil {
		return "", err
	}
	var owners []string
	for _, m := range members {
		var role, name, user, out string
		if err := named(m.value, map[string]*string{"role": &role, "name": &name, "username": &user}); err != nil {
			return "", err
		}
		if left, err := m.get("dateOut"); err != nil {
			return "", err
		} else if left.there() {
			out = left.n.Value
		}
		if strings.EqualFold(strings.TrimSpace(role), "owner") && out == "" {
			owners = append(owners, cmp.Or(name, user))
		}
	}
	if len(owners) != 1 {
		return "", nil
	}
	return owners[0], nil
}

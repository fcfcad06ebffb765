package lineage_test

import (
	"strings"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

func TestPersonsInText(t *testing.T) {
	p, err := lineage.NewPersons([]string{"User:ann", "User:CN=bo,O=x"}, []string{"10.0.0.1", "/10.0.0.12", "desk.corp", "fe80::1"})
	if err != nil {
		t.Fatal(err)
	}
	f := func(text string, forgets bool) {
		t.Helper()
		now := p.Text(text)
		if forgets == (now == text) || forgets && !strings.Contains(now, "erased-") {
			t.Errorf("%q becomes %q", text, now)
		}
	}
	for _, text := range []string{
		"from /10.0.0.1:9092", "10.0.0.1", "shop-10.0.0.1-4", "at 10.0.0.1.", "(10.0.0.12)", "desk.corp", "desk.corp.", "as User:ann,", "User:ann",
		"User:CN=bo,O=x", "[fe80::1]:9092", "10.0.0.12 and 10.0.0.1",
	} {
		f(text, true)
	}
	for _, text := range []string{"10.0.0.10", "110.0.0.1", "1.10.0.0.1", "10.0.0.1.5", "desk.corp-2", "desk.corp.example", "User:anna", "User:ann-x", "User:ann.b", "ann", ""} {
		f(text, false)
	}
	if now := p.Text("10.0.0.12 and 10.0.0.1"); strings.Contains(now, "10.0.0") {
		t.Errorf("of two names that begin alike one stays: %q", now)
	}
}

func TestPersonsInClients(t *testing.T) {
	p, err := lineage.NewPersons([]string{"User:ann"}, []string{"10.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	c := lineage.Client{ClientID: "app-10.0.0.1-2", Group: "10.0.0.1", Principal: "User:ann", Host: "/10.0.0.1"}
	again := c
	if !p.Client(&c) || !p.Client(&again) {
		t.Error("a person is not known")
	}
	if c != again {
		t.Errorf("a person has two names: %v, %v", c, again)
	}
	host, ok := strings.CutPrefix(c.Host, "/erased-")
	if !ok || c.ClientID != "app-erased-"+host+"-2" || c.Group != "10.0.0.1" || !strings.HasPrefix(c.Principal, "User:erased-") || strings.HasSuffix(c.Principal, host) {
		t.Errorf("%v", c)
	}
	if now := p.Host("10.0.0.1:9092"); now != "erased-"+host+":9092" {
		t.Errorf("with a port: %q", now)
	}
	other := lineage.Client{ClientID: "app", Principal: "User:anna", Host: "10.0.0.2"}
	if p.Client(&other) || other != (lineage.Client{ClientID: "app", Principal: "User:anna", Host: "10.0.0.2"}) {
		t.Errorf("somebody else is forgotten: %v", other)
	}
}

func TestPersonsAreNamed(t *testing.T) {
	f := func(principals, hosts []string, says string) {
		t.Helper()
		if _, err := lineage.NewPersons(principals, hosts); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, %v: %v", principals, hosts, err)
		}
	}
	f(nil, nil, "nobody is named")
	f([]string{"ann"}, nil, `"ann" is not TYPE:NAME`)
	f([]string{"User:"}, nil, `"User:" is not`)
	f(nil, []string{"/"}, `"/" names nobody`)
	f(nil, []string{"*"}, `"*" names nobody`)
}

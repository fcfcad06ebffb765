package registry

import (
	"strings"
	"testing"
)

// TestOwnNewest: what refers to the newest version of another, without a number, changes with that.
func TestOwnNewest(t *testing.T) {
	w, o := ownWorld(t)
	address := func(fields string) string {
		return `{"type":"record","name":"Address","namespace":"shop","fields":[` + fields + `]}`
	}
	o.put("shop/Address", "AVRO", "1", address(`{"name":"city","type":"string"}`))
	o.put("shop/Party", "AVRO", "1", `{"type":"record","name":"Party","namespace":"shop","fields":[{"name":"at","type":"shop.Address"}]}`)
	o.put("default/orders-value", "AVRO", "1", record(`{"name":"to","type":"shop.Party"}`))
	o.artifacts["shop/Party"].versions[0].refs = []any{map[string]string{"groupId": "shop", "artifactId": "Address", "name": "shop.Address"}}
	o.artifacts["default/orders-value"].versions[0].refs = []any{map[string]string{"groupId": "shop", "artifactId": "Party", "version": "1", "name": "shop.Party"}}
	of := func(told string) (out string) {
		for line := range strings.Lines(told) {
			if strings.Contains(line, "orders-value") {
				out += line
			}
		}
		return out
	}
	w.is(of(w.rounds()), "orders-value v1 30 AVRO NONE of orders value: shop.Order: to record shop.Party, to.at record shop.Address, to.at.city string \n")
	w.is(of(w.rounds()), "")
	o.put("shop/Address", "AVRO", "2", address(`{"name":"city","type":"string"},{"name":"zip","type":"string"}`))
	w.is(of(w.rounds()), `
		orders-value v1 30 AVRO NONE of orders value: shop.Order: to record shop.Party, to.at record shop.Address, to.at.city string, to.at.zip string 
		event SCHEMA_CHANGED orders of the subject orders-value version 1 is still the newest, and what it refers to is another; new: to.at.zip
	`)
	w.is(of(w.rounds()), "")
	o.put("default/customers-value", "AVRO", "1", record(`{"name":"at","type":"shop.Address"}`))
	o.artifacts["default/customers-value"].versions[0].refs = o.artifacts["shop/Party"].versions[0].refs
	w.rounds()
	gone := o.artifacts["shop/Address"]
	delete(o.artifacts, "shop/Address")
	got := w.rounds()
	for _, want := range []string{"orders-value v1 30 AVRO NONE of orders value", "customers-value v1 40 AVRO NONE of customers value"} {
		if !strings.Contains(got, want+": :  it refers to a schema that the registry does not have\n") {
			t.Errorf("told %s", got)
		}
	}
	o.artifacts["shop/Address"] = gone
	if got := of(w.rounds()); !strings.Contains(got, "to.at.zip string") || strings.Contains(got, "event") {
		t.Errorf("told %s", got)
	}
}

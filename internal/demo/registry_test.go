package demo

import (
	"net/http"
	"reflect"
	"testing"
)

// The registry answers as Confluent's does, and has a schema of topics alone that there are.
func TestRegistryREST(t *testing.T) {
	t.Parallel()
	w := start(t)
	var subjects []string
	ask(t, w.Registry.URL+"/subjects", registryType, &subjects)
	if want := []string{"customers-value", "inventory.public.stock_levels-value", "orders-value", "payments-value"}; !reflect.DeepEqual(subjects, want) {
		t.Errorf("subjects %q, want %q", subjects, want)
	}
	topics := map[string]bool{}
	for _, topic := range w.West.Topics() {
		topics[topic.Name+"-value"] = true
	}
	for _, subject := range subjects {
		var v version
		if status := ask(t, w.Registry.URL+"/subjects/"+subject+"/versions/latest", registryType, &v); status != http.StatusOK || v.Subject != subject || v.Schema == "" {
			t.Errorf("%s is answered with %d, %+v", subject, status, v)
		}
		if !topics[subject] {
			t.Errorf("there is no topic of %s", subject)
		}
	}
	var first version
	if ask(t, w.Registry.URL+"/subjects/customers-value/versions/1", registryType, &first); first.Version != 1 || first.ID != 2 || first.Type != "JSON" {
		t.Errorf("the first version of customers-value is %+v", first)
	}
	var level struct{ CompatibilityLevel string }
	if ask(t, w.Registry.URL+"/config", registryType, &level); level.CompatibilityLevel != registryCompatibility {
		t.Errorf("the compatibility is %+v", level)
	}
	for path, code := range map[string]int{
		"/subjects/nobody/versions/latest": noSubject, "/subjects/orders-value/versions/2": noVersion, "/subjects/orders-value/versions/x": noVersion,
		"/config/orders-value": noLevel, "/schemas": http.StatusNotFound,
	} {
		var refused struct {
			Code int `json:"error_code"`
		}
		if status := ask(t, w.Registry.URL+path, registryType, &refused); status != http.StatusNotFound || refused.Code != code {
			t.Errorf("%s: %d, %+v, want code %d", path, status, refused, code)
		}
	}
}

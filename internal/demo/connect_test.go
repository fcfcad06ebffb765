package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// rest asks the shop's Connect.
func rest(t *testing.T, w *World, path string, into any) (status int) {
	t.Helper()
	return ask(t, w.Connect.URL+path, "application/json", into)
}

// ask reads an answer of JSON, which has to be of a content type.
func ask(t *testing.T, url, kind string, into any) (status int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil || resp.Header.Get("Content-Type") != kind {
		t.Fatalf("%s answers %s: %v", url, resp.Header.Get("Content-Type"), err)
	}
	return resp.StatusCode
}

type offsets struct {
	Offsets []struct{ Partition, Offset map[string]any }
}

// The worker answers as Connect does, and what it tells moves with what is moved.
func TestConnectREST(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx, west := t.Context(), admin(t, w.West)
	var info struct {
		Version string
		Cluster string `json:"kafka_cluster_id"`
	}
	if rest(t, w, "/", &info); info.Cluster != "demo-west" || info.Version == "" {
		t.Errorf("the worker is %+v", info)
	}
	var names []string
	if rest(t, w, "/connectors", &names); !reflect.DeepEqual(names, []string{"inventory-cdc", "orders-warehouse", "refunds-archive"}) {
		t.Errorf("connectors %q", names)
	}
	var refused struct {
		Code    int `json:"error_code"`
		Message string
	}
	if status := rest(t, w, "/connectors/nobody/topics", &refused); status != http.StatusNotFound || refused.Code != status || refused.Message != "Connector nobody not found" {
		t.Errorf("a connector that is not there: %d, %+v", status, refused)
	}
	if status := rest(t, w, "/nothing", &refused); status != http.StatusNotFound {
		t.Errorf("a path that is not there: %d", status)
	}
	eventually(t, 10*time.Second, func() string {
		var all map[string]struct {
			Info struct {
				Type   string
				Config map[string]string
			}
			Status struct {
				Connector struct{ State string }
				Tasks     []struct{ State string }
			}
		}
		rest(t, w, "/connectors?expand=info&expand=status", &all)
		sink, source := all["orders-warehouse"], all["inventory-cdc"]
		if len(all) != 3 || sink.Info.Type != "sink" || source.Info.Type != "source" {
			return fmt.Sprintf("%+v", all)
		}
		// What must not leak has to be there.
		if !strings.Contains(sink.Info.Config["connection.url"], Canary+"@") || sink.Info.Config["connection.password"] != Canary || source.Info.Config["database.password"] != Canary {
			return "a configuration holds no canary"
		}
		if failed := all["refunds-archive"].Status; len(failed.Tasks) != 1 || failed.Tasks[0].State != "FAILED" {
			return fmt.Sprintf("the failed one is %+v", failed)
		}
		delete(all, "refunds-archive")
		for _, c := range all {
			if c.Status.Connector.State != "RUNNING" || len(c.Status.Tasks) != 1 || c.Status.Tasks[0].State != "RUNNING" {
				return fmt.Sprintf("states %+v", c.Status)
			}
		}
		return ""
	})
	for name, topic := range map[string]string{"orders-warehouse": "orders", "inventory-cdc": stockLevels} {
		eventually(t, 10*time.Second, func() string {
			var used map[string]struct{ Topics []string }
			rest(t, w, "/connectors/"+name+"/topics", &used)
			if got := used[name].Topics; !reflect.DeepEqual(got, []string{topic}) {
				return fmt.Sprintf("%s uses %q", name, got)
			}
			return ""
		})
		var before offsets
		eventually(t, 10*time.Second, func() string {
			if rest(t, w, "/connectors/"+name+"/offsets", &before); len(before.Offsets) == 0 {
				return name + " tells no offsets"
			}
			return ""
		})
		eventually(t, 10*time.Second, func() string {
			var after offsets
			if rest(t, w, "/connectors/"+name+"/offsets", &after); reflect.DeepEqual(after, before) {
				return fmt.Sprintf("%s stays at %v", name, after)
			}
			return ""
		})
	}
	eventually(t, 10*time.Second, func() string { return tellsCommits(ctx, t, w, west) })
	ends, err := west.ListEndOffsets(ctx, stockLevels)
	if err != nil {
		t.Fatal(err)
	}
	if counted, ids := states(ctx, t, west, stockLevels); counted != 0 || len(ids) != 0 || total(ends, stockLevels) == 0 {
		t.Errorf("%d records of %d, by producers %v: Connect's producers leave no state", counted, total(ends, stockLevels), ids)
	}
}

// tellsCommits compares a sink's offsets with its group's, which may move in between.
func tellsCommits(ctx context.Context, t *testing.T, w *World, west *kadm.Client) string {
	t.Helper()
	before, err := west.FetchOffsets(ctx, "connect-orders-warehouse")
	if err != nil {
		return err.Error()
	}
	var told offsets
	rest(t, w, "/connectors/orders-warehouse/offsets", &told)
	if len(told.Offsets) != 6 {
		return fmt.Sprintf("offsets of %d partitions", len(told.Offsets))
	}
	for _, o := range told.Offsets {
		p, at := int32(o.Partition["kafka_partition"].(float64)), int64(o.Offset["kafka_offset"].(float64))
		committed, ok := before.Lookup("orders", p)
		if o.Partition["kafka_topic"] != "orders" || !ok || at < committed.At || at > committed.At+500 {
			return fmt.Sprintf("%v, and the group committed %d", o, committed.At)
		}
	}
	return ""
}

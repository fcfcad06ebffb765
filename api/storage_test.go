package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/api"
)

// TestStorage presents what is told of the store, and null where nobody tells or knows: never zero.
func TestStorage(t *testing.T) {
	const query = `{storage{bytes freeBytes series silent measured tiers{step retention bytes bytesPerSeriesDay} year{bytes bytesPer10000Series atMost}}}`
	world := newWorld(t).store
	for want, told := range map[string]*api.Storage{
		`{"bytes":null,"freeBytes":null,"series":null,"silent":"0","measured":null,"tiers":[],"year":null}`: {},
		`{"bytes":"9007199254740993","freeBytes":"5","series":2.5,"silent":"7","measured":"1h30m","tiers":[{"step":"10s","retention":"2d","bytes":"3","bytesPerSeriesDay":0.5}],` +
			`"year":{"bytes":"11","bytesPer10000Series":"44000","atMost":true}}`: {
			Bytes: new(int64(1<<53 + 1)), FreeBytes: new(int64(5)), Series: new(2.5), Silent: 7, Measured: new(90 * time.Minute),
			Tiers: []api.StorageTier{{Step: 10 * time.Second, Retention: 48 * time.Hour, Bytes: 3, BytesPerSeriesDay: new(0.5)}},
			Year:  &api.StorageYear{Bytes: 11, BytesPer10000Series: 44_000, AtMost: true},
		},
	} {
		h := serve(served{History: world, Identity: everybody, Log: quiet(), Storage: func(context.Context) (*api.Storage, error) { return told, nil }})
		if status, body := ask(h, query, ""); status != http.StatusOK || !strings.Contains(string(body), `"storage":`+want) {
			t.Errorf("%d %s\nwant %s", status, body, want)
		}
	}
	h := serve(served{History: world, Identity: everybody, Log: quiet()})
	if status, body := ask(h, query, ""); status != http.StatusOK || !strings.Contains(string(body), `"storage":null`) {
		t.Errorf("nobody tells: %d %s", status, body)
	}
}

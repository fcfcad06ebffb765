package kafkatest

import (
	"net"
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A cluster of three whose first answer knows of two is ready once it knows of all.
func TestReadyAsksAgain(t *testing.T) {
	const id = "ready"
	fake, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.ClusterID(id))
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	all := fake.ListenAddrs()
	fake.ControlKey(kmsg.Metadata.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
		resp := req.ResponseKind().(*kmsg.MetadataResponse)
		cluster := id
		resp.ClusterID, resp.ControllerID = &cluster, 0
		for i := range all[:2] {
			b := kmsg.NewMetadataResponseBroker()
			b.NodeID, b.Host, b.Port = int32(i), "127.0.0.1", port(t, all[i])
			resp.Brokers = append(resp.Brokers, b)
		}
		return resp, nil, true // once
	})
	client, err := kgo.NewClient(kgo.SeedBrokers(all...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := ready(t.Context(), client, id, len(all)); err == nil {
		t.Error("ready, when one of three brokers is not known")
	}
	if err := ready(t.Context(), client, id, len(all)); err != nil {
		t.Errorf("not ready, when all are known: %v", err)
	}
	if err := ready(t.Context(), client, "another", len(all)); err == nil {
		t.Error("ready, when another cluster answers")
	}
}

func port(t *testing.T, address string) int32 {
	t.Helper()
	_, p, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseInt(p, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return int32(n)
}

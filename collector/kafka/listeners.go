package kafka

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// This file finds out by which addresses brokers are reached by others. A broker tells in its metadata those of the
// listener by which it is asked; who comes from another network spells the cluster by another listener's.

// advertisedListeners is the configuration that names all of them: NAME://host:port, with commas. Unset it is what
// `listeners` says, which may be without hosts and is not read.
const advertisedListeners = "advertised.listeners"

// mostListeners bounds the addresses of one broker.
const mostListeners = 100

// askListeners reads the addresses of all listeners. Of a broker that does not tell, which takes DESCRIBE_CONFIGS on
// the cluster, stands what it told before.
func (t *take) askListeners() {
	reqs := map[int32]kmsg.Request{}
	for _, b := range t.brokers {
		reqs[b] = ofBroker(b, advertisedListeners)
	}
	told := make(map[int32][]string, len(reqs))
	for _, a := range t.ask(reqs) {
		told[a.broker] = t.listeners[a.broker]
		if a.err != nil {
			continue
		}
		for _, r := range a.resp.(*kmsg.DescribeConfigsResponse).Resources {
			for _, e := range r.Configs {
				if r.ErrorCode == 0 && e.Name == advertisedListeners {
					told[a.broker] = addressesOf(e.Value)
				}
			}
		}
	}
	t.listeners = told
}

// ofBroker asks for some of a broker's configurations.
func ofBroker(broker int32, names ...string) *kmsg.DescribeConfigsRequest {
	r := kmsg.NewDescribeConfigsRequestResource()
	r.ResourceType, r.ResourceName, r.ConfigNames = kmsg.ConfigResourceTypeBroker, strconv.Itoa(int(broker)), names
	req := kmsg.NewPtrDescribeConfigsRequest()
	req.Resources = append(req.Resources, r)
	return req
}

// addressesOf returns the addresses of a list of listeners. One for all hosts is no address.
func addressesOf(listeners *string) (addresses []string) {
	if listeners == nil {
		return nil
	}
	for l := range strings.SplitSeq(*listeners, ",") {
		_, address, _ := strings.Cut(strings.TrimSpace(l), "://")
		host, port, err := net.SplitHostPort(address)
		if ip := net.ParseIP(host); err != nil || host == "" || port == "" || ip != nil && ip.IsUnspecified() {
			continue
		}
		if addresses = append(addresses, address); len(addresses) == mostListeners {
			break
		}
	}
	return addresses
}

// otherListeners returns the addresses that brokers advertise to others, sorted.
func (t *take) otherListeners() (addresses []string) {
	for _, of := range t.listeners {
		addresses = append(addresses, of...)
	}
	slices.Sort(addresses)
	return slices.Compact(addresses)
}

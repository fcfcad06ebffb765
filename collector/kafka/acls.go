package kafka

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector/ask"
	"github.com/lineaged/lineaged/lineage"
)

const (
	// aclsCadence is how often it is read who may use topics.
	aclsCadence = 5 * time.Minute
	// mostPermissions bounds the entries that are told of a cluster.
	mostPermissions = 20_000
)

// permissions reads who may read and write topics. It is told when it changed.
func (t *take) permissions(cadence time.Duration) {
	o := t.observe(sourceACLs, cadence)
	now, err := t.readACLs()
	var spots []lineage.BlindSpot
	switch {
	case errors.Is(err, kerr.ClusterAuthorizationFailed):
		spots = append(spots, lineage.BlindSpot{
			What:   "who may read and write topics: access control lists may not be described",
			Remedy: "grant DESCRIBE on the cluster to lineaged's principal",
		})
	case err != nil && unsupported(err):
		spots = append(spots, lineage.BlindSpot{What: "who may read and write topics: the brokers list no access control entries", Remedy: "none: the brokers don't support it"})
	case err != nil:
		o.Missing = append(o.Missing, lineage.Missing{All: true, Share: 1, Reason: err.Error()})
		return
	case t.acls == nil || !samePermissions(*t.acls, now):
		t.acls = &now
		o.Facts = append(o.Facts, lineage.Fact{Key: lineage.FactKey{Source: o.Source.Cluster, Kind: lineage.PermissionFacts}, Permission: &now})
	}
	if err == nil && now.Cut > 0 {
		spots = append(spots, lineage.BlindSpot{
			What:   fmt.Sprintf("who may read and write topics: %d access control entries beyond the first %d", now.Cut, mostPermissions),
			Remedy: "prefixed entries in the place of many literal ones",
		})
	}
	t.sayBlind(o, spots)
}

func samePermissions(a, b lineage.PermissionFact) bool {
	return a.Open == b.Open && a.Cut == b.Cut && slices.Equal(a.Rules, b.Rules)
}

// readACLs asks for the entries of all topics: any broker has them.
func (t *take) readACLs() (now lineage.PermissionFact, err error) {
	req := kmsg.NewPtrDescribeACLsRequest()
	req.ResourceType, req.ResourcePatternType = kmsg.ACLResourceTypeTopic, kmsg.ACLResourcePatternTypeAny
	req.Operation, req.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny
	if len(t.brokers) == 0 {
		return now, errors.New("no broker is known")
	}
	ctx, cancel := t.half()
	defer cancel()
	broker := t.brokers[int(t.round.Unix())%len(t.brokers)]
	resp, err := req.RequestWith(ctx, t.client.Broker(int(broker)))
	if err != nil {
		return now, fmt.Errorf("broker %d: %w", broker, ask.Plain(err))
	}
	switch err := kerr.ErrorForCode(resp.ErrorCode); {
	case errors.Is(err, kerr.SecurityDisabled):
		return lineage.PermissionFact{Open: true}, nil
	case err != nil:
		return now, fmt.Errorf("broker %d: %w", broker, err)
	}
	for _, r := range resp.Resources {
		for _, x := range r.ACLs {
			op := strings.ToUpper(x.Operation.String())
			if op != "READ" && op != "WRITE" && op != "ALL" {
				continue
			}
			now.Rules = append(now.Rules, lineage.Permission{
				Topic: r.ResourceName, Prefixed: r.ResourcePatternType == kmsg.ACLResourcePatternTypePrefixed, Principal: x.Principal, Host: x.Host,
				Operation: op, Allowed: x.PermissionType == kmsg.ACLPermissionTypeAllow,
			})
		}
	}
	slices.SortFunc(now.Rules, comparePermissions)
	now.Rules = slices.Compact(now.Rules)
	if now.Cut = max(0, len(now.Rules)-mostPermissions); now.Cut > 0 {
		now.Rules = slices.Clone(now.Rules[:mostPermissions])
	}
	return now, nil
}

func comparePermissions(a, b lineage.Permission) int {
	return cmp.Or(
		strings.Compare(a.Topic, b.Topic), compareBools(a.Prefixed, b.Prefixed), strings.Compare(a.Principal, b.Principal), strings.Compare(a.Host, b.Host),
		strings.Compare(a.Operation, b.Operation), compareBools(a.Allowed, b.Allowed),
	)
}

// compareBools orders false before true.
func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

package kafka

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/wire"
	"github.com/lineaged/lineaged/internal/varint"
	"github.com/lineaged/lineaged/lineage"
)

// This file says which cluster it is that answers. All that is stored hangs on its id, and ids are not what they should
// be: images and copied disks give one to several clusters, and brokers that are formatted anew have another under the
// same address.

// changeAfter is how many rounds in a row another cluster must answer until it is taken for the one that is behind the
// address now. An address that leads to two clusters in turn never comes so far.
const changeAfter = 3

// newcomer is a cluster that answers in the place of the one that is known.
type newcomer struct {
	id     lineage.ClusterID
	rounds int
}

// storedCluster returns the id under which an earlier run has kept the cluster; empty where there was none, or it can't
// be read now.
func storedCluster(name string, sink collector.Sink) lineage.ClusterID {
	if sink == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	positions, err := sink.Positions(ctx, lineage.Source{Cluster: name, Name: sourceEnds})
	if err != nil {
		return ""
	}
	id, err := decodeCluster(positions[clusterKey])
	if err != nil {
		return ""
	}
	return id
}

// encodeCluster keeps the id with a checksum: one that was damaged would look like another cluster.
func encodeCluster(id lineage.ClusterID) []byte {
	var e encoder
	e.Uint(positionsVersion)
	e.String(string(id))
	e.Uint(uint64(crc32.ChecksumIEEE([]byte(id))))
	return e.Encoder
}

func decodeCluster(value []byte) (lineage.ClusterID, error) {
	d := decode(value)
	id := d.String()
	if sum := d.Uint(); d.Err() == nil && sum != uint64(crc32.ChecksumIEEE([]byte(id))) {
		return "", varint.ErrCut
	}
	return lineage.ClusterID(id), d.Done()
}

// identify takes in which cluster has answered. An error says that the round can't go on.
func (t *take) identify(o *lineage.Observation, resp *wire.Metadata) error {
	reported := lineage.ClusterID(*resp.ClusterID)
	if known := collector.Unqualified(t.cfg.Name, t.cluster); t.cluster != "" && reported != known {
		return t.changed(o, known, reported)
	}
	t.another = newcomer{}
	claim := collector.Claim{Source: t.cfg.Name, Reported: reported, ID: t.cluster, Advertised: advertised(resp.Brokers)}
	if t.twin != nil {
		claim.Topics = topicIDs(resp)
	}
	if t.cluster == "" {
		t.awaitEarlier()
	}
	id, twin := t.cfg.Board.ClaimCluster(claim)
	t.twin = twin
	switch {
	case twin != nil && twin.Same && twin.First:
		return t.doubled(o, reported)
	case t.cluster != "" && id != t.cluster:
		return t.begin(o, id, fmt.Sprintf("%s: the cluster %s is also the id of another one, which is watched as %s, and was kept together with it until now; from here on it is kept apart, as %s", t.cfg.Name, reported, twin.Source, id))
	case t.cluster == "" && id != reported:
		t.tellChanged(o, fmt.Sprintf("%s: its brokers report the cluster id %s as those of %s do, and are others; it is kept apart, as %s. %s", t.cfg.Name, reported, twin.Source, id, twinRemedy))
	}
	t.cluster, t.twinTold = id, false
	return nil
}

// awaitEarlier gives the sources of clusters that are configured before this one a moment to see them: of two with one
// id the first one has it, whoever is faster.
func (t *take) awaitEarlier() {
	until := time.Now().Add(min(t.cfg.Interval/4, 2*time.Second))
	for t.cfg.Board.Earlier(t.cfg.Name) && t.ctx.Err() == nil && time.Now().Before(until) {
		select {
		case <-t.ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// doubled says that the cluster is watched under another name already. Nothing is counted here: all of it would be
// counted twice.
func (t *take) doubled(o *lineage.Observation, reported lineage.ClusterID) error {
	t.cfg.Board.Disclaim(t.cfg.Name)
	t.cfg.Board.SayDouble(t.cfg.Name, t.twin.ID)
	err := fmt.Errorf("this is the cluster %s, which is watched as %s already: a broker of both has the same address", reported, t.twin.Source)
	t.sayBlind(o, []lineage.BlindSpot{{What: err.Error() + "; what is seen of it stands under that name", Remedy: "remove one of the two from clusters"}})
	if !t.twinTold {
		t.twinTold = true
		t.tellChanged(o, t.cfg.Name+": "+err.Error()+"; nothing is counted under this name: remove one of the two from clusters")
	}
	return err
}

// changed notes that another cluster answers. Once that has lasted, what was known is gone and the other one is begun
// anew.
func (t *take) changed(o *lineage.Observation, known, reported lineage.ClusterID) error {
	if t.another.id != reported {
		t.another = newcomer{id: reported}
	}
	t.another.rounds++
	why := fmt.Sprintf("the brokers belong to cluster %s now, not to %s", reported, known)
	const remedy = "where the address leads to the wrong cluster, or to two in turn, correct brokers of this cluster"
	if t.another.rounds < changeAfter {
		t.sayBlind(o, []lineage.BlindSpot{{What: why, Remedy: remedy + "; where it was formatted anew, wait: it is taken for a new one after some rounds"}})
		return errors.New(why)
	}
	id, twin := t.cfg.Board.ClaimCluster(collector.Claim{Source: t.cfg.Name, Reported: reported})
	if twin != nil && twin.First && id != reported {
		why += ", which is watched as " + twin.Source + " too"
	}
	return t.begin(o, id, fmt.Sprintf("%s: %s: it was formatted anew, or the address leads elsewhere. Topics and groups of the old one are gone from here; what is known of them stays to be asked for. Otherwise: %s", t.cfg.Name, why, remedy))
}

// begin takes another cluster, or another id, for the one that is watched. All that was known is gone, and all that
// there is is new to us, and was not created now. The next round is its first: so nothing is told as gone and as there
// in one.
func (t *take) begin(o *lineage.Observation, id lineage.ClusterID, detail string) error {
	positions, err := t.sink.Positions(t.ctx, lineage.Source{Cluster: t.cfg.Name, Name: sourceEnds})
	if err != nil {
		return fmt.Errorf("read positions of cluster %q: %w", t.cfg.Name, err)
	}
	for name := range t.byName {
		o.Facts = append(o.Facts, lineage.Fact{Key: lineage.FactKey{Source: t.cfg.Name, Kind: lineage.TopicFacts, Name: name}, Gone: true})
	}
	for _, g := range t.groups {
		o.Facts = append(o.Facts, lineage.Fact{Key: t.groupFactKey(g), Gone: true})
	}
	t.forget()
	t.cluster, t.another = id, newcomer{}
	for key := range positions {
		if key != roundKey && key != clusterKey {
			t.gonePositions = append(t.gonePositions, key)
		}
	}
	t.tellChanged(o, detail)
	return errors.New("the cluster changed: it is watched as a new one from the next round on")
}

func (t *take) tellChanged(o *lineage.Observation, detail string) {
	o.Events = append(o.Events, lineage.Event{At: t.round, Type: lineage.ClusterChanged, Detail: detail})
	t.cfg.Log.Warn("the cluster changed", "detail", detail)
}

const twinRemedy = "Give clusters ids of their own (kafka-storage.sh random-uuid) where that is still possible; where both are one cluster that is reached by two listeners, remove one of the two from clusters: all of it is counted twice"

// twinSpots are the blind spots of a cluster that shares its id with another that is watched.
func (t *take) twinSpots() []lineage.BlindSpot {
	if t.twin == nil || t.twin.Same {
		return nil
	}
	what := fmt.Sprintf("the brokers report the same cluster id as those of %s, and are others: the two are kept apart, one as %s and one as %s", t.twin.Source, t.cluster, t.twin.ID)
	if t.twin.Alike {
		what += "; they have topics of the same ids, so that one is a copy of the other's disks, or both are one cluster that is reached by two listeners"
	}
	return []lineage.BlindSpot{{What: what, Remedy: twinRemedy}}
}

func advertised(brokers []kmsg.MetadataResponseBroker) (addresses []string) {
	for _, b := range brokers {
		addresses = append(addresses, net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port))))
	}
	slices.Sort(addresses)
	return addresses
}

func topicIDs(resp *wire.Metadata) map[lineage.TopicID]bool {
	ids := map[lineage.TopicID]bool{}
	for w := resp.Walk(); w.Topic(); {
		ids[lineage.TopicID(w.ID)] = true
	}
	return ids
}

package collector_test

import (
	"testing"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

func TestClustersWithOneID(t *testing.T) {
	claim := func(source string, id lineage.ClusterID, addresses ...string) collector.Claim {
		return collector.Claim{Source: source, Reported: "x", ID: id, Advertised: addresses}
	}
	t.Run("others", func(t *testing.T) {
		var b collector.Board
		if id, twin := b.ClaimCluster(claim("a", "", "h:1", "h:2")); id != "x" || twin != nil {
			t.Errorf("the first one is %q, twin %+v", id, twin)
		}
		id, twin := b.ClaimCluster(claim("b", "", "h:3"))
		if id != "x@b" || twin == nil || twin.Source != "a" || twin.Same || !twin.First {
			t.Errorf("the second one is %q, twin %+v", id, twin)
		}
		if id, twin := b.ClaimCluster(claim("b", id, "h:3")); id != "x@b" || twin == nil {
			t.Errorf("in the next round it is %q, twin %+v", id, twin)
		}
		if id, twin := b.ClaimCluster(claim("a", "x", "h:1")); id != "x" || twin == nil || twin.First {
			t.Errorf("the first one became %q, twin %+v", id, twin)
		}
		if collector.Unqualified("b", "x@b") != "x" || collector.Unqualified("a", "x") != "x" {
			t.Error("the reported id is lost")
		}
	})
	t.Run("configured twice", func(t *testing.T) {
		var b collector.Board
		b.ClaimCluster(claim("a", "", "h:1", "h:2"))
		if _, twin := b.ClaimCluster(claim("b", "", "h:2", "h:1")); twin == nil || !twin.Same || !twin.First {
			t.Errorf("twin %+v", twin)
		}
		b.Disclaim("b")
		if id, twin := b.ClaimCluster(claim("a", "x", "h:1")); id != "x" || twin != nil {
			t.Errorf("the one that is watched is %q, twin %+v", id, twin)
		}
	})
	t.Run("a restart", func(t *testing.T) {
		var b collector.Board
		b.RememberCluster("a", "")
		b.RememberCluster("b", "x")
		b.RememberCluster("c", "x@c")
		if id, _ := b.ClaimCluster(claim("a", "", "h:1")); id != "x@a" {
			t.Errorf("a new one is %q", id)
		}
		if id, _ := b.ClaimCluster(claim("c", "x@c", "h:3")); id != "x@c" {
			t.Errorf("the second one is %q", id)
		}
		if id, _ := b.ClaimCluster(claim("b", "x", "h:2")); id != "x" {
			t.Errorf("the one that had the id is %q", id)
		}
	})
	t.Run("kept together until now", func(t *testing.T) {
		var b collector.Board
		b.RememberCluster("a", "x")
		b.RememberCluster("b", "x")
		if id, _ := b.ClaimCluster(claim("b", "x", "h:2")); id != "x@b" {
			t.Errorf("the second one is %q", id)
		}
		if id, _ := b.ClaimCluster(claim("a", "x", "h:1")); id != "x" {
			t.Errorf("the first one is %q", id)
		}
	})
	t.Run("copied disks", func(t *testing.T) {
		var b collector.Board
		c, d := claim("a", "", "h:1"), claim("b", "", "h:2")
		c.Topics, d.Topics = map[lineage.TopicID]bool{{1}: true}, map[lineage.TopicID]bool{{1}: true, {2}: true}
		b.ClaimCluster(c)
		if _, twin := b.ClaimCluster(d); twin == nil || !twin.Alike {
			t.Errorf("twin %+v", twin)
		}
	})
}

package kafka

import (
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/lineaged/lineaged/lineage"
)

// permissions returns what the rounds so far tell of who may, in order.
func (w *world) permissions() (told []lineage.PermissionFact) {
	for _, o := range w.last {
		for _, f := range o.Facts {
			if f.Key.Kind == lineage.PermissionFacts && f.Permission != nil {
				told = append(told, *f.Permission)
			}
		}
	}
	return told
}

// aclsRounds are so many that all is read again.
const aclsRounds = int(aclsCadence/tick) + 1

// takeACLs takes rounds until all is read again, and returns what they told.
func (w *world) takeACLs() (told []lineage.PermissionFact) {
	for range aclsRounds {
		w.take(1)
		told = append(told, w.permissions()...)
	}
	return told
}

// Who may read and write topics is told as the cluster has it, again only when it changed, and also after a restart.
func TestPermissionsAreTold(t *testing.T) {
	w := newGuarded(t)
	w.topic("orders-eu", 1)
	w.grant(allTopics, allGroups)
	w.take(2)
	if told := w.permissions(); len(told) != 0 {
		t.Errorf("without the right %+v is told", told)
	}
	if blind := w.rec.blind[sourceACLs]; len(blind) != 1 {
		t.Errorf("without the right the blind spots are %+v", blind)
	}
	w.grant(theCluster)
	for _, b := range []*kadm.ACLBuilder{
		kadm.NewACLs().Allow("User:bob").AllowHosts("10.0.0.1").ResourcePatternType(kadm.ACLPatternPrefixed).Operations(kadm.OpWrite, kadm.OpDescribe).Topics("orders-"),
		kadm.NewACLs().Deny("User:eve").DenyHosts("*").ResourcePatternType(kadm.ACLPatternLiteral).Operations(kadm.OpAll).Topics("orders-eu"),
		kadm.NewACLs().Allow("User:bob").AllowHosts("*").ResourcePatternType(kadm.ACLPatternLiteral).Operations(kadm.OpRead).Groups("orders"),
	} {
		if _, err := w.admin.CreateACLs(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	want := []lineage.Permission{
		{Topic: "orders-", Prefixed: true, Principal: "User:bob", Host: "10.0.0.1", Operation: "WRITE", Allowed: true},
		{Topic: "orders-eu", Principal: "User:eve", Host: "*", Operation: "ALL"},
	}
	told := w.takeACLs()
	if len(told) != 1 || !slices.Equal(told[0].Rules, want) || told[0].Open {
		t.Errorf("told %+v, want %+v once", told, want)
	}
	if blind := w.rec.blind[sourceACLs]; len(blind) != 0 {
		t.Errorf("with the right the blind spots are %+v", blind)
	}
	if told := w.takeACLs(); len(told) != 0 {
		t.Errorf("nothing changed, and %+v is told", told)
	}
	if _, err := w.admin.DeleteACLs(t.Context(), kadm.NewACLs().Deny("User:eve").DenyHosts("*").ResourcePatternType(kadm.ACLPatternLiteral).Operations(kadm.OpAll).Topics("orders-eu")); err != nil {
		t.Fatal(err)
	}
	if told := w.takeACLs(); len(told) != 1 || !slices.Equal(told[0].Rules, want[:1]) {
		t.Errorf("after an entry went %+v is told, want %+v", told, want[:1])
	}
	w.start(alice)
	if told := w.takeACLs(); len(told) != 1 || !slices.Equal(told[0].Rules, want[:1]) {
		t.Errorf("after a restart %+v is told, want %+v", told, want[:1])
	}
}

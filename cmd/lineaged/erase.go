package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lineaged/lineaged/catalog"
	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/logs"
	"github.com/lineaged/lineaged/collector/openlineage"
	"github.com/lineaged/lineaged/collector/telemetry"
	"github.com/lineaged/lineaged/ledger"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/openlineage/outbox"
	"github.com/lineaged/lineaged/timeseries"
)

func (p *program) erase() *cobra.Command {
	var principals, hosts []string
	var dry bool
	cmd := &cobra.Command{
		Use:   "erase DIR",
		Short: "Erase persons, by principal or host, from a data folder and its ledger's side file; stop lineaged first",
		Long: `Erases persons from a data folder: from what is stored of any time, and from what commitments of its ledger stand for. In the place of each stands a name
that was drawn, so that all other answers stay as they are and the ledger verifies as before. It is done whole or not at all, and may be called again. lineaged
must not run on the folder. Who goes on using Kafka is seen again. It says where a name stays, and what is out of its reach.`,
		Example: `  lineaged data erase lineaged-data --principal User:ann --host 10.1.2.3 --dry-run`,
		Args:    namedArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			persons, err := lineage.NewPersons(principals, hosts)
			if err != nil {
				return fmt.Errorf("erase: %w: give --principal or --host", err)
			}
			return p.erasePersons(args[0], persons, dry)
		},
	}
	cmd.Flags().StringArrayVar(&principals, "principal", nil, "`PRINCIPAL` with its type, as User:ann; may be given again")
	cmd.Flags().StringArrayVar(&hosts, "host", nil, "`HOST`, an address or a name as Kafka has it; may be given again")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "say what would be erased, and change nothing")
	return cmd
}

func (p *program) erasePersons(dir string, persons *lineage.Persons, dry bool) error {
	// The store first: it says whether the folder is one, and whether anybody has it open.
	done, err := timeseries.Erase(dir, timeseries.Erasing{Persons: persons, Dry: dry, Position: func(of lineage.Source, key string, value []byte) []byte {
		if of.Cluster == openlineage.Name {
			value = openlineage.ForgetPosition(persons, key, value)
		}
		for _, forget := range []func(*lineage.Persons, string, []byte) []byte{logs.Forget, telemetry.Forget, collector.ForgetFlow} {
			if value = forget(persons, key, value); value == nil {
				return nil
			}
		}
		return value
	}})
	if err != nil {
		return fmt.Errorf("erase: %w", err)
	}
	book, err := ledger.Forget(filepath.Join(dir, ledgerFolder), func(value string) bool {
		// Who edits the catalog is known without the type of a principal.
		return persons.Principal(value) != value || persons.Host(value) != value || persons.Principal("User:"+value) != "User:"+value
	}, namesIn(persons), dry)
	if err != nil {
		return fmt.Errorf("erase: what is stored is done, and the ledger is not: %w", err)
	}
	said, err := catalog.Forget(filepath.Join(dir, catalogFolder), persons, dry)
	if err != nil {
		return fmt.Errorf("erase: what is stored and the ledger are done, and what people said of nodes is not: %w", err)
	}
	told, err := eraseEvents(dir, persons, dry)
	if err != nil {
		return fmt.Errorf("erase: all but what OpenLineage's events say is done: %w", err)
	}
	print, verb := p.printer(), "erased"
	if dry {
		verb = "would be erased"
	}
	print("%s: %s, %s, %s, %s, %s, %s", verb, count(done.Clients, "client"), count(done.Facts, "fact"), count(done.Events, "event"), count(done.Texts, "text"),
		count(done.Positions, "position"), count(said, "edit"))
	print("files written anew: %d, removed: %d; commitments of the ledger that nobody can open any more: %d", len(done.Files), len(done.Removed), book.Commitments)
	if told.letters > 0 {
		print("%s of OpenLineage: all are %s, since addresses stand in them", count(told.letters, "dead letter"), verb)
	}
	if told.waiting > 0 {
		print("%s of OpenLineage not observed yet: the names %s", count(told.waiting, "event"), verb)
	}
	if told.windows > 0 {
		print("%s of events for OpenLineage targets: all %s, and are never sent", count(told.windows, "window"), verb)
	}
	for _, f := range done.Findings {
		print("found: %s", f)
	}
	for _, where := range done.Left {
		print("stays: %s", where)
	}
	if book.Stay > 0 {
		print("stays: in the clear in %s of the ledger, as in the id of a node that is named by its principal, or in a client.id: entries can't be changed", entries(book.Stay))
	}
	print("out of reach: backups and other copies of the folder, bundles and exports that were taken away, scheduled reports, lineaged's own log, the brokers' logs,")
	print("  and what others were sent; rules, declarations and dashboards that name a person are yours to change, else what a rule")
	print("  that stops tags has of a principal can be opened in the ledger again once one of these rules changes. Freed blocks of the disk are the file system's")
	return nil
}

// toldEvents are what a folder holds of OpenLineage's events that names somebody: dead letters, all of them; events
// that were taken and are not observed yet; and windows that wait for targets.
type toldEvents struct{ letters, waiting, windows int }

// asWritten are the characters that encoding/json escapes, as they are in a name.
var asWritten = strings.NewReplacer(`\u0026`, "&", `\u003c`, "<", `\u003e`, ">", `\"`, `"`, `\\`, `\`)

func eraseEvents(dir string, persons *lineage.Persons, dry bool) (told toldEvents, err error) {
	if told.letters, err = eraseLetters(dir, dry); err != nil {
		return told, err
	}
	if told.waiting, err = openlineage.Forget(filepath.Join(dir, eventsFolder), persons, dry); err != nil {
		return told, err
	}
	named := namesIn(persons)
	told.windows, err = outbox.Forget(filepath.Join(dir, outboxFolder), func(text []byte) bool {
		return named(text) || named([]byte(asWritten.Replace(string(text))))
	}, dry)
	return told, err
}

// namesIn returns whether an entry of the ledger names somebody in the clear: as a word, in the id of a node, where it
// may be encoded, or as the name of a node that was called by its principal.
func namesIn(persons *lineage.Persons) func(entry []byte) bool {
	var ids [][]byte
	encoded := func(name string) string {
		_, name, _ = strings.Cut(lineage.Node{Kind: lineage.ApplicationNode, Scope: "x", Name: name}.ID(), "/")
		return name
	}
	for _, name := range persons.Names() {
		ids = append(ids, []byte(encoded(name)))
		if _, bare, ok := strings.Cut(name, ":"); ok && persons.Principal(name) != name {
			ids = append(ids, []byte("/"+encoded(bare)+`"`))
		}
	}
	return func(entry []byte) bool {
		for _, id := range ids {
			if bytes.Contains(entry, id) {
				return true
			}
		}
		return persons.Text(string(entry)) != string(entry)
	}
}

package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/catalog"
	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/lineage"
)

// catalogFolder is the folder of what people edited, in the folder of the data.
const catalogFolder = "catalog"

// edits are what people said of nodes. One that can't be opened is trouble and nothing else.
type edits struct {
	log  *catalog.Log // nil: it can't be opened
	why  string       // it can't be
	now  func() time.Time
	says *slog.Logger
}

// openEdits opens what people edited. The data folder is open, and held. now is the clock of the rounds.
func openEdits(cfg config.Config, now func() time.Time, log *slog.Logger) *edits {
	e := &edits{now: now, says: log}
	// The newest window may end two ticks ago: it has an edit at once.
	l, err := catalog.Open(filepath.Join(cfg.Data, catalogFolder), 2*time.Duration(cfg.Interval))
	if err != nil {
		e.why = "what was edited is not known: " + err.Error()
		log.Error("the catalog's edits can't be read: nodes are what rules say, and nothing is edited until lineaged is started again", "error", err)
		return e
	}
	for _, d := range l.Damaged() {
		log.Error("the catalog's edits are damaged; the others hold", "where", d)
	}
	e.log = l
	return e
}

// all returns what was edited until now.
func (e *edits) all() *lineage.Edits {
	if e.log == nil {
		return nil
	}
	return e.log.Edits()
}

// addTo has the server answer what was edited, and take edits where they are allowed. Who edits, options tell already.
func (e *edits) addTo(o *api.Options, cfg config.Config, asks *answer.Answers) {
	o.Exports[catalogExport] = e.export(asks)
	o.Imports = map[string]http.Handler{catalogImport: e.imports(cfg.Catalog.Edit, o.User, asks)}
	if cfg.Catalog.Edit {
		o.Catalog = e
	}
}

// writeTo has what is edited written into a ledger, which does not run yet.
func (e *edits) writeTo(b *book) {
	if e.log != nil && b.closer != nil {
		b.closer.Edits = e.log
	}
}

func (e *edits) trouble() []string {
	if e.log == nil {
		return []string{e.why}
	}
	var all []string
	if n := len(e.log.Damaged()); n > 0 {
		all = append(all, fmt.Sprintf("%d lines of the catalog's edits are damaged, as the log says; the others hold", n))
	}
	if err := e.log.Trouble(); err != nil {
		all = append(all, err.Error())
	}
	return all
}

func (e *edits) close() error {
	if e.log == nil {
		return nil
	}
	return e.log.Close()
}

// Known is api.Catalog's.
func (e *edits) Known(n lineage.Node) bool { return e.all().Now(n) != nil }

// Trouble is api.Catalog's.
func (e *edits) Trouble() string {
	if e.log == nil {
		return e.why
	}
	if err := e.log.Trouble(); err != nil {
		return err.Error()
	}
	return ""
}

// Set is api.Catalog's.
func (e *edits) Set(n lineage.Node, expected int64, changes []lineage.Change, by string) (version int64, changed bool, err error) {
	if e.log == nil {
		return 0, false, errors.New(e.why)
	}
	made, err := e.log.Put([]catalog.Draft{{Node: n, Expected: &expected, Changes: changes}}, by, e.now())
	if err != nil {
		return 0, false, readable(err)
	}
	for _, x := range made {
		return x.Number, true, nil
	}
	return e.all().Now(n).Version(), false, nil
}

// readable makes of what is wrong with an edit what its asker may read; what is ours stays what it is.
func readable(err error) error {
	d, ok := errors.AsType[*catalog.DraftError](err)
	if !ok {
		return err
	}
	out := &api.CatalogError{Sentence: d.Error()}
	if c, ok := errors.AsType[*catalog.ConflictError](err); ok {
		out.Conflict = &api.Conflict{}
		if c.Last != nil {
			out.Conflict = &api.Conflict{Version: c.Last.Number, By: c.Last.By, At: c.Last.At}
		}
	}
	return out
}

// mostUser bounds a user's name, in bytes.
const mostUser = 256

// user returns what tells who asks: the header that a proxy sets, else the user of the web configuration, whose
// password was looked at before.
func user(cfg config.Config) func(*http.Request) string {
	header := cfg.Catalog.UserHeader
	return func(r *http.Request) string {
		name := ""
		if header != "" {
			name = r.Header.Get(header)
		} else if cfg.Web.ConfigFile != "" {
			name, _, _ = r.BasicAuth()
		}
		name = strings.TrimSpace(strings.Map(func(c rune) rune {
			if unicode.IsControl(c) {
				return -1
			}
			return c
		}, strings.ToValidUTF8(name, "\uFFFD")))
		if len(name) > mostUser {
			name = strings.ToValidUTF8(name[:mostUser], "")
		}
		return name
	}
}

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/catalog"
	"github.com/lineaged/lineaged/export"
	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/lineage"
)

// The paths by which a sheet of what people edited is taken away and brought back.
const (
	catalogExport = "/export/catalog"
	catalogImport = "/import/catalog"
	// mostSheet bounds a sheet that is brought, in bytes; mostTold what is told of its changes.
	mostSheet = 16 << 20
	mostTold  = 10_000
)

// sheetForms are the forms of a sheet, with their media types.
var sheetForms = map[string]string{"csv": "text/csv", "yaml": "application/yaml"}

// export makes a sheet of what edits say now, or said at an instant or in a window, of all nodes or of a list of them.
// As CSV it has a row for each node of the list; without one, for each that is known.
func (e *edits) export(asked *answer.Answers) api.Exporter {
	return func(ctx context.Context, params url.Values) (*api.Export, error) {
		l, err := export.ListOf(params, slices.Sorted(maps.Keys(sheetForms))...)
		if err != nil {
			return nil, err
		}
		form := cmp.Or(l.Form, "csv")
		rows, head, err := e.sheet(ctx, asked, l)
		if err != nil {
			return nil, err
		}
		write := catalog.WriteCSV
		if form == "yaml" {
			write = catalog.WriteYAML
		}
		return &api.Export{
			MediaType: sheetForms[form] + "; charset=utf-8", FileName: "catalog." + form, Size: int64(len(rows)) * sheetRow,
			Write: func(w io.Writer) error { return write(w, head, rows) },
		}, nil
	}
}

// sheetRow is about how many bytes are held of a row of a sheet until it is written.
const sheetRow = 256

// sheet returns the nodes of a list, or those that are known in a window or were edited, in the order of their ids, and
// what stands above a list.
func (e *edits) sheet(ctx context.Context, asked *answer.Answers, l *export.List) ([]catalog.Sheet, []string, error) {
	v, err := asked.View(ctx, l.Span, answer.All)
	if err != nil {
		return nil, nil, err
	}
	found, err := v.Search(ctx, l.Search)
	if err != nil {
		return nil, nil, err
	}
	var nodes []lineage.Node
	if !l.Narrowed {
		nodes = e.all().Nodes()
	}
	for _, p := range found {
		nodes = append(nodes, p.Node)
	}
	slices.SortFunc(nodes, lineage.Node.Compare)
	nodes = slices.Compact(nodes)
	of, rows := v.Rows(nodes, nil), []catalog.Sheet{}
	for _, n := range nodes {
		edited := e.all().At(n, v.Window().End)
		if edited == nil && !v.Has(n) {
			continue // it was edited later
		}
		row, err := rowOf(ctx, of.Node(n), l.Tag)
		if err != nil {
			return nil, nil, err
		}
		row.Node, row.Edited = n, edited
		rows = append(rows, row)
	}
	if !l.Narrowed {
		return rows, nil, nil
	}
	if l.Form != "yaml" {
		return rows, l.Head(v, len(rows)), nil
	}
	all := len(rows) // as YAML a sheet has what was edited alone
	rows = slices.DeleteFunc(rows, func(s catalog.Sheet) bool { return s.Edited == nil })
	return rows, append(l.Head(v, len(rows)), fmt.Sprintf("not in it: %d that nobody has edited", all-len(rows))), nil
}

// rowOf returns what holds of a node, by whomever, and how it goes. One that does not bear the tag that was asked for
// has it derived.
func rowOf(ctx context.Context, n answer.Node, tag *string) (row catalog.Sheet, err error) {
	row.Owner, row.Tags = n.Describe()
	if tag != nil && !slices.ContainsFunc(row.Tags, func(t string) bool { return strings.EqualFold(t, *tag) }) {
		row.Derived = *tag
	}
	states, err := n.FlowStates(ctx)
	if err != nil {
		return row, err
	}
	for _, s := range states {
		row.States = append(row.States, fmt.Sprintf("%s %d", export.GoingWord(s.Is), s.Count))
	}
	row.LastMoved, err = n.LastMoved(ctx)
	return row, err
}

// imported is what an import says that it did, or would do.
type imported struct {
	DryRun      bool        `json:"dryRun"`
	Edits       int         `json:"edits"`
	Changes     []sheetDiff `json:"changes"` // the first 10,000
	ChangeCount int         `json:"changeCount"`
	nodes       []lineage.Node
	// Unknown are nodes that are edited and of which nothing is known now, the first 10,000: it may be their ids that
	// are wrong. UnknownCount is how many they are; null: that could not be told.
	Unknown      []string     `json:"unknown,omitempty"`
	UnknownCount *int         `json:"unknownCount"`
	Errors       []sheetError `json:"errors,omitempty"`
}

type sheetDiff struct {
	Node   string   `json:"node"`
	Field  string   `json:"field"`
	Before []string `json:"before"`
	After  []string `json:"after"`
}

type sheetError struct {
	Message    string            `json:"message"`
	Extensions map[string]string `json:"extensions"`
}

// knownFor is how far back a node of which something is known counts as one that is there.
const knownFor = 7 * 24 * time.Hour

// imports takes sheets: all of one or nothing. asked, which may be nil, knows which nodes there are.
func (e *edits) imports(allowed bool, user func(*http.Request) string, asked *answer.Answers) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out, status, code, err := e.take(w, r, allowed, user(r))
		if err != nil {
			out.Errors = []sheetError{{err.Error(), map[string]string{"code": code}}}
		}
		e.doubt(r.Context(), &out, asked)
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(out) // who has gone does not want to know
	})
}

func (e *edits) take(w http.ResponseWriter, r *http.Request, allowed bool, by string) (out imported, status int, code string, err error) {
	switch {
	case !allowed:
		return out, http.StatusForbidden, "FORBIDDEN", errors.New("metadata can't be edited here: catalog.edit is off in the configuration")
	case e.log == nil:
		return out, http.StatusServiceUnavailable, "INTERNAL", errors.New(e.why)
	}
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	read := map[string]func(io.Reader) ([]catalog.Row, error){sheetForms["csv"]: catalog.ReadCSV, sheetForms["yaml"]: catalog.ReadYAML}[media]
	if read == nil {
		return out, http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", errors.New("the body must be text/csv or application/yaml")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostSheet))
	if err != nil {
		return out, http.StatusRequestEntityTooLarge, "LIMIT_EXCEEDED", fmt.Errorf("the sheet is larger than %d bytes, or did not come whole", mostSheet)
	}
	rows, err := read(bytes.NewReader(body))
	if err != nil {
		return out, http.StatusBadRequest, "BAD_USER_INPUT", err
	}
	drafts := make([]catalog.Draft, len(rows))
	for i, row := range rows {
		drafts[i] = row.Draft
	}
	out.DryRun = r.URL.Query().Get("dry_run") == "true"
	var made []*lineage.Edit
	if out.DryRun {
		made, err = e.log.Try(drafts)
	} else {
		made, err = e.log.Put(drafts, by, e.now())
	}
	if d, ok := errors.AsType[*catalog.DraftError](err); ok {
		status, code = http.StatusBadRequest, "BAD_USER_INPUT"
		if _, is := errors.AsType[*catalog.ConflictError](err); is {
			status, code = http.StatusConflict, "CONFLICT"
		}
		return out, status, code, fmt.Errorf("line %d, node: %w", rows[d.At].Line, err)
	}
	if err != nil {
		e.says.Error("an import of the catalog is not written", "error", err)
		return out, http.StatusInternalServerError, "INTERNAL", errors.New("it could not be written; the cause is in the server's log")
	}
	out.Edits, out.Changes = len(made), []sheetDiff{}
	for _, x := range made {
		out.nodes = append(out.nodes, x.Node)
		for i, c := range x.Changes {
			if out.ChangeCount++; out.ChangeCount <= mostTold {
				out.Changes = append(out.Changes, sheetDiff{x.Node.ID(), c.Slot.String(), x.Before[i], c.Texts})
			}
		}
	}
	return out, http.StatusOK, "", nil
}

// doubtFor is how long the answer to an import that is in waits for which of its nodes are known.
const doubtFor = 2 * time.Second

// doubt says which nodes of an import nobody knows, where that can be told in time.
func (e *edits) doubt(ctx context.Context, out *imported, asked *answer.Answers) {
	if asked == nil || out.Edits == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, doubtFor)
	defer cancel()
	v, err := asked.View(ctx, answer.Last(knownFor), answer.All)
	if err != nil {
		e.says.Warn("which nodes of an imported sheet are known can't be told", "error", err)
		return
	}
	out.UnknownCount = new(int)
	for _, n := range out.nodes {
		if v.Has(n) {
			continue
		}
		if *out.UnknownCount++; *out.UnknownCount <= mostTold {
			out.Unknown = append(out.Unknown, n.ID())
		}
	}
}

// catalog is the commands that take what people say of nodes away and bring it back.
func (p *program) catalog() *cobra.Command {
	group := &cobra.Command{Use: "catalog", Short: "Take what people say of nodes away as CSV or YAML, and bring it back", Args: cobra.NoArgs, RunE: needsSubcommand}
	group.AddCommand(p.catalogExport(), p.catalogImport())
	return group
}

// sheetParams are the flags that a server knows as parameters of a sheet.
var sheetParams = []struct{ flag, param, placeholder, usage string }{
	{"at", "at", "INSTANT", "as it stood then, as 2026-03-01T12:00:00Z (default now)"},
	{"last", "last", "DURATION", "what is known in the window that ends now, e.g. 7d"},
	{"text", "text", "TEXT", "only nodes with it in name, owner or tags"},
	{"kind", "kind", "KINDS", "only of these kinds, as topic,application"},
	{"cluster", "cluster", "NAME", "only of a cluster"},
	{"owner", "owner", "OWNER", "only of an owner"},
	{"tag", "tag", "TAG", "only what bears a tag"},
	{"derived", "derived", "BOOL", "with --tag: also that to which it comes along flows"},
	{"state", "state", "STATES", "only with a flow that goes so, as stalled,falling_behind"},
	{"include-internal", "includeInternal", "BOOL", "internal topics as well"},
}

func (p *program) catalogExport() *cobra.Command {
	var f clientFlags
	var form, output string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write what edits say of nodes as a sheet, to standard output or a file",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.newClient(&f)
			if err != nil {
				return err
			}
			query := url.Values{"format": {form}}
			for _, x := range sheetParams {
				if flag := cmd.Flags().Lookup(x.flag); flag.Changed {
					query.Set(x.param, flag.Value.String())
				}
			}
			in, err := c.get(cmd.Context(), catalogExport, query)
			if err != nil {
				return err
			}
			defer in.Close()
			if output == "" {
				_, err = io.Copy(p.stdout, in)
				return err
			}
			text, err := io.ReadAll(in) // half a sheet is none
			if err != nil {
				return err
			}
			return os.WriteFile(output, text, 0o600)
		},
	}
	f.add(cmd.Flags())
	cmd.Flags().StringVar(&form, "format", "csv", "csv or yaml")
	for _, x := range sheetParams {
		cmd.Flags().String(x.flag, "", "`"+x.placeholder+"`: "+x.usage)
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "`FILE` to write (default standard output)")
	return cmd
}

func (p *program) catalogImport() *cobra.Command {
	var f clientFlags
	var dry bool
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Say of nodes what a sheet says, all of it or nothing; catalog.edit has to be on",
		Args:  namedArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := p.newClient(&f)
			if err != nil {
				return err
			}
			text, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			form := "csv"
			if strings.HasSuffix(args[0], ".yaml") || strings.HasSuffix(args[0], ".yml") {
				form = "yaml"
			}
			// Read here as well, so that what is wrong needs no server to be found.
			read := map[string]func(io.Reader) ([]catalog.Row, error){"csv": catalog.ReadCSV, "yaml": catalog.ReadYAML}[form]
			if _, err := read(bytes.NewReader(text)); err != nil {
				_, _ = fmt.Fprintln(p.stderr, err) // a line each; an error is one, and not longer than anybody reads
				return &config.Error{Problem: args[0] + " is wrong, as is said above, and nothing was changed"}
			}
			r, err := http.NewRequestWithContext(cmd.Context(), http.MethodPost, c.server+catalogImport+"?dry_run="+fmt.Sprint(dry), bytes.NewReader(text))
			if err != nil {
				return err
			}
			r.Header.Set("Content-Type", sheetForms[form])
			resp, err := c.do(r)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			var out imported
			if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
				return fmt.Errorf("read what %s answers: %w", c.server, err)
			}
			return p.told(out)
		},
	}
	f.add(cmd.Flags())
	cmd.Flags().BoolVar(&dry, "dry-run", false, "say what would change, and change nothing")
	return cmd
}

// told prints what an import changed, a line a change.
func (p *program) told(out imported) error {
	var b strings.Builder
	texts := func(all []string) string {
		switch {
		case all == nil:
			return "nothing"
		case len(all) == 0:
			return catalog.NoTags
		}
		return fmt.Sprintf("%q", strings.Join(all, "; "))
	}
	for _, c := range out.Changes {
		fmt.Fprintf(&b, "%s %s: %s -> %s\n", c.Node, c.Field, texts(c.Before), texts(c.After))
	}
	if n := out.ChangeCount - len(out.Changes); n > 0 {
		fmt.Fprintf(&b, "and %d more\n", n)
	}
	for _, n := range out.Unknown {
		fmt.Fprintf(&b, "%s: nothing is known of it in the last %d days: is its id right?\n", n, knownFor/(24*time.Hour))
	}
	did := "changed"
	if out.DryRun {
		did = "would be changed"
	}
	fmt.Fprintf(&b, "%s: %s %s\n", count(out.Edits, "node"), count(out.ChangeCount, "thing"), did)
	_, err := io.WriteString(p.stdout, b.String())
	return err
}

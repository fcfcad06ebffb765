package api

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// mostPairs bounds pairs(first:), mostFiles files(first:).
const (
	mostPairs = 100
	mostFiles = 1000
)

// Declaration is the schema's type of that name.
type Declaration struct {
	rows *rows
	is   *answer.Declared
}

// declarationPlace is where a page ends: behind the declaration of an id, or, where that is gone, at its place.
type declarationPlace struct {
	ID string `json:"i"`
	At int    `json:"n"`
}

// behind returns where the page after a place begins.
func behind[E any](all []E, after *declarationPlace, id func(*E) string) int {
	if after == nil {
		return 0
	}
	for i := range all {
		if id(&all[i]) == after.ID {
			return i + 1
		}
	}
	return min(max(after.At, 0), len(all))
}

// pageInfo says where a page lies in its list.
func pageInfo[E any](start, end, all int, edges []E, cursor func(*E) *string) *PageInfo {
	p := &PageInfo{HasNextPage: end < all, HasPreviousPage: start > 0}
	if len(edges) > 0 {
		p.StartCursor, p.EndCursor = cursor(&edges[0]), cursor(&edges[len(edges)-1])
	}
	return p
}

// placeAfter reads a cursor of a list of declarations, and checks first.
func placeAfter(field string, first int, after *string) (*declarationPlace, error) {
	if first < 0 || first > mostPerPage {
		return nil, badInput("%s: first must be 0 to %d", field, mostPerPage)
	}
	if after == nil {
		return nil, nil //nolint:nilnil // the first page
	}
	place := &declarationPlace{}
	return place, parseCursor(*after, place)
}

// declarationsArgs are the arguments of the root field declarations.
type declarationsArgs struct {
	window     WindowInput
	text, node *string
	only       *answer.DeclaredState
	first      int
	after      *string
}

// declarations answers the root field of that name.
func (a *resolver) declarations(ctx context.Context, args declarationsArgs) (*DeclarationConnection, error) {
	after, err := placeAfter("declarations", args.first, args.after)
	if err != nil {
		return nil, err
	}
	var of lineage.Node
	if args.node != nil {
		if of, err = parseNode(*args.node); err != nil {
			return nil, err
		}
	}
	v, err := a.view(ctx, &args.window)
	if err != nil {
		return nil, err
	}
	var text string
	if args.text != nil {
		text = *args.text
	}
	c := &DeclarationConnection{}
	all := slices.DeleteFunc(v.DeclaredOf(of, text), func(d answer.Declared) bool {
		switch d.State() {
		case answer.DeclaredObserved:
			c.Observed++
		case answer.DeclaredNotObserved:
			c.NotObserved++
		case answer.DeclaredUnknown:
			c.Unknown++
		}
		return args.only != nil && d.State() != *args.only
	})
	start := behind(all, after, func(d *answer.Declared) string { return d.ID })
	end := min(start+args.first, len(all))
	var nodes []lineage.Node
	var flows []lineage.Flow
	for _, d := range all[start:end] {
		for _, p := range d.Pairs[:min(mostPairs, len(d.Pairs))] {
			nodes = append(nodes, p.Flow.From, p.Flow.To)
			if v.HasFlow(p.Flow) {
				flows = append(flows, p.Flow)
			}
		}
	}
	r := newRows(v, nodes, flows)
	c.answerOf, c.TotalCount, c.Edges = answerOf{rows: r}, len(all), make([]DeclarationEdge, 0, end-start)
	for i := start; i < end; i++ {
		c.Edges = append(c.Edges, DeclarationEdge{Cursor: cursor(declarationPlace{all[i].ID, i + 1}), Node: &Declaration{r, &all[i]}})
	}
	c.PageInfo = pageInfo(start, end, len(all), c.Edges, func(e *DeclarationEdge) *string { return &e.Cursor })
	return c, nil
}

// Files answers files.
func (c *DeclarationConnection) Files(first int) ([]DeclarationFile, error) {
	if first < 0 || first > mostFiles {
		return nil, badInput("files: first must be 0 to %d", mostFiles)
	}
	all := c.rows.v.DeclaredFiles()
	out := make([]DeclarationFile, 0, min(first, len(all)))
	for _, f := range all[:min(first, len(all))] {
		out = append(out, DeclarationFile{File: f.File, Format: textOrNil(f.Format), Problem: textOrNil(f.Problem), Stale: f.Stale})
	}
	return out, nil
}

// FileCount answers fileCount.
func (c *DeclarationConnection) FileCount() int { return len(c.rows.v.DeclaredFiles()) }

// WrongFiles answers wrongFiles.
func (c *DeclarationConnection) WrongFiles() (n int) {
	for _, f := range c.rows.v.DeclaredFiles() {
		if f.Problem != "" {
			n++
		}
	}
	return n
}

// ID answers id.
func (d *Declaration) ID() string { return d.is.ID }

// Kind answers kind.
func (d *Declaration) Kind() lineage.FlowKind {
	if d.is.Writes() {
		return lineage.Produce
	}
	return lineage.Consume
}

// Evidence answers evidence.
func (d *Declaration) Evidence() lineage.EvidenceKind { return lineage.Declared }

// Application answers application.
func (d *Declaration) Application() string { name, _ := d.is.Names(); return name }

// Topic answers topic.
func (d *Declaration) Topic() string { _, name := d.is.Names(); return name }

// File answers file.
func (d *Declaration) File() string { return d.is.File }

// Line answers line.
func (d *Declaration) Line() int { return d.is.Line }

// Pointer answers pointer.
func (d *Declaration) Pointer() string { return d.is.Pointer }

// Unresolved answers unresolved.
func (d *Declaration) Unresolved() []string { return listed(d.is.Unresolved) }

// PairCount answers pairCount.
func (d *Declaration) PairCount() int { return len(d.is.Pairs) }

// Observed answers observed.
func (d *Declaration) Observed() *bool { return d.is.Observed }

// Why answers why.
func (d *Declaration) Why() *string { return textOrNil(d.is.Why) }

// Pairs answers pairs.
func (d *Declaration) Pairs(first int) ([]DeclaredPair, error) {
	if first < 0 || first > mostPairs {
		return nil, badInput("pairs: first must be 0 to %d", mostPairs)
	}
	out := make([]DeclaredPair, 0, min(first, len(d.is.Pairs)))
	for _, p := range d.is.Pairs[:min(first, len(d.is.Pairs))] {
		one := DeclaredPair{From: d.rows.nodes[p.Flow.From], To: d.rows.nodes[p.Flow.To], Observed: p.Observed, Why: textOrNil(p.Why)}
		if d.rows.v.HasFlow(p.Flow) {
			one.Flow = d.rows.shownFlow(p.Flow)
		}
		out = append(out, one)
	}
	return out, nil
}

// undeclared answers the root field undeclaredFlows.
func (a *resolver) undeclared(ctx context.Context, window WindowInput, cluster *string, all bool, first int, afterText *string) (*UndeclaredConnection, error) {
	after, err := placeAfter("undeclaredFlows", first, afterText)
	if err != nil {
		return nil, err
	}
	v, err := a.view(ctx, &window)
	if err != nil {
		return nil, err
	}
	var of *answer.Cluster
	if cluster != nil {
		if of, err = v.FindCluster(*cluster); err != nil {
			return nil, err
		}
	}
	found := v.Undeclared(of, all)
	start := 0
	if after != nil { // the list is sorted by the ids
		at, is := slices.BinarySearchFunc(found.Flows, after.ID, func(f lineage.Flow, id string) int { return strings.Compare(f.ID(), id) })
		if start = at; is {
			start++
		}
	}
	end := min(start+first, len(found.Flows))
	c := &UndeclaredConnection{
		answerOf: answerOf{rows: newRows(v, nil, found.Flows[start:end])}, TotalCount: len(found.Flows), Edges: make([]UndeclaredEdge, 0, end-start),
		Unidentified: found.Unidentified, Outside: found.Outside, Elsewhere: found.Elsewhere,
		Unplaced: found.Unplaced, WrongFiles: found.Wrong,
	}
	if found.Doubt != "" {
		c.Doubt = &found.Doubt
	}
	if of != nil {
		c.scope = of.Scope()
	}
	for _, f := range found.Flows[start:end] {
		c.Edges = append(c.Edges, UndeclaredEdge{Cursor: cursor(declarationPlace{ID: f.ID()}), Node: c.rows.shownFlow(f)})
	}
	c.PageInfo = pageInfo(start, end, len(found.Flows), c.Edges, func(e *UndeclaredEdge) *string { return &e.Cursor })
	return c, nil
}

// dataProducts answers the root field of that name.
func (a *resolver) dataProducts(ctx context.Context, window WindowInput, text *string, first int, afterText *string) (*DataProductConnection, error) {
	after, err := placeAfter("dataProducts", first, afterText)
	if err != nil {
		return nil, err
	}
	v, err := a.view(ctx, &window)
	if err != nil {
		return nil, err
	}
	all := v.Products()
	if text != nil {
		wanted := strings.ToLower(strings.TrimSpace(*text))
		all = slices.DeleteFunc(all, func(p answer.Product) bool {
			return !strings.Contains(strings.ToLower(strings.Join([]string{p.ID, p.Name, p.Owner, p.Domain}, "\n")), wanted)
		})
	}
	id := func(p *answer.Product) string { return p.File + "#" + p.ID }
	start := behind(all, after, id)
	end := min(start+first, len(all))
	var nodes []lineage.Node
	for _, p := range all[start:end] {
		for _, port := range p.Ports {
			nodes = append(nodes, port.Topics...)
		}
	}
	r := newRows(v, nodes, nil)
	c := &DataProductConnection{answerOf: answerOf{rows: r}, TotalCount: len(all), Edges: make([]DataProductEdge, 0, end-start)}
	for i := start; i < end; i++ {
		c.Edges = append(c.Edges, DataProductEdge{Cursor: cursor(declarationPlace{id(&all[i]), i + 1}), Node: shownProduct(r, &all[i])})
	}
	c.PageInfo = pageInfo(start, end, len(all), c.Edges, func(e *DataProductEdge) *string { return &e.Cursor })
	return c, nil
}

func shownProduct(r *rows, p *answer.Product) *DataProduct {
	out := &DataProduct{
		ID: p.ID, Name: cmp.Or(p.Name, p.ID), Version: textOrNil(p.Version), Status: textOrNil(p.Status), Domain: textOrNil(p.Domain), Owner: textOrNil(p.Owner),
		Tags: listed(p.Tags), File: p.File, Line: p.Line, Ports: make([]DataProductPort, 0, len(p.Ports)),
	}
	for _, x := range p.Ports {
		out.Ports = append(out.Ports, DataProductPort{
			Name: x.Name, Input: x.Input, Version: textOrNil(x.Version), Contract: textOrNil(x.Contract), Topics: r.list(x.Topics), Unresolved: listed(x.Unresolved), Observed: x.Observed,
		})
	}
	return out
}

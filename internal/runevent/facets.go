package runevent

import (
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// Facets is what is kept of an event's facets: cleaned, and no longer than a bound. What is not here is never kept: no
// SQL, no environment, no configuration, no text of an error.
type Facets struct {
	Parent        *Parent    `json:"p,omitempty"` // the run that started this one
	NominalStart  *time.Time `json:"ns,omitempty"`
	NominalEnd    *time.Time `json:"ne,omitempty"`
	Engine        string     `json:"en,omitempty"` // what processed the run, e.g. spark
	EngineVersion string     `json:"ev,omitempty"`
	Failure       string     `json:"f,omitempty"` // the class of the error
	Owners        []Owner    `json:"o,omitempty"`
	Description   string     `json:"d,omitempty"`
	JobType       string     `json:"jt,omitempty"`
}

// Parent is a run as another names it.
type Parent struct {
	Job Name   `json:"j"`
	Run string `json:"r"`
}

// Owner is who answers for a job.
type Owner struct {
	Name string `json:"n"`
	Type string `json:"t,omitempty"`
}

const (
	mostOwners      = 20
	mostWord        = 200  // bytes
	mostDescription = 1000 // bytes
)

// class is the name of an error's class at the beginning of a text: of Java with its package, of Python and others by
// what such names end in.
var class = regexp.MustCompile(`^\s*((?:[A-Za-z_][\w$]*\.)+[A-Z][\w$]*|[A-Z][\w$]*(?:Error|Exception|Failure|Interrupt|Exit|Timeout))(?:[\s:(]|$)`)

func (r *reader) facets(e *Event, top fields) {
	run, job := top.within("run").within("facets"), top.within("job").within("facets")
	f := &e.Facets
	if p := run.within("parent"); p != nil {
		r.parent(f, p)
	}
	f.NominalStart, f.NominalEnd = r.nominal(run, "nominalStartTime"), r.nominal(run, "nominalEndTime")
	engine := run.within("processing_engine")
	f.Engine, f.EngineVersion = engine.word("name"), engine.word("version")
	if x := run.within("errorMessage"); x != nil {
		for _, name := range [...]string{"message", "stackTrace"} {
			text, _ := x.text(name)
			if m := class.FindStringSubmatch(text); m != nil && f.Failure == "" && len(m[1]) <= mostWord {
				f.Failure = m[1]
			}
		}
	}
	description, _ := job.within("documentation").text("description")
	f.Description = cut(cleanText(description), mostDescription)
	f.JobType = job.within("jobType").word("jobType")
	owners, _ := elements(job.within("ownership")["owners"]) // none, or no list
	for _, text := range owners[:min(len(owners), mostOwners)] {
		x := members(text)
		if o := (Owner{Name: x.word("name"), Type: x.word("type")}); o.Name != "" {
			f.Owners = append(f.Owners, o)
		}
	}
}

// parent reads which run started this one. One that names no job or no run names nothing.
func (r *reader) parent(f *Facets, p fields) {
	job, problem := r.name(p.within("job"), "")
	id, ok := p.within("run").text("runId")
	if problem != nil || !ok || id == "" {
		r.flag("a parent that is no run of a job")
		return
	}
	f.Parent = &Parent{Job: job, Run: r.id(id)}
}

func (r *reader) nominal(run fields, name string) *time.Time {
	f := run.within("nominalTime")
	if !f.has(name) {
		return nil
	}
	text, _ := f.text(name)
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil && t.Year() >= 1970 && t.Year() <= 9998 {
			t = t.UTC().Truncate(time.Millisecond)
			return &t
		}
	}
	r.flag("a nominalTime that is no time")
	return nil
}

// word is a member that is a short text, cleaned; empty: it is none.
func (f fields) word(name string) string {
	s, _ := f.text(name)
	return Word(s)
}

// cleanText is Clean for words of which each may hold a secret. White space between them becomes one space.
func cleanText(s string) string {
	all := strings.Fields(strings.ToValidUTF8(s, "\uFFFD"))
	for i := range all {
		all[i] = Clean(all[i])
	}
	return cleanSettings(strings.Join(all, " "))
}

// cut returns no more of a text than so many bytes, and whole characters.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for s = s[:most]; len(s) > 0; s = s[:len(s)-1] {
		if last, n := utf8.DecodeLastRuneInString(s); last != utf8.RuneError || n > 1 {
			break
		}
	}
	return s
}

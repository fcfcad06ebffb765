package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/rest"
	"github.com/lineaged/lineaged/lineage"
)

const (
	// asksARound bounds the requests for schemas in one round; the list of subjects is one more, and the registry's own
	// compatibility one a minute. A schema with references that are not known yet may go beyond.
	asksARound = 24
	// looksEvery is how often a subject is looked at when there are few.
	looksEvery = 3 // rounds
	// levelEvery is how often the registry's own compatibility is asked for.
	levelEvery = time.Minute
	// mostSubjects is how many are read; more is said.
	mostSubjects = 10_000
	// mostRefs and deepestRef bound what one schema refers to.
	mostRefs   = 100
	deepestRef = 10
	// keptRefs is how many texts of schemas that others refer to are kept, each of which never changes.
	keptRefs = 500
)

// source is the state between the rounds of one registry. One goroutine at a time.
type source struct {
	cfg     Config
	doors   []door // ways in which it may be asked
	clients []*rest.Client
	speaker speaker      // the one that it answers; nil: not known yet
	client  *rest.Client // the speaker's
	said    string       // which one was said
	scope   string       // of stored; empty: of Confluent's interface, by an older version
	known   map[string]*subject
	stored  map[string]saved // as it is in the positions
	listed  bool             // subjects were listed before: one that appears from then on is new
	level   string           // the registry's own compatibility; empty: not told
	asked   time.Time        // when it was asked for
	refs    map[string]version
	more    int    // subjects that are left out
	other   string // what else the registry has
	denied  string // why the compatibility can't be asked for; empty: it can
	tell    *collector.Teller
}

// subject is what is kept of one between rounds.
type subject struct {
	looked  time.Time // zero: never. Later than it was where that failed, since others wait
	failed  string    // why the newest look failed; empty: it did not
	version version   // the newest
	own     string    // its own compatibility; empty: the registry's
	untold  bool      // whether it has one of its own is not known
	absent  bool      // it was not in the newest list, which does not tell that it is gone
	read    read
	problem string
	told    *lineage.SchemaFact
	born    bool   // it appeared while we looked
	words   string // what is new of its version, not told yet
}

func newSource(cfg Config, doors []door) *source {
	s := &source{cfg: cfg, doors: doors, tell: collector.NewTeller(cfg.Name, cfg.Log)}
	for i := range doors {
		s.clients = append(s.clients, doors[i].client(&s.cfg))
	}
	s.forget()
	return s
}

// forget brings the source to the state of a first start.
func (s *source) forget() {
	s.known, s.stored, s.refs = map[string]*subject{}, map[string]saved{}, map[string]version{}
	s.listed, s.level, s.asked, s.scope = false, "", time.Time{}, ""
}

// take is one round under way.
type take struct {
	*source
	ctx     context.Context
	round   time.Time
	telling *collector.Take
	main    *lineage.Observation
}

func (s *source) take(ctx context.Context, round time.Time) *take {
	t := &take{source: s, ctx: ctx, round: round, telling: s.tell.Take(round)}
	t.main = t.telling.Observe(sourceSchemas, s.cfg.Interval)
	return t
}

// Observe implements collector.Source.
func (s *source) Observe(ctx context.Context, round time.Time) []lineage.Observation {
	t := s.take(ctx, round)
	err := t.speak(ctx)
	if err == nil {
		err = t.list()
	}
	if err != nil {
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil // told to stop: nothing was lost
		}
		collector.MissAll(t.main, err.Error())
		return t.telling.Finish(ctx)
	}
	t.look()
	t.sayFailed()
	t.tellAll()
	t.savePositions()
	return t.telling.Finish(ctx)
}

// Missed implements collector.Source.
func (s *source) Missed(round time.Time, reason string) []lineage.Observation {
	t := s.take(context.Background(), round)
	collector.MissAll(t.main, reason)
	return t.telling.Finish(t.ctx)
}

// Stored implements collector.Stored.
func (s *source) Stored() { s.tell.Stored() }

// list asks for all subjects, and tells which are gone.
func (t *take) list() error {
	all, err := t.speaker.list(t.ctx)
	if notThere(err) && len(t.doors) > 1 {
		t.speaker = nil // it was changed for another
	}
	if errors.Is(err, rest.ErrNotFound) {
		return fmt.Errorf("%w: is it the REST interface of a schema registry?", err)
	}
	if err != nil {
		return err
	}
	t.more, t.other = all.more, all.other
	changed := t.speaker.scope() != cmp.Or(t.scope, confluentAPI{group: t.cfg.Group}.scope())
	if changed {
		t.anew()
	}
	is := make(map[string]bool, len(all.names))
	for _, name := range all.names {
		is[name] = true
		if t.known[name] == nil {
			_, was := t.stored[name]
			t.known[name] = &subject{born: t.listed && !was}
		}
		t.known[name].absent = false
	}
	for name := range t.stored {
		if !is[name] && t.known[name] == nil {
			t.known[name] = &subject{} // deleted while nobody watched
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.known)) {
		switch x := t.known[name]; {
		case is[name]:
		case changed || all.gone(name):
			t.gone(name, !changed)
		case len(t.known) > mostSubjects: // it may be among those that are left out
			delete(t.known, name)
		case !x.absent:
			x.absent, x.looked = true, time.Time{}
		}
	}
	t.listed = true
	t.registryLevel()
	return nil
}

// anew forgets what subjects were under another scope: what is there now may have been there before, and versions may
// be called otherwise. That they were told is kept, since what is not there any more has to be taken back.
func (t *take) anew() {
	t.listed, t.asked = false, time.Time{}
	t.known, t.refs = map[string]*subject{}, map[string]version{}
	for name := range t.stored {
		t.stored[name] = saved{}
	}
}

// gone tells that a subject is not there any more; told: that it was deleted.
func (t *take) gone(name string, deleted bool) {
	x := t.known[name]
	delete(t.known, name)
	if _, was := t.stored[name]; !was && x.told == nil {
		return
	}
	t.main.Facts = append(t.main.Facts, lineage.Fact{Key: t.key(name), Gone: true})
	if !deleted {
		return
	}
	of := x.told
	if w, seen := t.cfg.Board.Cluster(t.cfg.Cluster); seen && of == nil {
		of, _ = t.fact(name, x, &w) // its name may tell the topic
	}
	t.changed(of, "the subject "+name+" is gone from the registry "+t.cfg.Name)
}

// registryLevel asks for the registry's own compatibility, once in a while.
func (t *take) registryLevel() {
	if t.round.Sub(t.asked) < levelEvery {
		return
	}
	t.asked, t.denied = t.round, ""
	level, err := t.speaker.level(t.ctx, "")
	t.level = level
	if err != nil {
		t.level = ""
	}
	if errors.Is(err, rest.ErrForbidden) {
		t.denied = "of the registry as a whole"
	}
}

// look asks for the schemas of as many subjects as a round may.
func (t *take) look() {
	var due []string
	for name, x := range t.known {
		if x.looked.IsZero() || t.round.Sub(x.looked) >= looksEvery*t.cfg.Interval {
			due = append(due, name)
		}
	}
	slices.SortFunc(due, func(a, b string) int {
		return cmp.Or(t.known[a].looked.Compare(t.known[b].looked), strings.Compare(a, b))
	})
	begun := t.client.Asked()
	for i, name := range due {
		if i > 0 && t.client.Asked()-begun > asksARound-2 || t.ctx.Err() != nil {
			return
		}
		x := t.known[name]
		x.looked, x.failed = t.round, ""
		switch err := t.lookAt(name, x); {
		case errors.Is(err, rest.ErrNotFound) && x.absent:
			t.gone(name, true)
		case err != nil && !errors.Is(err, rest.ErrNotFound): // else it was deleted since, or has no version
			x.looked, x.failed = t.round.Add(looksEvery*t.cfg.Interval), err.Error()
		}
	}
}

func (t *take) lookAt(name string, x *subject) error {
	had := version{}
	if x.told != nil && x.problem == "" && !x.read.moves {
		had = x.version
	}
	now, err := t.speaker.newest(t.ctx, name, &had)
	if errors.Is(err, rest.ErrTooLarge) {
		x.read, x.problem = read{}, "its text is larger than can be read"
		return nil
	}
	if err != nil {
		return err
	}
	own, err := t.speaker.level(t.ctx, name)
	switch {
	case err == nil:
		x.own, x.untold = own, false
	case errors.Is(err, rest.ErrNotFound):
		x.own, x.untold = "", false
	default:
		x.untold = x.untold || x.own == ""
	}
	if errors.Is(err, rest.ErrForbidden) {
		t.denied = "of single subjects"
	}
	if had.there && now.same(&had) {
		return nil
	}
	got, problem, err := t.parse(name, &now)
	if err != nil {
		return err
	}
	t.changedVersion(name, x, &now, got, problem)
	now.text, now.refs = "", nil // they are read
	x.version, x.read, x.problem = now, got, problem
	return nil
}

// parse reads a version of a subject with what it refers to. problem is why it can't be read; err that it may be later.
func (t *take) parse(name string, v *version) (r read, problem string, err error) {
	refs, moves, err := t.referred(v)
	switch {
	case errors.Is(err, rest.ErrNotFound):
		return r, "it refers to a schema that the registry does not have", nil
	case errors.Is(err, errTooMany):
		return r, err.Error(), nil
	case err != nil:
		return r, "", err
	}
	wanted := name[strings.LastIndexByte(name, '-')+1:]
	r, unread := parse(v.format, text{"", v.text}, refs, wanted)
	r.moves = moves
	if unread != nil {
		problem = unread.Error()
	}
	return r, problem, nil
}

var errTooMany = errors.New("it refers to more schemas, or deeper, than are read")

// referred returns what a schema refers to, what that refers to first. moves reports whether any of it is the newest of
// another.
func (t *take) referred(v *version) (out []text, moves bool, err error) {
	done := map[string]bool{}
	var add func(v *version, deep int) error
	add = func(v *version, deep int) error {
		moves = moves || v.moves
		if len(v.refs) > 0 && deep >= deepestRef {
			return errTooMany
		}
		for _, ref := range v.refs {
			if done[ref.name] {
				continue
			}
			done[ref.name] = true
			if len(done) > mostRefs {
				return errTooMany
			}
			is, err := t.version(ref.at)
			if err == nil {
				err = add(&is, deep+1)
			}
			if err != nil {
				return err
			}
			out = append(out, text{ref.name, is.text})
		}
		return nil
	}
	err = add(v, 0)
	return out, moves, err
}

// version returns the version at a path, which never changes. One that refers to the newest of another is read anew
// each time.
func (t *take) version(at string) (v version, err error) {
	v, have := t.refs[at]
	if have {
		return v, nil
	}
	if v, err = t.speaker.at(t.ctx, at); err != nil || v.moves {
		return v, err
	}
	if len(t.refs) >= keptRefs {
		clear(t.refs)
	}
	t.refs[at] = v
	return v, nil
}

// sayFailed says whose schemas could not be seen.
func (t *take) sayFailed() {
	var names []string
	reason := ""
	for name, x := range t.known {
		why := x.failed
		if _, was := t.stored[name]; x.looked.IsZero() && !was {
			why = "not asked yet"
		}
		if why != "" {
			names = append(names, name)
			reason = max(reason, why)
		}
	}
	if len(names) > 0 {
		t.main.Missing = append(t.main.Missing, lineage.Missing{
			Reason: fmt.Sprintf("schemas of %s: %s", collector.Some(names), reason), Share: float64(len(names)) / float64(len(t.known)),
		})
	}
}

// tellAll tells what each subject is, once the cluster is known whose topics they are of.
func (t *take) tellAll() {
	w, seen := t.cfg.Board.Cluster(t.cfg.Cluster)
	if !seen {
		t.main.Missing = append(t.main.Missing, lineage.Missing{Share: 1, Reason: "of which topics the schemas are can't be told: the cluster " + t.cfg.Cluster + " was not seen yet"})
		return
	}
	by := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(t.known)) {
		x := t.known[name]
		if x.looked.IsZero() || !x.version.there && x.problem == "" {
			continue
		}
		fact, why := t.fact(name, x, &w)
		if why != "" {
			by[why] = append(by[why], name)
		}
		if reflect.DeepEqual(x.told, fact) {
			continue
		}
		t.changedElse(name, x, fact)
		x.told = fact
		t.main.Facts = append(t.main.Facts, lineage.Fact{Key: t.key(name), Schema: fact})
	}
	t.blind(by)
}

// fact is what a subject is, and why it is of no topic.
func (t *take) fact(name string, x *subject, w *collector.Watched) (*lineage.SchemaFact, string) {
	is := t.whose(name, x, w)
	f := &lineage.SchemaFact{
		Part: is.part, Origin: lineage.FromRegistry, Subject: name, Version: x.version.number, ID: x.version.id, Strategy: is.strategy,
		Format: x.version.format, Record: x.read.record, Columns: x.read.columns, Cut: x.read.cut, Problem: x.problem,
	}
	if !x.untold {
		f.Compatibility = cmp.Or(x.own, t.level)
	}
	if is.topic != "" {
		f.Topic = lineage.Topic{Cluster: w.ID, Name: is.topic}
	}
	return f, is.why
}

// whose tells the topic of a subject. A file of several messages is called after any of them.
func (t *take) whose(name string, x *subject, w *collector.Watched) whose {
	in := topics{set: w.Names, there: func(name string) bool {
		_, there := slices.BinarySearch(w.Topics, name)
		return there
	}}
	is := t.speaker.of(name, x.read.record, in)
	for _, record := range x.read.records {
		if is.topic == "" {
			is = t.speaker.of(name, record, in)
		}
	}
	return is
}

// blind says which subjects are of no topic, and which schemas can't be read.
func (t *take) blind(by map[string][]string) {
	var spots []lineage.BlindSpot
	for _, why := range slices.Sorted(maps.Keys(by)) {
		remedy := "name subjects by TopicNameStrategy or TopicRecordNameStrategy"
		switch why {
		case whyNoTopic:
			remedy = "delete subjects of topics that are gone, or let lineaged describe the topics"
		case whySet:
			remedy = "register schemas as the topic's confluent.key.subject.name.strategy and confluent.value.subject.name.strategy say"
		case whyRecordID, whyOtherID:
			remedy = "name artifacts by TopicIdStrategy, SimpleTopicIdStrategy or TopicRecordIdStrategy"
		}
		spots = append(spots, lineage.BlindSpot{What: "of which topic these subjects of the registry are, since " + why + ": " + collector.Some(by[why]), Remedy: remedy})
	}
	var broken []string
	for name, x := range t.known {
		if x.problem != "" {
			broken = append(broken, name)
		}
	}
	if len(broken) > 0 {
		spots = append(spots, lineage.BlindSpot{What: "the columns of these subjects of the registry, whose schemas can't be read: " + collector.Some(broken), Remedy: "each says why where its topic is shown"})
	}
	if t.more > 0 {
		spots = append(spots, lineage.BlindSpot{What: fmt.Sprintf("%d subjects of the registry, beyond the %d that are read", t.more, mostSubjects), Remedy: "several registries, or fewer subjects"})
	}
	if t.other != "" {
		spots = append(spots, lineage.BlindSpot{What: "what artifacts of the registry say of records that are not Avro, JSON Schema or Protobuf: " + t.other, Remedy: "describe records by one of these"})
	}
	if t.denied != "" {
		spots = append(spots, lineage.BlindSpot{What: "the compatibility rules " + t.denied + ", which the registry refuses to tell", Remedy: "let lineaged's user read them"})
	}
	t.telling.Blind(t.main, spots)
}

func (t *take) key(name string) lineage.FactKey {
	return lineage.FactKey{Source: t.cfg.Name, Kind: lineage.SchemaFacts, Name: name}
}

var _ collector.Source = (*source)(nil)

package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// stops are the rules that stop tags of a batch that is written.
type stops struct {
	mark  string        // stands for all of them; empty where there are none and never were
	write []BreakerRule // those that are to be written down
}

// breakersOf returns the rules of a batch as entries have them. Rules that are those of the batch before are as they
// were written then, with the commitments of then: who was erased since is not committed to anew, and no rule has
// changed by it.
func (l *Log) breakersOf(b *Batch, before string) (out stops, err error) {
	if len(b.Breakers) == 0 && before == "" {
		return out, nil
	}
	rules := shortened(b.Breakers)
	digest, err := l.digestOf(rules)
	if err != nil {
		return out, err
	}
	kept := l.readBreakers()
	if kept == nil || kept.Mark != before || kept.Digest != digest {
		if kept, err = l.commitRules(rules, digest); err != nil {
			return out, err
		}
		if err := kept.write(filepath.Join(l.dir, breakersFile)); err != nil {
			return out, err
		}
	}
	out.mark = kept.Mark
	again, err := l.ruledAgain(b)
	if err != nil {
		return out, err
	}
	if out.mark != before || again {
		out.write = kept.Rules
	}
	return out, nil
}

// shortened returns rules with what is too long of them cut, so that it stands for all of it.
func shortened(rules []BreakerRule) (out []BreakerRule) {
	short := func(s string) string {
		if len(s) <= mostText {
			return s
		}
		begin, end := cutWithSum(s, mostText)
		return begin + end
	}
	for _, r := range rules {
		r.Of, r.Type, r.V = len(rules), typeBreaker, version
		r.Place, r.Stops = short(r.Place), append([]string{}, r.Stops...)
		if len(r.Stops) > mostListed {
			_, all := cutWithSum(strings.Join(r.Stops, "\n"), mostText)
			r.Stops = append(r.Stops[:mostListed-1], all)
		}
		for k := range r.Stops {
			r.Stops[k] = short(r.Stops[k])
		}
		r.Match = append([]BreakerMatch{}, r.Match[:min(len(r.Match), mostListed)]...)
		for k := range r.Match {
			r.Match[k] = BreakerMatch{short(r.Match[k].Field), short(r.Match[k].Pattern)}
		}
		out = append(out, r)
	}
	return out
}

// commitRules returns rules with commitments in the place of patterns that may name a person.
func (l *Log) commitRules(rules []BreakerRule, digest string) (*keptBreakers, error) {
	b, out := breaking{}, &keptBreakers{Digest: digest, Rules: []BreakerRule{}}
	for i, r := range rules {
		for k := range r.Match {
			if m := &r.Match[k]; m.Field == FieldPrincipal {
				commitment, err := l.people.of(&m.Pattern)
				if err != nil {
					return nil, err
				}
				m.Pattern = *commitment
			}
		}
		if err := b.add(&r); err != nil {
			return nil, fmt.Errorf("rule %d that stops tags: %w", i, err)
		}
		out.Rules = append(out.Rules, r)
	}
	out.Mark = b.mark()
	return out, nil
}

// digestOf returns what tells rules in the clear from others. It is made with the ledger's key, so that without that
// nobody can try whom they name.
func (l *Log) digestOf(rules []BreakerRule) (string, error) {
	text, err := canonical(rules)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	signed, err := l.key.signer.Sign([]byte("lineaged-breakers\n" + hex.EncodeToString(sum[:]) + "\n"))
	if err != nil {
		return "", fmt.Errorf("make a digest of the rules that stop tags: %w", err)
	}
	sum = sha256.Sum256(signed)
	return hex.EncodeToString(sum[:]), nil
}

// keptBreakers are the newest rules that were written down, in a file beside the ledger. What is damaged or of another
// state of the ledger is made anew: then a person whom a rule names and who was erased is committed to anew.
type keptBreakers struct {
	Digest string        `json:"digest"` // of the rules in the clear, see digestOf
	Mark   string        `json:"mark"`   // as the close entries have it
	Rules  []BreakerRule `json:"rules"`
}

// readBreakers returns what is in the file; nil: nothing that can be read.
func (l *Log) readBreakers() *keptBreakers {
	text, err := os.ReadFile(filepath.Join(l.dir, breakersFile))
	k := &keptBreakers{}
	if err != nil || read(text, k) != nil {
		return nil
	}
	b := breaking{}
	for i := range k.Rules {
		if b.add(&k.Rules[i]) != nil {
			return nil
		}
	}
	if b.mark() != k.Mark {
		return nil
	}
	return k
}

// write replaces the file.
func (k *keptBreakers) write(path string) error {
	text, err := canonical(k)
	if err != nil {
		return err
	}
	if err := os.Remove(path + ".new"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write the rules that stop tags: %w", err)
	}
	if err := writeWhole(path, text); err != nil {
		return fmt.Errorf("write the rules that stop tags: %w", err)
	}
	return nil
}

// ruledAgain reports whether a batch has all rules though nobody changed any: it is the first of a period of its day,
// or the entries that had them were pruned.
func (l *Log) ruledAgain(b *Batch) (bool, error) {
	if l.minimum > 0 {
		if err := l.findRuled(); err != nil {
			return false, err
		}
		if l.ruled < l.minimum {
			return true, nil
		}
	}
	if b.Amendment || l.ends == nil {
		return false, nil
	}
	last, any, err := l.reader().last()
	if err != nil || !any {
		return false, err
	}
	return !day(last.Start.Time).Equal(day(b.Period.Start.Time)), nil
}

func day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// findRuled looks for the newest batch that wrote rules down, where it is not known. That is one of the last day, but
// in a ledger that was written before each day had them.
func (l *Log) findRuled() error {
	if l.ruled >= 0 {
		return nil
	}
	r := l.reader()
	for c, err := range r.backward() {
		if err != nil {
			return err
		}
		if c.breakersDigest() == "" {
			break
		}
		rules, _, err := r.breakersOf(c)
		if err != nil {
			return err
		}
		if len(rules) > 0 {
			l.ruled = c.First
			return nil
		}
	}
	l.ruled = 0
	return nil
}

// wrote notes whether the newest batch wrote rules down.
func (l *Log) wrote(entries [][]byte) {
	for _, e := range entries {
		switch is, _ := fieldOf(e, `,"type":"`); is {
		case typeCoverage, typeChange:
		case typeBreaker:
			l.ruled = l.newest.Size - int64(len(entries))
			return
		default: // they are before all else
			return
		}
	}
}

// ruledFirst returns where the newest batch of a period begins at or before which the rules are that hold; most where
// there are none, or they are after it.
func (l *Log) ruledFirst(r *Reader, most int64) (int64, error) {
	if any, err := r.stopsAny(); err != nil || !any {
		return most, err
	}
	if err := l.findRuled(); err != nil || l.ruled == 0 && l.minimum > 0 || l.ruled >= most {
		return most, err
	}
	return r.firstUpTo(l.ruled)
}

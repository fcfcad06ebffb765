package config

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// redacted stands wherever a secret would.
const redacted = "<redacted>"

// Secret is a value that is used and never shown: every way to print, log or marshal it gives a fixed text.
type Secret struct{ value string }

// NewSecret returns a Secret of value.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal returns the secret itself, for the one place that needs it.
func (s Secret) Reveal() string { return s.value }

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.value == "" }

// String returns a fixed text, or nothing for no secret.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return redacted
}

// Format keeps every fmt verb from looking inside.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue redacts for slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText redacts for JSON and whatever else asks for text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalYAML redacts.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// UnmarshalText takes the secret.
func (s *Secret) UnmarshalText(text []byte) error { s.value = string(text); return nil }

// File is a path. In a YAML file a relative one starts from the file's folder, elsewhere from the working directory.
type File string

// Duration is a time.Duration that is written as Prometheus does: 30s, 10m, 2d, 1h30m.
type Duration time.Duration

// String returns the shortest such spelling.
func (d Duration) String() string { return model.Duration(d).String() }

// MarshalText writes String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText parses the Prometheus spelling.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := model.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("not a duration such as 30s, 10m or 2d")
	}
	*d = Duration(v)
	return nil
}

// Size is a number of bytes, written with its unit: 64MiB, 1GiB.
type Size int64

// The units of a Size, the greatest first.
var sizeUnits = []struct {
	name  string
	bytes Size
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// String writes it in the greatest unit that it is a multiple of.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if s != 0 && s%u.bytes == 0 {
			return fmt.Sprintf("%d%s", s/u.bytes, u.name)
		}
	}
	return ""
}

// MarshalText writes String.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText parses a whole number above zero with a unit.
func (s *Size) UnmarshalText(text []byte) error {
	for _, u := range sizeUnits {
		number, ok := strings.CutSuffix(string(text), u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
		if err == nil && n > 0 && n <= math.MaxInt64/int64(u.bytes) {
			*s = Size(n) * u.bytes
			return nil
		}
		break
	}
	return errors.New("not a size such as 16MiB or 2GiB")
}

// OneOf is one of so many, written as a fraction: 1/10.
type OneOf int

// String writes the fraction, nothing for none.
func (o OneOf) String() string {
	if o == 0 {
		return ""
	}
	return "1/" + strconv.Itoa(int(o))
}

// MarshalText writes String.
func (o OneOf) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText parses 1/N, N from 1 to 1,000,000.
func (o *OneOf) UnmarshalText(text []byte) error {
	of, ok := strings.CutPrefix(string(text), "1/")
	n, err := strconv.Atoi(of)
	if !ok || err != nil || n < 1 || n > 1_000_000 {
		return errors.New("not a fraction from 1/1 to 1/1000000, as 1/10")
	}
	*o = OneOf(n)
	return nil
}

// Count is how many of something there may be; 0 stands for a default.
type Count int

// String writes the number, nothing for none.
func (c Count) String() string {
	if c == 0 {
		return ""
	}
	return strconv.Itoa(int(c))
}

// MarshalText writes String.
func (c Count) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText parses a number from 1 to 100,000,000.
func (c *Count) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 || n > 100_000_000 {
		return errors.New("not a whole number from 1 to 100000000")
	}
	*c = Count(n)
	return nil
}

// Pattern is a regular expression (RE2). It matches anywhere in a text unless it says ^ or $. The zero value is no
// pattern.
type Pattern struct{ *regexp.Regexp }

// IsZero reports whether there is no pattern.
func (p Pattern) IsZero() bool { return p.Regexp == nil }

// String returns the expression.
func (p Pattern) String() string {
	if p.Regexp == nil {
		return ""
	}
	return p.Regexp.String()
}

// MarshalText writes the expression.
func (p Pattern) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText compiles the expression.
func (p *Pattern) UnmarshalText(text []byte) error {
	re, err := regexp.Compile(string(text))
	if err != nil {
		return fmt.Errorf("not a regular expression: %w", err)
	}
	p.Regexp = re
	return nil
}

// Properties are what else a rule says of nodes, by key. In a variable they are written cost-center=4711,tier=1.
type Properties map[string]string

// MarshalText writes them as in a variable, in order.
func (p Properties) MarshalText() ([]byte, error) { return Aliases(p).MarshalText() }

// MarshalYAML writes a mapping.
func (p Properties) MarshalYAML() (any, error) { return map[string]string(p), nil }

// UnmarshalText reads the spelling of a variable.
func (p *Properties) UnmarshalText(text []byte) error {
	if err := (*Aliases)(p).UnmarshalText(text); err != nil {
		return errors.New("not a list such as cost-center=4711,tier=1")
	}
	return nil
}

// Aliases are names that somebody else gives to clusters, with the names that they have here. In a variable they are
// written w=west,e=east.
type Aliases map[string]string

// MarshalText writes them as in a variable, in order.
func (a Aliases) MarshalText() ([]byte, error) {
	var all []string
	for _, alias := range slices.Sorted(maps.Keys(a)) {
		all = append(all, alias+"="+a[alias])
	}
	return []byte(strings.Join(all, ",")), nil
}

// MarshalYAML writes a mapping.
func (a Aliases) MarshalYAML() (any, error) { return map[string]string(a), nil }

// UnmarshalText reads the spelling of a variable.
func (a *Aliases) UnmarshalText(text []byte) error {
	*a = Aliases{}
	for pair := range strings.SplitSeq(string(text), ",") {
		alias, name, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok || alias == "" || name == "" {
			return errors.New("not a list such as w=west,e=east")
		}
		(*a)[alias] = name
	}
	return nil
}

// Date is a day, written 2026-11-01: it begins at midnight in UTC.
type Date struct{ time.Time }

// String writes the day, nothing for none.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return d.Format(time.DateOnly)
}

// MarshalText writes String.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// MarshalYAML writes String.
func (d Date) MarshalYAML() (any, error) { return d.String(), nil }

// UnmarshalText parses a day.
func (d *Date) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.DateOnly, string(text))
	if err != nil {
		return errors.New("not a day such as 2026-11-01")
	}
	d.Time = t
	return nil
}

// Decimal is an exact number of 0 or more, as it is written: 0.045.
type Decimal string

var decimal = regexp.MustCompile(`^[0-9]{1,18}(\.[0-9]{1,18})?$`)

// UnmarshalText takes digits, and after a point up to 18 more.
func (d *Decimal) UnmarshalText(text []byte) error {
	if !decimal.Match(text) {
		return errors.New("not a decimal number of 0 or more, as 0.045")
	}
	*d = Decimal(text)
	return nil
}

// MarshalText writes it.
func (d Decimal) MarshalText() ([]byte, error) { return []byte(d), nil }

package usage

import (
	"errors"
	"math/big"
	"strings"
)

// Decimal is a number with as many decimals as it needs, exact. The zero value is 0. Its methods change neither side.
type Decimal struct {
	n     *big.Int // nil: 0
	scale int      // decimals in n
}

// mostDigits bounds a price: FOCUS reads 38 digits, and a quantity needs some of them.
const mostDigits = 18

var errDecimal = errors.New("not a decimal number of 0 or more, as 0.045")

// ParseDecimal reads a number of 0 or more: digits, and after a point up to 18 more.
func ParseDecimal(s string) (Decimal, error) {
	whole, part, point := strings.Cut(s, ".")
	if whole == "" || point && part == "" || len(whole) > mostDigits || len(part) > mostDigits || strings.Trim(whole+part, "0123456789") != "" {
		return Decimal{}, errDecimal
	}
	n, _ := new(big.Int).SetString(whole+part, 10)
	return Decimal{n, len(part)}, nil
}

// ReadDecimal reads what String writes.
func ReadDecimal(s string) (Decimal, error) {
	text, negative := strings.CutPrefix(s, "-")
	whole, part, _ := strings.Cut(text, ".")
	n, ok := new(big.Int).SetString(whole+part, 10)
	if !ok || strings.ContainsAny(whole+part, "+-_") {
		return Decimal{}, errDecimal
	}
	if negative {
		n.Neg(n)
	}
	d := Decimal{n, len(part)}
	if d.String() != s {
		return Decimal{}, errDecimal
	}
	return d, nil
}

func (d Decimal) int() *big.Int {
	if d.n == nil {
		return new(big.Int)
	}
	return d.n
}

func tenTo(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// at returns n as it is with more decimals.
func (d Decimal) at(scale int) *big.Int { return new(big.Int).Mul(d.int(), tenTo(scale-d.scale)) }

// Plus adds.
func (d Decimal) Plus(x Decimal) Decimal {
	scale := max(d.scale, x.scale)
	return Decimal{new(big.Int).Add(d.at(scale), x.at(scale)), scale}
}

// Minus takes away.
func (d Decimal) Minus(x Decimal) Decimal {
	return d.Plus(Decimal{new(big.Int).Neg(x.int()), x.scale})
}

// Times multiplies.
func (d Decimal) Times(x Decimal) Decimal {
	return Decimal{new(big.Int).Mul(d.int(), x.int()), d.scale + x.scale}
}

// Compare is -1, 0 or 1.
func (d Decimal) Compare(x Decimal) int {
	scale := max(d.scale, x.scale)
	return d.at(scale).Cmp(x.at(scale))
}

// String writes the number in plain digits, without zeros behind its last decimal.
func (d Decimal) String() string {
	n := d.int()
	sign := ""
	if n.Sign() < 0 {
		sign, n = "-", new(big.Int).Neg(n)
	}
	digits := n.String()
	if d.scale == 0 {
		return sign + digits
	}
	if missing := d.scale + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	whole, part := digits[:len(digits)-d.scale], strings.TrimRight(digits[len(digits)-d.scale:], "0")
	if part == "" {
		return sign + whole
	}
	return sign + whole + "." + part
}

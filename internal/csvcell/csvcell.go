// Package csvcell keeps text in a cell of CSV from being run as a formula by who opens it in a spreadsheet.
package csvcell

import (
	"strings"
	"unicode"
)

// formulas begin what a spreadsheet calculates (OWASP, CSV Injection), also in full width.
const formulas = "=+-@'\t\r＝＋－＠"

// Guard puts a ' before what would be a formula at the beginning of a cell, and behind a semicolon: there another cell
// begins for who cuts lines at semicolons, whatever is quoted between commas, and a quote there would begin one. What
// has a ' there already has one more.
func Guard(s string) string {
	var b strings.Builder
	begins, quotes := true, ""
	for _, r := range s {
		if begins && strings.ContainsRune(formulas+quotes, r) {
			b.WriteByte('\'')
			begins = false
		}
		b.WriteRune(r)
		if r == ';' {
			begins, quotes = true, `"`
		} else if !unicode.IsSpace(r) {
			begins = false
		}
	}
	return b.String()
}

// Unguard is the inverse of Guard.
func Unguard(s string) string {
	var b strings.Builder
	begins := true
	for _, r := range s {
		if begins && r == '\'' {
			begins = false
			continue
		}
		b.WriteRune(r)
		if r == ';' {
			begins = true
		} else if !unicode.IsSpace(r) {
			begins = false
		}
	}
	return b.String()
}

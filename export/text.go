package export

import (
	"strings"
	"unicode"
)

// This file measures text that is drawn, roughly: which font a reader has nobody knows, so what is drawn is clipped
// too.

// bold is how much wider the widest of usual fonts is in bold than what is estimated.
const bold = 1.2

// widthOf estimates how wide a text is in a font of a size.
func widthOf(s string, size float64) (w float64) {
	for _, r := range s {
		w += runeWidth(r) * size
	}
	return w
}

// runeWidth is in parts of the font's size.
func runeWidth(r rune) float64 {
	switch {
	case unicode.Is(unicode.Mn, r), r == 0x2068, r == 0x2069:
		return 0
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul), r >= 0xff01 && r <= 0xff60, r >= 0x1f000:
		return 1
	case strings.ContainsRune("iljtfrI.,:;'|()[]/ ", r):
		return 0.36
	case strings.ContainsRune("mwMW@%", r):
		return 0.9
	case unicode.IsUpper(r):
		return 0.7
	default:
		return 0.58
	}
}

// shortened cuts the middle out of a text that is too wide: names of one team differ at their ends.
func shortened(s string, size, most float64) string {
	if widthOf(s, size) <= most {
		return s
	}
	all := []rune(s)
	head, tail := 0, len(all)
	for w := runeWidth('…') * size; head < tail; {
		next := all[head]
		if head > len(all)-tail {
			next = all[tail-1]
		}
		if w += runeWidth(next) * size; w > most {
			break
		}
		if head > len(all)-tail {
			tail--
		} else {
			head++
		}
	}
	return string(all[:head]) + "…" + string(all[tail:])
}

// wrapped breaks a text into lines of a width; a word that is wider is broken too.
func wrapped(s string, size, most float64) (out []string) {
	line, width := "", 0.0
	for word := range strings.FieldsSeq(s) {
		for w := widthOf(word, size); w > most; w = widthOf(word, size) {
			cut := 1
			for n, r := 0.0, []rune(word); cut < len(r) && n+runeWidth(r[cut-1])*size <= most; cut++ {
				n += runeWidth(r[cut-1]) * size
			}
			if line != "" {
				out, line, width = append(out, line), "", 0
			}
			r := []rune(word)
			out = append(out, string(r[:cut]))
			word = string(r[cut:])
		}
		w := widthOf(word, size) + runeWidth(' ')*size
		if line != "" && width+w > most {
			out, line, width = append(out, line), "", 0
		}
		if line != "" {
			line += " "
		}
		line, width = line+word, width+w
	}
	if line != "" {
		out = append(out, line)
	}
	return out
}

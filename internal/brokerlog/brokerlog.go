// Package brokerlog reads lines of two of a Kafka broker's loggers: kafka.request.logger, which tells each request that
// was answered, and kafka.authorizer.logger, which tells each right that was asked for. Confluent's and Redpanda's
// brokers tell the latter in records of an audit topic, which it reads as well.
//
// It knows what brokers from 2.8 on write, KRaft's authorizer and ZooKeeper's down to its oldest form, and what wraps a
// line: any prefix, and JSON whose field the message is, in several layers. It hides how the lines are scanned: what is
// not of interest is left as early as that shows, and nothing is allocated for a line once its buffers have grown.
//
// It is pure: no input or output, no clock, no names looked up. It refuses to guess: of a line that does not parse
// nothing is returned, and whatever stands in names, ids and principals never changes how the rest of its line is read.
// Whoever can write into a log can write lines of it, though: a group may be named by a line break and a whole line.
package brokerlog

import (
	"bytes"
	"errors"
)

// MaxLine is the length in bytes up to which a line is read.
const MaxLine = 1 << 20

// Kind is what a line is.
type Kind uint8

// The kinds of lines.
const (
	Other         Kind = iota // of another logger
	Uninteresting             // of one of both loggers, and says nothing that is asked for
	RequestLine               // Parser.Request is set
	AuthorizerLine
	AuditRecord // Parser.Audit is set
)

// Why a line of one of both loggers is not read.
var (
	ErrTooLong = errors.New("the line is longer than 1 MiB")
	// ErrCut: e.g. cut at 16 KiB by a container's log driver.
	ErrCut     = errors.New("the line ends within its JSON, or is not JSON")
	ErrOldText = errors.New("the request is not told as JSON, as brokers before 2.8 do")
	ErrLayout  = errors.New("the line lacks what each of its logger has")
)

var (
	requestMark    = []byte("Completed request:")
	authorizerMark = []byte("Principal = ")
)

// Parser reads lines one after another. The zero value is ready. It is for one goroutine.
type Parser struct {
	// Request and Authorization are what Line has read last, by its kind. Their bytes are good until the next call.
	Request       Request
	Authorization Authorization
	Audit         Audit // by Record

	line   []byte // as it was handed in
	at     int    // of the mark in it
	flat   []byte // the message, taken out of the JSON that wraps it
	arena  []byte // strings that were escaped
	topics []Topic
	parts  []Partition

	resources []AuditResource
}

// Line reads one line, with or without its line break. With an error the kind is that of the logger that the line seems
// to be of. The parser keeps the line until the next call.
func (p *Parser) Line(line []byte) (Kind, error) {
	p.line = line
	request, authorizer := bytes.Index(line, requestMark), -1
	if upTo := line; request != 0 { // the mark that stands first is the logger's, the other one somebody's name
		if request > 0 {
			upTo = line[:request]
		}
		authorizer = bytes.Index(upTo, authorizerMark)
	}
	p.at = max(request, authorizer)
	if authorizer >= 0 {
		p.at = authorizer
	}
	switch {
	case p.at < 0:
		return Other, nil
	case len(line) > MaxLine && authorizer >= 0:
		return AuthorizerLine, ErrTooLong
	case len(line) > MaxLine:
		return RequestLine, ErrTooLong
	case authorizer >= 0:
		return p.authorizer(p.message())
	default:
		return p.request(p.message()[len(requestMark):])
	}
}

// message returns the logger's own words, from the mark on, out of whatever JSON wraps them.
func (p *Parser) message() []byte {
	text := p.line[p.at:]
	layers := wrapped(p.line[:p.at])
	if layers == 0 {
		return text
	}
	p.flat = p.flat[:0]
	for range layers {
		from := len(p.flat)
		p.flat = unescape(p.flat, text)
		text = p.flat[from:]
	}
	return text
}

// wrapped returns in how many layers of JSON strings the text after a prefix stands: a quote within n layers has 2^n-1
// backslashes before it, and the quote that opens the innermost string is one layer further out.
func wrapped(prefix []byte) (layers int) {
	quote := bytes.LastIndexByte(prefix, '"')
	if quote < 0 {
		return 0
	}
	at := quote
	for at > 0 && prefix[at-1] == '\\' {
		at--
	}
	before := bytes.TrimRight(prefix[:at], " ")
	if len(before) == 0 || before[len(before)-1] != ':' && before[len(before)-1] != '=' {
		return 0 // a quote in somebody's prefix
	}
	for layers = 1; 1<<(layers-1)-1 < quote-at && layers < 4; layers++ {
	}
	return layers
}

// unescape appends the JSON string that begins in text, without a quote before it, up to its end.
func unescape(dst, text []byte) []byte {
	for len(text) > 0 {
		n := bytes.IndexAny(text, `"\`)
		if n < 0 {
			return append(dst, text...)
		}
		dst = append(dst, text[:n]...)
		if text[n] == '"' {
			return dst
		}
		var size int
		if dst, size = unescapeOne(dst, text[n:]); size == 0 {
			return dst
		}
		text = text[n+size:]
	}
	return dst
}

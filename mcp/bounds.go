package mcp

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// bounds say of arguments what they may be, beside their types.
type bounds map[string]func(*jsonschema.Schema)

// The bounds that arguments have.
const (
	mostText = 256  // bytes of a text that is looked for, as of GraphQL
	mostID   = 4096 // of the id of a node
	mostTime = 40   // of an instant or a length of time
)

func text(s *jsonschema.Schema) { s.MaxLength = new(mostText) }

func id(s *jsonschema.Schema) { s.MinLength, s.MaxLength = new(1), new(mostID) }

// upTo is a number from 1 to most; usual is what stands for none.
func upTo(most, usual int) func(*jsonschema.Schema) {
	return func(s *jsonschema.Schema) {
		s.Minimum, s.Maximum = new(1.0), new(float64(most))
		s.Default = fmt.Append(nil, usual)
	}
}

// oneOf is one of some words.
func oneOf(words ...string) func(*jsonschema.Schema) {
	return func(s *jsonschema.Schema) {
		for _, w := range words {
			s.Enum = append(s.Enum, w)
		}
	}
}

// someOf is a list of some words.
func someOf(words ...string) func(*jsonschema.Schema) {
	return func(s *jsonschema.Schema) {
		s.MaxItems = new(len(words))
		oneOf(words...)(s.Items)
	}
}

// ids is a list of ids of nodes, so many at most.
func ids(least, most int) func(*jsonschema.Schema) {
	return func(s *jsonschema.Schema) {
		s.MinItems, s.MaxItems = new(least), new(most)
		id(s.Items)
	}
}

// inputOf is the schema of what a tool takes.
func inputOf[In any](b bounds) (*jsonschema.Schema, error) {
	s, err := jsonschema.For[In](nil)
	if err != nil {
		return nil, err
	}
	for name, p := range s.Properties {
		switch name {
		case "last", "at", "start", "end":
			p.MaxLength = new(mostTime)
		}
		if len(p.Types) == 2 { // a list may not be null
			p.Type, p.Types = p.Types[1], nil
		}
	}
	for name, bound := range b {
		if s.Properties[name] == nil {
			return nil, fmt.Errorf("it has no %s to be bounded", name)
		}
		bound(s.Properties[name])
	}
	return s, nil
}

// invalid is how the SDK says that arguments do not fit their schema.
const invalid = `validating "arguments": `

// where finds in that which argument it is.
var where = regexp.MustCompile(`/properties/(\w+)|(?:unexpected additional|required: missing) properties:? \["?(\w+)`)

// namesArgument has what does not fit a schema said as all that is wrong is. Its values are cut: they may be as long as
// a message.
func namesArgument(res sdk.Result) {
	r, ok := res.(*sdk.CallToolResult)
	if !ok || !r.IsError || len(r.Content) != 1 {
		return
	}
	text, ok := r.Content[0].(*sdk.TextContent)
	if !ok || !strings.HasPrefix(text.Text, invalid) {
		return
	}
	sentence := strings.TrimPrefix(strings.TrimPrefix(text.Text, invalid), "validating root: ")
	refused := &refusedError{Code: "BAD_USER_INPUT", Message: Foreign(sentence)}
	if m := where.FindStringSubmatch(sentence); m != nil {
		refused.Argument = m[1] + m[2]
	}
	text.Text = refused.Error()
}

package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// asker asks GraphQL on behalf of tools.
type asker struct{ Options }

// graphError is one of GraphQL's.
type graphError struct {
	Message    string
	Path       []any
	Extensions struct {
		Code     string
		Coverage *seen
	}
}

// refusedError is a question that is not answered, as an assistant is told.
type refusedError struct {
	Code     string  `json:"code"`
	Argument string  `json:"argument,omitempty"`
	Message  Foreign `json:"message"`
	Coverage *seen   `json:"coverage,omitempty"`
}

// seen is what was observed, as errors of GraphQL say it: what is not known may have been there.
type seen struct {
	Window struct {
		Start string `json:"start"`
		End   string `json:"end"`
	} `json:"window"`
	Complete         bool    `json:"complete"`
	ObservedFraction float64 `json:"observedFraction"`
	HeldSince        *string `json:"heldSince"`
	GapCount         int     `json:"gapCount"`
	Gaps             []struct {
		Source Foreign `json:"source"`
		Start  string  `json:"start"`
		End    string  `json:"end"`
		Reason Foreign `json:"reason"`
	} `json:"gaps"`
}

func (r *refusedError) Error() string {
	text, err := plain(map[string]any{"error": r})
	if err != nil {
		return visible(string(r.Message))
	}
	return text
}

// badArgument refuses a value of an argument.
func badArgument(name, value, problem string) error {
	const most = 100
	if len(value) > most {
		value = value[:most] + "…"
	}
	return &refusedError{Code: "BAD_USER_INPUT", Argument: name, Message: Foreign(fmt.Sprintf("%s: %q %s", name, value, problem))}
}

// told is an error as an assistant may read it. The argument whose value it names is named too.
func told(err error, arguments json.RawMessage) error {
	r, ok := errors.AsType[*refusedError](err)
	if !ok {
		return &refusedError{Code: "UNAVAILABLE", Message: Foreign(err.Error())}
	}
	if r.Argument == "" {
		r.Argument = named(string(r.Message), arguments)
	}
	return r
}

// named is the argument of which a sentence names a value; empty: none, or more than one.
func named(sentence string, arguments json.RawMessage) (found string) {
	var all map[string]any
	if json.Unmarshal(arguments, &all) != nil {
		return ""
	}
	for name, v := range all {
		values, ok := v.([]any)
		if !ok {
			values = []any{v}
		}
		for _, v := range values {
			if v, ok := v.(string); ok && len(v) > 1 && strings.Contains(sentence, v) && name != found {
				if found != "" {
					return ""
				}
				found = name
			}
		}
	}
	return found
}

// ask asks a document and decodes all of its answer; what is refused is an error.
func ask[T any](ctx context.Context, a *asker, document string, variables map[string]any) (*T, error) {
	data, refused, err := askHalf[T](ctx, a, document, variables)
	if err == nil && refused != nil {
		err = refused
	}
	return data, err
}

// askHalf is ask where a part of an answer may be refused: refused is the first of them, nil if there is none.
func askHalf[T any](ctx context.Context, a *asker, document string, variables map[string]any) (data *T, refused *refusedError, err error) {
	request, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		return nil, nil, err
	}
	body, err := a.Ask(ctx, request)
	if err != nil {
		return nil, nil, err
	}
	answer := struct {
		Data   *T
		Errors []graphError
	}{}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, nil, fmt.Errorf("the answer is none of lineaged's API: %w", err)
	}
	if len(answer.Errors) > 0 {
		e := answer.Errors[0]
		refused = &refusedError{Code: e.Extensions.Code, Message: Foreign(e.Message), Coverage: e.Extensions.Coverage}
		if answer.Data == nil {
			return nil, nil, refused
		}
	}
	if answer.Data == nil {
		return nil, nil, errors.New("the answer is none of lineaged's API: it has no data")
	}
	return answer.Data, refused, nil
}

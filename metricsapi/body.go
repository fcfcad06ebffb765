package metricsapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/lineaged/lineaged/answer"
)

// together makes all that one request asks one question, of one instant.
func together(ctx context.Context) context.Context { return answer.Together(ctx) }

// readBody reads a request's body, and puts it where it was. It holds room for it until release is called.
func readBody(w http.ResponseWriter, r *http.Request, gate Gate) (release func(), err error) {
	size := r.ContentLength
	if size < 0 || size > mostBody {
		size = mostBody
	}
	release, ok := gate.Hold(r, size)
	if !ok {
		return nil, busy()
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostBody))
	if err == nil {
		r.Body = io.NopCloser(bytes.NewReader(body))
		return release, nil
	}
	release()
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, refused(http.StatusRequestEntityTooLarge, "body: it is larger than %d bytes", mostBody)
	}
	return nil, bad("body: it did not come as a whole")
}

// decode reads a request. What it has and is not known is refused: a key with a slip of the pen would answer another
// question.
func decode(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil && d.More() {
		return bad("body: there is more than one JSON value")
	}
	if no, ok := errors.AsType[*refusal](err); ok {
		return no
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return bad("%s: it has to be %s, and is %s", cmp.Or(wrong.Field, "body"), kindOf(wrong.Type), withArticle(wrong.Value))
	}
	if err != nil {
		return bad("body: it is not the JSON that it should be: %s", strings.TrimPrefix(clip(err.Error()), "json: "))
	}
	return nil
}

// kindOf returns what JSON calls what a value is read as.
func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return kindOf(t.Elem())
	case reflect.Slice:
		return "a list"
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	default:
		return "an object"
	}
}

// withArticle is what JSON calls a value, as encoding/json says it.
func withArticle(value string) string {
	if strings.HasPrefix(value, "array") || strings.HasPrefix(value, "object") {
		return "an " + value
	}
	return "a " + clip(value)
}

// cut takes the first part off a path.
func cut(path string) (first, rest string) {
	first, rest, _ = strings.Cut(path, "/")
	return first, rest
}

// quote quotes what an asker sent, cut short.
func quote(s string) string { return strconv.Quote(clip(s)) }

func clip(s string) string {
	const most = 200
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

package metricsapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
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
		return bad("%s: %s is not what it should be: %s", wrong.Field, wrong.Value, wrong.Type)
	}
	if err != nil {
		return bad("body: it is not the JSON that it should be: %s", strings.TrimPrefix(clip(err.Error()), "json: "))
	}
	return nil
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

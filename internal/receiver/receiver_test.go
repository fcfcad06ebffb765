package receiver_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/receiver"
)

func TestJudge(t *testing.T) {
	f := func(status int, media, retry, want string, refused bool, after time.Duration) {
		t.Helper()
		r := &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {media}, "Retry-After": {retry}}, Body: io.NopCloser(strings.NewReader("secret"))}
		err := receiver.Judge(r)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) || errors.Is(err, receiver.ErrRefused) != refused {
			t.Errorf("%d %s: %v, not %q", status, media, err, want)
		}
		wait, ok := errors.AsType[*receiver.RetryError](err)
		if ok != (after >= 0) || ok && wait.After != after {
			t.Errorf("%d: wait %+v, not %s", status, wait, after)
		}
	}
	const never = -1
	f(200, "application/json", "", "", false, never)
	f(204, "", "", "", false, never)
	f(200, "text/html; charset=utf-8", "", "a web page", false, never)
	f(302, "", "", "is not followed", false, never)
	f(401, "", "", "see the token", false, never)
	f(404, "text/html", "", "is the path right?", false, never)
	f(429, "", "30", "Too Many Requests (429)", false, 30*time.Second)
	f(503, "", "tomorrow", "Service Unavailable (503)", false, 0)
	f(503, "", "-5", "(503)", false, 0)
	f(500, "", "", "(500)", false, never)
	f(422, "", "", "refused: answers Unprocessable Entity (422)", true, never)
	f(499, "", "", "refused: answers (499)", true, never)
}

func TestPlain(t *testing.T) {
	f := func(err error, want string) {
		t.Helper()
		if got := receiver.Plain(err).Error(); got != want {
			t.Errorf("%v is %q, not %q", err, got, want)
		}
	}
	f(errors.New("refused"), "refused")
	f(&url.Error{Op: "Post", URL: "http://secret/", Err: io.EOF}, "EOF")
	f(&url.Error{Op: "Post", URL: "http://secret/", Err: errors.New(`malformed HTTP response "secret"`)}, "answers what is no HTTP")
}

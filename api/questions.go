package api

import (
	"net/http"

	"github.com/lineaged/lineaged/internal/serving"
)

// questionShare is what part of the dearest document a question costs that is asked in another way than GraphQL's, and
// bounds its own work: as many as one asker may ask at once.
const questionShare = 16

// Gate bounds what is asked in other ways than GraphQL's, from the same shares: who asks in two ways has one part.
type Gate struct{ graphql *graphqlHandler }

// Work lets a request in among those that are executed. ok is false where there are too many already, also after a
// moment; else release gives its place back, once.
func (g Gate) Work(r *http.Request) (release func(), ok bool) {
	h, asker := g.graphql, serving.Address(r.RemoteAddr)
	place, ok := h.places.take(r.Context(), asker, 1)
	if !ok {
		return nil, false
	}
	work, ok := h.work.take(r.Context(), asker, int64(h.limits.Complexity)/questionShare)
	if !ok {
		place()
		return nil, false
	}
	return func() { work(); place() }, true
}

// Hold takes room for the bytes of a request while it is sent, or of an answer while it is fetched.
func (g Gate) Hold(r *http.Request, bytes int64) (release func(), ok bool) {
	return g.graphql.memory.take(r.Context(), serving.Address(r.RemoteAddr), bytes)
}

// question answers who asks in another way, unless another site's page has the request sent: it is work, and its length
// tells.
func question(next http.Handler) http.Handler {
	origins := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := *r
		asked.Method = http.MethodPost
		if origins.Check(&asked) != nil {
			plainRefusal(w, http.StatusForbidden, codeForbidden, "cross-origin requests are refused")
			return
		}
		next.ServeHTTP(w, r)
	})
}

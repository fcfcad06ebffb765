package api

import (
	"net/http"

	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"
)

const (
	// leastCompressed is the shortest answer that is compressed, in bytes: what is shorter goes in one packet anyhow.
	leastCompressed = 1400
	// compressorBytes is what compressing one answer takes while its reader fetches it.
	compressorBytes = 1 << 20
)

// compressed answers by gzip who accepts it.
//
// That the length of an answer tells of its content (BREACH) does no harm here: no answer holds a secret, and who would
// have a browser ask on his behalf is refused before anything is answered, see guard.
func compressed(next http.Handler) http.Handler {
	// zstd takes several megabytes for each answer.
	wrap, err := gzhttp.NewWrapper(gzhttp.EnableZstd(false), gzhttp.MinSize(leastCompressed), gzhttp.CompressionLevel(gzip.BestSpeed))
	if err != nil {
		panic(err) // these options go together
	}
	return wrap(next)
}

// compresses reports whether what is written to w is compressed if it is long enough.
func compresses(w http.ResponseWriter) bool {
	switch w.(type) {
	case *gzhttp.GzipResponseWriter, gzhttp.GzipResponseWriterWithCloseNotify:
		return true
	default:
		return false
	}
}

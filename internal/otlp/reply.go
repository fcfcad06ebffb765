package otlp

import (
	"encoding/json"
	"net/http"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// form is how a request is written, and so its answer.
type form bool

const (
	inProtobuf form = false
	inJSON     form = true

	mediaProtobuf = "application/x-protobuf"
	mediaJSON     = "application/json"
)

// success answers that all was taken, or all but some: ExportMetricsServiceResponse or ExportLogsServiceResponse, which
// differ in one name in JSON.
func (f form) success(w http.ResponseWriter, t Taken, rejected string) {
	partial := t.Rejected > 0 || t.Why != ""
	if f == inJSON {
		body := map[string]any{}
		if partial {
			// protobuf writes numbers of 64 bits as texts
			body["partialSuccess"] = map[string]any{rejected: strconv.FormatInt(t.Rejected, 10), "errorMessage": t.Why}
		}
		f.write(w, http.StatusOK, body, nil)
		return
	}
	var b []byte
	if partial {
		in := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(t.Rejected))
		in = protowire.AppendString(protowire.AppendTag(in, 2, protowire.BytesType), t.Why)
		b = protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), in)
	}
	f.write(w, http.StatusOK, nil, b)
}

// failure answers with google.rpc.Status, as OTLP wants it.
func (f form) failure(w http.ResponseWriter, no *refusal) {
	code := rpcCodes[no.status]
	b := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(code))
	b = protowire.AppendString(protowire.AppendTag(b, 2, protowire.BytesType), no.why)
	f.write(w, no.status, map[string]any{"code": code, "message": no.why}, b)
}

// rpcCodes are gRPC's codes for the same.
var rpcCodes = map[int]int{
	http.StatusBadRequest: 3, http.StatusUnsupportedMediaType: 3, http.StatusRequestEntityTooLarge: 3, http.StatusMethodNotAllowed: 12,
	http.StatusUnauthorized: 16, http.StatusTooManyRequests: 8, http.StatusServiceUnavailable: 14,
}

func (f form) write(w http.ResponseWriter, status int, inText any, inBytes []byte) {
	media := mediaProtobuf
	if f == inJSON {
		media = mediaJSON
	}
	w.Header().Set("Content-Type", media)
	w.WriteHeader(status)
	if f == inJSON {
		_ = json.NewEncoder(w).Encode(inText) // who does not read it does not want it
		return
	}
	_, _ = w.Write(inBytes)
}

package demo

import (
	"context"
	"embed"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// schemas are the versions of the shop's subjects, each in a file ID-SUBJECT.VERSION.FORMAT.
//
//go:embed schemas
var schemas embed.FS

// registryCompatibility is what the registry asks of new versions, of all subjects.
const registryCompatibility = "BACKWARD"

// Registry is the shop's schema registry: what Confluent's answers who only reads.
type Registry struct {
	Name string
	URL  string

	server   *http.Server
	served   chan struct{}
	subjects map[string][]version // each in the order of versions, which begin at 1; never changes
}

// version is a version of a subject, in the registry's words.
type version struct {
	Subject string `json:"subject"`
	Version int    `json:"version"`
	ID      int    `json:"id"`
	Type    string `json:"schemaType,omitempty"` // none: Avro
	Schema  string `json:"schema"`
}

// startRegistry starts the registry.
func startRegistry(log *slog.Logger) (*Registry, error) {
	subjects, err := readSubjects()
	if err != nil {
		return nil, err
	}
	ln, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the demo's schema registry: %w", err)
	}
	r := &Registry{Name: "demo-registry", URL: "http://" + ln.Addr().String(), served: make(chan struct{}), subjects: subjects}
	r.server = &http.Server{Handler: r.handler(), ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	go func() {
		defer close(r.served)
		_ = r.server.Serve(ln) // until it is closed
	}()
	return r, nil
}

func (r *Registry) close() {
	_ = r.server.Close() // cuts off whoever still asks
	<-r.served
}

// readSubjects reads the embedded schemas. An error says that a file is not called as it should be.
func readSubjects() (map[string][]version, error) {
	files, err := schemas.ReadDir("schemas")
	if err != nil {
		return nil, fmt.Errorf("read the demo's schemas: %w", err)
	}
	formats := map[string]string{".avsc": "", ".json": "JSON", ".proto": "PROTOBUF"}
	all := map[string][]version{}
	for _, f := range files {
		text, err := schemas.ReadFile("schemas/" + f.Name())
		if err != nil {
			return nil, fmt.Errorf("read the demo's schemas: %w", err)
		}
		format := path.Ext(f.Name())
		name := strings.TrimSuffix(f.Name(), format)
		number := path.Ext(name)
		id, subject, _ := strings.Cut(strings.TrimSuffix(name, number), "-")
		v := version{Subject: subject, Type: formats[format], Schema: string(text)}
		v.ID, _ = strconv.Atoi(id)
		if v.Version, _ = strconv.Atoi(strings.TrimPrefix(number, ".")); v.ID == 0 || v.Version != len(all[subject])+1 {
			return nil, fmt.Errorf("the demo's schema %s is not called ID-SUBJECT.VERSION.FORMAT in the order of versions", f.Name())
		}
		all[subject] = append(all[subject], v)
	}
	return all, nil
}

// registryType is the content type of all its answers.
const registryType = "application/vnd.schemaregistry.v1+json"

// What Confluent's registry answers where there is nothing.
const (
	noSubject = 40401
	noVersion = 40402
	noLevel   = 40408
)

func (r *Registry) handler() http.Handler {
	say := func(rw http.ResponseWriter, status int, body any) {
		answerAs(rw, registryType, status, body)
	}
	none := func(rw http.ResponseWriter, code int, message string) {
		say(rw, http.StatusNotFound, object{"error_code": code, "message": message})
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /subjects", func(rw http.ResponseWriter, _ *http.Request) {
		say(rw, http.StatusOK, slices.Sorted(maps.Keys(r.subjects)))
	})
	mux.HandleFunc("GET /subjects/{subject}/versions/{version}", func(rw http.ResponseWriter, req *http.Request) {
		all := r.subjects[req.PathValue("subject")]
		if len(all) == 0 {
			none(rw, noSubject, "Subject '"+req.PathValue("subject")+"' not found.")
			return
		}
		n := len(all)
		if which := req.PathValue("version"); which != "latest" {
			n, _ = strconv.Atoi(which)
		}
		if n < 1 || n > len(all) {
			none(rw, noVersion, "Version not found.")
			return
		}
		say(rw, http.StatusOK, all[n-1])
	})
	mux.HandleFunc("GET /config", func(rw http.ResponseWriter, _ *http.Request) {
		say(rw, http.StatusOK, object{"compatibilityLevel": registryCompatibility})
	})
	mux.HandleFunc("GET /config/{subject}", func(rw http.ResponseWriter, req *http.Request) {
		none(rw, noLevel, "Subject '"+req.PathValue("subject")+"' does not have subject-level compatibility configured")
	})
	mux.HandleFunc("/", func(rw http.ResponseWriter, _ *http.Request) { none(rw, http.StatusNotFound, "HTTP 404 Not Found") })
	return mux
}

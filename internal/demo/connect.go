package demo

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Canary stands in the shop's configurations of connectors and of MirrorMaker 2 wherever a real one holds a password.
// Whoever watches the shop must not show or keep it.
const Canary = "canary-not-a-password"

// The connectors, and what they move in Kafka.
const (
	ordersWarehouse = "orders-warehouse"
	refundsArchive  = "refunds-archive"
	inventoryCDC    = "inventory-cdc"
	stockLevels     = "inventory.public.stock_levels"
)

// Connect is the shop's Kafka Connect: one worker with a REST interface, as Kafka Connect 4.3.1 has it for who only
// reads.
type Connect struct {
	Name string
	URL  string

	cluster    *Cluster
	host       string // HOST:PORT, which is also the worker's id
	server     *http.Server
	served     chan struct{}
	admin      *kgo.Client
	connectors map[string]*connector // never changes
}

// connector is a connector with its one task.
type connector struct {
	name, kind string // kind: source or sink
	config     map[string]string
	mover      func(*connector) mover // nil: it never moves anything

	mu     sync.Mutex // guards the rest
	state  string     // of the task
	topics map[string]bool
	lsn    int64 // how far a source is in the database's log
	at     time.Time
}

// startConnect starts the worker.
func startConnect(log *slog.Logger, c *Cluster) (*Connect, error) {
	admin, err := c.client("demo-connect-shared-admin")
	if err != nil {
		return nil, err
	}
	ln, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		admin.Close()
		return nil, fmt.Errorf("start the demo's Connect: %w", err)
	}
	w := &Connect{
		Name: "demo-connect", URL: "http://" + ln.Addr().String(),
		cluster: c, host: ln.Addr().String(), served: make(chan struct{}), admin: admin, connectors: map[string]*connector{},
	}
	for _, cn := range []*connector{sinkConnector(c), sourceConnector(c), failedConnector()} {
		cn.state, cn.topics = cmp.Or(cn.state, "UNASSIGNED"), map[string]bool{}
		cn.config["name"] = cn.name
		w.connectors[cn.name] = cn
	}
	w.server = &http.Server{Handler: w.handler(), ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	go func() {
		defer close(w.served)
		_ = w.server.Serve(ln) // until it is closed
	}()
	return w, nil
}

func (w *Connect) close() {
	_ = w.server.Close() // cuts off whoever still asks
	<-w.served
	w.admin.Close()
}

// tasks are the connectors' movers.
func (w *Connect) tasks() (all []mover) {
	for _, cn := range w.connectors {
		if cn.mover != nil {
			all = append(all, task{cn, cn.mover(cn)})
		}
	}
	return all
}

// task moves what its connector moves, and keeps its state.
type task struct {
	*connector
	mover mover
}

func (t task) name() string { return t.connector.name }

func (t task) run(ctx context.Context) error {
	t.set("RUNNING")
	err := t.mover.run(ctx)
	if err != nil {
		t.set("FAILED")
	}
	return err
}

func (c *connector) set(state string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = state
}

// note takes note of a record that was moved.
func (c *connector) note(r *kgo.Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.topics[r.Topic] = true
	c.lsn, c.at = c.lsn+int64(len(r.Value))+56, r.Timestamp // a change is somewhat larger in the log
}

// sinkConnector loads orders into a table.
func sinkConnector(c *Cluster) *connector {
	return &connector{
		name: ordersWarehouse, kind: "sink",
		config: map[string]string{
			"connector.class": "io.aiven.connect.jdbc.JdbcSinkConnector", "tasks.max": "1", "topics": "orders",
			"connection.url":  "jdbc:postgresql://loader:" + Canary + "@warehouse-db.shop.example:5432/warehouse?sslmode=require&password=" + Canary,
			"connection.user": "loader", "connection.password": Canary,
			"table.name.format": "sales.${topic}", "insert.mode": "upsert", "pk.mode": "record_key", "pk.fields": "id", "auto.create": "true",
			"value.converter": "io.confluent.connect.avro.AvroConverter", "value.converter.schema.registry.url": "http://loader:" + Canary + "@registry.shop.example:8081",
			// The table has fewer columns than an order, one under another name and one that tells nothing.
			"transforms": "shape,hide", "transforms.shape.type": "org.apache.kafka.connect.transforms.ReplaceField$Value",
			"transforms.shape.renames": "customer_email:email", "transforms.shape.exclude": "notes",
			"transforms.hide.type": "org.apache.kafka.connect.transforms.MaskField$Value", "transforms.hide.fields": "delivery_phone", "transforms.hide.replacement": Canary,
		},
		mover: func(cn *connector) mover {
			r := consumer(c, "connect-"+ordersWarehouse, "connector-consumer-"+ordersWarehouse+"-0", classic, "orders")
			r.note = cn.note
			return r
		},
	}
}

// failedConnector was to load refunds into a table that it may not write: its task failed at once.
func failedConnector() *connector {
	return &connector{
		name: refundsArchive, kind: "sink", state: "FAILED",
		config: map[string]string{
			"connector.class": "io.aiven.connect.jdbc.JdbcSinkConnector", "tasks.max": "1", "topics": "refunds",
			"connection.url": "jdbc:postgresql://warehouse-db.shop.example:5432/warehouse", "connection.user": "archivist", "connection.password": Canary,
			"table.name.format": "archive.${topic}",
		},
	}
}

// sourceConnector writes what changes in a table. Connect's producers are not idempotent.
func sourceConnector(c *Cluster) *connector {
	return &connector{
		name: inventoryCDC, kind: "source",
		config: map[string]string{
			"connector.class": "io.debezium.connector.postgresql.PostgresConnector", "tasks.max": "1", "plugin.name": "pgoutput",
			"database.hostname": "inventory-db.shop.example", "database.port": "5432", "database.user": "debezium", "database.password": Canary, "database.dbname": "inventory",
			"topic.prefix": "inventory", "table.include.list": "public.stock_levels",
			"transforms": "unwrap", "transforms.unwrap.type": "io.debezium.transforms.ExtractNewRecordState", "transforms.unwrap.add.fields": "op,ts_ms",
			"value.converter": "io.confluent.connect.avro.AvroConverter", "value.converter.schema.registry.url": "http://debezium:" + Canary + "@registry.shop.example:8081",
		},
		mover: func(cn *connector) mover {
			w := notIdempotent(producer(c, "connector-producer-"+inventoryCDC+"-0", stockLevels, 6))
			w.note = cn.note
			return w
		},
	}
}

// The REST interface, in the words of Connect (org.apache.kafka.connect.runtime.rest.entities).

type object = map[string]any

func (w *Connect) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(rw http.ResponseWriter, _ *http.Request) {
		answer(rw, http.StatusOK, object{"version": kafkaVersion, "commit": "26b251a451ce941d", "kafka_cluster_id": w.cluster.ID()})
	})
	mux.HandleFunc("GET /connectors", w.list)
	w.about(mux, "", func(_ context.Context, c *connector) (any, error) { return c.info(), nil })
	w.about(mux, "/config", func(_ context.Context, c *connector) (any, error) { return c.config, nil })
	w.about(mux, "/status", func(_ context.Context, c *connector) (any, error) { return c.status(w.host), nil })
	w.about(mux, "/topics", func(_ context.Context, c *connector) (any, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		return object{c.name: object{"topics": slices.Collect(maps.Keys(c.topics))}}, nil
	})
	w.about(mux, "/offsets", func(ctx context.Context, c *connector) (any, error) {
		offsets, err := w.offsets(ctx, c)
		return object{"offsets": offsets}, err
	})
	mux.HandleFunc("/", func(rw http.ResponseWriter, _ *http.Request) { refuse(rw, http.StatusNotFound, "HTTP 404 Not Found") })
	return mux
}

// about answers what is asked about one connector.
func (w *Connect) about(mux *http.ServeMux, what string, tell func(context.Context, *connector) (any, error)) {
	mux.HandleFunc("GET /connectors/{name}"+what, func(rw http.ResponseWriter, r *http.Request) {
		c := w.connectors[r.PathValue("name")]
		if c == nil {
			refuse(rw, http.StatusNotFound, "Connector "+r.PathValue("name")+" not found")
			return
		}
		body, err := tell(r.Context(), c)
		if err != nil {
			refuse(rw, http.StatusInternalServerError, err.Error())
			return
		}
		answer(rw, http.StatusOK, body)
	})
}

func (w *Connect) list(rw http.ResponseWriter, r *http.Request) {
	expand := r.URL.Query()["expand"]
	if len(expand) == 0 {
		answer(rw, http.StatusOK, slices.Sorted(maps.Keys(w.connectors)))
		return
	}
	all := object{}
	for name, c := range w.connectors {
		told := object{}
		if slices.Contains(expand, "info") {
			told["info"] = c.info()
		}
		if slices.Contains(expand, "status") {
			told["status"] = c.status(w.host)
		}
		all[name] = told
	}
	answer(rw, http.StatusOK, all)
}

func (c *connector) info() object {
	return object{"name": c.name, "config": c.config, "tasks": []object{{"connector": c.name, "task": 0}}, "type": c.kind}
}

func (c *connector) status(worker string) object {
	c.mu.Lock()
	defer c.mu.Unlock()
	return object{
		"name": c.name, "type": c.kind,
		"connector": object{"state": "RUNNING", "worker_id": worker, "version": kafkaVersion},
		"tasks":     []object{{"id": 0, "state": c.state, "worker_id": worker, "version": kafkaVersion}},
	}
}

// offsets are a sink's commits, and of a source where it stands in the database's log.
func (w *Connect) offsets(ctx context.Context, c *connector) ([]object, error) {
	all := []object{}
	if c.kind == "sink" {
		offsets, err := kadm.NewClient(w.admin).FetchOffsets(ctx, "connect-"+c.name)
		if errors.Is(err, kerr.GroupIDNotFound) { // it never committed
			return all, nil
		}
		if err != nil {
			return nil, errors.New("the group's offsets could not be fetched")
		}
		for _, o := range offsets.Sorted() {
			all = append(all, object{
				"partition": object{"kafka_topic": o.Topic, "kafka_partition": o.Partition},
				"offset":    object{"kafka_offset": o.At},
			})
		}
		return all, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.topics) > 0 {
		all = append(all, object{
			"partition": object{"server": c.config["topic.prefix"]},
			"offset": object{
				"lsn_proc": c.lsn, "lsn": c.lsn, "lsn_commit": c.lsn, "messageType": "UPDATE", "ts_usec": c.at.UnixMicro(), "txId": c.lsn / 56,
			},
		})
	}
	return all, nil
}

func refuse(rw http.ResponseWriter, status int, message string) {
	answer(rw, status, object{"error_code": status, "message": message})
}

func answer(rw http.ResponseWriter, status int, body any) {
	answerAs(rw, "application/json", status, body)
}

func answerAs(rw http.ResponseWriter, kind string, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		status, text = http.StatusInternalServerError, nil
	}
	rw.Header().Set("Content-Type", kind)
	rw.WriteHeader(cmp.Or(status, http.StatusOK))
	_, _ = rw.Write(text) // who went away does not want to know
}

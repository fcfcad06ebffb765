// Command sender sends logs and metrics by OpenTelemetry's own exporters, as they come: gzip, their retries, their
// reading of what the receiver says. It is a module of its own, so that lineaged's does not depend on these.
//
//	sender URL TOKEN CLUSTER
//
// Each line of the standard input is a log record. After the last one a counter of a consumer is sent as a metric. What
// the receiver refused of a request is a line of the standard error.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
)

// batch is how many lines one request holds, of which there is one a tick: a broker logs 1 to 2 KB for each, and a
// request may have 4 MiB.
const batch = 2000

// maxLine is as long as a line of a broker's request log may be.
const maxLine = 1 << 20

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: sender URL TOKEN CLUSTER")
		os.Exit(2)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { fmt.Fprintln(os.Stderr, err) }))
	if err := send(context.Background(), os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func send(ctx context.Context, url, token, cluster string) error {
	headers := map[string]string{"Authorization": "Bearer " + token}
	logs, err := otlploghttp.New(ctx, otlploghttp.WithEndpointURL(url+"/v1/logs"), otlploghttp.WithHeaders(headers), otlploghttp.WithCompression(otlploghttp.GzipCompression),
		otlploghttp.WithTimeout(30*time.Second))
	if err != nil {
		return err
	}
	whose := attribute.String("kafka.cluster.id", cluster)
	provider := sdklog.NewLoggerProvider(sdklog.WithResource(resource.NewSchemaless(whose)), sdklog.WithProcessor(sdklog.NewBatchProcessor(logs,
		sdklog.WithExportInterval(500*time.Millisecond), sdklog.WithExportTimeout(time.Minute), sdklog.WithMaxQueueSize(1<<16), sdklog.WithExportMaxBatchSize(batch))))
	logger := provider.Logger("kafka.request.logger")
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var r log.Record
		r.SetTimestamp(time.Now())
		r.SetBody(attribute.StringValue(lines.Text()))
		logger.Emit(ctx, r)
	}
	err = errors.Join(lines.Err(), count(ctx, url, headers, whose))
	return errors.Join(err, provider.Shutdown(ctx))
}

// count sends what a consumer without a group, which runs an OpenTelemetry SDK and no Kafka telemetry, would say that
// it read.
func count(ctx context.Context, url string, headers map[string]string, whose attribute.KeyValue) error {
	metrics, err := otlpmetrichttp.New(ctx, otlpmetrichttp.WithEndpointURL(url+"/v1/metrics"), otlpmetrichttp.WithHeaders(headers), otlpmetrichttp.WithCompression(otlpmetrichttp.GzipCompression),
		otlpmetrichttp.WithTimeout(30*time.Second))
	if err != nil {
		return err
	}
	who := resource.NewSchemaless(whose, attribute.String("client_id", "embedded"), attribute.String("client_instance_id", "embedded-1"), attribute.String("principal", "User:embedder"))
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithResource(who), sdkmetric.WithReader(sdkmetric.NewPeriodicReader(metrics, sdkmetric.WithInterval(time.Hour))))
	read, err := provider.Meter("kafka").Float64Counter("org.apache.kafka.consumer.fetch.manager.records.consumed.total")
	if err != nil {
		return err
	}
	read.Add(ctx, 77, metric.WithAttributes(attribute.String("topic", "prices")))
	return provider.Shutdown(ctx) // which sends what there is
}

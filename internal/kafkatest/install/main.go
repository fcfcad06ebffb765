// Command install fills the cache of jars that the real-Kafka tests run, so that no test pays for the download.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/lineaged/lineaged/internal/kafkatest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "install: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	if err := kafkatest.Available(); err != nil {
		return err
	}
	for _, version := range []string{kafkatest.Default, kafkatest.V39, kafkatest.V44} {
		if err := kafkatest.Install(ctx, version); err != nil {
			return err
		}
	}
	return nil
}

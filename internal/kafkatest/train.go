package kafkatest

import (
	"context"
)

func (i installed) train(ctx context.Context, version string) error { return nil }

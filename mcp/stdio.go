package mcp

import (
	"context"
	"errors"
	"io"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// Serve speaks with one assistant over two streams, a message a line, until in ends or ctx does. Nothing else may be
// written to out.
func Serve(ctx context.Context, in io.Reader, out io.Writer, o Options) error {
	err := New(o).Run(ctx, &sdk.IOTransport{Reader: io.NopCloser(in), Writer: unclosed{out}, MaxLineLength: mostBody})
	if errors.Is(err, io.EOF) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// unclosed is a stream that is not ours to close.
type unclosed struct{ io.Writer }

// Close leaves it open.
func (unclosed) Close() error { return nil }

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/mcp"
)

// assistantsPath is where assistants ask over HTTP.
const assistantsPath = "/mcp"

// assistants adds to a server what answers the Model Context Protocol, unless it is switched off.
func assistants(o *api.Options, cfg config.Config, log *slog.Logger) {
	if !cfg.MCP.Enabled {
		return
	}
	o.Asking = map[string]func(http.Handler) http.Handler{assistantsPath: func(graphql http.Handler) http.Handler {
		options := mcp.Options{Version: o.Version, Log: log}
		if cfg.Web.URL != "" {
			options.Base = func(context.Context) string { return strings.TrimSuffix(cfg.Web.URL, "/") }
		}
		return mcp.Handler(graphql, options)
	}}
}

// mcp answers an assistant that starts it.
func (p *program) mcp() *cobra.Command {
	var flags clientFlags
	var pages string
	cmd := &cobra.Command{
		Use:   "mcp",
		Short: "Answer an assistant over standard input and output, as a running lineaged tells it",
		Long: `Speaks the Model Context Protocol on standard input and output, for an assistant that starts it: questions about who writes and
reads, what is upstream and downstream, what changed, what is wrong and what was not observed. A running lineaged is asked for
the answers; nothing is read from a data folder, and nothing can be changed. The same tools are at /mcp of the server.`,
		Example: `  lineaged mcp --server http://127.0.0.1:8420
  lineaged mcp --server https://lineaged.example --user anna --password-file ~/.lineaged-password`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.newClient(&flags)
			if err != nil {
				return err
			}
			if pages != "" {
				if err := config.CheckWebURL(pages); err != nil {
					return wrongFlag("pages", redacted(&url.URL{}, pages), err.Error())
				}
			}
			base := strings.TrimSuffix(cmp.Or(pages, c.server), "/")
			version, _ := buildVersion()
			return mcp.Serve(cmd.Context(), cmd.InOrStdin(), p.stdout, mcp.Options{
				Ask: c.graphql, Version: version, Base: func(context.Context) string { return base },
			})
		},
	}
	cmd.Flags().SortFlags = false
	flags.add(cmd.Flags())
	cmd.Flags().StringVar(&pages, "pages", "", "`URL` under which people reach the web pages, for links in answers (default --server)")
	return cmd
}

// graphql asks a GraphQL request. What a server refuses with a code is an answer, as it is to who asks /graphql itself.
func (c *client) graphql(ctx context.Context, request []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.server+"/graphql", bytes.NewReader(request))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := c.do(r)
	if refused, ok := errors.AsType[*refusedError](err); ok && refused.code != "" {
		return json.Marshal(map[string]any{"errors": []any{map[string]any{"message": refused.sentence, "extensions": map[string]any{"code": refused.code}}}})
	}
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, mcp.MostAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("the answer of %s broke off: %w", c.server, err)
	}
	if len(answer) > mcp.MostAnswer {
		return nil, fmt.Errorf("the answer of %s has more than %d bytes: ask for less", c.server, mcp.MostAnswer)
	}
	return answer, nil
}

//go:build matrix

package matrix

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/child"
)

// TestMarquezPython has Marquez's own client for Python read all of the demo: no list or entry raises, topics are
// streams, and a connector reads its topic into its table.
func TestMarquezPython(t *testing.T) {
	interpreter := python(t, "marquez-0.50.0", "marquez-python==0.50.0", "pytz==2026.6")
	url := demo(t)
	eventually(t, 2*time.Minute, "marquez-python reads the demo", func() error {
		cmd := exec.CommandContext(t.Context(), interpreter, "marquez/read.py", url)
		cmd.Env = child.Environ()
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, child.Tail(string(out), 20))
		}
		var is struct {
			Namespaces []string
			Datasets   [][]*string
			Jobs       [][]any
			Versions   int
			Missing    string
		}
		if err := json.Unmarshal(out, &is); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		streams := slices.ContainsFunc(is.Datasets, func(d []*string) bool { return d[0] != nil && *d[0] == "STREAM" && *d[2] == "orders" })
		sinks := slices.ContainsFunc(is.Jobs, func(j []any) bool {
			return fmt.Sprint(j[2]) == "orders-warehouse" && fmt.Sprint(j[3]) == "[orders]" && fmt.Sprint(j[4]) != "[]"
		})
		if !streams || !sinks || is.Versions != len(is.Datasets) || !strings.Contains(is.Missing, "404") {
			return fmt.Errorf("it reads %s", out)
		}
		return nil
	})
}

package kafkatest

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"
)

// CPU returns the processor time that the nodes' processes have taken since they were started, of user and system. It
// skips the test where the machine does not tell it (/proc).
func (c *Cluster) CPU(t testing.TB) (spent time.Duration) {
	t.Helper()
	const tick = 10 * time.Millisecond // USER_HZ is 100 on Linux
	for _, n := range c.nodes {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n.proc.PID()))
		if err != nil {
			t.Skipf("the processor time of another process is not known here: %v", err)
		}
		// The second field is the command in parentheses; user and system time are the 14th and 15th.
		fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
		for _, f := range fields[11:13] {
			ticks, err := strconv.Atoi(string(f))
			if err != nil {
				t.Fatal(err)
			}
			spent += time.Duration(ticks) * tick
		}
	}
	return spent
}

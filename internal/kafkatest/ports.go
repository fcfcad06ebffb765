package kafkatest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// errPortTaken says that another process bound the port between our choice and the broker's start.
var errPortTaken = errors.New("the port was taken meanwhile")

// FreePorts finds n loopback ports that nothing is bound to. They lie below the range from which the kernel takes the
// ports of outgoing connections, so that a stopped node finds its own free again.
func FreePorts(n int) ([]int, error) {
	const low, high = 15000, 32000
	var ports []int
	var held []net.Listener
	defer func() {
		for _, l := range held {
			l.Close()
		}
	}()
	for range 1000 {
		if len(ports) == n {
			return ports, nil
		}
		port := low + rand.IntN(high-low)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)) //nolint:noctx // binds, does not connect
		if err != nil {
			continue
		}
		held = append(held, l)
		ports = append(ports, port)
	}
	return nil, fmt.Errorf("no %d free ports between %d and %d", n, low, high)
}

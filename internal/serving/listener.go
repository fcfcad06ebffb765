package serving

import (
	"net"
	"net/netip"
	"sync"
)

// Listener returns ln with few connections: what is beyond the limits is closed as soon as it is accepted, and refused
// is called for it.
func Listener(ln net.Listener, l Limits, refused func()) net.Listener {
	l = l.orDefaults()
	return &listener{Listener: ln, most: l.Connections, perAddress: l.PerAddress, refused: refused, by: map[string]int{}}
}

type listener struct {
	net.Listener
	most, perAddress int
	refused          func()

	mu   sync.Mutex // guards the fields below
	open int
	by   map[string]int // by address
}

// Accept returns the next connection that there is room for.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		address := Address(c.RemoteAddr().String())
		if l.enter(address) {
			return &conn{Conn: c, leave: sync.OnceFunc(func() { l.leave(address) })}, nil
		}
		l.refused()
		_ = c.Close() // who gets no connection gets no error either
	}
}

func (l *listener) enter(address string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open >= l.most || l.by[address] >= l.perAddress {
		return false
	}
	l.open++
	l.by[address]++
	return true
}

func (l *listener) leave(address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if l.by[address]--; l.by[address] == 0 {
		delete(l.by, address)
	}
}

type conn struct {
	net.Conn
	leave func()
}

// Close closes the connection and makes room for another one.
func (c *conn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// Address returns whom limits count a HOST:PORT for: its IPv4 address, or its /64, which one subscriber has all of.
// What is no address, as of a socket in the file system, is returned as it is.
func Address(hostPort string) string {
	at, err := netip.ParseAddrPort(hostPort)
	if err != nil {
		return hostPort
	}
	if ip := at.Addr().Unmap(); ip.Is4() {
		return ip.String()
	} else if p, err := ip.WithZone("").Prefix(64); err == nil {
		return p.String()
	}
	return hostPort
}

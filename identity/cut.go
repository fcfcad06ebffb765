package identity

import (
	"regexp"
	"strings"
	"sync"
)

// cut is a name without its suffix, and whether that was a plain number, or a UUID in its midst and no suffix.
type cut struct {
	short  string
	plain  bool
	within bool
}

const (
	// mostCuts is how many names' cuts are remembered: those of the clients of a large cluster.
	mostCuts = 32 << 10
	// longestCut is the longest name whose cut is, in bytes; together they take some megabytes at most.
	longestCut = 128
)

// cuts remembers the cuts of names: the same come again with each access and each window, and the patterns of suffixes
// take longer than all else that is asked about a client. It forgets all when there are too many: those in use are soon
// back.
var cuts struct {
	mu    sync.RWMutex // guards known
	known map[string]cut
}

// cutOf returns a name without the suffix that a pattern finds, itself when none does.
func cutOf(name string) cut {
	if len(name) > longestCut {
		return cutAnew(name)
	}
	cuts.mu.RLock()
	c, ok := cuts.known[name]
	cuts.mu.RUnlock()
	if ok {
		return c
	}
	name = strings.Clone(name) // it may be a part of something large
	c = cutAnew(name)
	cuts.mu.Lock()
	defer cuts.mu.Unlock()
	if cuts.known == nil || len(cuts.known) >= mostCuts {
		cuts.known = map[string]cut{}
	}
	cuts.known[name] = c
	return c
}

func cutAnew(name string) cut {
	for i := range suffixes {
		if at := suffixes[i].start(name); at < len(name) {
			return cut{short: strings.TrimSpace(name[:at]), plain: suffixes[i].plain}
		}
	}
	rest := withoutUUID(name)
	return cut{short: rest, within: rest != strings.TrimSpace(name)}
}

// uuidWithin finds a UUID with what sets it off.
var uuidWithin = regexp.MustCompile(`([^0-9A-Za-z]*)` + uuid + `[^0-9A-Za-z]*`)

// withoutUUID returns a name without the first UUID in front of it or in its midst, as NestJS makes one of
// notifier-UUID, by a word behind it. What is before and behind it is joined by what set it off.
func withoutUUID(name string) string {
	if strings.Count(name, "-") < 4 {
		return strings.TrimSpace(name)
	}
	at := uuidWithin.FindStringSubmatchIndex(name)
	if at == nil {
		return strings.TrimSpace(name)
	}
	front, off, end := name[:at[0]], name[at[2]:at[3]], name[at[1]:]
	if front == "" || end == "" {
		off = ""
	} else if off == "" || strings.ContainsAny(off, "([{<") {
		off = "-"
	}
	return strings.TrimSpace(front + off + end)
}

package runevent

import (
	"regexp"
	"strings"
)

var (
	// a setting by a name that tells of a secret, wherever it stands
	setting = regexp.MustCompile(`(?i)([\w.-]*(?:passw|pwd|secret|token|credential|api[-_.]?key|access[-_.]?key|account[-_.]?key|private[-_.]?key|signature|jaas|\bsig\b)[\w.-]*(?:\s*=\s*|["']\s*:\s*|:\s+))("[^"]*"|'[^']*'|[^&;,\s}]+)`)
	// Oracle's thin driver has the user in the path of its address
	thin = regexp.MustCompile(`(?i)(jdbc:oracle:\w+:)[^@\s]*@`)
	// user:password@ without a scheme
	bare   = regexp.MustCompile(`^[^/\s:@]+:[^/\s@]+@`)
	scheme = regexp.MustCompile(`[A-Za-z][\w+.-]*://`)
	port   = regexp.MustCompile(`^[^:\]]*(:\d+)?$|^\[[^\]]*\](:\d+)?$`)
)

// Redacted stands for what is left out.
const Redacted = "[redacted]"

// Clean returns a name without what in it looks like a secret: user names and passwords in addresses, and values of
// settings that are called so. It is generous: what is left out by mistake is a nuisance, what is kept is a leak.
func Clean(name string) string {
	if !strings.Contains(name, "@") {
		return cleanSettings(name) // what is left out of addresses ends in one
	}
	name = bare.ReplaceAllString(name, "")
	name = thin.ReplaceAllString(name, "$1@")
	if at := scheme.FindStringIndex(name); at != nil {
		head, rest := name[:at[1]], name[at[1]:]
		end := strings.IndexAny(rest, "/?#")
		if end < 0 {
			end = len(rest)
		}
		if authority := rest[:end]; !strings.Contains(authority, "@") && !ports(authority) {
			// a password with a slash in it: all before the last @ is the user's
			if i := strings.LastIndexByte(rest, '@'); i >= 0 {
				rest, end = rest[i+1:], 0
			}
		}
		if end > 0 {
			hosts := strings.Split(rest[:end], ",")
			for i, host := range hosts {
				hosts[i] = host[strings.LastIndexByte(host, '@')+1:]
			}
			rest = strings.Join(hosts, ",") + rest[end:]
		}
		name = head + rest
	}
	return cleanSettings(name)
}

// cleanSettings leaves out the values of settings. Nearly no name has what stands between a setting and its value, and
// to look for a setting takes a hundred times as long as to see that.
func cleanSettings(name string) string {
	if !assigns(name) {
		return name
	}
	return setting.ReplaceAllString(name, "${1}"+Redacted)
}

// assigns reports whether what stands between a setting and its value is anywhere in a text: an equals sign, a colon
// behind a quote, or one before white space.
func assigns(s string) bool {
	if strings.ContainsAny(s, `="'`) {
		return true
	}
	for i := range len(s) - 1 {
		if s[i] == ':' && strings.IndexByte(" \t\n\f\r", s[i+1]) >= 0 {
			return true
		}
	}
	return false
}

// ports reports whether all that stands behind a colon of an authority is a port.
func ports(authority string) bool {
	for host := range strings.SplitSeq(authority, ",") {
		if !port.MatchString(strings.TrimSpace(host)) {
			return false
		}
	}
	return true
}

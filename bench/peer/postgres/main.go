// Command postgres does a graph task of the benchmarks with a recursive query of PostgreSQL, as Marquez walks lineage:
// a server of its own on a socket in the task's folder, run as the user postgres where this is root. The time of
// processors is that of the server's process that has the connection.
package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lineaged/lineaged/bench/work"
)

// times is how often the query runs: the kernel counts the time of another process in hundredths of a second.
const times = 20

func main() {
	work.Main(func(t work.Task, r *work.Report) error {
		s, err := start(t.Dir)
		if err != nil {
			return err
		}
		defer s.stop()
		g := work.NewEdges(t.Edges)
		if err := s.load(g); err != nil {
			return err
		}
		return s.closure(g, r)
	})
}

// server is a PostgreSQL.
type server struct {
	bin, dir string
	as       *syscall.SysProcAttr // the user that it runs as
}

// start makes a server with a data folder of its own.
func start(dir string) (*server, error) {
	bins, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(bins) == 0 {
		return nil, fmt.Errorf("PostgreSQL is not installed (apt-get install postgresql): %w", os.ErrNotExist)
	}
	slices.Sort(bins)
	s := &server{bin: bins[len(bins)-1], dir: dir}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if os.Geteuid() == 0 { // which PostgreSQL refuses to run as
		u, err := user.Lookup("postgres")
		if err != nil {
			return nil, err
		}
		uid, err := strconv.Atoi(u.Uid)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.Atoi(u.Gid)
		if err != nil {
			return nil, err
		}
		s.as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
		for d := dir; strings.HasPrefix(d, os.TempDir()+"/"); d = filepath.Dir(d) { // it has to get there
			if err := os.Chmod(d, 0o755); err != nil {
				return nil, err
			}
		}
		if err := os.Chown(dir, uid, gid); err != nil {
			return nil, err
		}
	}
	if _, err := s.run("", "initdb", "-D", s.data(), "-U", "bench", "-A", "trust", "--no-sync"); err != nil {
		return nil, err
	}
	_, err = s.run("", "pg_ctl", "-D", s.data(), "-w", "-l", filepath.Join(dir, "log"), "-o",
		"-c listen_addresses='' -c fsync=off -c shared_buffers=512MB -k "+dir, "start")
	return s, err
}

func (s *server) data() string { return filepath.Join(s.dir, "data") }

func (s *server) stop() {
	if _, err := s.run("", "pg_ctl", "-D", s.data(), "-m", "immediate", "-w", "stop"); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// run runs one of PostgreSQL's programs.
func (s *server) run(input, program string, args ...string) (string, error) {
	cmd := exec.Command(filepath.Join(s.bin, program), args...) //nolint:noctx // it ends by itself
	cmd.SysProcAttr, cmd.Dir = s.as, s.dir
	cmd.Stdin = strings.NewReader(input)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s%s", program, err, out.String(), stderr.String())
	}
	return out.String(), nil
}

func (s *server) psql(input string) (string, error) {
	return s.run(input, "psql", "-h", s.dir, "-U", "bench", "-d", "postgres", "-qAtX", "-v", "ON_ERROR_STOP=1")
}

func (s *server) load(g *work.Edges) error {
	var b strings.Builder
	b.WriteString("CREATE UNLOGGED TABLE e(s int, d int);\nCOPY e FROM STDIN;\n")
	for _, e := range g.List {
		fmt.Fprintf(&b, "%d\t%d\n", e.From, e.To)
	}
	b.WriteString("\\.\nCREATE INDEX ei ON e(s) INCLUDE (d);\nVACUUM ANALYZE e;\n")
	_, err := s.psql(b.String())
	return err
}

// closure asks, once to warm up and then for the clock, in one session, and reads what its process took before and
// after.
func (s *server) closure(g *work.Edges, r *work.Report) error {
	query := fmt.Sprintf("WITH RECURSIVE c(n) AS (SELECT %d UNION SELECT e.d FROM e JOIN c ON e.s = c.n) SELECT count(*), sum(n) FROM c;\n", work.Root)
	const stat = "\\! cat /proc/$P/stat\n"
	began := time.Now()
	out, err := s.psql("SET work_mem='256MB'; SELECT pg_backend_pid() AS p \\gset\n\\setenv P :p\n" + query + stat + strings.Repeat(query, times) + stat)
	if err != nil {
		return err
	}
	var ticks []int64
	var nodes, sum uint64
	for line := range strings.Lines(out) {
		// a line of stat, behind the program's name
		if f := strings.Fields(line[strings.LastIndexByte(line, ')')+1:]); len(f) > 12 {
			n, err := spent(f)
			if err != nil {
				return err
			}
			ticks = append(ticks, n)
		} else if _, err := fmt.Sscanf(line, "%d|%d", &nodes, &sum); err == nil {
			r.Check("closure", work.Reached(nodes, sum), g.Reached())
		}
	}
	if len(ticks) != 2 || nodes == 0 {
		return fmt.Errorf("psql was not understood: %s", out)
	}
	const tick = time.Second / 100 // USER_HZ
	r.CPU("closure cpu-ns", time.Duration(ticks[1]-ticks[0])*tick/times)
	r.CPU("closure wall-ns", time.Since(began)/(times+1))
	return nil
}

// spent is the time of processors in a line of /proc/PID/stat, behind the name: in user mode, and in the kernel's.
func spent(f []string) (int64, error) {
	user, err := strconv.ParseInt(f[11], 10, 64)
	if err != nil {
		return 0, err
	}
	kernel, err := strconv.ParseInt(f[12], 10, 64)
	return user + kernel, err
}

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// acceptance is the package that holds the real binary against a real Kafka. Its tests measure rates, so it runs by
// itself and without the race detector, which would slow down what is measured.
const acceptance = "github.com/lineaged/lineaged/internal/acceptance"

// plan is the order of all steps. What writes into the tree (npm ci, generate, build) shares no phase with what reads
// what it writes; what costs the network goes beside what costs the processor; one golangci-lint at a time runs. The
// long form runs the same, with real Kafka for longer, and then what takes hours: kills, flipped bits, laws and
// simulated years in their long form, which look a hundred times where the race detector looked once, and so do without
// it.
func plan(long bool) [][]step {
	phases := [][]step{
		{{"npm", npmInstall}, {"vet", vet}, {"lint", lint}, {"kafka", kafkaInstall}},
		{{"generated", generated}},
		{{"ui", uiTests}, {"reporter", reporterTests}, {"fsck", fsckTests}},
		{{"build", build}},
		{{"bench", benchTests}},
		{{"go", goTests}},
		{{"real-kafka", acceptanceTests(long)}},
		{{"browser", browserTests}},
	}
	if long {
		// What mostly waits shares a phase with what asks for processors; what compares times has one of its own.
		phases = append(
			phases, []step{{"long", longTests}}, []step{{"browser-long", longBrowserTests}, {"otelcol", otelcolTests}}, []step{{"bench-peers", benchPeers}},
			[]step{{"matrix", matrixTests}, {"fuzz", fuzzTests}},
		)
	}
	return phases
}

// npmInstall installs exactly what the lock file says. Outside CI an installation newer than the lock file stands, so
// that a developer does not wait for the same packages again.
func npmInstall(ctx context.Context, out *output) (counts, error) {
	installed, err := os.Stat("ui/node_modules/.package-lock.json")
	if lock, lockErr := os.Stat("ui/package-lock.json"); err == nil && lockErr == nil && !inCI() && installed.ModTime().After(lock.ModTime()) {
		return counts{}, nil
	}
	return counts{}, command(ctx, out, nil, "npm", "--prefix", "ui", "ci", "--no-audit", "--no-fund")
}

func vet(ctx context.Context, out *output) (counts, error) {
	// The matrix, the OpenTelemetry Collector and what is long alone run by themselves; that they compile is seen here.
	return counts{}, errors.Join(
		command(ctx, out, nil, "go", "vet", "./..."), command(ctx, out, nil, "go", "vet", "-tags", "matrix", "./internal/matrix"),
		command(ctx, out, nil, "go", "vet", "-tags", "otelcol,long", "./internal/acceptance"),
	)
}

// kafkaInstall fetches the test broker's jars before the tests, so that no test's time limit pays for the download.
func kafkaInstall(ctx context.Context, out *output) (counts, error) {
	if err := realKafkaTools(); err != nil {
		if inCI() {
			return counts{}, err
		}
		out.notef("real-Kafka tests will be skipped: %v", err)
		fmt.Printf("     real-Kafka tests will be SKIPPED: %v\n", err)
		return counts{}, nil
	}
	return counts{}, command(ctx, out, nil, "go", "run", "./internal/kafkatest/install")
}

// lint is the format check and the linters, in this order, since a linter's complaint about a badly formatted file is
// noise.
func lint(ctx context.Context, out *output) (counts, error) {
	tool := []string{"tool", "-modfile=tools/go.mod", "golangci-lint"}
	format := command(ctx, out, nil, "go", append(tool, "fmt", "--diff", "./...")...)
	run := command(ctx, out, nil, "go", append(tool, "run", "./...")...)
	return counts{}, errors.Join(format, run, benchLint(ctx, out, light...))
}

// build makes the binary, and holds the page in it against one that is built anew. That of the same sources another
// machine builds the same bytes is no promise of Vite's: where nothing else may differ, in CI, it has to; elsewhere it
// is said, and the hash of the sources, which is a test of package ui, is what counts.
func build(ctx context.Context, out *output) (counts, error) {
	ui := command(ctx, out, nil, "npm", "--prefix", "ui", "run", "bundle")
	if ui == nil {
		ui = command(ctx, out, nil, "go", "run", "./ui/page/pack", "-ui", "ui", "-same")
		if ui != nil && !inCI() {
			fmt.Println("     the page that is built here is not what ui/page.zip holds; where its sources are the same, this machine builds other bytes")
			ui = nil
		}
	}
	// Without the UI the binary still has all that the real-Kafka tests ask.
	return counts{}, errors.Join(ui, command(ctx, out, nil, "go", "build", "-trimpath", "-o", "bin/lineaged", "./cmd/lineaged"))
}

// single are tests that count, weigh or compare, one call after the other, and take long at it: the race detector,
// which makes them five times as long, has nothing to see there. They run without it, each once. What TestDisk has
// happen at once TestMemory does with it, and TestConcurrent on files; who is killed did what others do. So do those
// that hold the whole demo's or a real Connect's figures against what it did: TestDemo and the tests of each part have
// seen the same code with it.
var single = []string{
	"TestAccountDependsOnNoOrder", "TestAccountLaw", "TestAccountLawOfForgottenProducers", "TestAccountLawOfMixtures",
	"TestAmountOfPacks", "TestAmountOfTables", "TestBackupDamaged", "TestBackupFails", "TestBackupOfDamage",
	"TestBlocksHoldWhatIsPutInThem", "TestBundleHoldsAllOfIt", "TestCheckAndRepair", "TestCommonIsAsAnew",
	"TestConcludedBesideTheNameless", "TestConcludedThoughSourcesErr", "TestCost", "TestCutsAreRemembered",
	"TestDamageOfAnything", "TestDamagedLog", "TestDecodeIsInverse", "TestDemoMovers", "TestDemoPast", "TestDisk",
	"TestEachChangeOfAFolderIsFound", "TestErrorsQuoteLittle", "TestEstateGrowsEvenly",
	"TestEveryInstantIsAnsweredAlike", "TestFactLines", "TestFindingsOfAllAtRest", "TestFirstBadEntryIsNamed",
	"TestFlips", "TestGoAloneBuildsThePage", "TestGraph", "TestInAStore", "TestKill", "TestKillAtEachStepOfTidying",
	"TestKillOfBackups", "TestKilledAtEachStep", "TestKilledBetweenAnyTwoSteps", "TestLargeValuesAreReadAgain",
	"TestLateEvidenceSettlesWhatIsSealed", "TestLeftOutAndStarted", "TestLinkLaw", "TestLogIsSmall",
	"TestLongFactsKeepTheirPast", "TestLookoutNeverErrs", "TestManyRecordsAreWrittenInBoundedMemory", "TestManyTopics", "TestNoOtherBytesVerify",
	"TestNothingChangesWithoutAVersion", "TestNothingDamagedIsDeleted", "TestNothingGoesThatIsNotHeld",
	"TestOperations", "TestPathsAgainstScripts", "TestPrices", "TestRealConnect", "TestRealSecureConnect",
	"TestSamplesConcludeTheTruth", "TestSamplesOfDamage", "TestSecondImplementation", "TestSeveralWitnesses",
	"TestSharedIsAsAnew", "TestSinksCounted", "TestSinksWithoutAnEnd", "TestStrangeNamesSurvive", "TestTenYears",
	"TestTheDeadCostNothing", "TestThePastOfFacts", "TestThePutAwayAreAnswered", "TestThePutAwayAreSettledAsBefore",
	"TestTooManyFlows", "TestTreeIsTlogs", "TestTwentyThousandGroupsAreDescribedOrMissing", "TestWeight",
	"TestWindowsOverTiers", "TestYearOfMayflies",
}

// singlePackages are where those are, what takes longest first.
var singlePackages = []string{
	"./timeseries", "./answer", "./api", "./cmd/lineaged", "./attribution", "./collector/connect", "./collector/flink", "./collector/kafka",
	"./export", "./identity", "./internal/yesterday", "./ledger",
}

// longest are the packages that take longest, by the end of their paths, longest first. They begin first: one that
// begins last has a processor to itself, and the other nothing to do.
var longest = []string{"/collector/kafka", "/timeseries", "/collector/mirror", "/cmd/lineaged", "/answer", "/api"}

// packagesAtOnce is how many packages are tested at a time, one more than there are processors on the smallest machine:
// those that ask a real Kafka do little but wait, for minutes.
const packagesAtOnce = "-p=3"

func goTests(ctx context.Context, out *output) (counts, error) {
	names := "^(" + strings.Join(single, "|") + ")$"
	all, err := allGoTests(ctx, out, "-race", packagesAtOnce, "-timeout=15m", "-skip="+names)
	alone, aloneErr := goTest(ctx, out, nil, append([]string{"-timeout=15m", "-run=" + names}, singlePackages...)...)
	all.add(alone)
	return all, errors.Join(err, aloneErr)
}

// aYear is the test that lives through a month and a year on one processor, which is half of the long form.
const aYear = "TestYearOfMayflies"

// longTests runs the tests that have a long form once more, in it: a simulated year in a process of its own, in which
// it weighs itself, and the others beside it, one package after the other.
func longTests(ctx context.Context, out *output) (counts, error) {
	all, err := findLong(os.DirFS("."))
	if err != nil {
		return counts{}, err
	}
	var year, others []longTest
	for _, t := range all {
		if t.name == aYear {
			year = append(year, t)
		} else {
			others = append(others, t)
		}
	}
	var beside counts
	var yearErr error
	var wg sync.WaitGroup
	wg.Go(func() { beside, yearErr = inLongForm(ctx, out, year) })
	sum, err := inLongForm(ctx, out, others)
	wg.Wait()
	sum.add(beside)
	return sum, errors.Join(err, yearErr)
}

// inLongForm runs tests in their long form. The cache does not see what a package looks at before its tests begin.
func inLongForm(ctx context.Context, out *output, tests []longTest) (counts, error) {
	var packages, names []string
	for _, t := range tests {
		packages, names = append(packages, t.pkg), append(names, t.name)
	}
	run := "-run=^(" + strings.Join(names, "|") + ")$"
	return goTest(ctx, out, []string{longForm}, append([]string{"-count=1", "-p=1", "-timeout=180m", run}, slices.Compact(packages)...)...)
}

// allGoTests runs the tests of all packages but acceptance, the longest first.
func allGoTests(ctx context.Context, out *output, args ...string) (counts, error) {
	list, err := exec.CommandContext(ctx, "go", "list", "./...").Output()
	if err != nil {
		return counts{}, fmt.Errorf("go list: %w", err)
	}
	packages := slices.DeleteFunc(strings.Fields(string(list)), func(p string) bool { return p == acceptance })
	slices.SortStableFunc(packages, func(a, b string) int { return cmp.Compare(turn(a), turn(b)) })
	return goTest(ctx, out, nil, append(args, packages...)...)
}

// turn says when a package begins, among others.
func turn(path string) int {
	i := slices.IndexFunc(longest, func(end string) bool { return strings.HasSuffix(path, end) })
	if i < 0 {
		return len(longest)
	}
	return i
}

// atOnce is how many tests of a real Kafka run at a time, on however few processors: what they do most is to wait.
const atOnce = "-parallel=4"

func acceptanceTests(long bool) func(context.Context, *output) (counts, error) {
	return func(ctx context.Context, out *output) (counts, error) {
		bin, err := filepath.Abs("bin/lineaged")
		if err != nil {
			return counts{}, err
		}
		env, args := []string{"LINEAGED_BIN=" + bin}, []string{"-count=1", atOnce}
		if long {
			return goTest(ctx, out, append(env, longForm), append(args, "-tags=long", "-timeout=120m", acceptance)...)
		}
		return goTest(ctx, out, env, append(args, "-timeout=20m", acceptance)...)
	}
}

// otelcolTests builds a real OpenTelemetry Collector and runs it against the real binary. Its parts are a lot to fetch
// and to build.
func otelcolTests(ctx context.Context, out *output) (counts, error) {
	bin, err := filepath.Abs("bin/lineaged")
	if err != nil {
		return counts{}, err
	}
	return goTest(ctx, out, []string{"LINEAGED_BIN=" + bin}, "-tags=otelcol", "-count=1", "-timeout=30m", "-run=^TestRealCollector", acceptance)
}

// uiTests is the type check and the unit tests.
func uiTests(ctx context.Context, out *output) (counts, error) {
	check := command(ctx, out, nil, "npm", "--prefix", "ui", "run", "check")
	dir, err := os.MkdirTemp("", "lineaged-check")
	if err != nil {
		return counts{}, err
	}
	defer os.RemoveAll(dir)
	report := filepath.Join(dir, "vitest.json")
	test := command(ctx, out, []string{"NO_COLOR=1"}, "npm", "--prefix", "ui", "run", "test", "--",
		"--reporter=default", "--reporter=json", "--outputFile.json="+report)
	c, err := vitestCounts(report)
	if c.skipped > 0 {
		out.notef("%d unit tests of the UI skipped", c.skipped)
		if inCI() {
			err = errors.Join(err, errors.New("a skipped unit test of the UI counts as a failure in CI"))
		}
	}
	return c, errors.Join(check, test, err)
}

func vitestCounts(file string) (counts, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return counts{}, fmt.Errorf("the UI's tests left no report: %w", err)
	}
	var r struct{ NumPassedTests, NumFailedTests, NumPendingTests, NumTodoTests int }
	if err := json.Unmarshal(b, &r); err != nil {
		return counts{}, fmt.Errorf("read the report of the UI's tests: %w", err)
	}
	return counts{r.NumPassedTests, r.NumFailedTests, r.NumPendingTests + r.NumTodoTests}, nil
}

func browserTests(ctx context.Context, out *output) (counts, error) {
	return inBrowser(ctx, out, "e2e")
}

// longBrowserTests leave a live page open and look at its memory.
func longBrowserTests(ctx context.Context, out *output) (counts, error) {
	return inBrowser(ctx, out, "e2e:long")
}

// inBrowser drives the built binary's demo in Chromium by a script of ui/package.json, which ends with the same line of
// counts as this program.
func inBrowser(ctx context.Context, out *output, script string) (counts, error) {
	bin, err := filepath.Abs("bin/lineaged")
	if err != nil {
		return counts{}, err
	}
	runErr := command(ctx, out, []string{"LINEAGED_BIN=" + bin}, "npm", "--prefix", "ui", "run", script)
	c, ok := lastCounts(out.buf.String())
	for _, first := range atFirst.FindAllString(out.buf.String(), -1) {
		out.notef("%s", first)
	}
	switch {
	case !ok && runErr == nil:
		return counts{}, errors.New("the browser test reported no counts")
	case c.passed+c.failed == 0 && runErr == nil:
		return c, errors.New("the browser test checked nothing")
	case c.skipped > 0 && inCI():
		return c, errors.Join(runErr, errors.New("a skipped browser test counts as a failure in CI"))
	}
	return c, runErr
}

// atFirst is how the browser test tells of a check that failed, and is made a second time.
var atFirst = regexp.MustCompile(`(?m)^at first FAIL.*$`)

var countsLine = regexp.MustCompile(`(?m)(\d+) passed, (\d+) failed(?:, (\d+) skipped)?`)

// lastCounts finds the last line of counts in a runner's output.
func lastCounts(s string) (counts, bool) {
	all := countsLine.FindAllStringSubmatch(s, -1)
	if all == nil {
		return counts{}, false
	}
	m := all[len(all)-1]
	number := func(s string) int { n, _ := strconv.Atoi(s); return n } // an absent group counts as 0
	return counts{number(m[1]), number(m[2]), number(m[3])}, true
}

package conformance

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/shoenig/test/must"
	"golang.org/x/sys/unix"
)

func TestBothStreamsAreKeptApart(t *testing.T) {
	task, result := newNode(t).run(shell("echo out; echo err >&2"))
	must.Zero(t, result.ExitCode)
	must.Eq(t, "out\n", task.stdout.text())
	must.Eq(t, "err\n", task.stderr.text())
}

func TestBytesAreUnchanged(t *testing.T) {
	must.Eq(t, "a\x00b\xff\n\n\nno newline", newNode(t).output(shell(`printf 'a\0b\377\n\n\nno newline'`)))
}

func TestEveryByteIsDeliveredBeforeTheEndIsTold(t *testing.T) {
	n := newNode(t)
	for _, format := range []string{"lines", "raw"} {
		config := shell("i=0; while [ $i -lt 20000 ]; do echo 0123456789012345678901234567890123456789$i; i=$((i+1)); done")
		config["log_format"] = format
		task := n.newTask(config).mustStart()
		must.Zero(t, task.wait().ExitCode)
		must.Eq(t, 20000, strings.Count(task.stdout.text(), "\n"), must.Sprint(format))
	}
}

func TestLinesOfManyProcessesAreNeverTorn(t *testing.T) {
	output := newNode(t).output(shell(
		"for p in a b c d; do (i=0; while [ $i -lt 500 ]; do echo $p$p$p$p$p$p$p$p; i=$((i+1)); done) & done; wait"))
	for _, line := range fields(output) {
		must.Eq(t, strings.Repeat(line[:1], 8), line)
	}
	must.Eq(t, 2000, len(fields(output)))
}

func TestAStalledReaderStallsNeitherSupervisorNorStop(t *testing.T) {
	n := newNode(t)
	task := n.newTask(shell("trap 'exit 0' TERM; while :; do echo 0123456789012345678901234567890123456789; done"))
	stalled := task.config.AllocDir + "/alloc/logs/stalled"
	makeFifo(t, stalled)
	reader, err := os.OpenFile(stalled, os.O_RDONLY|unix.O_NONBLOCK, 0) // never reads
	must.NoError(t, err)
	defer reader.Close()
	task.config.StdoutPath = stalled
	task.mustStart()
	time.Sleep(200 * time.Millisecond)
	_, err = n.driver.InspectTask(task.config.ID)
	must.NoError(t, err)
	must.NoError(t, n.driver.StopTask(task.config.ID, 200*time.Millisecond, ""))
	task.wait()
}

func TestAReaderThatComesLateMissesNothing(t *testing.T) {
	n := newNode(t)
	task := n.newTask(shell("i=0; while [ $i -lt 1000 ]; do echo $i; i=$((i+1)); done"))
	late := task.config.AllocDir + "/alloc/logs/late"
	makeFifo(t, late)
	task.config.StdoutPath = late
	task.mustStart()
	time.Sleep(300 * time.Millisecond)
	reader := &logReader{path: late, done: make(chan struct{})}
	go reader.read()
	must.Zero(t, task.wait().ExitCode)
	must.Eq(t, 1000, strings.Count(reader.text(), "\n"))
}

func TestSuppressedOutput(t *testing.T) {
	config := shell("echo secret")
	config["action"].(settings)["run"].(settings)["suppress_log_output"] = true
	must.Eq(t, "", newNode(t).output(config))
}

package conformance

import (
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shoenig/test/must"
	"golang.org/x/sys/unix"
)

// logReader does what Nomad's logmon does with a FIFO: reads until its end.
type logReader struct {
	path string
	mu   sync.Mutex
	data strings.Builder
	done chan struct{}
}

func makeFifo(t *testing.T, path string) {
	t.Helper()
	must.NoError(t, unix.Mkfifo(path, 0o600))
}

func newLogReader(t *testing.T, path string) *logReader {
	t.Helper()
	makeFifo(t, path)
	reader := &logReader{path: path, done: make(chan struct{})}
	go reader.read()
	t.Cleanup(reader.close)
	return reader
}

func (r *logReader) read() {
	defer close(r.done)
	file, err := os.OpenFile(r.path, os.O_RDONLY, 0)
	if err != nil {
		return
	}
	defer file.Close()
	buffer := make([]byte, 64<<10)
	for {
		count, err := file.Read(buffer)
		r.mu.Lock()
		r.data.Write(buffer[:count])
		r.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// close ends a reader that nobody ever wrote to.
func (r *logReader) close() {
	if file, err := os.OpenFile(r.path, os.O_WRONLY|unix.O_NONBLOCK, 0); err == nil {
		file.Close()
	}
	select {
	case <-r.done:
	case <-time.After(time.Second):
	}
}

// soFar is what has come by now.
func (r *logReader) soFar() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.data.String()
}

// text waits for the end of the log, which comes with the end of the task.
func (r *logReader) text() string {
	select {
	case <-r.done:
	case <-time.After(5 * time.Second):
	}
	return r.soFar()
}

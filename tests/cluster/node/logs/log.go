// Package logs keeps what containers print.
package logs

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Log is what one container has printed, all its runs together: a file of lines, each
// with the time at which it came in front.
type Log struct {
	mutex   sync.Mutex
	file    *os.File
	begun   []byte
	changed chan struct{}
	closed  bool
}

// Create begins a log, in a file that is empty or not there.
func Create(path string) (*Log, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	return &Log{file: file, changed: make(chan struct{})}, nil
}

// Write adds the lines that are whole; the last one waits for its end.
func (l *Log) Write(printed []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.begun = append(l.begun, printed...)
	whole := bytes.LastIndexByte(l.begun, '\n') + 1
	if whole == 0 {
		return len(printed), nil
	}
	err := l.put(l.begun[:whole])
	l.begun = append(l.begun[:0], l.begun[whole:]...)
	return len(printed), err
}

// Flush ends the last line, of a program that did not.
func (l *Log) Flush() error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if len(l.begun) == 0 {
		return nil
	}
	err := l.put(append(l.begun, '\n'))
	l.begun = nil
	return err
}

// Close wakes those who wait for more. What was printed can still be read.
func (l *Log) Close() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if !l.closed {
		l.closed = true
		close(l.changed)
	}
}

// Next is everything after the first bytes that were read already, and a channel that is
// closed when there is more, which is nil if there never will be.
func (l *Log) Next(read int64) ([]byte, <-chan struct{}, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	changed := l.changed
	if l.closed {
		changed = nil
	}
	text, err := io.ReadAll(io.NewSectionReader(l.file, read, 1<<62-read))
	return text, changed, err
}

func (l *Log) put(lines []byte) error {
	now := time.Now().UTC().Format(stamp)
	var stamped bytes.Buffer
	for line := range bytes.Lines(lines) {
		stamped.WriteString(now)
		stamped.WriteByte(' ')
		stamped.Write(line)
	}
	_, err := l.file.Write(stamped.Bytes())
	if !l.closed {
		close(l.changed)
		l.changed = make(chan struct{})
	}
	return err
}

// stamp has as many digits at any time, so that lines can be compared.
const stamp = "2006-01-02T15:04:05.000000000Z"

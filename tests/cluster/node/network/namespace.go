// Package network gives pods their addresses and network namespaces.
package network

import (
	"fmt"
	"net/netip"
	"runtime"

	"golang.org/x/sys/unix"
)

// Namespace is where the processes of one pod have their network: one of their own, or
// the node's.
//
// It is a thread, and lives as long: the kernel forgets the network namespace when the
// thread and all processes in it have ended. Processes that are started on it may ask to
// be killed when it ends, so that none outlives the node's program.
type Namespace struct {
	// Addresses are those of the pod, the first one its main one.
	Addresses []netip.Addr
	tasks     chan func()
	release   func()
}

// Host is the network of the node itself.
func Host(addresses ...netip.Addr) *Namespace {
	namespace := &Namespace{Addresses: addresses, tasks: make(chan func()), release: func() {}}
	go namespace.serve()
	return namespace
}

// own makes a network namespace without any way out of it.
func own() (*Namespace, error) {
	namespace := &Namespace{tasks: make(chan func()), release: func() {}}
	go namespace.serve()
	err := namespace.Do(func() error { return unix.Unshare(unix.CLONE_NEWNET) })
	if err != nil {
		namespace.Close()
		return nil, fmt.Errorf("make a network namespace: %w", err)
	}
	return namespace, nil
}

// Do runs a function in the network namespace. What it starts runs there too.
func (n *Namespace) Do(task func() error) error {
	done := make(chan error)
	n.tasks <- func() { done <- task() }
	return <-done
}

// Close gives the addresses back, and ends the processes that asked to end with it.
func (n *Namespace) Close() {
	n.release()
	close(n.tasks)
}

// serve never gives its thread back: it ends with the goroutine.
func (n *Namespace) serve() {
	runtime.LockOSThread()
	for task := range n.tasks {
		task()
	}
}

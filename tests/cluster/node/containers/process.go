package containers

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"gateway.test/cluster/launch/plan"
	"gateway.test/cluster/node/logs"
	"gateway.test/cluster/node/network"
)

// Process is a run of a container.
type Process struct {
	command *exec.Cmd
	log     *logs.Log
	ended   chan struct{}
}

// Start runs a container in a network namespace, with which it ends at the latest.
// folder is the container's own.
func Start(launcher, folder string, made plan.Plan, namespace *network.Namespace, log *logs.Log) (*Process, error) {
	made.Root = filepath.Join(folder, "root")
	if err := os.MkdirAll(made.Root, 0o755); err != nil {
		return nil, err
	}
	file := filepath.Join(folder, "plan.json")
	if err := plan.Write(file, made); err != nil {
		return nil, err
	}

	command := exec.Command(launcher, file)
	command.Env = []string{}
	command.Stdout = log
	command.Stderr = log
	// What a program leaves running does not keep its log open.
	command.WaitDelay = time.Second
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS,
		Pdeathsig:  syscall.SIGKILL,
		Setsid:     true,
	}
	if err := namespace.Do(command.Start); err != nil {
		return nil, err
	}
	process := &Process{command, log, make(chan struct{})}
	go process.wait()
	return process, nil
}

// Ended is closed when the process is gone.
func (p *Process) Ended() <-chan struct{} {
	return p.ended
}

// Code is how an ended process ended, as a container's exit code.
func (p *Process) Code() int32 {
	status, ok := p.command.ProcessState.Sys().(syscall.WaitStatus)
	if ok && status.Signaled() {
		return 128 + int32(status.Signal())
	}
	return int32(p.command.ProcessState.ExitCode())
}

// Stop asks the process to end, and kills it when it has not by the end of grace.
func (p *Process) Stop(grace time.Duration) {
	if grace > 0 {
		_ = p.command.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.ended:
			return
		case <-time.After(grace):
		}
	}
	// Whatever it started belongs to its session.
	_ = syscall.Kill(-p.command.Process.Pid, syscall.SIGKILL)
	<-p.ended
}

func (p *Process) wait() {
	_ = p.command.Wait()
	_ = p.log.Flush()
	close(p.ended)
}

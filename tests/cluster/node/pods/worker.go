package pods

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"

	"gateway.test/cluster/node/containers"
	"gateway.test/cluster/node/logs"
	"gateway.test/cluster/node/network"
	"gateway.test/cluster/node/volumes"
)

// worker runs one pod, from its binding to its end.
type worker struct {
	node    *Node
	objects *Objects
	volumes *volumes.Folder
	logs    map[string]*logs.Log
	// poked has a value when the pod or an object that it may use has changed.
	poked chan struct{}
	// dirty has a value when there is something to tell the API server.
	dirty  chan struct{}
	cancel context.CancelFunc
	done   chan struct{}

	mutex    sync.Mutex
	pod      *v1.Pod
	progress progress
	grace    time.Duration
}

func newWorker(node *Node, objects *Objects, pod *v1.Pod) (*worker, error) {
	worker := &worker{
		node:    node,
		objects: objects,
		volumes: volumes.NewFolder(filepath.Join(node.folder(pod), "volumes"), objects),
		logs:    map[string]*logs.Log{},
		poked:   make(chan struct{}, 1),
		dirty:   make(chan struct{}, 1),
		done:    make(chan struct{}),
		pod:     pod,
	}
	worker.progress.began = metav1.Now()
	for _, address := range node.Addresses {
		worker.progress.hosts = append(worker.progress.hosts, address.String())
	}
	for _, container := range pod.Spec.InitContainers {
		waiting := containers.Waiting(&container, "PodInitializing", "")
		worker.progress.inits = append(worker.progress.inits, waiting)
	}
	for _, container := range pod.Spec.Containers {
		waiting := containers.Waiting(&container, "ContainerCreating", "")
		worker.progress.containers = append(worker.progress.containers, waiting)
	}
	for _, container := range append(pod.Spec.InitContainers, pod.Spec.Containers...) {
		log, err := node.log(pod, container.Name)
		if err != nil {
			return nil, err
		}
		worker.logs[container.Name] = log
	}
	return worker, nil
}

// run returns when nothing of the pod is left on this machine but its logs. The context
// is the one that cancel ends.
func (w *worker) run(ctx context.Context) {
	defer close(w.done)
	defer w.cancel()
	pod := w.pod
	defer w.objects.Forget(pod.UID)
	defer w.clean(pod)

	var reporting sync.WaitGroup
	defer reporting.Wait()
	reporting.Go(func() { w.report(ctx) })

	namespace, err := w.node.connect(pod)
	if err != nil {
		klog.ErrorS(err, "no network", "pod", klog.KObj(pod))
		return
	}
	defer namespace.Close()
	w.change(func(p *progress) {
		for _, address := range namespace.Addresses {
			p.addresses = append(p.addresses, address.String())
		}
	})
	if w.layFirst(ctx) {
		reporting.Go(func() { w.layAgain(ctx) })
		w.containers(ctx, namespace)
	}
	// A pod that is done stays until it is deleted.
	<-ctx.Done()
}

// stop ends the pod; how soon, it may be called again to say.
func (w *worker) stop(grace time.Duration) {
	w.mutex.Lock()
	w.grace = grace
	w.mutex.Unlock()
	w.cancel()
}

// update is called with the pod whenever it changes.
func (w *worker) update(pod *v1.Pod) {
	w.mutex.Lock()
	w.pod = pod
	w.mutex.Unlock()
	w.poke()
}

func (w *worker) poke() {
	wake(w.poked)
}

// layFirst waits until every volume is there, or the pod has to end.
func (w *worker) layFirst(ctx context.Context) bool {
	for {
		err := w.volumes.Lay(w.current())
		if err == nil {
			return true
		}
		w.explain("ContainerCreating", err.Error())
		select {
		case <-ctx.Done():
			return false
		case <-w.poked:
		case <-time.After(5 * time.Second):
		}
	}
}

// layAgain follows changes, and renews tokens.
func (w *worker) layAgain(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.poked:
		case <-time.After(time.Minute):
		}
		// What is there stays until its successor is.
		if err := w.volumes.Lay(w.current()); err != nil && ctx.Err() == nil {
			klog.InfoS("volumes stay as they are", "pod", klog.KObj(w.current()), "reason", err)
		}
	}
}

// containers runs them all, and returns when they have ended for good.
func (w *worker) containers(ctx context.Context, namespace *network.Namespace) {
	pod := w.current()
	policy := pod.Spec.RestartPolicy
	preparing := policy
	if policy == v1.RestartPolicyAlways {
		preparing = v1.RestartPolicyOnFailure
	}
	for i := range pod.Spec.InitContainers {
		tell := func(status v1.ContainerStatus) {
			status.Ready = succeeded(&status)
			w.change(func(p *progress) { p.inits[i] = status })
		}
		w.keeper(&pod.Spec.InitContainers[i], preparing, namespace, tell).Keep(ctx, w.graceLeft)
		if ctx.Err() != nil || !w.prepared(i) {
			return
		}
	}
	var all sync.WaitGroup
	for i := range pod.Spec.Containers {
		tell := func(status v1.ContainerStatus) {
			w.change(func(p *progress) { p.containers[i] = status })
		}
		keeper := w.keeper(&pod.Spec.Containers[i], policy, namespace, tell)
		all.Go(func() { keeper.Keep(ctx, w.graceLeft) })
	}
	all.Wait()
}

func (w *worker) keeper(container *v1.Container, policy v1.RestartPolicy, namespace *network.Namespace, tell func(v1.ContainerStatus)) *containers.Keeper {
	return &containers.Keeper{
		Container: container,
		Policy:    policy,
		Address:   namespace.Addresses[0].String(),
		Start:     func() (*containers.Process, error) { return w.start(container, namespace) },
		Tell:      tell,
	}
}

func (w *worker) start(container *v1.Container, namespace *network.Namespace) (*containers.Process, error) {
	pod := w.current()
	program, err := w.node.program(pod, container, w.objects)
	if err != nil {
		return nil, err
	}
	plan, err := containers.Plan(pod, container, program, func(name string) string {
		for i := range pod.Spec.Volumes {
			if pod.Spec.Volumes[i].Name == name {
				return w.volumes.Path(&pod.Spec.Volumes[i])
			}
		}
		return ""
	})
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(w.node.folder(pod), container.Name)
	return containers.Start(w.node.Launcher, folder, plan, namespace, w.logs[container.Name])
}

// current is the pod with what is known of it here, such as its addresses.
func (w *worker) current() *v1.Pod {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	pod := w.pod.DeepCopy()
	status := w.progress.status(pod, metav1.Now())
	pod.Status.PodIP, pod.Status.PodIPs = status.PodIP, status.PodIPs
	pod.Status.HostIP, pod.Status.HostIPs = status.HostIP, status.HostIPs
	return pod
}

func (w *worker) prepared(init int) bool {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return succeeded(&w.progress.inits[init])
}

func (w *worker) graceLeft() time.Duration {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.pod.DeletionTimestamp == nil && w.grace == 0 {
		return time.Duration(*w.pod.Spec.TerminationGracePeriodSeconds) * time.Second
	}
	return w.grace
}

func (w *worker) explain(reason, message string) {
	w.change(func(p *progress) {
		for i := range p.containers {
			p.containers[i].State.Waiting = &v1.ContainerStateWaiting{Reason: reason, Message: message}
		}
	})
}

func (w *worker) change(change func(*progress)) {
	w.mutex.Lock()
	change(&w.progress)
	w.mutex.Unlock()
	wake(w.dirty)
}

func (w *worker) clean(pod *v1.Pod) {
	for _, log := range w.logs {
		log.Close()
	}
	if err := os.RemoveAll(w.node.folder(pod)); err != nil {
		klog.ErrorS(err, "files are left", "pod", klog.KObj(pod))
	}
}

func wake(channel chan struct{}) {
	select {
	case channel <- struct{}{}:
	default:
	}
}

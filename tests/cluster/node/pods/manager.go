package pods

import (
	"context"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"

	"gateway.test/cluster/node/logs"
)

// Manager binds every pod of the cluster to the node and runs it there.
type Manager struct {
	node    *Node
	objects *Objects
	running sync.WaitGroup

	mutex   sync.Mutex
	workers map[types.UID]*worker
	binding map[types.UID]bool
}

// NewManager watches pods with a factory that is not started yet, and runs them until
// the context ends, which ends them all.
func NewManager(ctx context.Context, node *Node, factory informers.SharedInformerFactory) (*Manager, error) {
	manager := &Manager{node: node, workers: map[types.UID]*worker{}, binding: map[types.UID]bool{}}
	objects, err := NewObjects(node.Client, factory, manager.poke)
	if err != nil {
		return nil, err
	}
	manager.objects = objects
	_, err = factory.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { manager.see(ctx, object.(*v1.Pod)) },
		UpdateFunc: func(_, object any) { manager.see(ctx, object.(*v1.Pod)) },
		DeleteFunc: func(object any) {
			if late, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object = late.Obj
			}
			manager.gone(object.(*v1.Pod))
		},
	})
	return manager, err
}

// Wait returns when the last pod has ended, after the context has.
func (m *Manager) Wait() {
	m.running.Wait()
}

// Log is what a container of a pod that is still there has printed.
func (m *Manager) Log(namespace, pod, container string) (*logs.Log, bool) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for _, worker := range m.workers {
		if of := worker.current(); of.Namespace == namespace && of.Name == pod {
			log, found := worker.logs[container]
			return log, found
		}
	}
	return nil, false
}

// see takes a pod that is new or has changed a step on its way.
func (m *Manager) see(ctx context.Context, pod *v1.Pod) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	worker := m.workers[pod.UID]
	switch next(pod, worker != nil) {
	case bind:
		if !m.binding[pod.UID] {
			m.binding[pod.UID] = true
			go m.bind(ctx, pod)
		}
	case start:
		m.start(ctx, pod)
	case update:
		worker.update(pod)
	case stop:
		worker.update(pod)
		worker.stop(time.Duration(ptr.Deref(pod.DeletionGracePeriodSeconds, 0)) * time.Second)
	case remove:
		go m.remove(ctx, pod)
	case nothing:
	}
}

// gone is called when a pod is no more, whether it was stopped or not.
func (m *Manager) gone(pod *v1.Pod) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	delete(m.binding, pod.UID)
	if worker := m.workers[pod.UID]; worker != nil {
		worker.stop(0)
	}
}

func (m *Manager) start(ctx context.Context, pod *v1.Pod) {
	worker, err := newWorker(m.node, m.objects, pod)
	if err != nil {
		klog.ErrorS(err, "not started", "pod", klog.KObj(pod))
		return
	}
	ctx, worker.cancel = context.WithCancel(ctx)
	m.workers[pod.UID] = worker
	m.running.Go(func() {
		worker.run(ctx)
		m.mutex.Lock()
		delete(m.workers, pod.UID)
		m.mutex.Unlock()
		if worker.current().DeletionTimestamp != nil {
			m.remove(context.WithoutCancel(ctx), pod)
		}
	})
}

// bind is all there is of a scheduler.
func (m *Manager) bind(ctx context.Context, pod *v1.Pod) {
	binding := &v1.Binding{
		ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace, UID: pod.UID},
		Target:     v1.ObjectReference{Kind: "Node", Name: m.node.Name},
	}
	try(ctx, func() error {
		return m.node.Client.CoreV1().Pods(pod.Namespace).Bind(ctx, binding, metav1.CreateOptions{})
	})
}

// remove makes a pod that has ended here disappear.
func (m *Manager) remove(ctx context.Context, pod *v1.Pod) {
	options := metav1.DeleteOptions{
		GracePeriodSeconds: ptr.To(int64(0)),
		Preconditions:      &metav1.Preconditions{UID: &pod.UID},
	}
	try(ctx, func() error {
		return m.node.Client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, options)
	})
}

func (m *Manager) poke(namespace string) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for _, worker := range m.workers {
		if worker.current().Namespace == namespace {
			worker.poke()
		}
	}
}

// try goes on until it succeeds, or it is clear that it never will.
func try(ctx context.Context, do func() error) {
	for range 100 {
		err := do()
		if err == nil || errors.IsNotFound(err) || errors.IsConflict(err) {
			return
		}
		klog.InfoS("trying again", "reason", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(200 * time.Millisecond):
		}
	}
}

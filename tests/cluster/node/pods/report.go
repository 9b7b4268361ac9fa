package pods

import (
	"context"
	"encoding/json"
	"time"

	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
)

// report tells the API server what has changed, the newest only, until the pod ends.
func (w *worker) report(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.dirty:
		}
		err := w.patch(ctx)
		if err == nil || errors.IsNotFound(err) || ctx.Err() != nil {
			continue
		}
		klog.InfoS("status is not told", "pod", klog.KObj(w.current()), "reason", err)
		wake(w.dirty)
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (w *worker) patch(ctx context.Context) error {
	w.mutex.Lock()
	pod := w.pod
	var patch statusPatch
	patch.Metadata.UID = pod.UID
	patch.Status = w.progress.status(pod, metav1.Now())
	text, err := json.Marshal(patch)
	w.mutex.Unlock()
	if err != nil {
		return err
	}
	_, err = w.node.Client.CoreV1().Pods(pod.Namespace).
		Patch(ctx, pod.Name, types.StrategicMergePatchType, text, metav1.PatchOptions{}, "status")
	return err
}

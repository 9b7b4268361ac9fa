// Package member makes this program a node of the cluster.
package member

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"time"

	coordination "k8s.io/api/coordination/v1"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"
)

// Join makes the Node object, if there is none, and says that it is ready.
func Join(ctx context.Context, client kubernetes.Interface, name string, addresses []netip.Addr, port int32) error {
	nodes := client.CoreV1().Nodes()
	node := described(name)
	_, err := nodes.Create(ctx, node, metav1.CreateOptions{})
	if err != nil && !errors.IsAlreadyExists(err) {
		return fmt.Errorf("create node: %w", err)
	}
	found, err := nodes.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	found.Status = status(addresses, port, metav1.Now())
	if _, err := nodes.UpdateStatus(ctx, found, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("status of node: %w", err)
	}
	return nil
}

// Renew keeps the node's lease fresh until the context ends.
func Renew(ctx context.Context, client kubernetes.Interface, name string) {
	for {
		if err := renew(ctx, client, name); err != nil && ctx.Err() == nil {
			klog.InfoS("lease is not renewed", "reason", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(10 * time.Second):
		}
	}
}

func renew(ctx context.Context, client kubernetes.Interface, name string) error {
	leases := client.CoordinationV1().Leases(v1.NamespaceNodeLease)
	now := ptr.To(metav1.NowMicro())
	lease, err := leases.Get(ctx, name, metav1.GetOptions{})
	if errors.IsNotFound(err) {
		_, err = leases.Create(ctx, &coordination.Lease{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec: coordination.LeaseSpec{
				HolderIdentity:       &name,
				LeaseDurationSeconds: ptr.To(int32(40)),
				RenewTime:            now,
			},
		}, metav1.CreateOptions{})
		return err
	}
	if err != nil {
		return err
	}
	lease.Spec.RenewTime = now
	_, err = leases.Update(ctx, lease, metav1.UpdateOptions{})
	return err
}

func described(name string) *v1.Node {
	return &v1.Node{ObjectMeta: metav1.ObjectMeta{
		Name: name,
		Labels: map[string]string{
			v1.LabelHostname:   name,
			v1.LabelOSStable:   runtime.GOOS,
			v1.LabelArchStable: runtime.GOARCH,
		},
	}}
}

// status is that of a node with room for everything.
func status(addresses []netip.Addr, port int32, now metav1.Time) v1.NodeStatus {
	room := v1.ResourceList{
		v1.ResourceCPU:    *resource.NewQuantity(int64(runtime.NumCPU()), resource.DecimalSI),
		v1.ResourceMemory: resource.MustParse("16Gi"),
		v1.ResourcePods:   resource.MustParse("1000"),
	}
	status := v1.NodeStatus{
		Capacity:        room,
		Allocatable:     room,
		DaemonEndpoints: v1.NodeDaemonEndpoints{KubeletEndpoint: v1.DaemonEndpoint{Port: port}},
		NodeInfo: v1.NodeSystemInfo{
			OperatingSystem:         runtime.GOOS,
			Architecture:            runtime.GOARCH,
			KubeletVersion:          "v1.36.3-processes",
			ContainerRuntimeVersion: "processes://1",
		},
		Conditions: []v1.NodeCondition{{
			Type:               v1.NodeReady,
			Status:             v1.ConditionTrue,
			Reason:             "Started",
			LastHeartbeatTime:  now,
			LastTransitionTime: now,
		}},
	}
	for _, address := range addresses {
		internal := v1.NodeAddress{Type: v1.NodeInternalIP, Address: address.String()}
		status.Addresses = append(status.Addresses, internal)
	}
	return status
}

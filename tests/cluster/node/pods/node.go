// Package pods runs the pods of the cluster's one node.
package pods

import (
	"net/netip"
	"path/filepath"
	"strconv"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"

	"gateway.test/cluster/node/containers"
	"gateway.test/cluster/node/environment"
	"gateway.test/cluster/node/images"
	"gateway.test/cluster/node/logs"
	"gateway.test/cluster/node/network"
)

// Node is what pods run on.
type Node struct {
	Name      string
	Client    kubernetes.Interface
	Bridge    *network.Bridge
	Addresses []netip.Addr
	Images    images.Images
	// Launcher is the program that becomes a container.
	Launcher string
	// Folder is where pods have their volumes, Logs where their logs stay.
	Folder, Logs string
	// APIServer is where pods find it.
	APIServer netip.AddrPort
}

// connect gives a pod its network.
func (n *Node) connect(pod *v1.Pod) (*network.Namespace, error) {
	if pod.Spec.HostNetwork {
		return network.Host(n.Addresses...), nil
	}
	return n.Bridge.Connect()
}

func (n *Node) folder(pod *v1.Pod) string {
	return filepath.Join(n.Folder, string(pod.UID))
}

func (n *Node) log(pod *v1.Pod, container string) (*logs.Log, error) {
	return logs.Create(filepath.Join(n.Logs, pod.Namespace+"_"+pod.Name, container+".log"))
}

// base is the environment of every container of a pod.
func (n *Node) base(pod *v1.Pod) environment.Environment {
	port := strconv.Itoa(int(n.APIServer.Port()))
	return environment.Environment{
		"PATH":                          "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOSTNAME":                      pod.Name,
		"KUBERNETES_SERVICE_HOST":       n.APIServer.Addr().String(),
		"KUBERNETES_SERVICE_PORT":       port,
		"KUBERNETES_SERVICE_PORT_HTTPS": port,
	}
}

// program is what a container's image stands for.
func (n *Node) program(pod *v1.Pod, container *v1.Container, source environment.Source) (containers.Program, error) {
	path, found := n.Images.Find(container.Image)
	if !found {
		return containers.Program{}, unknownImage(container.Image)
	}
	environment, err := environment.Of(pod, container, n.base(pod), source)
	return containers.Program{Path: path, Environment: environment}, err
}

// unknownImage is an image that no program stands for.
type unknownImage string

func (i unknownImage) Error() string {
	return "no program stands for the image " + string(i)
}

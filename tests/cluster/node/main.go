// Command node is the one node of a cluster: scheduler, kubelet and container runtime.
//
// It binds every pod to itself and runs its containers as processes, in a network
// namespace for each pod and a root folder for each container. Images are programs of
// this machine. It runs in the cluster's network namespace, whose bridge has the
// addresses that are its own; all its processes end with it.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"

	"gateway.test/cluster/node/balancer"
	"gateway.test/cluster/node/images"
	"gateway.test/cluster/node/kubelet"
	"gateway.test/cluster/node/member"
	"gateway.test/cluster/node/network"
	"gateway.test/cluster/node/pods"
)

type arguments struct {
	kubeconfig, state, launcher, bridge, apiServer string
	addresses, pods, balancers                     string
	images                                         images.Images
}

func main() {
	arguments := arguments{images: images.Images{}}
	flag.StringVar(&arguments.kubeconfig, "kubeconfig", "", "kubeconfig of the node")
	flag.StringVar(&arguments.state, "state", "", "the cluster's folder")
	flag.StringVar(&arguments.launcher, "launcher", "", "program that becomes a container")
	flag.StringVar(&arguments.bridge, "bridge", "pods", "bridge that pods are connected to")
	flag.StringVar(&arguments.addresses, "addresses", "", "addresses of the bridge, separated by commas")
	flag.StringVar(&arguments.pods, "pods", "", "ranges of the pods, one for each address")
	flag.StringVar(&arguments.balancers, "balancers", "", "range of load balancers")
	flag.StringVar(&arguments.apiServer, "api-server", "", "where pods find the API server")
	flag.Var(arguments.images, "image", "NAME=PROGRAM; may be given several times")
	flag.Parse()
	if err := run(arguments); err != nil {
		fmt.Fprintln(os.Stderr, "node:", err)
		os.Exit(1)
	}
}

func run(arguments arguments) error {
	// What pods may read is decided file by file.
	syscall.Umask(0o022)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	client, err := connect(arguments.kubeconfig)
	if err != nil {
		return err
	}
	node, err := described(arguments, client)
	if err != nil {
		return err
	}
	if err := member.Join(ctx, client, node.Name, node.Addresses, port); err != nil {
		return err
	}
	go member.Renew(ctx, client, node.Name)

	factory := informers.NewSharedInformerFactory(client, 0)
	manager, err := pods.NewManager(ctx, node, factory)
	if err != nil {
		return err
	}
	owned, err := netip.ParsePrefix(arguments.balancers)
	if err != nil {
		return err
	}
	balancer, err := balancer.New(client, factory, owned)
	if err != nil {
		return err
	}
	go balancer.Run(ctx)
	failed := make(chan error, 1)
	keys := filepath.Join(arguments.state, "keys")
	go func() {
		failed <- kubelet.Serve(fmt.Sprintf(":%d", port), kubelet.Files{
			Certificate: filepath.Join(keys, "node.crt"),
			Key:         filepath.Join(keys, "node.key"),
			Authority:   filepath.Join(keys, "ca.crt"),
		}, manager.Log)
	}()
	factory.Start(ctx.Done())
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		klog.InfoS("ending", "pods", "all")
		manager.Wait()
		return nil
	}
}

func connect(kubeconfig string) (*kubernetes.Clientset, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	// The cluster is small, and nobody else's.
	config.QPS, config.Burst = 1000, 1000
	return kubernetes.NewForConfig(config)
}

func described(arguments arguments, client kubernetes.Interface) (*pods.Node, error) {
	node := &pods.Node{
		Name:     "node",
		Client:   client,
		Images:   arguments.images,
		Launcher: arguments.launcher,
		Folder:   filepath.Join(arguments.state, "pods"),
		Logs:     filepath.Join(arguments.state, "logs", "pods"),
	}
	var ranges []netip.Prefix
	for _, text := range strings.Split(arguments.addresses, ",") {
		address, err := netip.ParseAddr(text)
		if err != nil {
			return nil, err
		}
		node.Addresses = append(node.Addresses, address)
	}
	for _, text := range strings.Split(arguments.pods, ",") {
		owned, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, err
		}
		ranges = append(ranges, owned)
	}
	if len(ranges) != len(node.Addresses) {
		return nil, fmt.Errorf("%d ranges for %d addresses", len(ranges), len(node.Addresses))
	}
	var err error
	node.Bridge = network.NewBridge(arguments.bridge, node.Addresses, ranges)
	node.APIServer, err = netip.ParseAddrPort(arguments.apiServer)
	return node, err
}

// port is where the API server asks the node.
const port = 10250

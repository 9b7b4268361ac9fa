package balancer

import (
	"context"
	"net/netip"
	"slices"
	"time"

	v1 "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"
	endpoints "k8s.io/client-go/listers/discovery/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"gateway.test/cluster/node/network"
)

// Balancer gives Services addresses and forwards what arrives there to their endpoints.
type Balancer struct {
	client   kubernetes.Interface
	services listers.ServiceLister
	slices   endpoints.EndpointSliceLister
	pool     *network.Addresses
	changed  chan struct{}

	owned   map[types.UID]netip.Addr
	running map[Frontend]*forwarder
}

// New watches Services and EndpointSlices with a factory that is not started yet. Every
// address of the range has to be local.
func New(client kubernetes.Interface, factory informers.SharedInformerFactory, owned netip.Prefix) (*Balancer, error) {
	services := factory.Core().V1().Services()
	slices := factory.Discovery().V1().EndpointSlices()
	balancer := &Balancer{
		client:   client,
		services: services.Lister(),
		slices:   slices.Lister(),
		pool:     network.NewAddresses(owned, owned.Masked().Addr()),
		changed:  make(chan struct{}, 1),
		owned:    map[types.UID]netip.Addr{},
		running:  map[Frontend]*forwarder{},
	}
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { balancer.wake() },
		UpdateFunc: func(any, any) { balancer.wake() },
		DeleteFunc: func(any) { balancer.wake() },
	}
	for _, informer := range []cache.SharedIndexInformer{services.Informer(), slices.Informer()} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			return nil, err
		}
	}
	return balancer, nil
}

// Run follows every change until the context ends.
func (b *Balancer) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.changed:
		}
		if err := b.follow(ctx); err != nil && ctx.Err() == nil {
			klog.InfoS("balancing is tried again", "reason", err)
			time.AfterFunc(time.Second, b.wake)
		}
	}
}

// follow makes what is the same as what is wanted.
func (b *Balancer) follow(ctx context.Context) error {
	services, err := b.services.List(labels.Everything())
	if err != nil {
		return err
	}
	services = slices.DeleteFunc(services, func(service *v1.Service) bool { return !IsOurs(service) })
	b.release(services)

	wanted := map[Frontend][]netip.AddrPort{}
	for _, service := range services {
		address, err := b.address(service)
		if err != nil {
			return err
		}
		if err := b.tell(ctx, service, address); err != nil {
			return err
		}
		found, err := b.slicesOf(service)
		if err != nil {
			return err
		}
		for frontend, targets := range Wanted(service, address, found) {
			wanted[frontend] = targets
		}
	}
	return b.listen(wanted)
}

// listen opens and closes sockets. Those that fail do not keep others from opening.
func (b *Balancer) listen(wanted map[Frontend][]netip.AddrPort) (failed error) {
	for frontend, forwarder := range b.running {
		if _, is := wanted[frontend]; !is {
			forwarder.close()
			delete(b.running, frontend)
		}
	}
	for frontend, targets := range wanted {
		if forwarder := b.running[frontend]; forwarder != nil {
			forwarder.send(targets)
			continue
		}
		forwarder, err := forward(frontend, targets)
		if err != nil {
			failed = err
			continue
		}
		b.running[frontend] = forwarder
	}
	return failed
}

// release takes addresses back from Services that are gone or want none any more.
func (b *Balancer) release(services []*v1.Service) {
	for owner, address := range b.owned {
		if !slices.ContainsFunc(services, func(service *v1.Service) bool { return service.UID == owner }) {
			b.pool.Give(address)
			delete(b.owned, owner)
		}
	}
}

// address is the one that a Service asks for, if that is free, and any other if not.
func (b *Balancer) address(service *v1.Service) (netip.Addr, error) {
	owned, found := b.owned[service.UID]
	wanted, err := netip.ParseAddr(service.Spec.LoadBalancerIP)
	if err == nil && wanted != owned && b.pool.Claim(wanted) {
		if found {
			b.pool.Give(owned)
		}
		b.owned[service.UID] = wanted
		return wanted, nil
	}
	if found {
		return owned, nil
	}
	address, err := b.pool.Take()
	if err == nil {
		b.owned[service.UID] = address
	}
	return address, err
}

// tell writes the address into the Service's status, if it is not there.
func (b *Balancer) tell(ctx context.Context, service *v1.Service, address netip.Addr) error {
	ingress := service.Status.LoadBalancer.Ingress
	if len(ingress) == 1 && ingress[0].IP == address.String() {
		return nil
	}
	service = service.DeepCopy()
	service.Status.LoadBalancer.Ingress = []v1.LoadBalancerIngress{{IP: address.String()}}
	_, err := b.client.CoreV1().Services(service.Namespace).UpdateStatus(ctx, service, metav1.UpdateOptions{})
	return err
}

func (b *Balancer) slicesOf(service *v1.Service) ([]*discovery.EndpointSlice, error) {
	named := labels.SelectorFromSet(labels.Set{discovery.LabelServiceName: service.Name})
	return b.slices.EndpointSlices(service.Namespace).List(named)
}

func (b *Balancer) wake() {
	select {
	case b.changed <- struct{}{}:
	default:
	}
}

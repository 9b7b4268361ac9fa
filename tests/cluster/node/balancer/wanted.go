// Package balancer is the load balancer that Services of the type LoadBalancer get.
package balancer

import (
	"net/netip"
	"slices"

	v1 "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	"k8s.io/utils/ptr"
)

// Frontend is a place where the balancer listens.
type Frontend struct {
	Protocol v1.Protocol
	Address  netip.AddrPort
}

// Wanted is every Frontend of a Service that has an address, and where its connections go.
func Wanted(service *v1.Service, address netip.Addr, slices []*discovery.EndpointSlice) map[Frontend][]netip.AddrPort {
	wanted := map[Frontend][]netip.AddrPort{}
	for _, port := range service.Spec.Ports {
		frontend := Frontend{protocol(port.Protocol), netip.AddrPortFrom(address, uint16(port.Port))}
		wanted[frontend] = targets(port.Name, frontend.Protocol, slices)
	}
	return wanted
}

// IsOurs is whether a Service asks for a load balancer, and for none in particular.
func IsOurs(service *v1.Service) bool {
	return service.Spec.Type == v1.ServiceTypeLoadBalancer &&
		service.Spec.LoadBalancerClass == nil &&
		service.DeletionTimestamp == nil
}

// targets are the ready endpoints of a port, each once and in order.
func targets(name string, wanted v1.Protocol, all []*discovery.EndpointSlice) []netip.AddrPort {
	var found []netip.AddrPort
	for _, slice := range all {
		for _, port := range slice.Ports {
			if ptr.Deref(port.Name, "") != name || protocol(ptr.Deref(port.Protocol, "")) != wanted || port.Port == nil {
				continue
			}
			for _, address := range ready(slice) {
				found = append(found, netip.AddrPortFrom(address, uint16(*port.Port)))
			}
		}
	}
	slices.SortFunc(found, netip.AddrPort.Compare)
	return slices.Compact(found)
}

func ready(slice *discovery.EndpointSlice) []netip.Addr {
	var found []netip.Addr
	for _, endpoint := range slice.Endpoints {
		// What is not said is true.
		if !ptr.Deref(endpoint.Conditions.Ready, true) {
			continue
		}
		for _, text := range endpoint.Addresses {
			// Names are of a type of slice that is gone from the API.
			if address, err := netip.ParseAddr(text); err == nil {
				found = append(found, address)
			}
		}
	}
	return found
}

func protocol(named v1.Protocol) v1.Protocol {
	if named == "" {
		return v1.ProtocolTCP
	}
	return named
}

package balancer

import (
	"net/netip"
	"slices"
	"testing"

	v1 "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	"k8s.io/utils/ptr"
)

func TestPortsLeadToReadyEndpoints(t *testing.T) {
	service := &v1.Service{Spec: v1.ServiceSpec{Ports: []v1.ServicePort{
		{Name: "web", Port: 80},
		{Name: "dns", Port: 53, Protocol: v1.ProtocolUDP},
		{Name: "none", Port: 81},
	}}}
	web := slice("web", v1.ProtocolTCP, 8080,
		endpoint(ptr.To(true), "10.0.0.3"), endpoint(nil, "10.0.0.2"), endpoint(ptr.To(false), "10.0.0.4"))
	again := slice("web", v1.ProtocolTCP, 8080, endpoint(nil, "10.0.0.2"))
	dns := slice("dns", v1.ProtocolUDP, 5353, endpoint(nil, "10.0.0.2"))
	other := slice("dns", v1.ProtocolTCP, 5354, endpoint(nil, "10.0.0.2"))
	address := netip.MustParseAddr("10.97.0.2")

	found := Wanted(service, address, []*discovery.EndpointSlice{web, again, dns, other})

	for frontend, expected := range map[Frontend][]netip.AddrPort{
		{v1.ProtocolTCP, at("10.97.0.2:80")}: {at("10.0.0.2:8080"), at("10.0.0.3:8080")},
		{v1.ProtocolUDP, at("10.97.0.2:53")}: {at("10.0.0.2:5353")},
		{v1.ProtocolTCP, at("10.97.0.2:81")}: nil,
	} {
		targets, is := found[frontend]
		if !is || !slices.Equal(targets, expected) {
			t.Errorf("%v: %v", frontend, targets)
		}
	}
	if len(found) != 3 {
		t.Errorf("%v", found)
	}
}

func TestOnlyLoadBalancersOfNobodyAreOurs(t *testing.T) {
	for name, test := range map[string]struct {
		spec v1.ServiceSpec
		ours bool
	}{
		"of nobody": {v1.ServiceSpec{Type: v1.ServiceTypeLoadBalancer}, true},
		"of others": {v1.ServiceSpec{Type: v1.ServiceTypeLoadBalancer, LoadBalancerClass: ptr.To("a.test/b")}, false},
		"none":      {v1.ServiceSpec{Type: v1.ServiceTypeClusterIP}, false},
	} {
		if IsOurs(&v1.Service{Spec: test.spec}) != test.ours {
			t.Error(name)
		}
	}
}

func slice(name string, protocol v1.Protocol, port int32, endpoints ...discovery.Endpoint) *discovery.EndpointSlice {
	return &discovery.EndpointSlice{
		Ports:     []discovery.EndpointPort{{Name: &name, Protocol: &protocol, Port: &port}},
		Endpoints: endpoints,
	}
}

func endpoint(ready *bool, address string) discovery.Endpoint {
	return discovery.Endpoint{Addresses: []string{address}, Conditions: discovery.EndpointConditions{Ready: ready}}
}

func at(text string) netip.AddrPort {
	return netip.MustParseAddrPort(text)
}

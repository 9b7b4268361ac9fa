package network

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync/atomic"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Bridge connects pods with each other and with the node.
type Bridge struct {
	name     string
	gateways []netip.Addr
	pools    []*Addresses
	count    atomic.Uint64
}

// NewBridge is the bridge of that name, which has to be there, with an address of each
// range: the gateways, through which pods find everything else.
func NewBridge(name string, gateways []netip.Addr, ranges []netip.Prefix) *Bridge {
	bridge := &Bridge{name: name, gateways: gateways}
	for i, owned := range ranges {
		bridge.pools = append(bridge.pools, NewAddresses(owned, gateways[i]))
	}
	return bridge
}

// Connect makes a network namespace with an address of each range.
func (b *Bridge) Connect() (*Namespace, error) {
	namespace, err := own()
	if err != nil {
		return nil, err
	}
	outside := fmt.Sprintf("pod%d", b.count.Add(1))
	namespace.release = func() { b.disconnect(namespace, outside) }
	if err := b.connect(namespace, outside); err != nil {
		namespace.Close()
		return nil, err
	}
	return namespace, nil
}

func (b *Bridge) connect(namespace *Namespace, outside string) error {
	for _, pool := range b.pools {
		address, err := pool.Take()
		if err != nil {
			return err
		}
		namespace.Addresses = append(namespace.Addresses, address)
	}
	if err := b.plug(namespace, outside); err != nil {
		return fmt.Errorf("connect %s: %w", outside, err)
	}
	return namespace.Do(func() error { return b.configure(namespace.Addresses) })
}

// disconnect is quicker than the kernel, which removes interfaces of a network
// namespace some time after its end.
func (b *Bridge) disconnect(namespace *Namespace, outside string) {
	if link, err := netlink.LinkByName(outside); err == nil {
		_ = netlink.LinkDel(link)
	}
	for i, address := range namespace.Addresses {
		b.pools[i].Give(address)
	}
}

// plug makes a pair of interfaces, one in the bridge and one in the network namespace.
func (b *Bridge) plug(namespace *Namespace, outside string) error {
	bridge, err := netlink.LinkByName(b.name)
	if err != nil {
		return err
	}
	var inside int
	err = namespace.Do(func() (err error) {
		inside, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return err
	}
	defer unix.Close(inside)

	attributes := netlink.NewLinkAttrs()
	attributes.Name = outside
	attributes.MasterIndex = bridge.Attrs().Index
	attributes.Flags = net.FlagUp
	return netlink.LinkAdd(&netlink.Veth{
		LinkAttrs:     attributes,
		PeerName:      inner,
		PeerNamespace: netlink.NsFd(inside),
	})
}

// configure runs in the pod's network namespace.
func (b *Bridge) configure(addresses []netip.Addr) error {
	for _, name := range []string{"lo", inner} {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		if err := netlink.LinkSetUp(link); err != nil {
			return err
		}
	}
	link, err := netlink.LinkByName(inner)
	if err != nil {
		return err
	}
	for i, address := range addresses {
		own := network(address, b.pools[i].Range().Bits())
		// Nobody else can have it, so that it need not be tried out first.
		added := &netlink.Addr{IPNet: own, Flags: unix.IFA_F_NODAD}
		if err := netlink.AddrAdd(link, added); err != nil {
			return fmt.Errorf("address %s: %w", address, err)
		}
		everything := network(netip.IPv4Unspecified(), 0)
		if address.Is6() {
			everything = network(netip.IPv6Unspecified(), 0)
		}
		route := &netlink.Route{
			LinkIndex: link.Attrs().Index,
			Dst:       everything,
			Gw:        b.gateways[i].AsSlice(),
		}
		if err := netlink.RouteAdd(route); err != nil {
			return fmt.Errorf("route of %s: %w", address, err)
		}
	}
	// As container runtimes have it: programs that are not root listen where they like.
	return os.WriteFile("/proc/sys/net/ipv4/ip_unprivileged_port_start", []byte("0"), 0)
}

func network(address netip.Addr, bits int) *net.IPNet {
	return &net.IPNet{IP: address.AsSlice(), Mask: net.CIDRMask(bits, address.BitLen())}
}

// inner is the interface's name as the pod sees it.
const inner = "eth0"

package balancer

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	v1 "k8s.io/api/core/v1"
)

// forwarder listens at one Frontend. Who it sends to may change while it does; what is
// under way is not disturbed by it.
type forwarder struct {
	targets atomic.Pointer[[]netip.AddrPort]
	socket  io.Closer
}

// forward begins to listen.
func forward(frontend Frontend, targets []netip.AddrPort) (*forwarder, error) {
	forwarder := &forwarder{}
	forwarder.send(targets)
	switch frontend.Protocol {
	case v1.ProtocolTCP:
		listener, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(frontend.Address))
		if err != nil {
			return nil, err
		}
		forwarder.socket = listener
		go forwarder.accept(listener)
	case v1.ProtocolUDP:
		socket, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(frontend.Address))
		if err != nil {
			return nil, err
		}
		forwarder.socket = socket
		go forwarder.receive(socket)
	default:
		return nil, errors.New("no forwarding of " + string(frontend.Protocol))
	}
	return forwarder, nil
}

// send says where new connections go.
func (f *forwarder) send(targets []netip.AddrPort) {
	f.targets.Store(&targets)
}

// close ends listening; connections go on.
func (f *forwarder) close() {
	_ = f.socket.Close()
}

// any is one of the targets, if there is one.
func (f *forwarder) any() (netip.AddrPort, bool) {
	targets := *f.targets.Load()
	if len(targets) == 0 {
		return netip.AddrPort{}, false
	}
	return targets[rand.IntN(len(targets))], true
}

func (f *forwarder) accept(listener *net.TCPListener) {
	for {
		client, err := listener.AcceptTCP()
		if err != nil {
			return
		}
		go f.relay(client)
	}
}

func (f *forwarder) relay(client *net.TCPConn) {
	defer client.Close()
	target, found := f.any()
	if !found {
		return
	}
	server, err := net.DialTimeout("tcp", target.String(), 5*time.Second)
	if err != nil {
		return
	}
	defer server.Close()
	var both sync.WaitGroup
	both.Go(func() { pour(client, server.(*net.TCPConn)) })
	both.Go(func() { pour(server.(*net.TCPConn), client) })
	both.Wait()
}

// pour copies one direction; its end is told, and a broken one ends both.
func pour(from, to *net.TCPConn) {
	if _, err := io.Copy(to, from); err != nil {
		_ = from.Close()
		_ = to.Close()
		return
	}
	_ = to.CloseWrite()
}

// receive keeps one socket for each client, for as long as it is used.
func (f *forwarder) receive(socket *net.UDPConn) {
	sessions := sync.Map{}
	buffer := make([]byte, 64<<10)
	for {
		length, client, err := socket.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return
		}
		session, found := sessions.Load(client)
		if !found {
			target, any := f.any()
			if !any {
				continue
			}
			opened, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(target))
			if err != nil {
				continue
			}
			sessions.Store(client, opened)
			session = opened
			go func() {
				reply(socket, opened, client)
				sessions.Delete(client)
			}()
		}
		_, _ = session.(*net.UDPConn).Write(buffer[:length])
	}
}

// reply returns what comes back, until nothing does for a while.
func reply(socket, session *net.UDPConn, client netip.AddrPort) {
	defer session.Close()
	buffer := make([]byte, 64<<10)
	for {
		_ = session.SetReadDeadline(time.Now().Add(idle))
		length, err := session.Read(buffer)
		if err != nil {
			return
		}
		if _, err := socket.WriteToUDPAddrPort(buffer[:length], client); err != nil {
			return
		}
	}
}

// idle is how long a session of datagrams may be silent.
const idle = time.Minute

package balancer

import (
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
)

func TestConnectionsReachATarget(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		for {
			connection, err := server.Accept()
			if err != nil {
				return
			}
			// Answers only when the client has said everything.
			heard, _ := io.ReadAll(connection)
			_, _ = connection.Write(append([]byte("heard "), heard...))
			_ = connection.Close()
		}
	}()
	forwarder, address := forwarding(t, v1.ProtocolTCP, server.Addr().String())

	if answer := ask(t, address); answer != "heard hello" {
		t.Errorf("%q", answer)
	}
	forwarder.send(nil)
	if answer := ask(t, address); answer != "" {
		t.Errorf("%q from nobody", answer)
	}
}

func TestDatagramsComeBack(t *testing.T) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		buffer := make([]byte, 100)
		for {
			length, client, err := server.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = server.WriteTo(append([]byte("heard "), buffer[:length]...), client)
		}
	}()
	_, address := forwarding(t, v1.ProtocolUDP, server.LocalAddr().String())

	client, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	_ = client.SetDeadline(time.Now().Add(10 * time.Second))
	for range 2 {
		if _, err := client.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 100)
		length, err := client.Read(buffer)
		if err != nil || string(buffer[:length]) != "heard hello" {
			t.Errorf("%q, %v", buffer[:length], err)
		}
	}
}

func TestOtherProtocolsAreRefused(t *testing.T) {
	if _, err := forward(Frontend{v1.ProtocolSCTP, at("127.0.0.1:0")}, nil); err == nil {
		t.Error("it listens")
	}
}

func forwarding(t *testing.T, protocol v1.Protocol, target string) (*forwarder, string) {
	t.Helper()
	forwarder, err := forward(Frontend{protocol, at("127.0.0.1:0")}, []netip.AddrPort{at(target)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(forwarder.close)
	switch socket := forwarder.socket.(type) {
	case *net.TCPListener:
		return forwarder, socket.Addr().String()
	default:
		return forwarder, socket.(*net.UDPConn).LocalAddr().String()
	}
}

func ask(t *testing.T, address string) string {
	t.Helper()
	client, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	_, _ = client.Write([]byte("hello"))
	_ = client.(*net.TCPConn).CloseWrite()
	answer, _ := io.ReadAll(client)
	return string(answer)
}

package main

import (
	"crypto/tls"
	"crypto/x509"
	"net/netip"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

func TestServersAndClientsBelieveEachOther(t *testing.T) {
	files := made(t)
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(files["ca.crt"])

	for _, test := range []struct {
		file, host string
		usage      x509.ExtKeyUsage
		good       bool
	}{
		{"api-server", "127.0.0.1", x509.ExtKeyUsageServerAuth, true},
		{"api-server", "fd00::1", x509.ExtKeyUsageServerAuth, true},
		{"api-server", "kubernetes.default.svc", x509.ExtKeyUsageServerAuth, true},
		{"api-server", "127.0.0.2", x509.ExtKeyUsageServerAuth, false},
		{"node", "127.0.0.1", x509.ExtKeyUsageServerAuth, true},
		{"kubelet-client", "", x509.ExtKeyUsageClientAuth, true},
		{"kubelet-client", "", x509.ExtKeyUsageServerAuth, false},
	} {
		pair, err := tls.X509KeyPair(files[test.file+".crt"], files[test.file+".key"])
		if err != nil {
			t.Fatal(test.file, err)
		}
		certificate, err := x509.ParseCertificate(pair.Certificate[0])
		if err != nil {
			t.Fatal(test.file, err)
		}
		_, err = certificate.Verify(x509.VerifyOptions{
			Roots:     authorities,
			DNSName:   test.host,
			KeyUsages: []x509.ExtKeyUsage{test.usage},
		})
		if (err == nil) != test.good {
			t.Errorf("%s for %q: %v", test.file, test.host, err)
		}
	}
}

func TestKubeconfigsLeadToTheServer(t *testing.T) {
	files := made(t)

	found := 0
	for name, content := range files {
		if !strings.HasSuffix(name, ".kubeconfig") {
			continue
		}
		found++
		config, err := clientcmd.RESTConfigFromKubeConfig(content)
		if err != nil {
			t.Fatal(name, err)
		}
		if config.Host != "https://127.0.0.1:6443" {
			t.Errorf("%s: %s", name, config.Host)
		}
		if _, err := tls.X509KeyPair(config.CertData, config.KeyData); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if found != 3 {
		t.Errorf("%d kubeconfigs", found)
	}
}

func TestHostsThatAreNoAddressesAreRefused(t *testing.T) {
	if _, err := parse([]string{"127.0.0.1", "localhost"}); err == nil {
		t.Error("a name was read as an address")
	}
}

func made(t *testing.T) map[string][]byte {
	t.Helper()
	authority, err := newAuthority()
	if err != nil {
		t.Fatal(err)
	}
	addresses := []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("fd00::1")}
	files, err := everything(authority, "127.0.0.1:6443", addresses)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

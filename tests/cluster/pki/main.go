// Command pki makes the keys and certificates of a cluster, and the kubeconfigs of its parts.
//
// usage: pki FOLDER SERVER ADDRESS…
//
// SERVER is the address and port at which the parts of the cluster find the API server.
// The certificates of the API server and of the node are good for every ADDRESS.
// Everything is valid for a year, and nothing is made again by a second run: keys
// differ every time.
package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: pki FOLDER SERVER ADDRESS…")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, "pki:", err)
		os.Exit(1)
	}
}

func run(folder, server string, hosts []string) error {
	addresses, err := parse(hosts)
	if err != nil {
		return err
	}
	authority, err := newAuthority()
	if err != nil {
		return err
	}
	files, err := everything(authority, server, addresses)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func parse(hosts []string) ([]netip.Addr, error) {
	addresses := make([]netip.Addr, 0, len(hosts))
	for _, host := range hosts {
		address, err := netip.ParseAddr(host)
		if err != nil {
			return nil, err
		}
		addresses = append(addresses, address)
	}
	return addresses, nil
}

// everything is what the folder holds in the end, by file name.
func everything(authority *authority, server string, addresses []netip.Addr) (map[string][]byte, error) {
	files := map[string][]byte{"ca.crt": authority.pem}
	for _, subject := range subjects(addresses) {
		pair, err := authority.issue(subject)
		if err != nil {
			return nil, err
		}
		if subject.kubeconfig != "" {
			files[subject.kubeconfig] = kubeconfig(server, authority.pem, pair)
			continue
		}
		files[subject.file+".crt"] = pair.certificate
		files[subject.file+".key"] = pair.key
	}

	private, public, err := signingKey()
	if err != nil {
		return nil, err
	}
	files["service-account.key"] = private
	files["service-account.pub"] = public
	return files, nil
}

// subjects are the parts of a cluster that have to show who they are.
func subjects(addresses []netip.Addr) []subject {
	names := []string{
		"localhost",
		"kubernetes",
		"kubernetes.default",
		"kubernetes.default.svc",
		"kubernetes.default.svc.cluster.local",
	}
	return []subject{
		{name: "kube-apiserver", file: "api-server", names: names, addresses: addresses},
		{name: "node", file: "node", names: []string{"node"}, addresses: addresses},
		{name: "kube-apiserver-kubelet-client", file: "kubelet-client"},
		{name: "admin", groups: []string{admins}, kubeconfig: "admin.kubeconfig"},
		{name: "node", groups: []string{admins}, kubeconfig: "node.kubeconfig"},
		{name: "system:kube-controller-manager", kubeconfig: "controller-manager.kubeconfig"},
	}
}

// admins is the group whose members may do everything.
const admins = "system:masters"

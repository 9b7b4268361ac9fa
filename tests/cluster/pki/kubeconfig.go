package main

import (
	"encoding/base64"
	"fmt"
)

// kubeconfig is that of one user, who shows a certificate to the API server at server.
func kubeconfig(server string, authority []byte, user pair) []byte {
	encode := base64.StdEncoding.EncodeToString
	return fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters:
- name: cluster
  cluster:
    server: https://%s
    certificate-authority-data: %s
users:
- name: user
  user:
    client-certificate-data: %s
    client-key-data: %s
contexts:
- name: cluster
  context: {cluster: cluster, user: user}
current-context: cluster
`, server, encode(authority), encode(user.certificate), encode(user.key))
}

// Package kubelet answers what the API server asks a node.
package kubelet

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"os"
	"time"

	"gateway.test/cluster/node/logs"
)

// Logs finds the log of a container of a pod that is here.
type Logs func(namespace, pod, container string) (*logs.Log, bool)

// Files are the names of a server's key and certificate, and of the authority whose
// clients it answers.
type Files struct {
	Certificate, Key, Authority string
}

// Serve answers at an address until it fails.
func Serve(address string, files Files, find Logs) error {
	pair, err := tls.LoadX509KeyPair(files.Certificate, files.Key)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(files.Authority)
	if err != nil {
		return err
	}
	authority := x509.NewCertPool()
	if !authority.AppendCertsFromPEM(text) {
		return errors.New("no certificate in " + files.Authority)
	}
	server := &http.Server{
		Addr:              address,
		Handler:           Handler(find),
		ReadHeaderTimeout: 10 * time.Second,
		TLSConfig: &tls.Config{
			Certificates: []tls.Certificate{pair},
			ClientAuth:   tls.RequireAndVerifyClientCert,
			ClientCAs:    authority,
		},
	}
	return server.ListenAndServeTLS("", "")
}

// Handler has the one path that clients of pods/log need.
func Handler(find Logs) http.Handler {
	paths := http.NewServeMux()
	paths.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", func(answer http.ResponseWriter, request *http.Request) {
		log, found := find(request.PathValue("namespace"), request.PathValue("pod"), request.PathValue("container"))
		if !found {
			http.NotFound(answer, request)
			return
		}
		choice, err := logs.ParseChoice(request.URL.Query(), time.Now())
		if err != nil {
			http.Error(answer, err.Error(), http.StatusBadRequest)
			return
		}
		answer.Header().Set("content-type", "text/plain")
		show(answer, request, log, choice)
	})
	return paths
}

// show writes what was chosen of a log, and what is printed later if it is followed.
func show(answer http.ResponseWriter, request *http.Request, log *logs.Log, choice logs.Choice) {
	var read int64
	for {
		lines, more, err := log.Next(read)
		if err != nil {
			http.Error(answer, err.Error(), http.StatusInternalServerError)
			return
		}
		read += int64(len(lines))
		chosen := choice.Of(lines)
		choice = choice.Rest(chosen)
		if _, err := answer.Write(chosen); err != nil || !choice.Follow || more == nil || choice.Limit == 0 {
			return
		}
		_ = http.NewResponseController(answer).Flush()
		select {
		case <-request.Context().Done():
			return
		case <-more:
		}
	}
}

package containers

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Judge counts results of a probe and says what they mean together.
type Judge struct {
	probe     *v1.Probe
	successes int32
	failures  int32
}

// Verdict is good or bad once a probe has said so often enough, and open before.
type Verdict int

// The verdicts.
const (
	Open Verdict = iota
	Good
	Bad
)

// NewJudge judges by the thresholds of a probe.
func NewJudge(probe *v1.Probe) *Judge {
	return &Judge{probe: probe}
}

// Hear takes one more result.
func (j *Judge) Hear(good bool) Verdict {
	if good {
		j.successes, j.failures = j.successes+1, 0
	} else {
		j.successes, j.failures = 0, j.failures+1
	}
	switch {
	case j.successes >= max(j.probe.SuccessThreshold, 1):
		return Good
	case j.failures >= max(j.probe.FailureThreshold, 1):
		return Bad
	default:
		return Open
	}
}

// Follow tries a probe as often as it says, until the context ends, and tells every
// verdict.
func Follow(ctx context.Context, probe *v1.Probe, container *v1.Container, address string, tell func(Verdict)) {
	judge := NewJudge(probe)
	wait := time.NewTimer(seconds(probe.InitialDelaySeconds))
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		}
		verdict := judge.Hear(try(ctx, probe, container, address) == nil)
		if ctx.Err() != nil {
			return
		}
		if verdict != Open {
			tell(verdict)
		}
		wait.Reset(seconds(max(probe.PeriodSeconds, 1)))
	}
}

// try is one attempt.
func try(ctx context.Context, probe *v1.Probe, container *v1.Container, address string) error {
	ctx, cancel := context.WithTimeout(ctx, seconds(max(probe.TimeoutSeconds, 1)))
	defer cancel()
	switch {
	case probe.HTTPGet != nil:
		return get(ctx, probe.HTTPGet, container, address)
	case probe.TCPSocket != nil:
		port, err := portOf(probe.TCPSocket.Port, container)
		if err != nil {
			return err
		}
		connection, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(address, port))
		if err != nil {
			return err
		}
		return connection.Close()
	default:
		return errors.New("a probe of this kind is not known here")
	}
}

func get(ctx context.Context, action *v1.HTTPGetAction, container *v1.Container, address string) error {
	port, err := portOf(action.Port, container)
	if err != nil {
		return err
	}
	if action.Host != "" {
		address = action.Host
	}
	scheme := strings.ToLower(string(action.Scheme))
	if scheme == "" {
		scheme = "http"
	}
	url := scheme + "://" + net.JoinHostPort(address, port) + "/" + strings.TrimPrefix(action.Path, "/")
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	for _, header := range action.HTTPHeaders {
		request.Header.Add(header.Name, header.Value)
		if strings.EqualFold(header.Name, "host") {
			request.Host = header.Value
		}
	}
	response, err := prober.Do(request)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode < 200 || response.StatusCode >= 400 {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	return nil
}

// portOf is a port by its number, or by the name it has in the container.
func portOf(port intstr.IntOrString, container *v1.Container) (string, error) {
	if port.Type == intstr.Int {
		return strconv.Itoa(port.IntValue()), nil
	}
	for _, named := range container.Ports {
		if named.Name == port.StrVal {
			return strconv.Itoa(int(named.ContainerPort)), nil
		}
	}
	return "", fmt.Errorf("no port is named %s", port.StrVal)
}

func seconds(count int32) time.Duration {
	return time.Duration(count) * time.Second
}

// prober does what a kubelet does: no certificate is believed or doubted, and a redirect
// is an answer.
var prober = &http.Client{
	Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
	},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

package kubelet

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"gateway.test/cluster/node/logs"
)

func TestLogsAreShown(t *testing.T) {
	server, log := served(t)
	if _, err := log.Write([]byte("one\ntwo\n")); err != nil {
		t.Fatal(err)
	}

	for path, expected := range map[string]string{
		"/containerLogs/here/pod/main":             "one\ntwo\n",
		"/containerLogs/here/pod/main?tailLines=1": "two\n",
	} {
		if status, body := get(t, server.URL+path); status != http.StatusOK || body != expected {
			t.Errorf("%s: %d, %q", path, status, body)
		}
	}
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	server, _ := served(t)
	for path, expected := range map[string]int{
		"/containerLogs/here/pod/other":                 http.StatusNotFound,
		"/containerLogs/here/other/main":                http.StatusNotFound,
		"/containerLogs/here/pod/main?tailLines=many":   http.StatusBadRequest,
		"/exec/here/pod/main":                           http.StatusNotFound,
		"/containerLogs/here/pod/main?sinceTime=always": http.StatusBadRequest,
	} {
		if status, _ := get(t, server.URL+path); status != expected {
			t.Errorf("%s: %d", path, status)
		}
	}
}

func TestALogIsFollowedToItsEnd(t *testing.T) {
	server, log := served(t)
	response, err := http.Get(server.URL + "/containerLogs/here/pod/main?follow=true")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewReader(response.Body)
	for _, line := range []string{"one\n", "two\n"} {
		if _, err := log.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
		if read, err := lines.ReadString('\n'); read != line || err != nil {
			t.Fatalf("%q, %v", read, err)
		}
	}
	log.Close()

	if rest, err := io.ReadAll(lines); len(rest) > 0 || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
}

func served(t *testing.T) (*httptest.Server, *logs.Log) {
	t.Helper()
	log, err := logs.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(Handler(func(namespace, pod, container string) (*logs.Log, bool) {
		return log, namespace == "here" && pod == "pod" && container == "main"
	}))
	t.Cleanup(server.Close)
	return server, log
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

package logs

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestALogIsReadAsItWasPrinted(t *testing.T) {
	log := created(t)
	for _, printed := range []string{"one\ntw", "o\n", "", "three\nfo", "ur"} {
		if n, err := log.Write([]byte(printed)); n != len(printed) || err != nil {
			t.Fatal(n, err)
		}
	}

	if text := all(t, log, "one"); text != "one\ntwo\nthree\n" {
		t.Errorf("%q", text)
	}
	if err := log.Flush(); err != nil {
		t.Fatal(err)
	}
	if text := all(t, log, "one"); text != "one\ntwo\nthree\nfour\n" {
		t.Errorf("%q", text)
	}
}

func TestWhoFollowsIsWoken(t *testing.T) {
	log := created(t)
	_, more, err := log.Next(0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := log.Write([]byte("one\n")); err != nil {
		t.Fatal(err)
	}

	<-more
	log.Close()
	if text, more, _ := log.Next(0); more != nil || !strings.HasSuffix(string(text), " one\n") {
		t.Errorf("%q and more", text)
	}
}

func TestChoices(t *testing.T) {
	noon := time.Date(2020, 1, 1, 12, 0, 0, 0, time.UTC)
	lines := "2020-01-01T11:59:58.000000000Z one\n" +
		"2020-01-01T11:59:59.500000000Z two\n" +
		"2020-01-01T12:00:00.000000001Z three\n"
	for _, test := range []struct{ query, chosen string }{
		{"", "one\ntwo\nthree\n"},
		{"sinceTime=2020-01-01T11:59:59Z", "two\nthree\n"},
		{"sinceTime=2020-01-01T13:59:59%2B02:00", "two\nthree\n"},
		{"sinceSeconds=1", "two\nthree\n"},
		{"sinceSeconds=0", "three\n"},
		{"tailLines=1", "three\n"},
		{"tailLines=0", ""},
		{"tailLines=9", "one\ntwo\nthree\n"},
		{"limitBytes=5", "one\nt"},
		{"tailLines=1&timestamps=true", "2020-01-01T12:00:00.000000001Z three\n"},
	} {
		query, err := url.ParseQuery(test.query)
		if err != nil {
			t.Fatal(err)
		}
		choice, err := ParseChoice(query, noon)
		if err != nil {
			t.Fatal(test.query, err)
		}
		if chosen := string(choice.Of([]byte(lines))); chosen != test.chosen {
			t.Errorf("%s: %q", test.query, chosen)
		}
	}
}

func TestWhatCannotBeReadIsNoChoice(t *testing.T) {
	for _, key := range []string{"sinceTime", "sinceSeconds", "tailLines", "limitBytes"} {
		if _, err := ParseChoice(url.Values{key: {"some"}}, time.Time{}); err == nil {
			t.Error(key)
		}
	}
}

func created(t *testing.T) *Log {
	t.Helper()
	log, err := Create(filepath.Join(t.TempDir(), "pod", "container.log"))
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func all(t *testing.T, log *Log, what string) string {
	t.Helper()
	text, _, err := log.Next(0)
	if err != nil {
		t.Fatal(what, err)
	}
	return string(Choice{Tail: -1, Limit: -1}.Of(text))
}
